"""Strategies: who x why x what x how x limits x proof."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cultiva.definitions.base import Definition, Model, Name, RuleText, Share
from cultiva.definitions.plays import Play


class Objective(Model):
    """Why the strategy exists, as a number."""

    metric: Name
    """A tag."""
    direction: Literal["increase", "decrease"] = "increase"
    """Which way is better."""
    target: float | None = None
    """Change per customer that is aimed at, in the tag's unit."""


class Capacity(Model):
    """How many contacts there can be."""

    per: Literal["adviser", "branch", "strategy"]
    """Who has the capacity. For adviser: `contacts_max` or, if absent, the staff table's week divided by five."""
    contacts_max: int | None = Field(default=None, ge=0)
    """Contacts per day; None for advisers: from the staff table."""


class Strategy(Definition):
    """One cell of the strategy map and what is done there."""

    objective: Objective
    """Why."""
    audience: RuleText
    """Who: a condition over the profile, usually `segment('...')`."""
    stages: tuple[Name, ...] = ()
    """Lifecycle stages in which it applies; empty: all."""
    tiers: tuple[Name, ...] = ()
    """Value tiers in which it applies; empty: all."""
    offers: tuple[Name, ...] = Field(min_length=1)
    """What, the first eligible and suitable one per customer."""
    channels: tuple[Name, ...] = Field(min_length=1)
    """How: channels in order of preference; the first with consent is used."""
    eligible: RuleText = "true"
    """Who of the audience may be touched now."""
    rank: RuleText
    """Number by which candidates are ranked, highest first."""
    capacity: Capacity | None = None
    """How many contacts a day; None: no limit of its own."""
    budget: float | None = Field(default=None, ge=0)
    """Most money a month for touches and benefits; what is left of it is spread over the month's days."""
    holdout: Share = 0.1
    """Share of the audience left alone to measure the effect."""
    holdout_by: Literal["customer", "adviser", "branch"] = "customer"
    """What the draw leaves alone as a whole: an adviser who is held out leaves all customers alone, so that what is
    learnt or talked about within a team does not spill over. Needs more customers. A customer who has no adviser, or no
    branch, is drawn alone."""
    reason: str = ""
    """What the adviser reads; `{tag}` is filled with the customer's value."""
    play: Play | None = None
    """Step by step; None: one touch over the decided channel."""
    active: bool = True
    """Whether it takes part in the plan."""
