"""A function over the rows of a table: the same rows on every engine, however they are cut into batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cultiva.contracts.types import Column, DataType
from cultiva.engine.port import Engine

MADE = [Column("customer_id", DataType.INTEGER), Column("said", DataType.TEXT), Column("twice", DataType.NUMBER)]


def doubled(word: str) -> Callable[[pa.RecordBatch], pa.Table]:
    """Doubles a number and says the kind aloud; without a name, so that a worker gets it by value."""

    def made(batch: pa.RecordBatch) -> pa.Table:
        said = pc.binary_join_element_wise(batch["kind"].cast(pa.string()), word, "")
        numbers = batch["score"].cast(pa.float64())
        return pa.table({"twice": pc.multiply(numbers, 2.0), "customer_id": batch["customer_id"], "said": said})

    return made


def test_rows_are_made_sorted_and_typed(engine: Engine, movements: list[Path], folder: Path) -> None:
    table = engine.scan(movements)
    mine = table.filter(table.customer_id.notnull() & table.score.notnull())
    written = engine.map_batches(mine, doubled("!"), MADE, folder, sort_by=("customer_id", "said", "twice"))
    found = pa.concat_tables(pq.read_table(part) for part in sorted(folder.glob("*.parquet"))).to_pylist()
    assert [(row["customer_id"], row["said"], row["twice"]) for row in found] == [
        (1, "工资!", 0.2), (1, "工资!", 0.4), (1, "消费!", 0.0), (1, "消费!", 2e300), (2, "Fee!", 0.0),
        (2, "fee!", 0.6), (2, "𠮷野家!", 0.0), (5, "!", -2.5), (5, "fee!", -3.0),
    ]  # fmt: skip
    assert written.rows == 9


@pytest.mark.spark
def test_both_engines_write_the_same(
    duckdb_engine: Engine, spark_engine: Engine, movements: list[Path], tmp_path: Path
) -> None:
    prints = set()
    for place, engine in enumerate((duckdb_engine, spark_engine)):
        table = engine.scan(movements)
        prints.add(engine.map_batches(table, doubled("?"), MADE, tmp_path / str(place)).fingerprint)
    assert len(prints) == 1


def test_no_rows_leave_a_table_without_rows(engine: Engine, movements: list[Path], folder: Path) -> None:
    table = engine.scan(movements)
    written = engine.map_batches(table.filter(table.customer_id == -1), doubled(""), MADE, folder)
    assert written.rows == 0
    assert pq.read_schema(next(iter(folder.glob("*.parquet")))).names == ["customer_id", "said", "twice"]
