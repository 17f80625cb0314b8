"""Parity: with the night's own profile a live decision is the night's, candidate by candidate, number by number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.strategy.live.bank import Night, decide, learnt_of_touches, night, paper_of, people, space

from cultiva.contracts.decision import Decision, Fate
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.review import Ramp
from cultiva.definitions.workspace import Workspace
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
CHOICE = ("fate", "exposed", "decided_by", "decided_value")
"""What a tie between sets of candidates decides: two of a customer may swap their channels, and nothing is lost."""
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


def gained(decisions: pl.DataFrame) -> dict[int, float]:
    """What each customer's chosen candidates bring, where they bring something."""
    chosen = decisions.filter((pl.col("fate") == "chosen") & (pl.col("worth") > 0))
    return dict(chosen.group_by("customer_id").agg(pl.col("worth").sum()).iter_rows())


def with_costs(made: Workspace, ramp: Ramp) -> Workspace:
    """The workspace with a ramp, and with hopes and costs of which no two are alike: ties are broken otherwise live."""
    hopes = {name: one.model_copy(update={"prior_worth": 2.0 + 0.7 * place})
             for place, (name, one) in enumerate(made.offers.items())}  # fmt: skip
    channels = tuple(
        one.model_copy(update={"unit_cost": 0.3 * (place + 1)}) for place, one in enumerate(made.policy.channels)
    )
    policy = made.policy.model_copy(update={"channels": channels})
    return replace(made, offers=hopes, policy=policy, review=made.review.model_copy(update={"ramp": ramp}))


@pytest.mark.parametrize("models", [False, True], ids=["by_touch", "models"])
def test_touches_that_begin_on_a_ramp_are_weighed_alike(duckdb_engine: Engine, tmp_path: Path, models: bool) -> None:
    """Every open offer and channel is a candidate; what explores is drawn, and what has ended is explored less."""
    ramped = with_costs(space(), Ramp(trust=dict.fromkeys(OfferKind, 0.3), people=200))
    known = night(duckdb_engine, tmp_path, ramped, people(250), models=models, known=learnt_of_touches())
    count, wrong, live = compared(known)
    wrong = [one for one in wrong if one[1] not in CHOICE]
    assert wrong == [], f"{len(wrong)} differences, e.g. {wrong[:20]}"
    assert gained(live) == pytest.approx(gained(known.decisions))
    assert count > 600
    assert known.decisions.filter(pl.col("decided_by") == "drawn").height > 5
    assert known.decisions.filter(pl.col("decided_by") == "ramp:a").height > 10


@pytest.mark.parametrize("models", [False, True], ids=["prior_and_learnt", "models"])
def test_every_customers_live_decisions_are_the_nights(duckdb_engine: Engine, tmp_path: Path, models: bool) -> None:
    known = night(duckdb_engine, tmp_path, space(), people(400), models=models)
    count, wrong, _ = compared(known)
    fates = set(known.decisions["fate"])
    assert {one.value for one in Fate} - fates <= {"no_capacity"}, "every fate that needs no other customer is there"
    assert wrong == [], f"{len(wrong)} differences, e.g. {wrong[:20]}"
    assert count > 1000
