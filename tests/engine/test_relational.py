from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.engine.conftest import MOVEMENTS, ROWS

from cultiva.contracts.types import Column, DataType
from cultiva.engine.parquet import part_files, seal, write_arrow
from cultiva.engine.port import Engine
from cultiva.engine.types import STORED, arrow_schema
from cultiva.kit.errors import CultivaError

EVERYTHING = [*MOVEMENTS, Column("labels", DataType.LIST)]


def everything(rows: int = 3) -> pa.Table:
    labels = [["深耕", None], [], None]
    table = [{**row, "labels": labels[number % 3]} for number, row in enumerate(ROWS[:rows])]
    return pa.Table.from_pylist(table, schema=arrow_schema(EVERYTHING))


def schema_on_disk(folder: Path) -> pa.Schema:
    """What the files' own Parquet schema says, without the notes that Arrow leaves in them."""
    schemas = [pq.read_metadata(part).schema.to_arrow_schema() for part in part_files([folder])]
    named = [[(one.name, _plain(one.type)) for one in schema] for schema in schemas]
    assert all(fields == named[0] for fields in named)
    return pa.schema(named[0])


def _plain(dtype: pa.DataType) -> pa.DataType:
    """Without what only Arrow distinguishes: the width of offsets, the name of a list's items."""
    if pa.types.is_list(dtype) or pa.types.is_large_list(dtype):
        return pa.list_(_plain(dtype.value_type))
    return pa.string() if pa.types.is_large_string(dtype) else dtype


def test_what_is_written_is_read_back_with_every_type(engine: Engine, folder: Path) -> None:
    written = engine.write(engine.load(everything()), folder, sort_by=("at",))
    back = engine.fetch(engine.scan([folder]).order_by("at"))
    assert written.rows == 3
    assert back.schema == arrow_schema(EVERYTHING)
    assert back.to_pylist() == everything().to_pylist()


def test_every_engine_writes_the_same_schema_as_arrow(engine: Engine, folder: Path, tmp_path: Path) -> None:
    write_arrow(everything(), tmp_path / "arrow")
    engine.write(engine.load(everything()), folder)
    assert schema_on_disk(folder) == schema_on_disk(tmp_path / "arrow")


def test_narrow_types_are_widened_and_minus_zero_loses_its_sign(engine: Engine, folder: Path) -> None:
    table = engine.load(everything(1))
    narrow = table.select(
        small=table.days.cast("int16"),
        single=(table.score * -0.0).cast("float32"),
        rounded=table.amount.cast("decimal(10, 1)"),
    )
    engine.write(narrow, folder)
    stored = pq.read_table(part_files([folder])[0])
    assert [str(stored.schema.field(name).type) for name in ("small", "single")] == ["int64", "double"]
    assert stored.schema.field("rounded").type == STORED[DataType.MONEY].arrow
    assert str(stored["single"].to_pylist()) == "[0.0]"


def test_the_fingerprint_is_of_content_not_of_engine_order_or_files(
    engine: Engine, folder: Path, movements: list[Path], tmp_path: Path
) -> None:
    expected = write_arrow(pa.Table.from_pylist(ROWS, schema=arrow_schema(MOVEMENTS)), tmp_path / "arrow")
    written = engine.write(engine.scan(movements), folder, sort_by=("kind", "score"))
    assert (written.rows, written.fingerprint) == (expected.rows, expected.fingerprint)
    assert seal(folder).fingerprint == written.fingerprint


def test_a_written_table_is_in_order(engine: Engine, folder: Path, movements: list[Path]) -> None:
    table = engine.scan(movements)
    engine.write(table.filter(table.customer_id.notnull()), folder, sort_by=("customer_id",))
    ids = [id for part in part_files([folder]) for id in pq.read_table(part)["customer_id"].to_pylist()]
    assert ids == sorted(ids)


def test_columns_asked_for_are_given_in_order_and_a_missing_one_is_null(engine: Engine, movements: list[Path]) -> None:
    columns = [Column("new_text", DataType.TEXT), Column("days", DataType.NUMBER), Column("kind", DataType.TEXT)]
    found = engine.fetch(engine.scan(movements, columns=columns))
    assert found.schema == arrow_schema(columns)
    assert found["new_text"].null_count == len(ROWS)


def test_files_with_different_columns_are_one_table(engine: Engine, tmp_path: Path) -> None:
    write_arrow(pa.table({"customer_id": [1]}), tmp_path / "old")
    write_arrow(pa.table({"customer_id": [2], "channel": ["微信"]}), tmp_path / "new")
    columns = [Column("customer_id", DataType.INTEGER), Column("channel", DataType.TEXT)]
    found = engine.fetch(engine.scan([tmp_path / "old", tmp_path / "new"], columns=columns).order_by("customer_id"))
    assert found.to_pylist() == [{"customer_id": 1, "channel": None}, {"customer_id": 2, "channel": "微信"}]


def test_a_lake_path_adds_no_columns(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "event" / "date=1994-03-30" / "run.1"
    write_arrow(pa.table({"date": [date(1994, 3, 1)]}), folder)
    assert engine.fetch(engine.scan([folder])).to_pylist() == [{"date": date(1994, 3, 1)}]


def test_no_files_are_a_typed_table_without_rows(engine: Engine, folder: Path) -> None:
    written = engine.write(engine.scan([], columns=EVERYTHING), folder)
    assert written.rows == 0
    assert engine.fetch(engine.scan([folder])).schema == arrow_schema(EVERYTHING)


def test_a_timestamp_has_no_zone_and_keeps_its_microseconds(engine: Engine, folder: Path) -> None:
    table = engine.load(pa.table({"at": [datetime.fromisoformat("1899-12-31T23:59:59.999999")]}))
    engine.write(table.select(at=table.at, later=table.at.cast("date").cast("timestamp")), folder)
    stored = pq.read_table(part_files([folder])[0])
    assert str(stored.schema.field("later").type) == "timestamp[us]"
    assert stored["at"].to_pylist() == [datetime.fromisoformat("1899-12-31T23:59:59.999999")]


def test_an_amount_too_large_for_money_is_refused(engine: Engine, folder: Path) -> None:
    table = engine.load(pa.table({"amount": pa.array([Decimal("9999999999999999.99")], pa.decimal128(18, 2))}))
    with pytest.raises(Exception, match=r"(?i)overflow|out of range|precision|cannot be represented|could not cast"):
        engine.write(table.select(amount=table.amount.cast("decimal(38, 2)") * 10), folder)


def test_a_type_that_is_not_stored_is_refused_with_its_column(engine: Engine, folder: Path) -> None:
    table = engine.load(pa.table({"x": [1]}))
    with pytest.raises(CultivaError, match="column 'pair' has a type that the lake does not store"):
        engine.write(table.select(pair=table.x.cast("string").split(",").map(lambda part: part.length())), folder)


def test_a_folder_with_something_in_it_is_never_written_to(engine: Engine, movements: list[Path]) -> None:
    with pytest.raises(CultivaError, match="not empty"):
        engine.write(engine.scan(movements), movements[0])


def test_a_folder_that_is_gone_is_named(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(CultivaError, match="gone"):
        engine.scan([tmp_path / "gone"])
