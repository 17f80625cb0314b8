"""Aggregates in parts: of one row or of one day, put together in any order with the same result to the last digit.

A part is a number, a text, or a short list of them, so that it can be kept anywhere. The set form makes the parts of
many rows at once, the Python form that of one row; `together` and `result` do not care where a part came from. The
arithmetic is that of `aggregates.py` and `exact.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.engine.aggregates import PolarsRows, aggregate_polars, rows_polars
from cultiva.engine.exact import BILLION, parts_polars
from cultiva.engine.port import AggregateForm
from cultiva.kit.money import MINOR_PER_MAJOR

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the bank's local time has no zone
EPOCH_DAY = date(1970, 1, 1).toordinal()
MICROSECOND = timedelta(microseconds=1)

Part = Any
"""What is kept: int, float, bool, str or a list of these."""


def half_away(x: float) -> float:
    """A double rounded to a whole one, half away from zero, as the engines do.

    Examples:
        >>> half_away(2.5), half_away(-2.5), half_away(0.49999999999999994)
        (3.0, -3.0, 0.0)
    """
    size = abs(x)
    below = math.floor(size)
    return math.copysign(below + (size - below >= 0.5), x) if size < 2.0**52 else x


def cents_of(amount: float) -> int:
    """Whole cents of an amount in major units, as `exact.cents_polars`."""
    return int(half_away(float(amount) * MINOR_PER_MAJOR))


def plain(value: Any, kind: DataType) -> Any:
    """A value of a type as something that can be kept anywhere: money in cents, days and instants as whole numbers."""
    if value is None:
        return None
    if kind is DataType.MONEY:
        return round(value * MINOR_PER_MAJOR)
    if kind is DataType.DATE:
        return value.toordinal()
    if kind is DataType.TIMESTAMP:
        return (value - EPOCH) // MICROSECOND
    return value


def typed(kept: Any, kind: DataType) -> Any:
    """What `plain` has kept, in its type again; money as the double next to it."""
    if kept is None:
        return None
    read = reader(kind)
    return kept if read is None else read(kept)


def reader(kind: DataType) -> Callable[[Any], Any] | None:
    """What `typed` does with values of a type that are not null; None: they are kept as they are."""
    return _TYPED.get(kind)


_TYPED: dict[DataType, Callable[[Any], Any]] = {
    DataType.NUMBER: float,
    DataType.MONEY: lambda cents: cents / MINOR_PER_MAJOR,
    DataType.DATE: date.fromordinal,
    DataType.TIMESTAMP: lambda micros: EPOCH + micros * MICROSECOND,
}


@dataclass(frozen=True)
class Partial:
    """How one aggregate is kept in parts."""

    of: Callable[[Any, int], Part]
    """Part of one row: its unit (see `unit`), and the microseconds of its time, which only `latest` looks at."""
    together: Callable[[Part, Part], Part]
    """Two parts as one; associative, and the order does not matter."""
    result: Callable[[Part], Any]
    """The value that a part stands for, in the type of the column; money as the double next to it."""
    sets: Callable[[PolarsRows], list[pl.Expr]]
    """The set form: columns of a group of rows."""
    read: Callable[[Sequence[Any]], Part]
    """The part that these columns hold; None if no row took part."""


def unit(form: AggregateForm) -> Callable[[Any], Any]:
    """Makes of the value of a row what is aggregated: cents, a double without the sign of zero, or the value itself."""
    if form.value is None:
        return lambda value: 0
    if form.type is DataType.MONEY:
        return cents_of
    if form.value.type in (DataType.NUMBER, DataType.MONEY):
        return lambda value: float(value) + 0.0
    kind = form.value.type
    return lambda value: plain(value, kind)


def partial(form: AggregateForm) -> Partial:
    """How an aggregate is kept in parts; its condition and its value are applied by whoever has the row."""
    function, kind = form.function, form.type
    if function is AggregateFunction.COUNT:
        return Partial(lambda u, t: 1, _add, int, _counted, lambda found: found[0] or None)
    if function in (AggregateFunction.SUM, AggregateFunction.AVERAGE):
        return _sum(form, average=function is AggregateFunction.AVERAGE)
    if function is AggregateFunction.COUNT_DISTINCT:
        return Partial(lambda u, t: [u], _union, len, _distinct, lambda found: found[0] or None)
    if function is AggregateFunction.LATEST:
        return Partial(
            lambda u, t: [t, u],
            max,
            lambda part: typed(part[1], kind),
            lambda rows: [_time(rows), _stored(rows)],
            lambda found: None if found[0] is None else [found[0], found[1]],
        )
    best = min if function is AggregateFunction.MIN else max
    return Partial(
        lambda u, t: u, best, lambda part: typed(part, kind), lambda rows: [_stored(rows)], lambda found: found[0]
    )


def _sum(form: AggregateForm, *, average: bool) -> Partial:
    """Sums are exact: whole numbers, or the two whole parts of a number; an average also has a count."""
    assert form.value is not None, "checked when the aggregate is made"
    whole = form.type is DataType.MONEY or form.value.type in (DataType.INTEGER, DataType.BOOLEAN)
    parts: Callable[[Any], list[int]] = (lambda u: [int(u)]) if whole else parts_of
    tail = [1] if average else []

    def result(part: Part) -> Any:
        total = part[0] if whole else joined(part[0], part[1])
        if average:
            return _mean(total, part[-1], form.type)
        return typed(total, form.type) if form.type is not DataType.INTEGER else int(total)

    def read(found: Sequence[Any]) -> Part:
        return ([*found[1:], found[0]] if average else [*found[1:]]) if found[0] else None

    def sets(rows: PolarsRows) -> list[pl.Expr]:
        units = [rows.unit.cast(pl.Int64)] if whole else [*parts_polars(rows.unit)]
        return [rows.value.count().cast(pl.Int64), *(rows.total(one) for one in units)]

    return Partial(lambda u, t: [*parts(u), *tail], _add_each, result, sets, read)


def parts_of(number: float) -> list[int]:
    """A number's whole part and its fraction in billionths, as `exact.parts_polars`."""
    bounded = min(max(number, -float(INTEGER_MAX)), float(INTEGER_MAX))
    whole = int(bounded)
    return [whole, int(half_away((bounded - whole) * float(BILLION)))]


def joined(whole: int, fraction: int) -> float:
    """The number of the sums of its two parts, as `exact.joined_polars`."""
    carried, rest = whole + fraction // BILLION, fraction % BILLION
    if carried < 0 < rest:
        carried, rest = carried + 1, rest - BILLION
    return float(carried) + float(rest) / float(BILLION)


def _mean(total: Any, count: int, kind: DataType) -> Any:
    if kind is not DataType.MONEY:
        return float(total) / float(count)
    half_up = (2 * abs(total) + count) // (2 * count)
    return typed(half_up if total >= 0 else -half_up, kind)


def _add(one: int, other: int) -> int:
    return one + other


def _add_each(one: list[int], other: list[int]) -> list[int]:
    return [a + b for a, b in zip(one, other, strict=True)]


def _union(one: list[Any], other: list[Any]) -> list[Any]:
    return one if other == one else sorted({*one, *other})


def _counted(rows: PolarsRows) -> list[pl.Expr]:
    return [pl.len().cast(pl.Int64) if rows.where is None else rows.where.cast(pl.Boolean).sum().cast(pl.Int64)]


def _distinct(rows: PolarsRows) -> list[pl.Expr]:
    return [_plain(rows.value, rows.form).drop_nulls().unique().sort()]


def _time(rows: PolarsRows) -> pl.Expr:
    assert rows.form.time is not None, "checked when the aggregate is made"
    valid = rows.value.is_not_null()
    return pl.when(valid).then(pl.col(rows.form.time).cast(pl.Datetime("us")).to_physical()).max()


def _stored(rows: PolarsRows) -> pl.Expr:
    """The aggregate as the night has it, as it is kept."""
    kind = rows.form.type
    value = aggregate_polars(rows.form, by=rows.by)
    if kind is DataType.MONEY:
        return (value.cast(pl.Float64) * MINOR_PER_MAJOR).round(0).cast(pl.Int64)
    return _day_number(value, kind)


def _plain(value: pl.Expr, form: AggregateForm) -> pl.Expr:
    assert form.value is not None, "checked when the aggregate is made"
    return value if form.type is DataType.MONEY else _day_number(value, form.value.type)


def _day_number(value: pl.Expr, kind: DataType) -> pl.Expr:
    if kind is DataType.DATE:
        return value.cast(pl.Date).to_physical().cast(pl.Int64) + EPOCH_DAY
    if kind is DataType.TIMESTAMP:
        return value.cast(pl.Datetime("us")).to_physical()
    return value


def partials_polars(form: AggregateForm, *, by: str) -> list[pl.Expr]:
    """The columns that hold the part of each group of rows, for `Partial.read`."""
    return partial(form).sets(rows_polars(form, by=by))
