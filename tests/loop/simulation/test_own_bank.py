"""A workspace's strategies flown on a bank like its own: from its run to the forecast."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.commands import Printed, done

from cultiva.simbank.archetypes import ARCHETYPES
from cultiva.simbank.mix import USUAL_SHARES, Mix
from cultiva.simbank.service import found_bank

DAY = date(2024, 6, 28)
SILVER = [kind.name for kind in ARCHETYPES].index("silver")


@dataclass(frozen=True)
class Flown:
    """A workspace and its flights."""

    root: Path
    folder: Path
    first: Printed

    def again(self, *more: object) -> Printed:
        """The same flights, told once more."""
        return simulate(self.root, self.folder, *more)


def simulate(root: Path, folder: Path, *more: object) -> Printed:
    sizes = ("--weeks", 1, "--customers", 1_000)
    return done("simulate", "ordinary", "--strategies", root, "--folder", folder, *sizes, *more)


def changed_pack(root: Path) -> Path:
    """The starter pack in English, with one strategy renamed and confined to the app."""
    done("init", root)
    settings = root / "cultiva.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"zh"', '"en"'), encoding="utf-8")
    path = root / "strategies" / "relationship.yaml"
    text = path.read_text(encoding="utf-8")
    start = text.index("- name: dormant_wake_up")
    wake_up = text[start:].replace("en: Dormant wake-up", "en: Good morning", 1)
    path.write_text(text[:start] + wake_up.replace("channels: [sms, app]", "channels: [app]", 1), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Flown:
    """Two flights for a bank of pensioners, three times as rich as usual, which has been run once."""
    folder = tmp_path_factory.mktemp("own_bank")
    shares = np.array(USUAL_SHARES)
    shares[SILVER] = 1.0
    mix = Mix(tuple(shares / shares.sum()), wealth=3.0)
    bank = found_bank(
        folder / "bank", "ordinary", customers=1_500, seed=8, first_day=DAY, offers=(), channels=(), strategies=(),
        mix=mix,
    )  # fmt: skip
    root = changed_pack(folder / "mybank")
    done("run", root, "--date", DAY, "--set", f"data={bank.delivery(DAY)}")
    return Flown(root, folder / "flights", simulate(root, folder / "flights", "--seeds", 2))


@pytest.mark.slow
def test_the_first_table_says_how_alike_the_banks_are(flown: Flown) -> None:
    lines = flown.first.out.splitlines()
    assert lines[0] == "how alike the simulated bank is"
    like = json.loads(flown.again("--seeds", 2, "--json").out)["likeness"]
    own, simulated = like["own"], like["simulated"]
    assert like["mix"]["shares"][SILVER] > 0.4
    assert own["shares"]["age_60"] > 0.5
    assert simulated["shares"]["age_60"] == pytest.approx(own["shares"]["age_60"], abs=0.06)
    assert simulated["aum"] == pytest.approx(own["aum"], rel=0.25)
    assert own["on"] == simulated["on"] == DAY.isoformat()
    shown = next(line for line in lines if line.startswith("persons aged 60 and older"))
    assert f"{own['shares']['age_60']:.1%}" in shown
    assert f"{simulated['shares']['age_60']:.1%}" in shown


@pytest.mark.slow
def test_the_forecast_is_of_the_changed_strategy_with_its_spread(flown: Flown) -> None:
    out = flown.first.out
    start = out.index("forecast of 1 week: Good morning")
    sheet = out[start : out.index("\n\n", start)].splitlines()
    assert sheet[1].split("  ")[0] == "measure"
    assert "lowest" in sheet[1]
    assert "for the own bank" in sheet[1]
    assert [line.split("  ")[0] for line in sheet if line.startswith("touches by")] == ["touches by app"]
    flights: list[dict[str, Any]] = json.loads(flown.again("--seeds", 2, "--json").out)["flights"]
    assert [one["seed"] for one in flights] == [1, 2]
    asked = [sum(row["touches"] for row in one["volumes"]) for one in flights]
    assert asked == [one["proposals"] for one in flights]


@pytest.mark.slow
def test_a_flight_goes_on_with_the_likeness_that_it_began_with(flown: Flown) -> None:
    before = (flown.folder / "likeness.json").read_bytes()
    flown.again()
    assert (flown.folder / "likeness.json").read_bytes() == before


@pytest.mark.slow
def test_a_workspace_without_a_run_is_flown_on_the_usual_bank_and_says_so(tmp_path: Path) -> None:
    root = changed_pack(tmp_path / "mybank")
    printed = simulate(root, tmp_path / "flights")
    assert "how alike" not in printed.out
    assert "the workspace has not been run yet" in printed.out
    assert "forecast of 1 week: Good morning" in printed.out
    assert not (root / ".cultiva" / "store.db").exists()
