"""The numbers in the Berka guide's tables are those of an independent calculation from the raw files."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest
from tests.stories.berka_oracle import BerkaFacts, berka_facts

pytestmark = pytest.mark.data

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CULTIVA_DATA", ROOT.parent / "shared" / "data")) / "berka"
GUIDE = (ROOT / "docs" / "guides" / "berka.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def oracle() -> BerkaFacts:
    if not DATA.exists():
        pytest.skip(f"the public data sets are not at {DATA}")
    return berka_facts(DATA, date(1994, 3, 30))


def cells(first: str) -> list[str]:
    """The other cells of the table row that begins so, without the empty ones."""
    found = re.search(rf"^\| {re.escape(first)} \|(.*)\|$", GUIDE, re.MULTILINE)
    assert found, f"the guide has no row '{first}'"
    return [cell.strip() for cell in found[1].split("|") if cell.strip()]


def test_stages(oracle: BerkaFacts) -> None:
    stages = ("prospect", "first_contact", "honeymoon", "growing", "mature", "at_risk", "dormant")
    said = {name: cells(name.replace("_", " ")) for name in stages}
    assert said == {name: [f"{oracle.stages.get(name, 0):,}"] for name in stages}


def test_groups(oracle: BerkaFacts) -> None:
    assert {name: cells(name) for name in oracle.segments} == {
        name: [f"{count:,}"] for name, count in oracle.segments.items()
    }


def test_what_was_read(oracle: BerkaFacts) -> None:
    rows, sums = oracle.rows, oracle.sums
    assert cells("parties") == [f"{rows['party']:,}"]
    assert cells("movements in") == [f"{sums['money_in']:,}"]
    assert cells("movements out") == [f"{sums['money_out']:,}"]
    assert cells("movements together") == [f"{rows['transaction']:,}", f"{sums['money_in'] - sums['money_out']:,}"]
    assert cells("balances at the end of the day, all accounts") == [f"{sums['deposits']:,}"]
    assert cells("granted on loans") == [f"{rows['loans_open']:,}", f"{sums['loans_granted']:,}"]
    assert cells("owed on loans, by the rule above") == [f"{sums['loans_owed']:,}"]
    opened = ", ".join(f"{rows[name]:,}" for name in ("accounts_open", "loans_open", "cards_open"))
    assert cells("accounts opened, loans granted, cards issued (together 1,272 accounts)") == [opened]
