"""The plan: of one thing at several prices each customer is proposed the one that is quoted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from tests.strategy.conftest import ON, Person, lay_out_bank, strategy
from tests.strategy.conftest import workspace as small_workspace
from tests.strategy.pricing.templates import template

from cultiva.contracts.decision import Fate
from cultiva.definitions.variants import expanded
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine
from cultiva.strategy.pricing.cells import drawn_levels
from cultiva.strategy.service import plan

PEOPLE = [Person(one) for one in range(1, 41)]
NAMES = [f"cash_loan@{level}" for level in (840, 780, 720, 660, 600, 540)]


def bank(exploration: float) -> Workspace:
    """One strategy, which proposes a template to everybody in one of two stages."""
    product = template(exploration=exploration, groups=("stage",))
    written = small_workspace(strategy("loans", offers=("cash_loan",)))
    return expanded(replace(written, products={"cash_loan": product}))


def proposed(engine: Engine, folder: Path, known: Workspace, ladder: pl.DataFrame | None = None) -> dict[int, str]:
    """Customer -> the variant that is chosen for them."""
    inputs = lay_out_bank(folder, PEOPLE, {"A1": 500})
    if ladder is not None:
        (folder / "ladder").mkdir()
        ladder.write_parquet(folder / "ladder" / "part-0.parquet")
        inputs = replace(inputs, ladders=[folder / "ladder"])
    plan(engine, inputs, known, ON, folder / "decisions")
    rows = engine.fetch(engine.scan([folder / "decisions"])).to_pylist()
    chosen = [(row["customer_id"], row["offer"]) for row in rows if row["fate"] == Fate.CHOSEN.value]
    assert len(chosen) == len({customer for customer, _ in chosen}), "a customer is quoted two prices"
    return dict(chosen)


def test_a_drawn_price_is_the_one_that_is_proposed(engine: Engine, tmp_path: Path) -> None:
    known = bank(1.0)
    found = proposed(engine, tmp_path, known)
    ids = [one.id for one in PEOPLE]
    places = drawn_levels(known.products["cash_loan"], np.array(ids))
    assert found == {customer: NAMES[place] for customer, place in zip(ids, places, strict=True)}


def test_without_a_ladder_the_list_price_is_proposed(engine: Engine, tmp_path: Path) -> None:
    assert set(proposed(engine, tmp_path, bank(0.0)).values()) == {"cash_loan@720"}


def test_a_learnt_ladder_is_what_the_next_plan_proposes(engine: Engine, tmp_path: Path) -> None:
    ladder = pl.DataFrame({"product": ["cash_loan"], "group": ["mature"], "price": [0.066]})
    assert set(proposed(engine, tmp_path, bank(0.0), ladder).values()) == {"cash_loan@660"}
