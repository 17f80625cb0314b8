"""Review: by which numbers strategies are judged, how surely, and what the loop learns from them."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from cultiva.definitions.base import Definition, Model, Name, Share
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.tags import Aggregate

CONTRIBUTION = "contribution"
"""The metric that always exists: the value model's contribution since enrolment, in money. It is what decides."""


class Metric(Definition):
    """One number per customer, compared between those whom a strategy could touch and those it left alone.

    Exactly one of `aggregate` and `tag`.
    """

    unit: Literal["money", "share", "count"]
    """Money, a share of customers (a number above 0 counts as 1), or a count."""
    better: Literal["more", "less"] = "more"
    """Which way is better."""
    aggregate: Aggregate | None = None
    """A count or sum over rows since enrolment, e.g. conversions among outcomes; without a window of its own."""
    tag: Name | None = None
    """A number or boolean of the profile, as it stands at the end, e.g. aum."""
    covariate: Name | None = None
    """A tag as known at enrolment that goes with the metric: it takes out what had to be expected anyway (CUPED)."""

    @model_validator(mode="after")
    def _exactly_one_way(self) -> Self:
        if (self.aggregate is None) == (self.tag is None):
            raise ValueError("a metric needs either aggregate or tag")
        if self.aggregate is not None and self.aggregate.function not in ("count", "sum"):
            raise ValueError("a metric's aggregate is a count or a sum, so that periods add up")
        if self.aggregate is not None and self.aggregate.window_days is not None:
            raise ValueError("a metric's aggregate has no window of its own: it counts since enrolment")
        if self.aggregate is not None and (self.aggregate.value is None) != (self.aggregate.function == "count"):
            raise ValueError("count takes no value; sum needs one")
        return self


class RankBy(StrEnum):
    """By what the candidates of a customer are ranked and whether they are worth a touch."""

    EFFECT = "effect"
    """Measured effect less cost: the loop. Candidates with nothing to gain are left alone."""
    RULES = "rules"
    """The strategy's own `rank` expression."""
    PROPENSITY = "propensity"
    """How often customers like this one took the offer after a touch, whatever they would have done anyway."""
    RANDOM = "random"
    """A draw per customer, strategy and day."""


class Health(Model):
    """Standing experiments: random slices of the customers who are always ranked in another way than the rest.

    They say what the loop's own ranking is worth against simpler ones, for as long as the bank runs it.
    """

    rules: Share = 0.0
    """Share ranked by rules only."""
    propensity: Share = 0.0
    """Share ranked by propensity only."""
    random: Share = 0.0
    """Share ranked at random."""

    @property
    def slices(self) -> tuple[tuple[RankBy, float], ...]:
        """How each slice is ranked, and its share of the customers, in the order of the draw; empty ones left out."""
        shares = {RankBy.RULES: self.rules, RankBy.PROPENSITY: self.propensity, RankBy.RANDOM: self.random}
        return tuple((by, share) for by, share in shares.items() if share > 0)

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.rules + self.propensity + self.random > 0.5:
            raise ValueError("the slices of health experiments together may not exceed half of the customers")
        return self


class Ramp(Model):
    """How touches begin where effects rank: on a small part of what is hoped for, and further with evidence.

    Every open pair of offer and channel is weighed by itself: what a touch with the offer brings, less what this
    channel costs. Before there is evidence, that is the trusted part of what definitions expect; where none of it is
    trusted, the offer is only explored until an experiment has shown that it pays.
    """

    trust: dict[OfferKind, Share] = {OfferKind.PRODUCT: 0.2}
    """By kind of offer: the share of its `prior_worth` that is believed before there is evidence; 0 for those left out:
    what sells nothing by itself has to prove itself in money."""
    sure: float = Field(default=0.9, ge=0.5, lt=1)
    """Chance that a touch brings more than it costs, from which an offer is proven; below 1 less this it is ended."""
    first: Share = Field(default=1.0, gt=0)
    """Share of a strategy's customers that it begins with; the others wait, and are compared with, until touches are
    known to sell. By default everybody who is not held out: less costs where touches work, saves where they harm."""
    people: int = Field(default=20_000, gt=0)
    """A larger bank begins with no more evidence than one of so many customers: what is learnt goes by the number of
    people, and a harm falls on few. The share is halved until it is small enough, so that it moves only as banks do."""
    days: int = Field(default=28, gt=0)
    """After so many days an experiment has to have shown that touches sell, else definitions are no longer trusted; and
    a strategy of which nothing is proven is explored on `ended_share` of the usual share."""
    ended_share: Share = 0.2
    """Part of the exploration that is left for what is ended."""

    def begins_with(self, customers: int) -> float:
        """Share of a strategy's customers that it begins with in a bank of so many.

        Examples:
            >>> [Ramp().begins_with(many) for many in (5_000, 20_000, 30_000, 1_000_000)]
            [1.0, 1.0, 0.5, 0.015625]
        """
        halvings = math.ceil(math.log2(max(self.first * customers / self.people, 1)))
        return self.first / 2**halvings


class Review(Model):
    """How results are measured (`review.yaml`); a bank may begin without the file, every field has a default."""

    metrics: tuple[Metric, ...] = ()
    """Beside `contribution`."""
    covariate: Name = CONTRIBUTION
    """What goes with the contribution: `contribution`, what the customer brought in per day in the period before
    enrolment, or a tag as known then."""
    groups: tuple[Name, ...] = ("stage", "value_tier")
    """Text tags at enrolment: effects are measured within each of their values, and learnt for their combinations."""
    horizon_days: int = Field(default=84, gt=0)
    """A customer's results count from enrolment for so many days."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Coverage of the intervals."""
    trim_share: float = Field(default=0.001, ge=0, lt=0.1)
    """Money beyond these quantiles at either end is cut to them in the trimmed readout; the untrimmed stands beside."""
    rank_by: RankBy = RankBy.RULES
    """How candidates are ranked where no health experiment says otherwise."""
    exploration: Share = 0.1
    """Least share of every offer of a strategy while offers are compared, and of a strategy that seems worthless."""
    ramp: Ramp | None = None
    """How touches begin; None: a strategy goes to everybody whom it suits, and its worth is that of all its offers."""
    health: Health = Health()
    """Standing experiments."""
