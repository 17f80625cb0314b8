"""Polars forms that need more than one method call."""

from __future__ import annotations

from datetime import date
from functools import reduce
from typing import Any

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.rules import runtime
from cultiva.rules.likes import LikeKind, read_like
from cultiva.rules.nodes import Value


def dtype(kind: DataType) -> Any:
    """The Polars type of a type."""
    import polars as pl

    return {
        DataType.BOOLEAN: pl.Boolean,
        DataType.INTEGER: pl.Int64,
        DataType.NUMBER: pl.Float64,
        DataType.TEXT: pl.String,
        DataType.DATE: pl.Date,
        DataType.TIMESTAMP: pl.Datetime("us"),
        DataType.LIST: pl.List(pl.String),
    }[kind]


def literal(value: Value, kind: DataType) -> Any:
    """A written value with its exact type."""
    import polars as pl

    return pl.lit(value, dtype=dtype(kind))


def where(condition: Any, value: Any) -> Any:
    """The value, or null where the condition is not true."""
    import polars as pl

    return pl.when(condition).then(value)


def finite(x: Any) -> Any:
    """Null instead of a result that is not finite."""
    return where(x.abs() <= runtime.NUMBER_MAX, x)


def unsigned_zero(x: Any) -> Any:
    """Zero without a sign, so that equal results have equal bytes."""
    import polars as pl

    return pl.when(x == 0.0).then(0.0).otherwise(x)


def small(x: Any) -> Any:
    """Null instead of a whole number beyond 2**53."""
    return where(x.is_between(-INTEGER_MAX, INTEGER_MAX), x)


def times(a: Any, b: Any) -> Any:
    """The product of integers, through doubles, which cannot overflow."""
    return whole(_double(a) * _double(b))


def _double(x: Any) -> Any:
    import polars as pl

    return x.cast(pl.Float64)


def _integer(x: Any) -> Any:
    import polars as pl

    return x.cast(pl.Int64)


def divide(a: Any, b: Any) -> Any:
    """A quotient of doubles, null by zero."""
    from cultiva.engine.exact import divided_polars

    return divided_polars(a, where(b != 0.0, b))  # Polars itself multiplies by the reciprocal of a constant


def cut(x: Any) -> Any:
    """A double without its fraction."""
    import polars as pl

    return pl.when(x < 0.0).then(x.ceil()).otherwise(x.floor())


def integer_div(a: Any, b: Any) -> Any:
    """An integer quotient cut toward zero."""
    return _integer(cut(divide(_double(a), _double(b))))


def integer_mod(a: Any, b: Any) -> Any:
    """The rest with the sign of a; Polars' own has the sign of b."""
    import polars as pl

    rest = a.abs() % where(b != 0, b).abs()
    return pl.when(a < 0).then(-rest).otherwise(rest)


def number_div(a: Any, b: Any) -> Any:
    """A quotient of doubles, cut toward zero."""
    return cut(divide(a, b))


def number_mod(a: Any, b: Any) -> Any:
    """What is left of a."""
    return a - b * number_div(a, b)


def square_root(x: Any) -> Any:
    """Null below zero."""
    return where(x >= 0.0, x).sqrt()


def sign(x: Any) -> Any:
    """Minus one, zero or one."""
    return _integer(x > 0) - _integer(x < 0)


def round_to(x: Any, digits: int = 0) -> Any:
    """Half away from zero by IEEE steps."""
    import polars as pl

    from cultiva.engine.exact import divided_polars

    factor = 10.0**digits
    scaled = x.abs() * factor
    rounded = divided_polars((scaled + 0.5).floor(), pl.lit(factor))
    return pl.when(scaled < runtime.WHOLE_FROM).then(x.sign() * rounded).otherwise(x)


def whole(x: Any) -> Any:
    """An integer if one can hold it."""
    return _integer(where(x.abs() <= float(INTEGER_MAX), x))


def is_in(x: Any, *values: Value) -> Any:
    """Whether x is one of the values; null for null."""
    import polars as pl

    return x.is_in(pl.Series(values).implode())


def _typed(value: Value) -> Any:
    import polars as pl

    return pl.lit(value)


def upper(text: Any) -> Any:
    """Latin letters made capital."""
    return text.str.replace_many(list(runtime.ASCII_LOWER), list(runtime.ASCII_UPPER))


def lower(text: Any) -> Any:
    """Latin letters made small."""
    return text.str.replace_many(list(runtime.ASCII_UPPER), list(runtime.ASCII_LOWER))


def substr(text: Any, start: Any, length: Any) -> Any:
    """Characters from the start-th on."""
    valid = (start >= 1) & (length >= 0)
    return where(valid, text.str.slice(where(start >= 1, start) - 1, where(length >= 0, length)))


def left(text: Any, length: Any) -> Any:
    """The first characters."""
    return where(length >= 0, text.str.head(where(length >= 0, length)))


def right(text: Any, length: Any) -> Any:
    """The last characters."""
    return where(length >= 0, text.str.tail(where(length >= 0, length)))


def like(text: Any, pattern: str, escape: str = "") -> Any:
    """The pattern by the cheapest test."""
    read = read_like(pattern, escape)
    assert read is not None
    if read.kind is LikeKind.REGEX:
        return text.str.contains(rf"(?s)\A{read.text}\z")
    value = _typed(read.text)
    if read.kind is LikeKind.EQUALS:
        return text == value
    if read.kind is LikeKind.CONTAINS:
        return text.str.contains(value, literal=True)
    return text.str.starts_with(value) if read.kind is LikeKind.STARTS else text.str.ends_with(value)


def replace(text: Any, old: str, new: str) -> Any:
    """All occurrences replaced; an empty text is found nowhere."""
    return text.str.replace_all(old, new, literal=True) if old else text


def matching(text: Any, pattern: str) -> Any:
    """The text if all of it has the form, else null."""
    return where(text.str.contains(rf"\A(?:{pattern})\z"), text)


def to_integer(text: Any) -> Any:
    """Digits to an integer."""
    import polars as pl

    return small(matching(text, runtime.INTEGER_TEXT.pattern).cast(pl.Int64, strict=False))


def to_number(text: Any) -> Any:
    """Digits to a number."""
    import polars as pl

    return finite(matching(text, runtime.NUMBER_TEXT.pattern).cast(pl.Float64, strict=False))


def parse_date(text: Any) -> Any:
    """ISO text to a date."""
    return on_calendar(matching(text, runtime.DATE_TEXT.pattern).str.to_date("%Y-%m-%d", strict=False))


def on_calendar(day: Any) -> Any:
    """Null outside of the years 1 to 9999."""
    return where(day.is_between(date(1, 1, 1), date(9999, 12, 31)), day)


def days_between(start: Any, end: Any) -> Any:
    """Days from start to end."""
    return _integer(_epoch_day(end)) - _integer(_epoch_day(start))


def _epoch_day(day: Any) -> Any:
    import polars as pl

    return day.cast(pl.Int32)


def add_days(day: Any, days: Any) -> Any:
    """A later day."""
    import polars as pl

    sane = where(days.is_between(-runtime.DAYS_MAX, runtime.DAYS_MAX), days)
    return on_calendar((_integer(_epoch_day(day)) + sane).cast(pl.Int32).cast(pl.Date))


def add_months(day: Any, months: Any) -> Any:
    """The same day of another month, or its last."""
    import polars as pl

    count = part(day, "year") * 12 + part(day, "month") - 1 + months
    known = where(count.is_between(12, 119_999), count)
    first = pl.date(known // 12, known % 12 + 1, 1)
    last = part(first.dt.month_end(), "day")
    return pl.date(known // 12, known % 12 + 1, pl.min_horizontal(part(day, "day") + 0 * known, last))


def part(moment: Any, name: str) -> Any:
    """A calendar part as a whole number."""
    return _integer(getattr(moment.dt, name)())


def months_between(start: Any, end: Any) -> Any:
    """Whole months from start to end."""
    months = (part(end, "year") - part(start, "year")) * 12 + part(end, "month") - part(start, "month")
    return _elapsed(months, part(start, "day"), part(end, "day"))


def years_between(start: Any, end: Any) -> Any:
    """Whole years from start to end."""
    keys = [part(day, "month") * 100 + part(day, "day") for day in (start, end)]
    return _elapsed(part(end, "year") - part(start, "year"), keys[0], keys[1])


def _elapsed(count: Any, first: Any, last: Any) -> Any:
    """One less (toward zero) where the last period is not complete."""
    return count - _integer((count > 0) & (last < first)) + _integer((count < 0) & (last > first))


def contains_all(items: Any, *wanted: str) -> Any:
    """Whether the list has every one."""
    return reduce(lambda a, b: a & b, (items.list.contains(_typed(text)) for text in wanted))


def contains_any(items: Any, *wanted: str) -> Any:
    """Whether the list has one of them."""
    return reduce(lambda a, b: a | b, (items.list.contains(_typed(text)) for text in wanted))


def contains_item(items: Any, item: Any) -> Any:
    """Whether the list has the text; null for a null text."""
    return where(item.is_not_null(), items.list.contains(item))


def extreme(name: str, *values: Any) -> Any:
    """Greatest or least, skipping nulls."""
    import polars as pl

    return getattr(pl, f"{name}_horizontal")(*values)


def coalesce(*terms: Any) -> Any:
    """The first that is not null."""
    import polars as pl

    return pl.coalesce(*terms)


def nullif(a: Any, b: Any) -> Any:
    """Null if equal."""
    import polars as pl

    return pl.when((a == b).fill_null(value=False)).then(None).otherwise(a)


def midnight(day: Any) -> Any:
    """The first instant of a day."""
    import polars as pl

    return day.cast(pl.Datetime("us"))


def part_form(name: str) -> Any:
    """The form that gives a calendar part."""
    return lambda moment: part(moment, name)


def extreme_form(name: str) -> Any:
    """The form of greatest or least; Polars calls them max and min."""
    return lambda *values: extreme(name, *values)
