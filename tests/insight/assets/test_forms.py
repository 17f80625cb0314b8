"""The profile's columns are the same on every engine, and what plain Python says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.insight.assets.bank import BALANCES, ON, customers, pack, portfolios, slow_model

from cultiva.definitions.frontier import model_weights
from cultiva.definitions.portfolios import BUCKETS, GAP_COLUMNS, MODEL_COLUMN, open_buckets
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.insight.assets.service import asset_forms
from cultiva.insight.profile.levels import levels

FOUND: dict[str, list[object]] = {}
"""What the first engine found; the next must find the same."""


@pytest.fixture
def profile(engine: Engine, tmp_path: Path) -> pl.DataFrame:
    """The columns of five hundred customers."""
    rows = customers(500)
    money = {name: pl.Decimal(18, 2) for name in (*BALANCES.values(), "monthly_income", "loan_balance")}
    dates = dict.fromkeys(("asset__risk_rated_on", "asset__birth_date"), pl.Date)
    types: dict[str, Any] = {"customer_id": pl.Int64, **dates, **money}
    write_arrow(pl.DataFrame(rows, schema_overrides=types).to_arrow(), tmp_path / "base")
    forms = asset_forms(pack(), ON)
    steps = [{name: forms[name] for name in group} for group in levels({n: f.columns for n, f in forms.items()})]
    kept = (MODEL_COLUMN, *GAP_COLUMNS.values())
    engine.assemble([tmp_path / "base"], [], steps, tmp_path / "made", keep=("customer_id", *kept))
    made = pl.read_parquet(part_files([tmp_path / "made"])).sort("customer_id")
    return made.join(pl.DataFrame(rows, schema_overrides=types), on="customer_id")


def test_every_engine_finds_the_model_that_plain_python_finds_and_the_same_gaps(profile: pl.DataFrame) -> None:
    expected = [slow_model(row, portfolios(), ON) for row in profile.to_dicts()]
    assert profile[MODEL_COLUMN].to_list() == expected
    assert len(set(expected)) > 10
    for name in (MODEL_COLUMN, *GAP_COLUMNS.values()):
        assert FOUND.setdefault(name, profile[name].to_list()) == profile[name].to_list()


def test_gaps_add_up_to_nothing_and_model_amounts_to_the_assets(profile: pl.DataFrame) -> None:
    for row in profile.to_dicts():
        gaps = {name: row[column] for name, column in GAP_COLUMNS.items()}
        if row[MODEL_COLUMN] is None:
            assert set(gaps.values()) == {None}
            continue
        held = {name: max(row[BALANCES[name]] or Decimal(0), Decimal(0)) for name in BUCKETS}
        targets = {name: held[name] + gaps[name] for name in BUCKETS}
        assert sum(gaps.values()) == 0
        assert sum(targets.values()) == sum(held.values())
        assert min(targets.values()) >= 0


def test_nobody_is_below_the_model_in_a_bucket_above_the_rating(profile: pl.DataFrame) -> None:
    keys = portfolios().model_keys()
    closed = 0
    for row in profile.filter(pl.col(MODEL_COLUMN).is_not_null()).to_dicts():
        allowed = open_buckets(portfolios(), keys[row[MODEL_COLUMN]][0])
        for name in set(BUCKETS) - allowed:
            assert row[GAP_COLUMNS[name]] <= 0
            closed += 1
    assert closed > 100


def test_an_expired_rating_has_the_cautious_model(profile: pl.DataFrame) -> None:
    expired = profile.filter(pl.col("asset__risk_rated_on") < pl.date(1993, 3, 30), pl.col(MODEL_COLUMN).is_not_null())
    assert len(expired) > 10
    assert set(expired[MODEL_COLUMN]) == {"unrated"}
    assert model_weights(portfolios())["unrated"].units["aggressive"] == 0
