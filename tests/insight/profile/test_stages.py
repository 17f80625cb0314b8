from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.insight.bank import smallbank

from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.insight.profile.service import frame_of
from cultiva.insight.profile.stages import GONE, NEW, check_stages, write_grid, write_transitions
from cultiva.kit.errors import CultivaError


def write_rows(folder: Path, **columns: list[object]) -> list[Path]:
    write_arrow(pl.DataFrame(columns).to_arrow(), folder)
    return [folder]


def rows_of(folder: Path) -> list[tuple[object, ...]]:
    return pl.read_parquet(part_files([folder])).rows()


def test_every_customer_of_yesterday_is_in_one_row_of_the_matrix(duckdb_engine: Engine, tmp_path: Path) -> None:
    before = write_rows(tmp_path / "a", customer_id=[1, 2, 3, 4], stage=["growing", "growing", "dormant", "lost"])
    now = write_rows(
        tmp_path / "b",
        customer_id=[1, 2, 5],
        stage=["growing", "dormant", "prospect"],
        previous_stage=["growing", "growing", None],
    )
    write_transitions(duckdb_engine, now, before, tmp_path / "t")
    assert rows_of(tmp_path / "t") == [
        ("dormant", GONE, 1),
        ("growing", "dormant", 1),
        ("growing", "growing", 1),
        ("lost", GONE, 1),
        (NEW, "prospect", 1),
    ]


def test_a_customer_without_a_stage_stops_the_run(duckdb_engine: Engine, tmp_path: Path) -> None:
    profile = write_rows(tmp_path / "p", customer_id=[1, 2, 3], stage=["growing", None, None])
    with pytest.raises(CultivaError) as caught:
        check_stages(duckdb_engine, profile)
    assert caught.value.seen == "2 of 3 customers without a stage, 0 profile rows too many"


def test_a_customer_with_two_rows_stops_the_run(duckdb_engine: Engine, tmp_path: Path) -> None:
    profile = write_rows(tmp_path / "p", customer_id=[1, 1], stage=["growing", "lost"])
    with pytest.raises(CultivaError) as caught:
        check_stages(duckdb_engine, profile)
    assert caught.value.seen == "0 of 2 customers without a stage, 1 profile rows too many"


def test_a_bank_without_assets_and_tiers_still_has_a_grid(duckdb_engine: Engine, tmp_path: Path) -> None:
    profile = write_rows(tmp_path / "p", customer_id=[1, 2], stage=["growing", "prospect"])
    bare = smallbank().value.model_copy(update={"tierings": ()})
    from dataclasses import replace

    write_grid(duckdb_engine, profile, frame_of(replace(smallbank(), value=bare)), tmp_path / "g")
    found = rows_of(tmp_path / "g")
    assert [(row[0], row[2]) for row in found if row[2]] == [("prospect", 1), ("growing", 1)]
    assert all(row[1] is row[3] is row[4] is None for row in found)
