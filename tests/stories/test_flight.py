"""A flight of the loop against a simulated bank: killed and resumed it ends as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.servers.warm import Warm

WEEKS, CUSTOMERS = 1, 500
SECONDS = 400


def arguments(folder: Path, world: str, *more: str) -> list[str]:
    sizes = ["--weeks", str(WEEKS), "--customers", str(CUSTOMERS), "--folder", str(folder)]
    return ["simulate", world, *sizes, "--json", *more]


def flight(warm: Warm, folder: Path, world: str = "ordinary", *more: str) -> dict[str, Any]:
    command = [str(warm.path / "cultiva"), *arguments(folder, world, *more)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["flights"][0]
    return found


def kill_when(warm: Warm, folder: Path, path: Path) -> None:
    """Starts a flight and kills it as soon as a file or folder is there."""
    child = warm.begin(*arguments(folder, "ordinary"))
    until = time.monotonic() + SECONDS
    while not path.exists():
        assert child.poll() is None, "the flight ended before it could be killed"
        assert time.monotonic() < until, f"{path} never came"
        time.sleep(0.02)
    child.kill()
    child.wait()


@pytest.mark.slow
def test_a_killed_flight_goes_on_and_ends_as_an_undisturbed_one(warm: Warm, tmp_path: Path) -> None:
    calm, hurt = tmp_path / "calm", tmp_path / "hurt"
    expected = flight(warm, calm)
    bank, lake = hurt / "loop" / "bank", hurt / "loop" / "workspace" / ".cultiva" / "lake"
    for moment in (bank / "deliveries", lake / "profile", bank / "deliveries" / "1994-04-06"):
        kill_when(warm, hurt, moment)
    found = flight(warm, hurt)
    assert found == expected
    assert found["touches"] > 0
    assert len(found["weeks"]) == WEEKS


@pytest.mark.slow
def test_where_no_touch_has_an_effect_nothing_is_gained(warm: Warm, tmp_path: Path) -> None:
    found = flight(warm, tmp_path / "none", "no_effect")
    assert found["touches"] > 0
    assert found["incremental"] == pytest.approx(0.0, abs=1e-6)
    assert found["net"] == pytest.approx(-found["cost"])
    assert all(row["truth"] == pytest.approx(0.0, abs=1e-6) for row in found["strategies"])


@pytest.mark.slow
def test_nobody_is_touched_by_the_policy_that_leaves_everyone_alone(warm: Warm, tmp_path: Path) -> None:
    found = flight(warm, tmp_path / "alone", "ordinary", "--policy", "nobody")
    assert (found["touches"], found["cost"], found["incremental"]) == (0, 0, 0)


@pytest.mark.slow
def test_the_oracle_touches_only_where_it_gains(warm: Warm, tmp_path: Path) -> None:
    import polars as pl

    found = flight(warm, tmp_path / "oracle", "ordinary", "--policy", "oracle")
    lake = tmp_path / "oracle" / "oracle" / "workspace" / ".cultiva" / "lake"
    decided = pl.read_parquet(lake / "decisions" / "date=1994-03-30" / "*" / "*.parquet")
    worth = pl.read_parquet(lake / "worth" / "date=1994-03-30" / "*" / "*.parquet")
    chosen = decided.filter(pl.col("fate") == "chosen").join(worth, on=["customer_id", "strategy", "offer"])
    assert chosen.height > 0
    assert chosen["rank_value"].to_numpy() == pytest.approx(chosen["worth"].to_numpy())
    gains: Any = chosen["worth"].min()
    assert gains > 0
    assert found["policy"] == "oracle"
