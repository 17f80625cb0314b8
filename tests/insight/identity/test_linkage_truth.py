"""Exact keys on public data with known truth: nobody is wrongly linked; how many are found is stated as measured."""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest
from tests.insight.delivery import Row
from tests.insight.identity.bank import Bank, party

from cultiva.definitions.sources import Identity, MatchRule
from cultiva.engine.port import Engine

pytestmark = pytest.mark.data

DATA = Path(os.environ.get("CULTIVA_DATA", Path(__file__).parents[4] / "shared" / "data"))
IDENTITY = Identity(
    rules=(
        MatchRule(name="id_number", on=("id_number_hash",)),
        MatchRule(name="email", on=("email",)),
        MatchRule(name="birth_and_postcode", on=("birth_date", "address")),
        MatchRule(name="name_and_birth", on=("name", "birth_date")),
    ),
    conflicts=(),
)
CAREFUL = IDENTITY.model_copy(update={"conflicts": ("id_number_hash", "birth_date")})


@dataclass(frozen=True)
class Quality:
    """Pairs of records that are one person, found and true."""

    precision: float
    recall: float


def pairs(groups: Iterable[object]) -> int:
    return sum(size * (size - 1) // 2 for size in Counter(groups).values())


def quality(bank: Bank, records: list[Row], truth: dict[str, str]) -> Quality:
    bank.run(records, day=0)
    ids = bank.ids()
    both = pairs((ids[source_id], person) for source_id, person in truth.items())
    return Quality(precision=both / pairs(ids.values()), recall=both / pairs(truth.values()))


def rows_of(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [dict(row) for row in csv.DictReader(lines, skipinitialspace=True)]


def day(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007
    except ValueError:
        return None


def febrl(number: int) -> tuple[list[Row], dict[str, str]]:
    rows = rows_of(DATA / "febrl" / f"dataset{number}.csv.gz")
    records = [
        party(
            "febrl",
            row["rec_id"],
            id_number_hash=row["soc_sec_id"],
            name=f"{row['given_name']} {row['surname']}",
            birth_date=day(row["date_of_birth"], "%Y%m%d"),
            address=row["postcode"],
        )
        for row in rows
    ]
    return records, {row["rec_id"]: row["rec_id"].split("-")[1] for row in rows}


def fake_1000() -> tuple[list[Row], dict[str, str]]:
    rows = rows_of(DATA / "splink_linkage" / "fake_1000.csv.gz")
    records = [
        party(
            "fake",
            row["unique_id"],
            name=f"{row['first_name']} {row['surname']}",
            birth_date=day(row["dob"], "%Y-%m-%d"),
            email=row["email"],
            address=row["city"],
        )
        for row in rows
    ]
    return records, {row["unique_id"]: row["cluster"] for row in rows}


@pytest.fixture
def bank(duckdb_engine: Engine, tmp_path: Path) -> Bank:
    return Bank(duckdb_engine, tmp_path)


@pytest.mark.parametrize(("number", "recall"), [(1, 0.978), (2, 0.983), (3, 0.981)])
def test_exact_keys_find_most_of_febrl_and_nobody_else(bank: Bank, number: int, recall: float) -> None:
    bank.identity = IDENTITY
    found = quality(bank, *febrl(number))
    assert found.precision == 1
    assert found.recall == pytest.approx(recall, abs=0.001)


@pytest.mark.parametrize(("number", "recall"), [(1, 0.854), (2, 0.797), (3, 0.788)])
def test_conflicts_cost_recall_where_ids_are_mistyped(bank: Bank, number: int, recall: float) -> None:
    bank.identity = CAREFUL
    found = quality(bank, *febrl(number))
    assert found.precision == 1
    assert found.recall == pytest.approx(recall, abs=0.001)


def test_exact_keys_on_fake_1000(bank: Bank) -> None:
    bank.identity = IDENTITY
    found = quality(bank, *fake_1000())
    assert found.precision == pytest.approx(0.998, abs=0.001)
    assert found.recall == pytest.approx(0.551, abs=0.001)


def test_conflicts_cost_more_recall_on_fake_1000(bank: Bank) -> None:
    bank.identity = CAREFUL
    found = quality(bank, *fake_1000())
    assert found.precision == pytest.approx(0.997, abs=0.001)
    assert found.recall == pytest.approx(0.302, abs=0.001)
