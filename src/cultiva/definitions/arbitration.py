"""Arbitration: what is scarce beside the contact policy, and how worth is weighted when candidates compete."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from cultiva.definitions.base import Definition, Model, Name, RuleText


class Scope(Model):
    """The candidates that something is about; an empty list is no limit."""

    strategies: tuple[Name, ...] = ()
    """Strategies; empty: all."""
    offers: tuple[Name, ...] = ()
    """Offers; empty: all."""
    channels: tuple[Name, ...] = ()
    """Channels; empty: all."""


class Resource(Definition, Scope):
    """Something that the whole bank has only so much of: money, messages, vouchers; or a volume that it owes.

    At least one of `at_most` and `at_least`.
    """

    counts: Literal["touches", "cost"] = "touches"
    """What is counted: proposals, or their cost in money (channel and, as far as it is taken up, offer)."""
    per: Literal["day", "month", "total"] = "day"
    """day: for each business date. month, total: for the period; what is left of it is spread over its days."""
    since: date | None = None
    """For total: first day of the period."""
    until: date | None = None
    """For total: last day of the period."""
    at_most: float | None = Field(default=None, ge=0)
    """Most per period."""
    at_least: float | None = Field(default=None, gt=0)
    """Least per day, as far as there are candidates; what cannot be reached is said, not ignored."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("a resource needs at_most or at_least")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError("at_least is more than at_most")
        if self.at_least is not None and self.per != "day":
            raise ValueError("at_least is per day")
        if (self.per == "total") != (self.since is not None and self.until is not None):
            raise ValueError("since and until belong to per: total, and total needs both")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("since is after until")
        return self


class Lever(Definition, Scope):
    """A weight on the worth of some candidates while they compete: worth x factor + add.

    The worth itself is not changed: what a lever costs is measured in it, by leaving the lever out.
    """

    kind: Literal["context", "business"]
    """context: what the moment says, e.g. the customer stands in the branch. business: what the bank wants."""
    when: RuleText = "true"
    """For whom it works; a null answer is no."""
    factor: float = Field(default=1.0, ge=0)
    """The worth is multiplied by it."""
    add: float = 0.0
    """Money added to the worth."""
    active: bool = True
    """Whether it works."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.factor == 1.0 and self.add == 0.0:
            raise ValueError("a lever needs a factor other than 1 or something to add")
        return self


class Arbitration(Model):
    """`arbitration.yaml`; a bank may begin without the file."""

    resources: tuple[Resource, ...] = ()
    """What is scarce beside advisers' capacity, which strategies name."""
    levers: tuple[Lever, ...] = ()
    """Weights on worth."""
    touches_per_day_max: int = Field(default=3, ge=1, le=4)
    """Most touches of one customer on one day, whatever the caps leave."""
