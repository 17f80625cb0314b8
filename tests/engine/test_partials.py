"""Aggregates in parts: however rows are divided, together they are what the engine makes of all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.contracts.aggregates import AggregateFunction as F
from cultiva.contracts.types import DataType
from cultiva.engine import exact
from cultiva.engine.aggregates import aggregate_polars
from cultiva.engine.partials import half_away, joined, partial, partials_polars, parts_of, plain, unit
from cultiva.engine.port import AggregateForm
from cultiva.engine.types import STORED


@dataclass(frozen=True)
class Cell:
    name: str
    type: DataType

    @property
    def columns(self) -> frozenset[str]:
        return frozenset((self.name,))

    def ibis(self, table: Any) -> Any:
        return table[self.name]

    def polars(self) -> pl.Expr:
        return pl.col(self.name)


VALUES: dict[DataType, list[Any]] = {
    DataType.INTEGER: [-3, 0, 7, 2**40, None],
    DataType.NUMBER: [0.1, 0.2, -0.7, 1e15, 1e-10, 1 / 3, 1e300, -0.0, None],
    DataType.MONEY: [Decimal("1.01"), Decimal("-0.35"), Decimal("99999999.99"), None],
    DataType.TEXT: ["a", "é", "河", "", None],
    DataType.DATE: [date(1994, 3, 1), date(1994, 4, 3), None],
    DataType.TIMESTAMP: [datetime(1994, 3, 1, 2, 30), datetime(1969, 12, 31, 23, 59, 59, 999_999), None],
    DataType.BOOLEAN: [True, False, None],
}
NUMERIC = (DataType.INTEGER, DataType.NUMBER, DataType.MONEY)
CASES = [
    *((F.COUNT, DataType.INTEGER, kind) for kind in VALUES),
    *((F.COUNT_DISTINCT, DataType.INTEGER, kind) for kind in VALUES),
    *((function, kind, kind) for function in (F.MIN, F.MAX, F.LATEST) for kind in VALUES if kind != DataType.MONEY),
    *((function, DataType.MONEY, kind) for function in (F.MIN, F.MAX, F.LATEST, F.SUM) for kind in NUMERIC[1:]),
    *((function, DataType.NUMBER, kind) for function in (F.SUM, F.AVERAGE) for kind in NUMERIC),
    (F.SUM, DataType.INTEGER, DataType.BOOLEAN),
    (F.SUM, DataType.INTEGER, DataType.INTEGER),
    (F.AVERAGE, DataType.MONEY, DataType.NUMBER),
]
START = datetime(1994, 4, 1)


def drawn(kind: DataType, seed: int) -> pl.DataFrame:
    draw = Random(seed)
    values = [value for value in VALUES[kind] if value is None or kind is not DataType.NUMBER or abs(value) < 1e12]
    rows = [
        {
            "value": draw.choice(values),
            "at": START + timedelta(hours=draw.choice([0, 1, 30, 31, 60])),
            "chosen": draw.random() < 0.7,
            "key": draw.randrange(6),
        }
        for _ in range(60)
    ]
    types = {"value": STORED[kind].polars, "at": pl.Datetime("us")}
    return pl.DataFrame(rows, schema_overrides=types).with_columns(day=pl.col("at").dt.date())


def as_live(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize(("function", "made", "kind"), CASES)
def test_parts_together_are_the_aggregate(function: F, made: DataType, kind: DataType) -> None:
    """The parts of days by sets, and the parts of single rows in any order, against all rows at once."""
    value = None if function is F.COUNT else Cell("value", kind)
    form = AggregateForm(function, made, value, Cell("chosen", DataType.BOOLEAN), "at")
    algebra, of_value = partial(form), unit(form)
    for seed in range(3):
        frame = drawn(kind, seed)
        whole = frame.group_by("key").agg(all=aggregate_polars(form, by="key"))
        columns = {f"p{n}": one for n, one in enumerate(partials_polars(form, by="key"))}
        by_day: dict[int, list[Any]] = {}
        for key, _, *cells in frame.group_by("key", "day").agg(**columns).iter_rows():
            if (part := algebra.read(cells)) is not None:
                by_day.setdefault(key, []).append(part)
        by_row: dict[int, list[Any]] = {}
        for row in frame.sample(fraction=1, shuffle=True, seed=seed).iter_rows(named=True):
            if row["chosen"] and (value is None or row["value"] is not None):
                found = of_value(row["value"])
                by_row.setdefault(row["key"], []).append(algebra.of(found, plain(row["at"], DataType.TIMESTAMP)))
        for key, expected in whole.iter_rows():
            for parts in (by_day.get(key, []), by_row.get(key, []), by_day.get(key, [])[::-1]):
                assert together(algebra, parts, form) == as_live(expected), (key, parts)


def together(algebra: Any, parts: list[Any], form: AggregateForm) -> Any:
    if not parts:
        return 0 if form.function in (F.COUNT, F.SUM, F.COUNT_DISTINCT) else None
    found = parts[0]
    for part in parts[1:]:
        found = algebra.together(found, part)
    return algebra.result(found)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_sums_of_numbers_are_those_of_the_engine(numbers: list[float]) -> None:
    frame = pl.DataFrame({"value": numbers}, schema={"value": pl.Float64})
    parts = [parts_of(number + 0.0) for number in numbers]
    whole, fraction = (sum(part[n] for part in parts) for n in (0, 1))
    one, other = exact.parts_polars(exact.number_polars(pl.col("value")))
    assert frame.select(exact.joined_polars(one.sum(), other.sum())).item() == joined(whole, fraction)


@given(st.floats(min_value=-1e15, max_value=1e15))
def test_halves_are_rounded_away_from_zero_as_the_engine_does(number: float) -> None:
    rounded = pl.select(pl.lit(number).round(0, mode="half_away_from_zero")).item()
    assert half_away(number) == rounded
