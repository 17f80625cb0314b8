"""One table of how each type of the language is stored: in Arrow, Polars, Ibis, DuckDB and Spark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from cultiva.contracts.types import Column, DataType
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    import ibis

MONEY_PRECISION, MONEY_SCALE = 18, 2
"""Money is DECIMAL(18,2) in Parquet."""


@dataclass(frozen=True)
class StoredType:
    """How a type is written to Parquet, as each tool names it."""

    arrow: pa.DataType
    """In Arrow."""
    polars: pl.DataType
    """In Polars."""
    ibis: str
    """In Ibis."""
    duckdb: str
    """In DuckDB's SQL."""
    spark: str
    """In Spark's SQL."""


_MONEY_SQL = f"DECIMAL({MONEY_PRECISION},{MONEY_SCALE})"

STORED: dict[DataType, StoredType] = {
    DataType.BOOLEAN: StoredType(pa.bool_(), pl.Boolean(), "boolean", "BOOLEAN", "BOOLEAN"),
    DataType.INTEGER: StoredType(pa.int64(), pl.Int64(), "int64", "BIGINT", "BIGINT"),
    DataType.NUMBER: StoredType(pa.float64(), pl.Float64(), "float64", "DOUBLE", "DOUBLE"),
    DataType.MONEY: StoredType(
        pa.decimal128(MONEY_PRECISION, MONEY_SCALE),
        pl.Decimal(MONEY_PRECISION, MONEY_SCALE),
        f"decimal({MONEY_PRECISION}, {MONEY_SCALE})",
        _MONEY_SQL,
        _MONEY_SQL,
    ),
    DataType.TEXT: StoredType(pa.large_string(), pl.String(), "string", "VARCHAR", "STRING"),
    DataType.DATE: StoredType(pa.date32(), pl.Date(), "date", "DATE", "DATE"),
    DataType.TIMESTAMP: StoredType(pa.timestamp("us"), pl.Datetime("us"), "timestamp", "TIMESTAMP", "TIMESTAMP_NTZ"),
    DataType.LIST: StoredType(
        pa.large_list(pa.large_string()), pl.List(pl.String()), "array<string>", "VARCHAR[]", "ARRAY<STRING>"
    ),
}
"""Every type of the language and how it is stored."""


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of columns."""
    return pa.schema([(column.name, STORED[column.type].arrow) for column in columns])


def polars_schema(columns: Iterable[Column]) -> dict[str, pl.DataType]:
    """The Polars schema of columns."""
    return {column.name: STORED[column.type].polars for column in columns}


def empty_sql(columns: Sequence[Column], dialect: str) -> str:
    """A SELECT in DuckDB's or Spark's SQL that gives these columns, typed, and no rows.

    Args:
        columns: The columns; at least one.
        dialect: `duckdb` or `spark`.

    Examples:
        >>> empty_sql([Column("age", DataType.INTEGER)], "duckdb")
        'SELECT CAST(NULL AS BIGINT) AS "age" WHERE 1 = 0'
    """
    quote = '"' if dialect == "duckdb" else "`"
    cells = (
        f"CAST(NULL AS {getattr(STORED[column.type], dialect)}) AS {quote}{column.name}{quote}" for column in columns
    )
    return f"SELECT {', '.join(cells)} WHERE 1 = 0"


def type_of_arrow(name: str, dtype: pa.DataType) -> DataType:
    """The type of the language that an Arrow column holds.

    Args:
        name: The column's name, for the message.
        dtype: Its Arrow type.

    Raises:
        CultivaError: if the language has no such type.
    """
    kinds: list[tuple[Any, DataType]] = [
        (pa.types.is_boolean, DataType.BOOLEAN),
        (pa.types.is_integer, DataType.INTEGER),
        (pa.types.is_floating, DataType.NUMBER),
        (_is_money, DataType.MONEY),
        (_is_text, DataType.TEXT),
        (pa.types.is_date, DataType.DATE),
        (lambda kind: pa.types.is_timestamp(kind) and kind.tz is None, DataType.TIMESTAMP),
        (_is_list, DataType.LIST),
    ]
    for matches, found in kinds:
        if matches(dtype):
            return found
    raise _not_stored(name, dtype)


def type_of_ibis(name: str, dtype: Any) -> DataType:
    """The type of the language that an Ibis column is stored as.

    Args:
        name: The column's name, for the message.
        dtype: Its Ibis type.

    Raises:
        CultivaError: if the language has no such type.
    """
    kinds = [
        (dtype.is_boolean(), DataType.BOOLEAN),
        (dtype.is_integer(), DataType.INTEGER),
        (dtype.is_floating(), DataType.NUMBER),
        (dtype.is_decimal() and (dtype.scale or 0) <= MONEY_SCALE, DataType.MONEY),
        (dtype.is_string(), DataType.TEXT),
        (dtype.is_date(), DataType.DATE),
        (dtype.is_timestamp() and dtype.timezone is None, DataType.TIMESTAMP),
        (dtype.is_array() and dtype.value_type.is_string(), DataType.LIST),
    ]
    for matches, found in kinds:
        if matches:
            return found
    raise _not_stored(name, dtype)


def column_types(table: ibis.Table) -> list[Column]:
    """The columns of an Ibis table with the types that they are stored as.

    Raises:
        CultivaError: if a column has a type that is not stored.
    """
    return [Column(name, type_of_ibis(name, dtype)) for name, dtype in table.schema().items()]


def stored_table(table: ibis.Table) -> ibis.Table:
    """The table with every column in the type that it is stored as; binary columns pass as they are.

    Raises:
        CultivaError: if a column has a type that is not stored.
    """
    wanted = {}
    for name, dtype in table.schema().items():
        if not dtype.is_binary():
            wanted[name] = STORED[type_of_ibis(name, dtype)].ibis
    return table.select(*[_stored_column(table, name, wanted.get(name)) for name in table.columns])


def _stored_column(table: ibis.Table, name: str, wanted: str | None) -> ibis.Value:
    column = table[name]
    if wanted is None:
        return column
    if wanted == "float64":
        return (column.cast(wanted) + 0.0).name(name)  # -0.0 becomes 0.0
    return column.cast(wanted).name(name)


def _is_money(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(dtype) and dtype.precision <= MONEY_PRECISION and dtype.scale == MONEY_SCALE)


def _is_text(dtype: pa.DataType) -> bool:
    if pa.types.is_dictionary(dtype):
        return _is_text(dtype.value_type)
    return bool(pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or pa.types.is_string_view(dtype))


def _is_list(dtype: pa.DataType) -> bool:
    return bool((pa.types.is_list(dtype) or pa.types.is_large_list(dtype)) and _is_text(dtype.value_type))


def _not_stored(name: str, dtype: object) -> CultivaError:
    return CultivaError(
        f"column {name!r} has a type that the lake does not store",
        code="engine.type_not_stored",
        seen=dtype,
        allowed="boolean, integer, double, DECIMAL(18,2), text, date, timestamp without zone, list of texts",
        hint="cast the column before writing it",
    )
