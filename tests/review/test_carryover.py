"""Customers whom another strategy had touched before: who they are, and whether the effect on them differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.review.bank import bank, put

from cultiva.contracts.types import DataType
from cultiva.engine.port import Engine
from cultiva.review.carryover import carry_overs, with_carried
from cultiva.review.design import PROGRAMME, ReviewDesign
from cultiva.review.measure import Check, Design, MetricDesign, Standing, measure

DESIGN = ReviewDesign(bank(horizon_days=28))
MANY = 150


def test_who_was_open_to_another_strategy_within_the_horizon_was_touched_before(engine: Engine, tmp_path: Path) -> None:
    """Not: the strategy itself, the same day, too long ago, held out, the whole programme, an offer."""
    from datetime import date, timedelta

    today = date(1994, 3, 30)
    log = [
        {"strategy": strategy, "customer_id": n, "enrolled_on": today - timedelta(days=ago), "arm": arm}
        for n, strategy, ago, arm in (
            (1, "b", 7, "treated"), (2, "b", 0, "treated"), (3, "b", 29, "treated"), (4, "b", 7, "held_out"),
            (5, PROGRAMME, 7, "treated"), (6, "offer:fund", 7, "treated"), (7, "b", 28, "treated"),
            *((n, "a", 0, "treated" if n % 2 else "held_out") for n in range(1, 9)), (8, PROGRAMME, 0, "treated"),
        )
    ]  # fmt: skip
    columns = DESIGN.exposure_columns
    assert {one.type for one in columns} >= {DataType.DATE}
    table = engine.scan(put(tmp_path / "log", log, columns))
    found = engine.fetch(with_carried(table, table, DESIGN)).to_pylist()
    assert {row["customer_id"]: row["carried"] for row in found if row["strategy"] == "a"} == {
        n: "yes" if n in {1, 7} else "no" for n in range(1, 9)
    }
    assert {row["carried"] for row in found if row["strategy"] in (PROGRAMME, "offer:fund")} == {None}
    assert len(found) == len(log)


def checks(engine: Engine, folder: Path, *, carried: float, uneven: float = 0.0) -> list[Check]:
    """Experiments as strategies: 800 customers each, 30 % held out, 40 % touched before by another one.

    Args:
        engine: Measures.
        folder: New folder.
        carried: By how many standard deviations those touched before gain more than the others, who gain 0.2.
        uneven: By how much the share touched before is larger among those open to it.
    """
    draw, tables = np.random.default_rng(8), []
    for number in range(MANY):
        control = draw.random(800) < 0.3
        before = draw.random(800) < 0.4 + uneven * ~control
        money = draw.normal(0, 1, 800) + 0.5 * before + ~control * (0.2 + carried * before)
        arm = np.where(control, "control", "treated")
        columns = {"arm": arm, "carried": np.where(before, "yes", "no"), "y_money": money}
        tables.append(pa.table({"strategy": [f"s{number}"] * 800, **columns}))
    folder.mkdir()
    pq.write_table(pa.concat_tables(tables), folder / "part-00000.parquet")
    design = Design(metrics=(MetricDesign("money"),), dimensions=(("carried",),))
    found = list(carry_overs(measure(engine, [folder], design).effects, DESIGN))
    assert len(found) == MANY
    return found


def test_without_carry_over_the_flag_is_rare_and_with_it_it_fires(duckdb_engine: Engine, tmp_path: Path) -> None:
    """Those touched before bring in more on both sides, which alone is no carry-over."""
    rare = [one for one in checks(duckdb_engine, tmp_path / "none", carried=0.0) if one.standing is not Standing.FINE]
    assert len(rare) <= 6, "one in a hundred"
    fired = [one for one in checks(duckdb_engine, tmp_path / "much", carried=-0.8) if one.standing is Standing.NOTICE]
    assert len(fired) > 0.95 * MANY
    assert np.mean([one.value for one in fired if one.value is not None]) == pytest.approx(-0.8, abs=0.05)
    assert "had been touched by another strategy before" in fired[0].sentence.en
    assert "先前策略可能仍在起作用" in fired[0].sentence.zh


def test_shares_that_the_draw_does_not_explain_are_said(duckdb_engine: Engine, tmp_path: Path) -> None:
    found = checks(duckdb_engine, tmp_path / "uneven", carried=0.0, uneven=0.2)
    said = [one for one in found if one.standing is Standing.NOTICE]
    assert len(said) > 0.9 * MANY
    assert "more than the draw explains" in said[0].sentence.en
