"""The benchmark of all worlds goes on where it stopped, on the source that it began with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmarks.harness import Measured

from benchmarks import worlds


class Flights:
    """Stands for the command `cultiva simulate`; fails at one world."""

    def __init__(self) -> None:
        self.flown: list[tuple[str, str]] = []
        self.fails = ""
        self.env: Mapping[str, str] = {}

    def __call__(self, command: Sequence[str], *, env: Mapping[str, str]) -> Measured:
        world, policy = command[2], command[4]
        if world == self.fails:
            raise RuntimeError("killed")
        self.flown.append((world, policy))
        self.env = env
        assert command[command.index("--weeks") + 1] == "3"
        net = {"oracle": 30.0, "loop": 20.0}.get(policy, 10.0)
        row = {"low": -1.0, "high": 1.0, "truth": 0.5}
        found: dict[str, Any] = {"net": net, "touches": 5, "opt_outs": 1, "strategies": [row]}
        late = {"oracle": 4.0, "loop": 3.5}.get(policy, 1.0)
        found["weeks"] = [{"incremental": 0.0, "cost": 9.0}] + 4 * [{"incremental": late + 1, "cost": 1.0}]
        return Measured(2.0, 2.0, 0.1, json.dumps({"flights": [found]}))


@pytest.fixture
def flights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flights:
    flights = Flights()
    monkeypatch.setattr(worlds, "measure", flights)
    monkeypatch.setattr(worlds, "DATA", tmp_path)
    return flights


def test_a_killed_benchmark_flies_only_what_is_missing(flights: Flights, tmp_path: Path) -> None:
    flights.fails = "strong_referral"
    with pytest.raises(RuntimeError, match="killed"):
        worlds.run("2k:3")
    first = set(flights.flown)
    source = tmp_path / "worlds-2k-3w" / "src"
    flights.fails, flights.flown = "", []
    found = worlds.run("2k:3")
    assert flights.env["PYTHONPATH"] == str(source)
    assert {policy for _, policy in flights.flown} == set(worlds.POLICIES)
    assert not first & set(flights.flown)
    rows = {row["world"]: row for row in found["rows"]}
    assert {"strong_referral", "strong_fatigue", "ordinary"} <= rows.keys()
    assert rows["ordinary"]["regret of the loop"] == "10"
    assert rows["ordinary"]["loop, share of the oracle"] == "67%"
    assert rows["ordinary"]["loop, share in the last 4 weeks"] == "88%"
    assert rows["ordinary"]["loop / propensity"] == "2.0"
    assert (found["weeks"], found["customers"]) == (3, 2000)
    assert not (tmp_path / "worlds-2k-3w").exists(), "the next benchmark begins anew"


def test_the_source_of_the_first_attempt_is_flown(flights: Flights, tmp_path: Path) -> None:
    begun = tmp_path / "worlds-2k-3w" / "src" / "cultiva" / "__init__.py"
    begun.parent.mkdir(parents=True)
    begun.write_text("# as it was\n", encoding="utf-8")
    flights.fails = "strong_referral"
    with pytest.raises(RuntimeError, match="killed"):
        worlds.run("2k:3")
    assert begun.read_text(encoding="utf-8") == "# as it was\n"
