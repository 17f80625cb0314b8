"""Small expressions of a period: a constant, a yearly amount's share of it, whole cents of several amounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import polars as pl

from cultiva.contracts.types import DataType
from cultiva.engine import exact
from cultiva.engine.port import Form
from cultiva.engine.types import STORED
from cultiva.kit.money import MINOR_PER_MAJOR

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Constant:
    """The same value in every row."""

    value: Any
    """The value."""
    type: DataType
    """Its type."""
    columns: frozenset[str] = frozenset()
    """None."""

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        return ibis.literal(self.value).cast(STORED[self.type].ibis)

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        return pl.lit(self.value, dtype=STORED[self.type].polars)


@dataclass(frozen=True)
class Prorated:
    """A yearly amount's share of a period."""

    form: Form
    """The amount per year."""
    share: float
    """The period's part of a year."""
    type: DataType = DataType.NUMBER
    """A number."""

    @property
    def columns(self) -> frozenset[str]:
        """What the amount reads."""
        return self.form.columns

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        return self.form.ibis(table).cast("float64") * self.share

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        return self.form.polars().cast(pl.Float64) * self.share


@dataclass(frozen=True)
class CentsTogether:
    """The sum of several amounts of a row, each rounded to the cent by itself, so that sums of rows agree."""

    amounts: Sequence[tuple[Form, Form | None]]
    """(amount, condition under which it counts)."""
    type: DataType = DataType.NUMBER
    """A number with two digits."""

    @property
    def columns(self) -> frozenset[str]:
        """What amounts and conditions read."""
        return frozenset[str]().union(
            *(form.columns for pair in self.amounts for form in pair if form is not None),
        )

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        zero = ibis.literal(0, "int64")
        cents = []
        for amount, where in self.amounts:
            unit = exact.cents_ibis(amount.ibis(table)).fill_null(zero)
            cents.append(unit if where is None else ibis.ifelse(where.ibis(table), unit, zero))
        return reduce(add, cents).cast("float64") / float(MINOR_PER_MAJOR)

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        cents = []
        for amount, where in self.amounts:
            unit = exact.cents_polars(amount.polars()).fill_null(0)
            cents.append(unit if where is None else pl.when(where.polars()).then(unit).otherwise(0))
        return reduce(add, cents).cast(pl.Float64) / float(MINOR_PER_MAJOR)
