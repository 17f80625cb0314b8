from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.fakes.forms import both, compare, constant

from cultiva.contracts.types import DataType
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine
from cultiva.kit.errors import CultivaError

CONDITIONS = {
    "has fees": compare("kind", "__eq__", "fee"),
    "吃饭": compare("kind", "__eq__", "𠮷野家"),
    "positive": compare("amount", "__gt__", 0),
    "both": both(compare("kind", "__eq__", "fee"), compare("amount", "__lt__", 0)),
    "everybody": constant(True, DataType.BOOLEAN),
    "nobody": constant(False, DataType.BOOLEAN),
}


@pytest.fixture
def people(tmp_path: Path) -> list[Path]:
    table = pl.DataFrame(
        {
            "customer_id": [1, 70_000, 4_000_000_000, 5, 9],
            "kind": ["fee", "𠮷野家", None, "fee", "Fee"],
            "amount": pl.Series([-1, 2, 3, None, 5]),
        }
    )
    write_arrow(table.to_arrow(), tmp_path / "people")
    return [tmp_path / "people"]


def test_members_are_those_for_whom_the_condition_is_true(engine: Engine, people: list[Path]) -> None:
    assert {name: list(bitmap) for name, bitmap in engine.members(people, CONDITIONS).items()} == {
        "has fees": [1, 5],
        "吃饭": [70_000],
        "positive": [9, 70_000, 4_000_000_000],
        "both": [1],
        "everybody": [1, 5, 9, 70_000, 4_000_000_000],
        "nobody": [],
    }


def test_the_count_of_a_condition_is_the_number_of_its_members(engine: Engine, people: list[Path]) -> None:
    assert [engine.count(people, condition) for condition in CONDITIONS.values()] == [2, 1, 3, 1, 5, 0]


def test_nobody_is_a_member_of_no_files(engine: Engine) -> None:
    assert {len(bitmap) for bitmap in engine.members([], CONDITIONS).values()} == {0}
    assert engine.count([], CONDITIONS["everybody"]) == 0


def test_no_conditions_have_no_members(engine: Engine, people: list[Path]) -> None:
    assert engine.members(people, {}) == {}


def test_many_members_are_found_across_row_groups(duckdb_engine: Engine, tmp_path: Path) -> None:
    ids = np.arange(1, 500_001)
    table = pl.DataFrame({"customer_id": ids, "amount": ids % 10})
    write_arrow(table.to_arrow(), tmp_path / "many")
    found = duckdb_engine.members([tmp_path / "many"], {"low": compare("amount", "__lt__", 3)})["low"]
    assert np.array_equal(np.array(found.to_array()), ids[ids % 10 < 3])


@pytest.mark.parametrize("bad", [-1, None, 2**32])
def test_a_key_that_no_bitmap_holds_is_refused(engine: Engine, tmp_path: Path, bad: int | None) -> None:
    write_arrow(pl.DataFrame({"customer_id": [1, bad], "amount": [1, 1]}).to_arrow(), tmp_path / "bad")
    with pytest.raises(CultivaError, match="does not fit into a bitmap"):
        engine.members([tmp_path / "bad"], {"any": compare("amount", "__eq__", 1)})
