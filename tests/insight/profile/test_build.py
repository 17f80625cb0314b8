from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.insight.bank import ON, Deliveries, deliveries, smallbank, write
from tests.insight.slow_profile import slow_profile

from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine
from cultiva.insight.profile.build import build_profile

SCORES = {1: 0.25, 5: 0.75, 999: 1.0}
BEFORE = {number: ("dormant", "growing", "prospect")[number % 3] for number in range(2, 90)}


def write_previous(folder: Path) -> list[Path]:
    folder.mkdir()
    rows = {"customer_id": list(BEFORE), "stage": list(BEFORE.values()), "aum": [1.0] * len(BEFORE)}
    pl.DataFrame(rows, schema_overrides={"customer_id": pl.Int64}).write_parquet(folder / "part-00000.parquet")
    return [folder]


@pytest.fixture(scope="module")
def bank() -> Deliveries:
    return deliveries(120)


def read(folder: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(part_files([folder])).to_dicts()


def test_every_column_of_every_customer_is_what_plain_python_finds(
    engine: Engine, bank: Deliveries, tmp_path: Path
) -> None:
    inputs = write(bank, tmp_path, previous=write_previous(tmp_path / "before"), scores=SCORES)
    written, plan = build_profile(engine, inputs, smallbank(), ON, tmp_path / "profile")
    found, expected = read(tmp_path / "profile"), slow_profile(bank, ON, BEFORE, SCORES)
    assert written.rows == len(found) == 120
    assert list(found[0]) == [column.name for column in plan.columns]
    visible = [column.name for column in plan.columns if not column.hidden]
    for name in visible:
        assert [row[name] for row in found] == [row[name] for row in expected], name


def test_the_parts_are_gone_when_the_profile_is_there(duckdb_engine: Engine, bank: Deliveries, tmp_path: Path) -> None:
    build_profile(duckdb_engine, write(bank, tmp_path / "in"), smallbank(), ON, tmp_path / "out" / "profile")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["profile"]
