"""Parity: with the night's own profile a live decision is the night's, candidate by candidate, number by number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.strategy.live.bank import Night, decide, night, paper_of, people, space

from cultiva.contracts.decision import Decision, Fate
from cultiva.engine.port import Engine

EXACT = (
    "rank_value",
    "effect",
    "cost",
    "worth",
    "worth_by",
    "fate",
    "branch_id",
    "adviser_id",
    "ranked_by",
    "channel",
    "exposed",
)
"""Must be the same to the last digit."""
CLOSE = 1e-12
"""Of shares that are products of three others: relative."""
RIVALS = {Fate.OUTBID.value, Fate.NO_CAPACITY.value}
"""Fates whose reason names a rival: the night may name another one of the same customer."""


def compared(known: Night) -> tuple[int, list[tuple[Any, ...]], pl.DataFrame]:
    """Rows, differences, and the live decisions in the form of the night's."""
    desk, found = known.live(), []
    for one in known.people:
        decided = decide(desk, one)
        for place, candidate in enumerate(decided.candidates):
            told = desk.decision(candidate, decided, paper_of(one))
            exposed = any(candidate is other for other in decided.chosen) or place in decided.ghosts
            found.append(_row(told, exposed))
    live = {(row["customer_id"], row["strategy"], row["offer"], row["channel"]): row for row in found}
    night = {
        (row["customer_id"], row["strategy"], row["offer"], row["channel"]): row for row in known.decisions.to_dicts()
    }
    wrong: list[tuple[Any, ...]] = [("only at night", key, night[key]["fate"]) for key in night.keys() - live.keys()]
    wrong += [("only live", key, live[key]["fate"]) for key in live.keys() - night.keys()]
    for key in night.keys() & live.keys():
        wrong += [(key, *one) for one in _differences(night[key], live[key])]
    return len(night), wrong, pl.DataFrame(found)


def _row(told: Decision, exposed: bool) -> dict[str, Any]:
    names = ("customer_id", "strategy", "offer", "decided_by", "decided_value", "assigned_share", *EXACT)
    found = {name: getattr(told, name) for name in names if name != "exposed"}
    return {**found, "fate": told.fate.value, "exposed": exposed}


def _differences(night: dict[str, Any], live: dict[str, Any]) -> list[tuple[Any, ...]]:
    wrong = [(name, night[name], live[name]) for name in EXACT if night[name] != live[name]]
    if night["fate"] not in RIVALS or night["decided_by"] == "drawn":
        wrong += [
            (name, night[name], live[name]) for name in ("decided_by", "decided_value") if night[name] != live[name]
        ]
    if abs(night["assigned_share"] - live["assigned_share"]) > CLOSE:
        wrong.append(("assigned_share", night["assigned_share"], live["assigned_share"]))
    return wrong


@pytest.mark.parametrize("models", [False, True], ids=["prior_and_learnt", "models"])
def test_every_customers_live_decisions_are_the_nights(duckdb_engine: Engine, tmp_path: Path, models: bool) -> None:
    known = night(duckdb_engine, tmp_path, space(), people(400), models=models)
    count, wrong, _ = compared(known)
    fates = set(known.decisions["fate"])
    assert {one.value for one in Fate} - fates <= {"no_capacity"}, "every fate that needs no other customer is there"
    assert wrong == [], f"{len(wrong)} differences, e.g. {wrong[:20]}"
    assert count > 1000
