"""The columns that model portfolios make in the profile: whose model a customer has, and the gap of every bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING, Any

import polars as pl

from cultiva.contracts.types import DataType
from cultiva.definitions.policy import ContactPolicy
from cultiva.definitions.portfolios import BUCKETS, MODEL_COLUMN, UNRATED, BucketName, Portfolios, model_key
from cultiva.engine import exact
from cultiva.engine.port import Form
from cultiva.insight.assets.division import INVESTED, Arithmetic, Invested, OfIbis, OfPolars, Terms, free_of, rest_of
from cultiva.kit.clock import born_by

if TYPE_CHECKING:
    import ibis

PARTY_FACTS: Mapping[str, DataType] = {
    "risk_rating": DataType.TEXT,
    "risk_rated_on": DataType.DATE,
    "birth_date": DataType.DATE,
}
"""Columns of the resolved customer that say which model is theirs, whatever tags a workspace has."""

MONEY_MAX = 1e13
"""Most money that counts in one place, so that four of them in cents are whole numbers on every engine."""


def inner_name(what: str) -> str:
    """A column that is made on the way and not kept."""
    return f"asset__{what}"


@dataclass(frozen=True)
class ModelForm:
    """The name of the customer's model portfolio; null for whom there is none.

    It fails closed: `unrated` where the rating is missing, unknown, older than the contact policy allows or not yet
    taken, where the birth date is missing, and above the age limit. The same tests as `strategy/suitability.py`.
    """

    portfolios: Portfolios
    policy: ContactPolicy
    on: date
    applies: Form
    """Who has a model portfolio."""
    type: DataType = DataType.TEXT
    """Text."""

    @property
    def columns(self) -> frozenset[str]:
        """Party facts, and what `applies` reads."""
        return frozenset(map(inner_name, PARTY_FACTS)) | self.applies.columns

    @cached_property
    def valid(self) -> tuple[date, date]:
        """First day on which a valid rating may have been taken, last birth date above the age limit."""
        rated_since = self.on - timedelta(days=self.policy.rating_valid_days)
        return rated_since, born_by(self.on, self.policy.suitability_age_max + 1)

    @cached_property
    def cases(self) -> list[tuple[str, date | None, str]]:
        """Rating, latest birth date of the age band (None: any) and model; the oldest band first."""
        bands = tuple(reversed(self.portfolios.age_bands)) or (None,)
        return [
            (
                model.rating,
                born_by(self.on, band.from_age) if band is not None and band.from_age is not None else None,
                model_key(model.rating, band),
            )
            for model in self.portfolios.models
            for band in bands
        ]

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        rating, rated_on, born = (table[inner_name(name)] for name in PARTY_FACTS)
        since, too_old = self.valid
        valid = (rated_on >= ibis.literal(since)) & (rated_on <= ibis.literal(self.on)) & (born > ibis.literal(too_old))
        cases = [
            ((rating == wanted) if latest is None else (rating == wanted) & (born <= ibis.literal(latest)), key)
            for wanted, latest, key in self.cases
        ]
        rated = ibis.cases(*[(when, ibis.literal(key)) for when, key in cases], else_=ibis.literal(UNRATED))
        named = ibis.ifelse(valid.fill_null(ibis.literal(False)), rated, ibis.literal(UNRATED))
        return ibis.ifelse(self.applies.ibis(table).fill_null(ibis.literal(False)), named, ibis.null("string"))

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        rating, rated_on, born = (pl.col(inner_name(name)) for name in PARTY_FACTS)
        since, too_old = self.valid
        valid = rated_on.is_between(pl.lit(since), pl.lit(self.on)) & (born > pl.lit(too_old))
        rated = pl.lit(UNRATED)
        for wanted, latest, key in reversed(self.cases):
            when = (rating == wanted) if latest is None else (rating == wanted) & (born <= pl.lit(latest))
            rated = pl.when(when).then(pl.lit(key)).otherwise(rated)
        named = pl.when(valid.fill_null(False)).then(rated).otherwise(pl.lit(UNRATED))
        return pl.when(self.applies.polars().fill_null(False)).then(named).otherwise(pl.lit(None, dtype=pl.String))


@dataclass(frozen=True)
class CentsForm:
    """Whole cents of an amount; null and what is below 0 count as nothing."""

    form: Form
    """The amount."""
    type: DataType = DataType.INTEGER
    """Cents."""

    @property
    def columns(self) -> frozenset[str]:
        """What the amount reads."""
        return self.form.columns

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        number = self.form.ibis(table).cast("float64").fill_null(ibis.literal(0.0))
        bounded = ibis.cases((number < 0.0, 0.0), (number > MONEY_MAX, MONEY_MAX), else_=number)
        return exact.cents_ibis(bounded)

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        return exact.cents_polars(self.form.polars().cast(pl.Float64).fill_null(0.0).clip(0.0, MONEY_MAX))


@dataclass(frozen=True)
class StepForm:
    """One step of the division, over columns that earlier steps made: each is a column of its own.

    Written into each other the steps would double with every use, and a plan of Spark would never be done with them.
    """

    reads: tuple[str, ...]
    """The columns."""
    step: Callable[[Sequence[Any], Arithmetic], Any]
    """Makes the value of theirs, in the arithmetic of the engine."""
    type: DataType = DataType.INTEGER
    """Cents."""

    @property
    def columns(self) -> frozenset[str]:
        """What it reads."""
        return frozenset(self.reads)

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        return self.step([table[name] for name in self.reads], OfIbis())

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        found: pl.Expr = self.step([pl.col(name) for name in self.reads], OfPolars())
        return found


@dataclass(frozen=True)
class GapForm:
    """What is missing in a bucket, in money; below 0 where there is more than the model says. Null without a model."""

    targets: tuple[str, ...]
    """Columns with cents that should be held, added up."""
    held: tuple[str, ...]
    """Columns with cents that are held, taken away."""
    type: DataType = DataType.MONEY
    """Money."""

    @property
    def columns(self) -> frozenset[str]:
        """The model, and the cents."""
        return frozenset({MODEL_COLUMN, *self.targets, *self.held})

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        gap = reduce(add, [table[name] for name in self.targets]) - reduce(add, [table[name] for name in self.held])
        return ibis.ifelse(table[MODEL_COLUMN].isnull(), ibis.null("decimal(18, 2)"), exact.money_ibis(gap))

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        gap = reduce(add, map(pl.col, self.targets)) - reduce(add, map(pl.col, self.held))
        return pl.when(pl.col(MODEL_COLUMN).is_not_null()).then(exact.money_polars(gap))


def gap_forms(
    balances: Mapping[BucketName, Form], needs: tuple[Form, Form], terms: Terms
) -> tuple[dict[str, Form], dict[BucketName, GapForm]]:
    """The inner columns of the division, and the gap of every bucket.

    Args:
        balances: What is held.
        needs: Cash need and protection need.
        terms: Of the model portfolios.
    """
    held = {name: inner_name(f"held_{name}") for name in BUCKETS}
    free, rest, cash, cover = (inner_name(name) for name in ("free", "rest", "cash", "cover"))
    made: dict[str, Form] = {held[name]: CentsForm(balances[name]) for name in BUCKETS}
    made |= {cash: CentsForm(needs[0]), cover: CentsForm(needs[1])}
    made[free] = StepForm((*held.values(), cash), lambda of, by: free_of(of[:-1], of[-1], terms, by))
    made[rest] = StepForm((free, cover, held["protection"]), lambda of, by: rest_of(of[0], of[1], of[2], terms, by))
    targets = {name: inner_name(f"target_{name}") for name in INVESTED}
    for name, column in targets.items():
        made[column] = StepForm((free, rest, held[name], MODEL_COLUMN), _target_step(name, terms))
    gaps: dict[BucketName, GapForm] = {name: GapForm((targets[name],), (held[name],)) for name in INVESTED}
    invested = tuple(held[name] for name in INVESTED)
    return made, {"liquid": GapForm(invested, tuple(targets.values())), **gaps}


def _target_step(name: BucketName, terms: Terms) -> Callable[[Sequence[Any], Arithmetic], Any]:
    bucket = Invested(name, terms)
    return lambda of, by: bucket.target(of[0], of[1], of[2], of[3], by)
