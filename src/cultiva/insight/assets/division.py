"""How a customer's money should be divided: in whole cents, so that the parts add up to the whole on every engine.

    what is held                         h(b) = max(balance(b), 0), assets = sum of h
    insurance is not surrendered         movable = assets - h(protection)
    first what daily life needs          reserve = min(movable, cash need), free = movable - reserve
    then what insures it                 insured = min(max(need - h(protection), 0), protection_max x free)
                                         m(protection) = h(protection) + insured
    the rest by the model of the rating  m(b) = floor(w(b) x (free - insured))
    nothing above the rating             m(b) = min(m(b), h(b)) where the bucket is closed to the customer
    and what is left is liquid           m(liquid) = assets - the others
    gap(b) = m(b) - h(b)

Where protection goes by weight, everything is movable and insured is 0. The model amounts add up to
the assets, the gaps to nothing, and a closed bucket never has a gap above 0.

The arithmetic is written once, over anything that has + - % and comparisons, for which `Arithmetic` gives the few
functions that differ: Ibis values, Polars expressions, and the whole numbers of one customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, Protocol

from cultiva.definitions.frontier import Weights
from cultiva.definitions.portfolios import BUCKETS, BucketName, Portfolios, open_buckets

if TYPE_CHECKING:
    import ibis
    import polars as pl

INVESTED: tuple[BucketName, ...] = tuple(name for name in BUCKETS if name != "liquid")
"""The buckets that money is laid into; what is left is liquid."""


class Arithmetic(Protocol):
    """What differs between kinds of whole numbers, none of them null or negative."""

    def least(self, left: Any, right: Any) -> Any:
        """The smaller one."""

    def part(self, amount: Any, units: Any, scale: int) -> Any:
        """`floor(amount * units / scale)`, exactly."""

    def by_key(self, key: Any, values: Mapping[str, int]) -> Any:
        """The value of the customer's model portfolio; 0 for a key that is not there."""


@dataclass(frozen=True)
class Terms:
    """What a division needs to know about all model portfolios."""

    units: Mapping[BucketName, Mapping[str, int]]
    """Bucket -> model portfolio -> its weight in units."""
    closed: Mapping[BucketName, Mapping[str, int]]
    """Bucket -> model portfolio -> 1 where nobody may be proposed more of it."""
    scale: int
    """Units in the whole."""
    by_need: bool
    """Whether protection goes by need."""
    protection_units: int
    """Most of what is left after the reserve that goes into protection, in units."""


def terms_of(portfolios: Portfolios, weights: Mapping[str, Weights]) -> Terms:
    """What follows from the definition for the division of anybody's money."""
    keys, scale = portfolios.model_keys(), 10**portfolios.weight_digits
    opened = {key: open_buckets(portfolios, model) for key, (model, _) in keys.items()}
    return Terms(
        units={name: {key: weights[key].units[name] for key in keys} for name in BUCKETS},
        closed={name: {key: int(name not in opened[key]) for key in keys} for name in BUCKETS},
        scale=scale,
        by_need=portfolios.by_need,
        protection_units=round(portfolios.protection_max * scale),
    )


def free_of(held: Sequence[Any], cash_need: Any, terms: Terms, by: Arithmetic) -> Any:
    """What is left of the money that can move after what daily life needs.

    Args:
        held: Cents in every bucket, in the order of `BUCKETS`.
        cash_need: Cents.
        terms: Say whether insurance is left alone.
        by: The kind of numbers.
    """
    movable = reduce(
        add, [one for name, one in zip(BUCKETS, held, strict=True) if not (terms.by_need and name == "protection")]
    )
    return movable - by.least(movable, cash_need)


def rest_of(free: Any, need: Any, insured: Any, terms: Terms, by: Arithmetic) -> Any:
    """What is left for the model after what is missing in protection.

    Args:
        free: After the reserve.
        need: Protection need.
        insured: What is held in protection.
        terms: Say whether protection goes by need, and how much of `free` at most.
        by: The kind of numbers.
    """
    if not terms.by_need:
        return free
    return free - by.least(need - by.least(need, insured), by.part(free, terms.protection_units, terms.scale))


@dataclass(frozen=True)
class Invested:
    """What one of the buckets `INVESTED` should hold."""

    name: BucketName
    terms: Terms

    def target(self, free: Any, rest: Any, held: Any, key: Any, by: Arithmetic) -> Any:
        """By need or by weight; where the bucket is closed no more than is held.

        Args:
            free: After the reserve.
            rest: After protection too.
            held: In this bucket.
            key: The model portfolio.
            by: The kind of numbers.
        """
        units = self.terms.units[self.name]
        by_need = self.terms.by_need and self.name == "protection"
        wanted = held + free - rest if by_need else by.part(rest, by.by_key(key, units), self.terms.scale)
        closed = by.by_key(key, self.terms.closed[self.name])
        return closed * by.least(wanted, held) + (1 - closed) * wanted


@dataclass(frozen=True)
class Division:
    """How one customer's money should be divided, in cents."""

    assets: int
    """All of it."""
    reserve: int
    """What daily life needs."""
    targets: Mapping[BucketName, int]
    """What each bucket should hold; together the assets."""


def divide(held: Mapping[BucketName, int], needs: Sequence[int], key: str, terms: Terms) -> Division:
    """Divides one customer's money as the formulas above say.

    Args:
        held: Cents in every bucket, not negative.
        needs: Cash need and protection need in cents, not negative.
        key: The model portfolio.
        terms: Weights and what is closed.
    """
    by, assets = OfNumbers(), sum(held.values())
    free = free_of([held[name] for name in BUCKETS], needs[0], terms, by)
    rest = rest_of(free, needs[1], held["protection"], terms, by)
    kept = held["protection"] if terms.by_need else 0
    targets: dict[BucketName, int] = {
        name: Invested(name, terms).target(free, rest, held[name], key, by) for name in INVESTED
    }
    return Division(assets, assets - kept - free, {"liquid": assets - sum(targets.values()), **targets})


class OfNumbers:
    """Python's whole numbers: one customer."""

    def least(self, left: int, right: int) -> int:
        return min(left, right)

    def part(self, amount: int, units: int, scale: int) -> int:
        return amount * units // scale

    def by_key(self, key: str | None, values: Mapping[str, int]) -> int:
        return values.get(key or "", 0)


class OfIbis:
    """Ibis values: DuckDB and Spark. `//` goes through a double there, so only exact multiples are divided."""

    def least(self, left: ibis.Value, right: ibis.Value) -> ibis.Value:
        import ibis

        return ibis.least(left, right)

    def part(self, amount: ibis.Value, units: ibis.Value | int, scale: int) -> ibis.Value:
        rest = amount % scale
        of_rest = rest * units
        return _whole_ibis(amount - rest, scale) * units + _whole_ibis(of_rest - of_rest % scale, scale)

    def by_key(self, key: ibis.Value, values: Mapping[str, int]) -> ibis.Value:
        import ibis

        cases = [(key == name, ibis.literal(value, "int64")) for name, value in values.items() if value]
        return ibis.cases(*cases, else_=ibis.literal(0, "int64")) if cases else ibis.literal(0, "int64")


def _whole_ibis(multiple: ibis.Value, scale: int) -> ibis.Value:
    """The quotient of an exact multiple below 2**53."""
    return (multiple / scale).round().cast("int64")


class OfPolars:
    """Polars expressions: bulk work on one machine."""

    def least(self, left: pl.Expr, right: pl.Expr) -> pl.Expr:
        import polars as pl

        return pl.min_horizontal(left, right)

    def part(self, amount: pl.Expr, units: pl.Expr | int, scale: int) -> pl.Expr:
        return (amount // scale) * units + (amount % scale) * units // scale

    def by_key(self, key: pl.Expr, values: Mapping[str, int]) -> pl.Expr:
        import polars as pl

        answer = pl.lit(0, dtype=pl.Int64)
        for name, value in values.items():
            if value:
                answer = pl.when(key == name).then(pl.lit(value, dtype=pl.Int64)).otherwise(answer)
        return answer
