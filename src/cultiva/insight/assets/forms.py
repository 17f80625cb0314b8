"""The columns that model portfolios make in the profile: whose model a customer has, and the gap of every bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from cultiva.contracts.types import DataType
from cultiva.definitions.policy import ContactPolicy
from cultiva.definitions.portfolios import MODEL_COLUMN, UNRATED, BucketName, Portfolios, model_key
from cultiva.engine import exact
from cultiva.engine.port import Form
from cultiva.insight.assets.division import Arithmetic, Division, OfIbis, OfPolars, Terms, divide
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


def fact_name(column: str) -> str:
    """The profile's inner column of a party fact."""
    return f"asset__{column}"


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
        return frozenset(map(fact_name, PARTY_FACTS)) | self.applies.columns

    @cached_property
    def _valid(self) -> tuple[date, date]:
        """First day on which a valid rating may have been taken, last birth date above the age limit."""
        rated_since = self.on - timedelta(days=self.policy.rating_valid_days)
        return rated_since, born_by(self.on, self.policy.suitability_age_max + 1)

    @cached_property
    def _cases(self) -> list[tuple[str, date | None, str]]:
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

        rating, rated_on, born = (table[fact_name(name)] for name in PARTY_FACTS)
        since, too_old = self._valid
        valid = (rated_on >= ibis.literal(since)) & (rated_on <= ibis.literal(self.on)) & (born > ibis.literal(too_old))
        cases = [
            ((rating == wanted) if latest is None else (rating == wanted) & (born <= ibis.literal(latest)), key)
            for wanted, latest, key in self._cases
        ]
        rated = ibis.cases(*[(when, ibis.literal(key)) for when, key in cases], else_=ibis.literal(UNRATED))
        named = ibis.ifelse(valid.fill_null(ibis.literal(False)), rated, ibis.literal(UNRATED))
        return ibis.ifelse(self.applies.ibis(table).fill_null(ibis.literal(False)), named, ibis.null("string"))

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        rating, rated_on, born = (pl.col(fact_name(name)) for name in PARTY_FACTS)
        since, too_old = self._valid
        valid = rated_on.is_between(pl.lit(since), pl.lit(self.on)) & (born > pl.lit(too_old))
        rated = pl.lit(UNRATED)
        for wanted, latest, key in reversed(self._cases):
            when = (rating == wanted) if latest is None else (rating == wanted) & (born <= pl.lit(latest))
            rated = pl.when(when).then(pl.lit(key)).otherwise(rated)
        named = pl.when(valid.fill_null(False)).then(rated).otherwise(pl.lit(UNRATED))
        return pl.when(self.applies.polars().fill_null(False)).then(named).otherwise(pl.lit(None, dtype=pl.String))


@dataclass(frozen=True)
class GapForm:
    """What is missing in a bucket, in money; below 0 where there is more than the model says. Null without a model."""

    bucket: BucketName
    balances: Mapping[BucketName, str]
    """Bucket -> the tag that says what is held."""
    needs: Sequence[Form]
    """Cash need and protection need."""
    terms: Terms
    type: DataType = DataType.MONEY
    """Money."""

    @property
    def columns(self) -> frozenset[str]:
        """The model, the balances, and what the needs read."""
        return frozenset({MODEL_COLUMN, *self.balances.values()}).union(*(need.columns for need in self.needs))

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark."""
        import ibis

        held = {name: _cents_ibis(table[tag]) for name, tag in self.balances.items()}
        needs = [_cents_ibis(need.ibis(table)) for need in self.needs]
        gap = self._gap(held, needs, table[MODEL_COLUMN], OfIbis())
        return ibis.ifelse(table[MODEL_COLUMN].isnull(), ibis.null("decimal(18, 2)"), exact.money_ibis(gap))

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        held = {name: _cents_polars(pl.col(tag)) for name, tag in self.balances.items()}
        needs = [_cents_polars(need.polars()) for need in self.needs]
        gap = self._gap(held, needs, pl.col(MODEL_COLUMN), OfPolars())
        return pl.when(pl.col(MODEL_COLUMN).is_not_null()).then(exact.money_polars(gap))

    def _gap(self, held: Mapping[BucketName, object], needs: Sequence[object], key: object, by: Arithmetic) -> Any:
        found: Division = divide(held, needs, key, terms=self.terms, by=by)
        return found.targets[self.bucket] - held[self.bucket]


def _cents_ibis(value: ibis.Value) -> ibis.Value:
    """Cents; null and what is below 0 count as nothing."""
    import ibis

    number = value.cast("float64").fill_null(ibis.literal(0.0))
    bounded = ibis.cases((number < 0.0, 0.0), (number > MONEY_MAX, MONEY_MAX), else_=number)
    return exact.cents_ibis(bounded)


def _cents_polars(value: pl.Expr) -> pl.Expr:
    return exact.cents_polars(value.cast(pl.Float64).fill_null(0.0).clip(0.0, MONEY_MAX))
