from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from tests.insight.bank import ON, deliveries, smallbank, write
from tests.insight.slow_profile import slow_profile

from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine
from cultiva.insight.profile.build import build_profile
from cultiva.insight.profile.inputs import ProfileInputs


@pytest.mark.parametrize("seed", [2, 3])
def test_every_column_of_every_customer_is_what_plain_python_finds(
    duckdb_engine: Engine, tmp_path: Path, seed: int
) -> None:
    bank, on = deliveries(250, seed=seed, on=ON + timedelta(days=seed)), ON + timedelta(days=seed)
    written, plan = build_profile(duckdb_engine, write(bank, tmp_path), smallbank(), on, tmp_path / "profile")
    found, expected = pl.read_parquet(part_files([tmp_path / "profile"])), slow_profile(bank, on)
    assert written.rows == 250
    for name in (column.name for column in plan.columns if not column.hidden):
        assert found[name].to_list() == [row[name] for row in expected], name


def test_the_breakdown_adds_up_to_the_cent(duckdb_engine: Engine, tmp_path: Path) -> None:
    build_profile(duckdb_engine, write(deliveries(250), tmp_path), smallbank(), ON, tmp_path / "profile")
    for row in pl.read_parquet(part_files([tmp_path / "profile"])).to_dicts():
        parts = [value for name, value in row.items() if name.startswith("value_") and isinstance(value, Decimal)]
        assert sum(parts, Decimal(0)) == row["current_value"]


def test_the_parts_are_gone_when_the_profile_is_there(duckdb_engine: Engine, tmp_path: Path) -> None:
    build_profile(duckdb_engine, write(deliveries(20), tmp_path / "in"), smallbank(), ON, tmp_path / "out" / "profile")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["profile"]


def test_a_bank_that_delivers_customers_alone_has_a_profile_all_the_same(duckdb_engine: Engine, tmp_path: Path) -> None:
    inputs = write(deliveries(30), tmp_path)
    bare = replace(ProfileInputs(inputs.customer), identity_map=inputs.identity_map)
    written, plan = build_profile(duckdb_engine, bare, smallbank(), ON, tmp_path / "profile")
    found = pl.read_parquet(part_files([tmp_path / "profile"]))
    assert written.rows == 30
    missing = {column.name for column in plan.columns if column.missing}
    assert {"aum", "inflow_30d", "logins", "rating", "value_deposits", "previous_stage"} <= missing
    assert all(found[name].null_count() == 30 for name in missing)
    assert found["current_value"].to_list() == [Decimal("0.00")] * 30
    assert found["name"].null_count() < 30
