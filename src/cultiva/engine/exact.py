"""Arithmetic whose result does not depend on the order of rows: whole cents, and numbers in two whole parts.

A sum of doubles depends on the order in which they are added, and no engine promises one. So money is summed
in whole cents, and a number as its whole part and its fraction in billionths, both 64-bit whole numbers: exact, and
therefore the same on every engine.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from cultiva.contracts.types import INTEGER_MAX
from cultiva.engine.types import MONEY_PRECISION, MONEY_SCALE
from cultiva.kit.money import CENT, MINOR_PER_MAJOR

if TYPE_CHECKING:
    import ibis

BILLION = 1_000_000_000
"""Fractions of numbers are summed in whole billionths."""


def divided_polars(dividend: pl.Expr, divisor: pl.Expr) -> pl.Expr:
    """The quotient of two doubles as IEEE has it; both are finite, the divisor is not 0.

    Polars multiplies by the reciprocal where the divisor is one value for all rows, which is wrong in the last digit
    for a third of all numbers; a divisor that varies from row to row it divides by.
    """
    return dividend / (divisor + 0.0 * dividend)


def number_polars(value: pl.Expr) -> pl.Expr:
    """A double without the sign of zero; Polars optimises `x + 0.0` away."""
    number = value.cast(pl.Float64)
    return pl.when(number == 0.0).then(0.0).otherwise(number)


def number_ibis(value: ibis.Value) -> ibis.Value:
    """A double without the sign of zero."""
    return value.cast("float64") + 0.0


def cents_polars(value: pl.Expr) -> pl.Expr:
    """Whole cents of an amount in major units, half away from zero."""
    scaled = value.cast(pl.Float64) * MINOR_PER_MAJOR
    return scaled.round(0, mode="half_away_from_zero").cast(pl.Int64)


def cents_ibis(value: ibis.Value) -> ibis.Value:
    """Whole cents of an amount in major units, half away from zero."""
    return (value.cast("float64") * float(MINOR_PER_MAJOR)).round().cast("int64")


def money_polars(cents: pl.Expr) -> pl.Expr:
    """The stored amount of whole cents."""
    # A decimal is a whole number of its last digit: taking the bits as they are is three times faster than dividing.
    same_bits = cents.cast(pl.Int128).reinterpret(dtype=pl.Decimal(38, MONEY_SCALE))
    return same_bits.cast(pl.Decimal(MONEY_PRECISION, MONEY_SCALE))


def money_ibis(cents: ibis.Value) -> ibis.Value:
    """The stored amount of whole cents."""
    import ibis

    cent = ibis.literal(Decimal(CENT), type="decimal(3, 2)")
    whole = _with_scale()(cents.cast(f"decimal({MONEY_PRECISION}, 0)"))
    return (whole * cent).cast(f"decimal({MONEY_PRECISION}, {MONEY_SCALE})")


@cache
def _with_scale() -> Callable[[ibis.Value], ibis.Value]:
    """A decimal without a scale as one that Ibis lets multiply with cents; the engines see the same value.

    Ibis multiplies decimals of one scale only. With a scale of its own the product has four decimals, and taking two of
    them away costs DuckDB a division of 128 bits, forty times what all the rest takes.
    """
    import ibis

    @ibis.udf.scalar.builtin(name="coalesce", signature=((f"decimal({MONEY_PRECISION}, 0)",), "decimal(21, 2)"))
    def with_scale(value: Any) -> Any: ...

    return cast("Callable[[ibis.Value], ibis.Value]", with_scale)


def mean_cents_polars(cents: pl.Expr, count: pl.Expr) -> pl.Expr:
    """Cents divided by a count, half away from zero; null where the count is 0."""
    half_up = (2 * cents.abs() + count) // (2 * count)
    return pl.when(count > 0).then(half_up * cents.sign())


def mean_cents_ibis(cents: ibis.Value, count: ibis.Value) -> ibis.Value:
    """Cents divided by a count, half away from zero; null where the count is 0."""
    divisor = (2 * count).nullif(0)
    dividend = 2 * cents.abs() + count
    # `//` goes through a double on DuckDB; the quotient of an exact multiple, rounded, does not suffer from it.
    half_up = ((dividend - dividend % divisor) / divisor).round().cast("int64")
    return half_up * cents.sign().cast("int64")


def parts_polars(value: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """A number's whole part and its fraction in billionths, as whole numbers; beyond 2**53 it counts as 2**53."""
    bounded = value.cast(pl.Float64).clip(-float(INTEGER_MAX), float(INTEGER_MAX))
    whole = bounded.cast(pl.Int64)  # towards zero
    fraction = (bounded - whole.cast(pl.Float64)) * float(BILLION)
    return whole, fraction.round(0, mode="half_away_from_zero").cast(pl.Int64)


def parts_ibis(value: ibis.Value) -> tuple[ibis.Value, ibis.Value]:
    """A number's whole part and its fraction in billionths, as whole numbers; beyond 2**53 it counts as 2**53."""
    import ibis

    number, bound = value.cast("float64"), float(INTEGER_MAX)
    bounded = ibis.cases((number > bound, bound), (number < -bound, -bound), else_=number)
    # A cast rounds on DuckDB and truncates on Spark, so towards zero is written out.
    whole = ibis.ifelse(bounded < 0.0, bounded.ceil(), bounded.floor()).cast("int64")
    return whole, ((bounded - whole.cast("float64")) * float(BILLION)).round().cast("int64")


def joined_polars(whole: pl.Expr, fraction: pl.Expr) -> pl.Expr:
    """The number of the sums of its two parts: both are brought to one sign, so that nothing cancels."""
    carried = whole + fraction // BILLION
    rest = fraction % BILLION  # 0 or positive in Polars
    opposed = (carried < 0) & (rest > 0)
    whole = carried + opposed.cast(pl.Int64)
    rest = rest - opposed.cast(pl.Int64) * BILLION
    return whole.cast(pl.Float64) + divided_polars(rest.cast(pl.Float64), pl.lit(float(BILLION)))


def joined_ibis(whole: ibis.Value, fraction: ibis.Value) -> ibis.Value:
    """The number of the sums of its two parts: both are brought to one sign, so that nothing cancels."""
    rest = fraction % BILLION  # has the sign of the fraction in SQL
    carried = whole + ((fraction - rest) / BILLION).round().cast("int64")
    above = ((carried < 0) & (rest > 0)).cast("int64")
    below = ((carried > 0) & (rest < 0)).cast("int64")
    whole = carried + above - below
    rest = rest + (below - above) * BILLION
    return whole.cast("float64") + rest.cast("float64") / float(BILLION)
