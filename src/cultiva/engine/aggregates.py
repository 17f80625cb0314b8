"""What each aggregate function is, in Polars and in Ibis; equal results whatever the engine and the order of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.types import DataType
from cultiva.engine import exact
from cultiva.engine.port import AggregateForm, Form
from cultiva.engine.types import STORED
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class PolarsRows:
    """The rows of one aggregate in Polars: its value, null where the row does not take part."""

    form: AggregateForm
    where: pl.Expr | None
    """Rows that take part."""
    unit: pl.Expr
    """The value in the unit it is aggregated in; of no meaning for count."""
    by: str
    """The key that rows are grouped by."""

    @property
    def value(self) -> pl.Expr:
        """The unit, null where the row does not take part."""
        return self.unit if self.where is None else pl.when(self.where).then(self.unit)

    def total(self, value: pl.Expr) -> pl.Expr:
        """Sum of whole numbers over the rows that take part; 0 if there are none."""
        # `when/then/otherwise 0` sums twice as fast as a filter in Polars' streaming engine.
        rows = value if self.where is None else pl.when(self.where).then(value).otherwise(0)
        return rows.sum()


@dataclass(frozen=True)
class _IbisRows:
    """The rows of one aggregate in Ibis."""

    form: AggregateForm
    table: ibis.Table
    where: ibis.Value | None
    value: ibis.Value
    """The value in the unit it is aggregated in; of no meaning for count."""

    def total(self, value: ibis.Value) -> ibis.Value:
        """Sum of whole numbers over the rows that take part; 0 if there are none."""
        return value.sum(where=self.where).cast("int64").coalesce(0)


@dataclass(frozen=True)
class _Definition:
    polars: Callable[[PolarsRows], pl.Expr]
    ibis: Callable[[_IbisRows], ibis.Value]


def columns_read(columns: Mapping[str, AggregateForm]) -> frozenset[str]:
    """Columns that aggregates read."""
    forms = [form for one in columns.values() for form in (one.value, one.where) if form is not None]
    times = frozenset(one.time for one in columns.values() if one.time is not None)
    return times.union(*(form.columns for form in forms))


def aggregate_polars(form: AggregateForm, *, by: str) -> pl.Expr:
    """The aggregate as a Polars expression, in the type that it is stored as.

    Args:
        form: The aggregate.
        by: The key that rows are grouped by, never null.
    """
    return FUNCTIONS[form.function].polars(rows_polars(form, by=by)).cast(STORED[form.type].polars)


def rows_polars(form: AggregateForm, *, by: str) -> PolarsRows:
    """The rows of an aggregate in Polars.

    Args:
        form: The aggregate.
        by: The key that rows are grouped by, never null.
    """
    _check(form)
    where = None if form.where is None else _row_by_row(form.where, form.where.polars(), by)
    unit = pl.lit(0) if form.value is None else _row_by_row(form.value, _unit_polars(form), by)
    return PolarsRows(form, where, unit, by)


def _row_by_row(form: Form, value: pl.Expr, by: str) -> pl.Expr:
    """A value with one row for each row of its group: Polars takes a constant for a single row."""
    return value if form.columns else pl.when(pl.col(by).is_not_null()).then(value)


def aggregate_ibis(form: AggregateForm, table: ibis.Table, *, by: str) -> ibis.Value:
    """The aggregate as an Ibis expression, in the type that it is stored as.

    Args:
        form: The aggregate.
        table: The rows.
        by: The key that rows are grouped by, never null.
    """
    import ibis

    _check(form)
    where = None if form.where is None else form.where.ibis(table)
    value = ibis.literal(0) if form.value is None else _unit_ibis(form, table)
    if form.value is not None and not form.value.columns:  # Ibis aggregates columns, not constants
        value = ibis.ifelse(table[by].notnull(), value, ibis.null())
    return FUNCTIONS[form.function].ibis(_IbisRows(form, table, where, value)).cast(STORED[form.type].ibis)


def _check(form: AggregateForm) -> None:
    problems = {
        "it has no value": form.value is None and form.function is not AggregateFunction.COUNT,
        "it has no time": form.time is None and form.function is AggregateFunction.LATEST,
        "its type is not a number": form.function in _NUMERIC and not form.type.numeric,
        "an average is not a whole number": form.function is AggregateFunction.AVERAGE
        and form.type is DataType.INTEGER,
    }
    for problem, is_so in problems.items():
        if is_so:
            raise CultivaError(
                f"an aggregate cannot be computed: {problem}",
                code="engine.bad_aggregate",
                seen=f"{form.function.value} of type {form.type.value}",
                allowed="sum and average of a number or money; a value for all but count; a time for latest",
                hint="mend the tag that declares it",
            )


_NUMERIC = (AggregateFunction.SUM, AggregateFunction.AVERAGE, AggregateFunction.COUNT, AggregateFunction.COUNT_DISTINCT)


def _value(form: AggregateForm) -> Form:
    assert form.value is not None, "checked when the aggregate is made"
    return form.value


def _unit_polars(form: AggregateForm) -> pl.Expr:
    value = _value(form).polars()
    if form.type is DataType.MONEY:
        return exact.cents_polars(value)
    if _value(form).type in (DataType.NUMBER, DataType.MONEY):
        return exact.number_polars(value)
    return value


def _unit_ibis(form: AggregateForm, table: ibis.Table) -> ibis.Value:
    value = _value(form).ibis(table)
    if form.type is DataType.MONEY:
        return exact.cents_ibis(value)
    if _value(form).type in (DataType.NUMBER, DataType.MONEY):
        return exact.number_ibis(value)
    return value


def _is_whole(form: AggregateForm) -> bool:
    """Whether the unit aggregated in is a whole number, so that its sum is exact as it is."""
    return form.type is DataType.MONEY or _value(form).type in (DataType.INTEGER, DataType.BOOLEAN)


def _money_or_same_polars(rows: PolarsRows, unit: pl.Expr) -> pl.Expr:
    return exact.money_polars(unit) if rows.form.type is DataType.MONEY else unit


def _money_or_same_ibis(rows: _IbisRows, unit: ibis.Value) -> ibis.Value:
    return exact.money_ibis(unit) if rows.form.type is DataType.MONEY else unit


def _count_polars(rows: PolarsRows) -> pl.Expr:
    return pl.len() if rows.where is None else rows.where.cast(pl.Boolean).sum()


def _count_ibis(rows: _IbisRows) -> ibis.Value:
    return rows.table.count(where=rows.where)


def _total_polars(rows: PolarsRows) -> pl.Expr:
    if _is_whole(rows.form):
        return rows.total(rows.unit.cast(pl.Int64))
    whole, fraction = exact.parts_polars(rows.unit)
    return exact.joined_polars(rows.total(whole), rows.total(fraction))


def _total_ibis(rows: _IbisRows) -> ibis.Value:
    if _is_whole(rows.form):
        return rows.total(rows.value.cast("int64"))
    whole, fraction = exact.parts_ibis(rows.value)
    return exact.joined_ibis(rows.total(whole), rows.total(fraction))


def _sum_polars(rows: PolarsRows) -> pl.Expr:
    return _money_or_same_polars(rows, _total_polars(rows))


def _sum_ibis(rows: _IbisRows) -> ibis.Value:
    return _money_or_same_ibis(rows, _total_ibis(rows))


def _average_polars(rows: PolarsRows) -> pl.Expr:
    total, count = _total_polars(rows), rows.value.count().cast(pl.Int64)
    if rows.form.type is DataType.MONEY:
        return exact.money_polars(exact.mean_cents_polars(total, count))
    return pl.when(count > 0).then(total.cast(pl.Float64) / count.cast(pl.Float64))


def _average_ibis(rows: _IbisRows) -> ibis.Value:
    total, count = _total_ibis(rows), rows.value.count(where=rows.where)
    if rows.form.type is DataType.MONEY:
        return exact.money_ibis(exact.mean_cents_ibis(total, count))
    return total.cast("float64") / count.nullif(0).cast("float64")


def _distinct_polars(rows: PolarsRows) -> pl.Expr:
    return rows.value.drop_nulls().n_unique()


def _distinct_ibis(rows: _IbisRows) -> ibis.Value:
    return rows.value.nunique(where=rows.where)


def _extreme(name: str) -> _Definition:
    return _Definition(
        polars=lambda rows: _money_or_same_polars(rows, getattr(rows.value, name)()),
        ibis=lambda rows: _money_or_same_ibis(rows, getattr(rows.value, name)(where=rows.where)),
    )


def _latest_polars(rows: PolarsRows) -> pl.Expr:
    assert rows.form.time is not None, "checked when the aggregate is made"
    unit, time = rows.unit, pl.col(rows.form.time).cast(pl.Datetime("us")).to_physical()
    valid = unit.is_not_null() if rows.where is None else rows.where & unit.is_not_null()
    if _value(rows.form).type is DataType.TEXT:
        order = pl.concat_str((time + _TIME_SHIFT).cast(pl.String).str.zfill(_TIME_DIGITS), unit)
        return pl.when(valid).then(order).max().str.slice(_TIME_DIGITS)
    order = time.cast(pl.Int128) * 2**64 + _rank_polars(unit, rows.form).cast(pl.Int128)
    return _money_or_same_polars(rows, unit.max_by(pl.when(valid).then(order)))


_TIME_SHIFT, _TIME_DIGITS = 2**62, 19
"""Makes microseconds positive and of equal length, so that they sort as text."""


def _rank_polars(unit: pl.Expr, form: AggregateForm) -> pl.Expr:
    """A whole number that orders values as they order themselves."""
    if form.type is DataType.MONEY or _value(form).type in (DataType.INTEGER, DataType.BOOLEAN):
        return unit.cast(pl.Int64)
    if _value(form).type is DataType.NUMBER:
        bits = unit.reinterpret(dtype=pl.Int64)
        return pl.when(bits >= 0).then(bits).otherwise(bits.xor(2**63 - 1))
    return unit.to_physical().cast(pl.Int64)


def _latest_ibis(rows: _IbisRows) -> ibis.Value:
    import ibis

    value, time = rows.value, rows.table[rows.form.time].cast("timestamp")
    valid = value.notnull() if rows.where is None else rows.where & value.notnull()
    last = ibis.struct({"time": time, "value": value}).max(where=valid)
    return _money_or_same_ibis(rows, last["value"])


FUNCTIONS: dict[AggregateFunction, _Definition] = {
    AggregateFunction.COUNT: _Definition(_count_polars, _count_ibis),
    AggregateFunction.SUM: _Definition(_sum_polars, _sum_ibis),
    AggregateFunction.MIN: _extreme("min"),
    AggregateFunction.MAX: _extreme("max"),
    AggregateFunction.AVERAGE: _Definition(_average_polars, _average_ibis),
    AggregateFunction.COUNT_DISTINCT: _Definition(_distinct_polars, _distinct_ibis),
    AggregateFunction.LATEST: _Definition(_latest_polars, _latest_ibis),
}
"""Every aggregate function in the form of every engine."""
