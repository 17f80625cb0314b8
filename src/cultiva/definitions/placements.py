"""Placements: slots of the app in which proposals stand, how often they may, and what live decisions may use a day."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cultiva.definitions.base import Definition, Model, Name

HOURS = 24
"""Hours of a day."""


class Frequency(Model):
    """How often something may be shown to one customer: an impression is no touch and has rules of its own."""

    per: Literal["placement", "strategy", "offer"]
    """What is counted: everything in the slot, a strategy's proposals, or one offer; each within the slot."""
    hours: int = Field(gt=0, le=24 * 90)
    """Length of the window, up to now."""
    impressions_max: int = Field(ge=1)
    """Most impressions in the window."""


class Placement(Definition):
    """A slot that a customer looks at of their own accord, e.g. the banner of the app's first page."""

    channel: Name
    """The channel that it is part of: strategies of that channel are proposed, and its consent is asked for."""
    slots: int = Field(default=1, ge=1, le=10)
    """Most proposals at once."""
    strategies: tuple[Name, ...] = ()
    """Strategies that may stand there; empty: all of the channel."""
    frequency: tuple[Frequency, ...] = ()
    """How often what may be shown."""
    rest_days_dismissed: int = Field(default=7, ge=0)
    """Days for which a strategy's proposals stay away after the customer has dismissed one."""
    rest_days_converted: int = Field(default=30, ge=0)
    """Days for which an offer stays away after the customer has taken it up."""
    impression_share: float = Field(default=1.0, gt=0, le=1)
    """What being shown is worth, as a share of what is foreseen for a touch over the channel: a prior."""
    unit_cost: float = Field(default=0.0, ge=0)
    """Cost in money of showing it once, in place of the channel's."""
    neutral: str = ""
    """What the app shows when there is nothing to propose, or nobody can say; empty: whatever it likes."""


class LiveBudget(Model):
    """What live decisions may use of a resource on one day, beside the night's plan."""

    resource: Name
    """A resource of arbitration.yaml."""
    at_most: float = Field(gt=0)
    """Units a day."""
    hours: tuple[float, ...] = ()
    """How demand is spread over the hours of the bank's day, as 24 weights; empty: evenly."""

    @model_validator(mode="after")
    def _whole_day(self) -> Self:
        if self.hours and (len(self.hours) != HOURS or min(self.hours) < 0 or sum(self.hours) <= 0):
            raise ValueError("hours are 24 weights, none below 0 and not all 0")
        return self


class Placements(Model):
    """`placements.yaml`; a bank may begin without the file."""

    placements: tuple[Placement, ...] = ()
    """Slots of the app."""
    budgets: tuple[LiveBudget, ...] = ()
    """What live decisions may use a day; of other resources they may use what the night's plan has left."""
    price_least: float = Field(default=0.01, gt=0)
    """Money per unit at which a resource is charged at least once less than planned is left of it."""
    responsiveness: float = Field(default=4.0, gt=0, le=50)
    """How strongly prices follow consumption: (share of the day left / share of the budget left) to this power."""
    hold_minutes: int = Field(default=30, ge=1, le=1440)
    """How long a live touch is held for whoever asked, until it is confirmed or given back."""

    def named(self, name: str) -> Placement | None:
        """The slot of a name; None if there is none."""
        return next((one for one in self.placements if one.name == name), None)
