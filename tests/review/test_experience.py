"""What models learn from, worked out by hand: one row per exposure of a strategy that leaves somebody alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
from tests.review.bank import DAY, WEEK, bank, brought, contact, decided, known, outcome
from tests.review.conftest import Story

from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine
from cultiva.review.experience import write_experience

FATES = {1: "chosen", 2: "held_out", 3: "held_out_global", 4: "chosen"}


def rows_of(engine: Engine, root: Path, space: Workspace) -> list[dict[str, object]]:
    story = Story(
        people=[known(n) for n in FATES],
        decisions=[decided(n, fate, assigned_share=0.25) for n, fate in FATES.items()],
        performance={
            DAY: [brought(n, DAY, 1e6) for n in FATES],
            DAY + WEEK: [brought(n, DAY + WEEK, n) for n in FATES],
        },
        contacts=[contact(1, DAY + timedelta(days=1)), contact(4, DAY + timedelta(days=1), "sms")],
        outcomes=[outcome(1, DAY + timedelta(days=3))],
    )
    inputs = story.inputs(engine, root, space)
    write_experience(engine, inputs, space, DAY + WEEK, root / "experience")
    return pl.read_parquet(part_files([root / "experience"])).to_dicts()


def test_a_row_has_the_side_its_odds_and_what_came_of_it(engine: Engine, tmp_path: Path) -> None:
    found = rows_of(engine, tmp_path, bank())
    assert [row["customer_id"] for row in found] == [1, 2, 4], "nobody held out from everything"
    assert {row["strategy"] for row in found} == {"a"}, "neither the programme nor slices"
    first, second, fourth = found
    assert first | {"enrolled_on": DAY} == {
        "strategy": "a", "customer_id": 1, "offer": "fund", "channel": "call", "arm": "treated", "control_share": 0.5,
        "assigned_share": 0.25, "enrolled_on": DAY, "days": 7.0, "contribution": 1.0, "cost": 15.0, "taken": 1.0,
        "touched": 1.0,
    }  # fmt: skip
    assert (second["arm"], second["contribution"], second["cost"], second["touched"]) == ("control", 2.0, 0.0, 0.0)
    assert (fourth["cost"], fourth["taken"]) == (1.0, 0.0)
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith("experience")) == ["experience"]


def test_a_strategy_that_leaves_nobody_alone_teaches_nothing(engine: Engine, tmp_path: Path) -> None:
    space = bank()
    strategies = {name: one.model_copy(update={"holdout": 0.0}) for name, one in space.strategies.items()}
    assert rows_of(engine, tmp_path, replace(space, strategies=strategies)) == []
