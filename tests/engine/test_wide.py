from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from tests.fakes.forms import arithmetic, column, compare, constant

from cultiva.contracts.types import DataType
from cultiva.engine import wide
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.kit.errors import CultivaError

INTEGER, NUMBER, MONEY, BOOLEAN = DataType.INTEGER, DataType.NUMBER, DataType.MONEY, DataType.BOOLEAN


def put(folder: Path, **columns: object) -> list[Path]:
    write_arrow(pl.DataFrame(columns).to_arrow(), folder)
    return [folder]


@pytest.fixture
def customers(tmp_path: Path) -> list[Path]:
    return put(tmp_path / "base", customer_id=[1, 2, 3, 4], name=["甲", "乙", None, "丁"])


@pytest.fixture
def balances(tmp_path: Path) -> list[Path]:
    amounts = pl.Series([Decimal("10.05"), Decimal("-3.33"), None], dtype=pl.Decimal(18, 2))
    return put(tmp_path / "balances", customer_id=[1, 3, 4], aum=amounts)


def read(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(part_files([folder]))


def test_parts_are_joined_and_steps_build_on_each_other(
    engine: Engine, customers: list[Path], balances: list[Path], tmp_path: Path, folder: Path
) -> None:
    visits = put(tmp_path / "visits", customer_id=[2, 9], visits=[7, 9])
    steps = [
        {"fee": arithmetic("aum", 0.5, MONEY), "doubled": arithmetic("visits", 2.0)},
        {"rich": compare("fee", "__gt__", 5.0), "doubled": arithmetic("doubled", -0.0), "one": constant(1, INTEGER)},
    ]
    written = engine.assemble(customers, [balances, [], visits], steps, folder)
    found = read(folder)
    assert written.rows == 4
    assert found.columns == ["customer_id", "name", "aum", "visits", "fee", "doubled", "rich", "one"]
    assert found.drop("name", "one").rows() == [
        (1, Decimal("10.05"), None, Decimal("5.03"), None, True),
        (2, None, 7, None, 0.0, None),
        (3, Decimal("-3.33"), None, Decimal("-1.67"), None, False),
        (4, None, None, None, None, None),
    ]
    assert found.schema["fee"] == pl.Decimal(18, 2)
    assert str(found["doubled"][1]) == "0.0"


def test_keep_chooses_and_orders_the_columns(
    engine: Engine, customers: list[Path], balances: list[Path], folder: Path
) -> None:
    engine.assemble(customers, [balances], [{"aum": column("aum", MONEY)}], folder, keep=["aum", "customer_id"])
    assert read(folder).columns == ["aum", "customer_id"]


def test_the_result_is_sorted_even_if_the_base_is_not(
    engine: Engine, balances: list[Path], tmp_path: Path, folder: Path
) -> None:
    base = put(tmp_path / "unsorted", customer_id=[3, 1, 2])
    engine.assemble(base, [balances], [], folder)
    assert read(folder).rows() == [(1, Decimal("10.05")), (2, None), (3, Decimal("-3.33"))]


def test_a_base_without_rows_gives_a_typed_table_without_rows(
    engine: Engine, balances: list[Path], tmp_path: Path, folder: Path
) -> None:
    base = tmp_path / "nobody"
    write_arrow(pl.DataFrame(schema={"customer_id": pl.Int64}).to_arrow(), base)
    assert engine.assemble([base], [balances], [{"x": arithmetic("aum", 1.0)}], folder).rows == 0
    assert read(folder).schema["x"] == pl.Float64


def test_two_tables_with_the_same_column_are_refused(
    engine: Engine, customers: list[Path], balances: list[Path], folder: Path
) -> None:
    with pytest.raises(CultivaError, match="same column") as raised:
        engine.assemble(customers, [balances, balances], [], folder)
    assert raised.value.seen == "aum"


def test_a_key_that_is_there_twice_is_refused(
    engine: Engine, customers: list[Path], tmp_path: Path, folder: Path
) -> None:
    twice = put(tmp_path / "twice", customer_id=[2, 2], score=[1.0, 2.0])
    with pytest.raises(CultivaError, match=r"twice|one row per row"):
        engine.assemble(customers, [twice], [], folder)


@pytest.mark.parametrize("order", [1, -1])
def test_ranges_of_keys_give_what_one_join_gives(
    duckdb_engine: Engine, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    monkeypatch.setattr(wide, "RANGE_GROUPS", 1)
    rows, thirds = 400_000, pl.int_range(0, 800_000, 3, eager=True)
    base = put(tmp_path / "b", customer_id=pl.int_range(10, rows + 10, eager=True)[::order])
    part = put(tmp_path / "p", customer_id=thirds, x=thirds)
    duckdb_engine.assemble(base, [part], [{"y": arithmetic("x", 1.0)}], folder)
    found = read(folder)
    assert len(part_files([folder])) == (4 if order == 1 else 1)
    assert found["customer_id"].to_list() == list(range(10, rows + 10))
    assert found.filter(pl.col("customer_id") % 3 == 0).select((pl.col("x") == pl.col("customer_id")).all()).item()
    assert found.filter(pl.col("customer_id") % 3 != 0)["x"].null_count() == len(found) - len(range(12, rows + 10, 3))


@pytest.mark.spark
def test_spark_and_duckdb_assemble_the_same_content(
    spark_engine: Engine, duckdb_engine: Engine, customers: list[Path], balances: list[Path], tmp_path: Path
) -> None:
    steps = [{"interest": arithmetic("aum", 0.015, MONEY), "ratio": arithmetic("aum", 1 / 3)}]
    here = duckdb_engine.assemble(customers, [balances], steps, tmp_path / "here")
    there = spark_engine.assemble(customers, [balances], steps, tmp_path / "there")
    assert here.fingerprint == there.fingerprint
