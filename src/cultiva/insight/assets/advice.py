"""Advice: one customer's money beside the model, what would close the gaps, and what that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import sqrt
from typing import Any

from cultiva.definitions.frontier import Weights, covariance_of
from cultiva.definitions.portfolios import BUCKETS, UNRATED, BucketName, Portfolios
from cultiva.insight.assets.division import Division, divide, terms_of
from cultiva.kit.money import to_major, to_minor


class Standing(StrEnum):
    """What the suitability of a customer stands on."""

    VALID = "valid"
    """The rating is valid."""
    MISSING = "missing"
    """There is none."""
    EXPIRED = "expired"
    """It is too old."""
    NOT_YET = "not_yet"
    """It bears a date to come."""
    NO_AGE = "no_age"
    """The birth date is not known."""
    TOO_OLD = "too_old"
    """The customer is above the age limit: an investment needs a second confirmation."""
    NO_MODEL = "no_model"
    """The workspace has no model for the rating."""


@dataclass(frozen=True)
class Risk:
    """What is assumed of a mix of buckets, per year."""

    expected_return: float
    volatility: float


@dataclass(frozen=True)
class BucketLine:
    """One bucket of a customer."""

    bucket: BucketName
    held: Decimal
    target: Decimal
    held_share: float
    target_share: float
    is_open: bool
    """Whether the customer may be proposed more of it."""

    @property
    def gap(self) -> Decimal:
        """What is missing; below 0 where there is more than the model says."""
        return self.target - self.held


class Reason(StrEnum):
    """Why an offer that would fill a gap is not proposed."""

    UNSUITABLE = "unsuitable"
    """It does not suit by risk rating or age."""
    NOT_ELIGIBLE = "not_eligible"
    """The offer's own rule says no."""


@dataclass(frozen=True)
class PassedOver:
    """An offer that would fill a gap, and why it is not proposed."""

    offer: str
    reason: Reason


@dataclass(frozen=True)
class Proposal:
    """A product that closes a gap."""

    bucket: BucketName
    offer: str
    amount: Decimal
    income: Decimal
    """What the bank earns on it a year."""
    given_up: Decimal
    """What the bank earns today on the money that moves."""
    after: Risk
    """The customer's whole mix with this proposal carried out alone."""
    others: tuple[str, ...] = ()
    """Further offers that are open and fill the same gap."""

    @property
    def net(self) -> Decimal:
        """What the proposal is worth to the bank a year."""
        return self.income - self.given_up


@dataclass(frozen=True)
class Advice:
    """Everything that the adviser's page says."""

    customer_id: int
    name: str
    """Masked."""
    on: date
    model: str
    level: int
    """Highest risk level of products that may be proposed; 0: none that has one."""
    standing: Standing
    rating: str | None
    rated_on: date | None
    age: int | None
    assets: Decimal
    reserve: Decimal
    cash_need: Decimal
    protection_need: Decimal
    lines: tuple[BucketLine, ...]
    now: Risk
    then: Risk
    """With the model amounts."""
    volatility_max: float
    """The model's budget for what it divides."""
    proposals: tuple[Proposal, ...]
    passed_over: Mapping[BucketName, tuple[PassedOver, ...]]
    """Per bucket with a gap."""


@dataclass(frozen=True)
class Situation:
    """One customer as the lake knows them."""

    customer_id: int
    name: str
    model: str
    rating: str | None
    rated_on: date | None
    age: int | None
    held: Mapping[BucketName, Decimal | None]
    needs: tuple[Any, Any]
    """Cash need and protection need."""
    passed_over: Mapping[str, Reason]
    """Offers that are not open, and why."""
    found: Sequence[Mapping[str, Any]]
    """Proposals as `proposals.COLUMNS`."""


def advice(
    situation: Situation, portfolios: Portfolios, models: Mapping[str, Weights], *, standing: Standing, on: date
) -> Advice:
    """Lays out what the lake knows.

    Args:
        situation: The customer.
        portfolios: The model portfolios.
        models: The weights of all model portfolios, by name.
        standing: What suitability stands on.
        on: Business date.
    """
    weights = models[situation.model]
    held = {name: max(to_minor(Decimal(situation.held[name] or 0)), 0) for name in BUCKETS}
    needs = [max(to_minor(Decimal(str(need or 0))), 0) for need in situation.needs]
    found = divide(held, needs, weights.key, terms_of(portfolios, models))
    closed = {name for name in BUCKETS if _is_closed(portfolios, weights, name)}
    return Advice(
        customer_id=situation.customer_id,
        name=situation.name,
        on=on,
        model=weights.key,
        level=weights.level,
        standing=standing,
        rating=situation.rating,
        rated_on=situation.rated_on,
        age=situation.age,
        assets=to_major(found.assets),
        reserve=to_major(found.reserve),
        cash_need=to_major(needs[0]),
        protection_need=to_major(needs[1]),
        lines=tuple(_line(name, held, found, is_open=name not in closed) for name in BUCKETS),
        now=risk_of(held, portfolios),
        then=risk_of(found.targets, portfolios),
        volatility_max=weights.volatility_max,
        proposals=tuple(_proposal(row, held, found, situation, portfolios) for row in _ordered(situation.found)),
        passed_over=_passed_over(found, held, situation, portfolios),
    )


def _is_closed(portfolios: Portfolios, weights: Weights, name: BucketName) -> bool:
    level = getattr(portfolios.buckets, name).risk_level
    return level is not None and int(level[1]) > weights.level


def _line(name: BucketName, held: Mapping[BucketName, int], found: Division, *, is_open: bool) -> BucketLine:
    whole = found.assets or 1
    return BucketLine(
        bucket=name,
        held=to_major(held[name]),
        target=to_major(found.targets[name]),
        held_share=held[name] / whole,
        target_share=found.targets[name] / whole,
        is_open=is_open,
    )


def risk_of(amounts: Mapping[BucketName, int], portfolios: Portfolios) -> Risk:
    """What is assumed of a mix.

    Args:
        amounts: Cents per bucket.
        portfolios: Has the assumptions.
    """
    whole = sum(amounts.values())
    if not whole:
        return Risk(0.0, 0.0)
    shares = [amounts[name] / whole for name in BUCKETS]
    returns = [bucket.expected_return for _, bucket in portfolios.buckets.items()]
    covariance = covariance_of(portfolios).tolist()
    variance = sum(
        one * other * covariance[row][column] for row, one in enumerate(shares) for column, other in enumerate(shares)
    )
    return Risk(sum(share * rate for share, rate in zip(shares, returns, strict=True)), sqrt(max(variance, 0.0)))


def _ordered(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(found, key=lambda row: BUCKETS.index(row["bucket"]))


def _proposal(
    row: Mapping[str, Any],
    held: Mapping[BucketName, int],
    found: Division,
    situation: Situation,
    portfolios: Portfolios,
) -> Proposal:
    bucket: BucketName = row["bucket"]
    names = [one.offer for one in getattr(portfolios.buckets, bucket).offers]
    return Proposal(
        bucket=bucket,
        offer=row["offer"],
        amount=row["amount"],
        income=row["income"],
        given_up=row["given_up"],
        after=risk_of(_moved(bucket, held, found), portfolios),
        others=tuple(name for name in names if name not in situation.passed_over and name != row["offer"]),
    )


def _moved(bucket: BucketName, held: Mapping[BucketName, int], found: Division) -> dict[BucketName, int]:
    """The mix with one gap closed out of what is above the model, in proportion."""
    above = {name: max(held[name] - found.targets[name], 0) for name in BUCKETS}
    amount, whole = found.targets[bucket] - held[bucket], sum(above.values()) or 1
    moved = {name: held[name] - amount * above[name] // whole for name in BUCKETS}
    return {**moved, bucket: held[bucket] + amount}


def _passed_over(
    found: Division, held: Mapping[BucketName, int], situation: Situation, portfolios: Portfolios
) -> dict[BucketName, tuple[PassedOver, ...]]:
    return {
        name: tuple(
            PassedOver(one.offer, situation.passed_over[one.offer])
            for one in bucket.offers
            if one.offer in situation.passed_over
        )
        for name, bucket in portfolios.buckets.items()
        if found.targets[name] > held[name]
    }


def standing_of(situation: Situation, portfolios: Portfolios, *, on: date, valid_days: int, age_max: int) -> Standing:
    """What the suitability of a customer stands on: the first thing that is wrong, as `forms.ModelForm` tests it."""
    rated_on = situation.rated_on
    checks = [
        (situation.rating is None or rated_on is None, Standing.MISSING),
        (rated_on is not None and rated_on > on, Standing.NOT_YET),
        (rated_on is not None and (on - rated_on).days > valid_days, Standing.EXPIRED),
        (situation.age is None, Standing.NO_AGE),
        (situation.age is not None and situation.age > age_max, Standing.TOO_OLD),
        (situation.model == UNRATED, Standing.NO_MODEL),
    ]
    return next((standing for wrong, standing in checks if wrong), Standing.VALID)
