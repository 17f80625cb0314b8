"""Small expressions that definitions imply but nobody writes: renames, empty sums, sums of money, time windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import polars as pl

from cultiva.contracts.types import DataType
from cultiva.engine import exact
from cultiva.engine.port import Form
from cultiva.engine.types import STORED

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class ColumnForm:
    """A column under whatever name; where a row is missing, `empty` stands in for null."""

    name: str
    """The column."""
    type: DataType
    """Its type."""
    empty: Any = None
    """What null becomes: 0 for counts and sums, False for lists; None keeps null."""

    @property
    def columns(self) -> frozenset[str]:
        """The one column."""
        return frozenset((self.name,))

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        column = table[self.name]
        if self.empty is not None:
            column = ibis.coalesce(column, ibis.literal(self.empty).cast(STORED[self.type].ibis))
        return column.cast(STORED[self.type].ibis)

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        column = pl.col(self.name).cast(STORED[self.type].polars)
        if self.empty is None:
            return column
        return column.fill_null(pl.lit(self.empty).cast(STORED[self.type].polars))


@dataclass(frozen=True)
class NullForm:
    """Always null: a tag whose table the bank does not have."""

    type: DataType
    """Type of the tag."""
    columns: frozenset[str] = frozenset()
    """None."""

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        return ibis.null(STORED[self.type].ibis)

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        return pl.lit(None, dtype=STORED[self.type].polars)


@dataclass(frozen=True)
class Known:
    """Whether a column is not null."""

    name: str
    """The column."""
    type: DataType = DataType.BOOLEAN
    """Boolean."""

    @property
    def columns(self) -> frozenset[str]:
        """The one column."""
        return frozenset((self.name,))

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        return table[self.name].notnull()

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        return pl.col(self.name).is_not_null()


@dataclass(frozen=True)
class Typed:
    """An expression stored as another type: a number as money, rounded to the cent."""

    form: Form
    """The expression."""
    type: DataType
    """The type of the column."""

    @property
    def columns(self) -> frozenset[str]:
        """What the expression reads."""
        return self.form.columns

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        return self.form.ibis(table)

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        return self.form.polars()


@dataclass(frozen=True)
class MoneySum:
    """The exact sum of money columns; null counts as nothing."""

    names: tuple[str, ...]
    """The columns."""
    type: DataType = DataType.MONEY
    """Money."""

    @property
    def columns(self) -> frozenset[str]:
        """What is added."""
        return frozenset(self.names)

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        cents = [exact.cents_ibis(table[name]).coalesce(0) for name in self.names]
        return exact.money_ibis(reduce(add, cents))

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        cents = [exact.cents_polars(pl.col(name)).fill_null(0) for name in self.names]
        return exact.money_polars(reduce(add, cents))


@dataclass(frozen=True)
class FirstTrue:
    """The name of the first condition that is true; null if none is."""

    cases: tuple[tuple[str, Form], ...]
    """(name, condition), in the order in which they are tried."""
    type: DataType = DataType.TEXT
    """Text."""

    @property
    def columns(self) -> frozenset[str]:
        """What the conditions read."""
        return frozenset[str]().union(*(condition.columns for _, condition in self.cases))

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        answer = ibis.null("string")
        for name, condition in reversed(self.cases):
            holds = ibis.coalesce(condition.ibis(table), ibis.literal(False))
            answer = ibis.ifelse(holds, ibis.literal(name), answer)
        return answer

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        answer = pl.lit(None, dtype=pl.String)
        for name, condition in reversed(self.cases):
            answer = pl.when(condition.polars()).then(pl.lit(name)).otherwise(answer)
        return answer


@dataclass(frozen=True)
class Window:
    """Whether a row's time lies in the last so many days, the business date included."""

    time: str
    """The time column, a date or a timestamp."""
    today: date
    """The business date, the last day of the window."""
    days: int
    """Length in days."""
    is_timestamp: bool
    """Whether the column is a timestamp rather than a date."""
    type: DataType = DataType.BOOLEAN
    """Boolean."""

    @property
    def columns(self) -> frozenset[str]:
        """The time column."""
        return frozenset((self.time,))

    @property
    def ends(self) -> tuple[date, date]:
        """The first moment within, and the first after."""
        first, after = self.today - timedelta(days=self.days - 1), self.today + timedelta(days=1)
        if self.is_timestamp:
            return datetime.combine(first, time.min), datetime.combine(after, time.min)
        return first, after

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        start, end = (ibis.literal(moment) for moment in self.ends)
        return (table[self.time] >= start) & (table[self.time] < end)

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        start, end = self.ends
        return pl.col(self.time).is_between(pl.lit(start), pl.lit(end), closed="left")


@dataclass(frozen=True)
class AllOf:
    """Whether all conditions are true."""

    conditions: tuple[Form, ...]
    """The conditions, the cheapest first."""
    type: DataType = DataType.BOOLEAN
    """Boolean."""

    @property
    def columns(self) -> frozenset[str]:
        """What the conditions read."""
        return frozenset[str]().union(*(condition.columns for condition in self.conditions))

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        return ibis.and_(*(condition.ibis(table) for condition in self.conditions))

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        return pl.all_horizontal(condition.polars() for condition in self.conditions)


def all_of(conditions: Sequence[Form | None]) -> Form | None:
    """The conditions together; None if there are none."""
    given = tuple(condition for condition in conditions if condition is not None)
    if len(given) < 2:
        return given[0] if given else None
    return AllOf(given)


def aggregate_name(column: str) -> str:
    """The part's column of an aggregate; apart from the customer's own columns."""
    return f"agg__{column}"
