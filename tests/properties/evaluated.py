"""The same rules evaluated by every form, as lists of values per rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa

from cultiva.contracts.types import DataType as T
from cultiva.rules import Rule

ARROW = {
    T.INTEGER: pa.int64(),
    T.NUMBER: pa.float64(),
    T.MONEY: pa.decimal128(18, 2),
    T.TEXT: pa.string(),
    T.DATE: pa.date32(),
    T.TIMESTAMP: pa.timestamp("us"),
    T.BOOLEAN: pa.bool_(),
    T.LIST: pa.list_(pa.string()),
}
"""Arrow types as they are in the lake."""


def arrow_table(rows: Sequence[dict[str, Any]], types: dict[str, T]) -> pa.Table:
    """The rows as a table, numbered in `n`."""
    columns = {name: pa.array([row[name] for row in rows], ARROW[kind]) for name, kind in types.items()}
    return pa.table({"n": pa.array(range(len(rows)), pa.int64()), **columns})


def by_closure(rules: Sequence[Rule], rows: Sequence[dict[str, Any]], today: date) -> list[list[Any]]:
    """One row after the other."""
    return [[closure(row) for row in rows] for closure in (rule.closure(today) for rule in rules)]


def by_polars(rules: Sequence[Rule], table: pa.Table, today: date) -> list[list[Any]]:
    """All rules in one scan."""
    frame: Any = pl.from_arrow(table)
    found = frame.lazy().select(**{f"r{k}": rule.form(today).polars() for k, rule in enumerate(rules)}).collect()
    # a rule without columns is one value for all rows
    return [_repeat(column.to_list(), len(table)) for column in found]


def by_ibis(rules: Sequence[Rule], table: Any, today: date, *, batch: int = 40) -> list[list[Any]]:
    """Batches of rules as columns of queries."""
    results: list[list[Any]] = []
    for start in range(0, len(rules), batch):
        part = rules[start : start + batch]
        query = table.select("n", **{f"r{k}": rule.form(today).ibis(table) for k, rule in enumerate(part)})
        found = _arrow(query).sort_by("n")
        results.extend(_plain(found[f"r{k}"]) for k in range(len(part)))
    return results


def _arrow(query: Any) -> pa.Table:
    """The result as Arrow; on Spark not by way of pandas, which has no year 1."""
    backend = query._find_backend()
    if backend.name == "pyspark":
        return backend._session.sql(backend.compile(query)).toArrow()
    return query.to_pyarrow()


def _plain(column: Any) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))
    return list(column.to_pylist())


def _repeat(values: list[Any], count: int) -> list[Any]:
    return values * count if len(values) == 1 else values


def differences(
    rules: Sequence[Rule], rows: Sequence[dict[str, Any]], expected: list[list[Any]], found: list[list[Any]]
) -> list[str]:
    """Where two evaluations differ in value or type, with what the rule saw."""
    lines = []
    for rule, wanted, seen in zip(rules, expected, found, strict=True):
        for number, (a, b) in enumerate(zip(wanted, seen, strict=True)):
            if a != b or type(a) is not type(b) or _signed_zero(b):
                row = {name: rows[number].get(name) for name in sorted(rule.columns)}
                lines.append(f"{rule.text}\n    row {row}: closure {a!r}, set {b!r}")
                break
    return lines


def _signed_zero(value: Any) -> bool:
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0
