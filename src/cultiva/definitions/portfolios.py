"""Model portfolios: what the bank assumes of the four buckets, and how much of each a customer should hold.

The buckets are those of the TREE: liquid money, protection, steady and aggressive investment. What is kept liquid for
daily life and what is insured goes by need and comes first; the rest is divided by the model of the customer's rating.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Literal

from pydantic import Field

from cultiva.definitions.base import Label, Model, Name, RuleText, Share

BucketName = Literal["liquid", "protection", "steady", "aggressive"]
"""A bucket of the TREE, as `asset_class` of a product says."""
BUCKETS: tuple[BucketName, ...] = ("liquid", "protection", "steady", "aggressive")
"""The buckets in the order in which money is laid into them."""
Rating = Literal["C1", "C2", "C3", "C4", "C5"]
"""A customer's own risk rating, from cautious to bold."""
RATINGS: tuple[Rating, ...] = ("C1", "C2", "C3", "C4", "C5")
"""All ratings in order."""
MODEL_COLUMN = "model_portfolio"
"""The profile's column that names the customer's model portfolio: `c3_middle`, `unrated`."""
UNRATED = "unrated"
"""The model of whoever has no valid rating, or is above the age limit."""
GAP_COLUMNS: Mapping[BucketName, str] = {bucket: f"gap_{bucket}" for bucket in BUCKETS}
"""The profile's columns with the gap of each bucket in money."""


class ProductMargin(Model):
    """A product that fills a bucket."""

    offer: Name
    """The offer."""
    margin: float = Field(ge=-1, le=1)
    """What the bank earns on it per currency unit and year."""


class Bucket(Model):
    """One bucket: where it is held, what is assumed of it, and what fills it. Rates are per currency unit and year."""

    label: Label
    """What people read."""
    balance: Name
    """The numeric tag that says how much of it the customer holds; below 0 counts as nothing."""
    expected_return: float = Field(ge=-1, le=1)
    """Assumed return."""
    volatility: float = Field(ge=0, le=2)
    """Assumed standard deviation of the return."""
    risk_level: str | None = Field(default=None, pattern=r"^R[1-5]$")
    """Lowest risk level of its products: who is not rated for it is never below the model there. None: for everyone."""
    margin: float = Field(default=0.0, ge=-1, le=1)
    """What the bank earns on what is held there today: it is given up where money moves on."""
    offers: tuple[ProductMargin, ...] = ()
    """What fills it, the preferred one first."""


class Buckets(Model):
    """The four buckets."""

    liquid: Bucket
    """Money that is available at once."""
    protection: Bucket
    """Insurance."""
    steady: Bucket
    """Steady investment."""
    aggressive: Bucket
    """Aggressive investment."""

    def items(self) -> Iterator[tuple[BucketName, Bucket]]:
        """Name and bucket, in the order of `BUCKETS`."""
        return ((name, getattr(self, name)) for name in BUCKETS)


class Correlation(Model):
    """How far the returns of two buckets move together."""

    between: tuple[BucketName, BucketName]
    """The two."""
    correlation: float = Field(ge=-1, le=1)
    """Their correlation; pairs that are not listed have 0."""


class AgeBand(Model):
    """Customers of an age, and which part of their rating's risk suits them."""

    name: Name
    """Name of the band."""
    label: Label
    """What people read."""
    from_age: int | None = Field(default=None, alias="from", gt=0, lt=130)
    """Youngest age in completed years; None for the first band."""
    risk: float = Field(default=1.0, gt=0, le=1)
    """Share of the rating's volatility that the band's portfolio may have."""


class Limits(Model):
    """Least and most share of one bucket."""

    min: Share = 0.0
    """Least share."""
    max: Share = 1.0
    """Most share."""


class CautiousModel(Model):
    """A risk budget, and limits per bucket."""

    volatility_max: float = Field(gt=0, le=2)
    """Most volatility per year of what is divided by the model."""
    limits: dict[BucketName, Limits] = {}
    """Per bucket; a bucket above the rating has none of it whatever this says."""


class RatedModel(CautiousModel):
    """The model portfolio of a rating."""

    rating: Rating
    """Whose."""


class Portfolios(Model):
    """Assumptions, needs and model portfolios (`portfolios.yaml`); without the file there are no gaps."""

    as_of: date
    """Day of the assumptions."""
    source: Label
    """Where the assumptions come from; stands on the adviser's page."""
    applies: RuleText = "true"
    """Who has a model portfolio, a condition over tags, value and tiers; the gaps of others are null."""
    buckets: Buckets
    """The four buckets."""
    correlations: tuple[Correlation, ...] = ()
    """How their returns move together."""
    cash_need: RuleText = "0"
    """Money kept liquid before anything is invested, e.g. months of spending; null and below 0 count as nothing."""
    protection_need: RuleText | None = None
    """Money that belongs into protection, e.g. a share of income and of loans; None: protection goes by the model."""
    protection_max: Share = 0.3
    """Most share of what is left after the cash need that goes into protection by need."""
    age_bands: tuple[AgeBand, ...] = ()
    """From young to old; empty: age makes no difference."""
    models: tuple[RatedModel, ...] = Field(min_length=1)
    """One per rating; who has a rating without one is taken as unrated."""
    unrated: CautiousModel
    """Where there is no rating, or it has expired, or the customer is above the age limit of the contact policy."""
    weight_digits: int = Field(default=3, ge=1, le=4)
    """Decimals to which weights are rounded."""
    gap_min: float = Field(default=1000.0, ge=0)
    """Smaller gaps are not proposed anything for."""

    @property
    def by_need(self) -> bool:
        """Whether protection goes by need rather than by weight."""
        return self.protection_need is not None

    @property
    def divided(self) -> tuple[BucketName, ...]:
        """The buckets among which the models divide."""
        return tuple(name for name in BUCKETS if not (self.by_need and name == "protection"))

    def model_keys(self) -> dict[str, tuple[CautiousModel, AgeBand | None]]:
        """Every model portfolio by the name that stands in the profile."""
        bands: tuple[AgeBand | None, ...] = self.age_bands or (None,)
        rated = {model_key(model.rating, band): (model, band) for model in self.models for band in bands}
        return {**rated, UNRATED: (self.unrated, None)}


def model_key(rating: str, band: AgeBand | None) -> str:
    """The name of a model portfolio.

    Examples:
        >>> model_key("C3", None)
        'c3'
    """
    return rating.lower() if band is None else f"{rating.lower()}_{band.name}"


def rated_level(model: CautiousModel) -> int:
    """The highest risk level of products that a model may hold; 0 without a rating."""
    return int(model.rating[1]) if isinstance(model, RatedModel) else 0


def open_buckets(portfolios: Portfolios, model: CautiousModel) -> frozenset[BucketName]:
    """The buckets that somebody with this model may be proposed more of."""
    level = rated_level(model)
    return frozenset(
        name
        for name, bucket in portfolios.buckets.items()
        if bucket.risk_level is None or int(bucket.risk_level[1]) <= level
    )
