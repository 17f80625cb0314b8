"""Limits: how much a day has of what is scarce: the bank's resources, strategies' budgets, advisers' hands."""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cultiva.definitions.arbitration import Resource, Scope
from cultiva.definitions.base import Label
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.kit.hashing import draw

AT = " @ "
"""Between a strategy and the adviser or branch whose part of its capacity a pool is."""
NO_ADVISER = "no adviser"
"""The pool of those who need an adviser and have none; it has no capacity."""
NOT_DRAWN = "drawn"
"""Decides where an explorer was drawn another of the strategy's open proposals."""
BUDGET, CAPACITY = "budget:", "capacity:"
"""Before the name of a strategy, for the resources that its definition makes."""


@dataclass(frozen=True)
class Spent:
    """How much of a resource its period has used before today."""

    since: date
    """First day of that period."""
    used: float


@dataclass(frozen=True)
class Limit:
    """What one day may use of a resource of the whole bank."""

    name: str
    label: Label
    counts: str
    """touches or cost."""
    scope: Scope
    """The candidates that use it."""
    since: date
    """First day of its period; today where it is per day."""
    used_before: float = 0.0
    """Used in the period before today."""
    capacity: float = math.inf
    """Most today."""
    minimum: float = 0.0
    """Least today."""


@dataclass(frozen=True)
class DayLimits:
    """All limits of a day."""

    resources: Sequence[Limit]
    contacts_per_day: Mapping[str, int] = field(default_factory=dict)
    """Adviser -> contacts, from the staff table."""


def limits_of(
    workspace: Workspace, strategies: Sequence[Strategy], on: date, *, spent: Mapping[str, Spent], days: int
) -> list[Limit]:
    """The resources of a day.

    Args:
        workspace: Its arbitration.
        strategies: Those in the plan.
        on: Business date.
        spent: Resource -> what its period has used, as the run before left it.
        days: Days that this run stands for: since the run before, at least 1.
    """
    found = [_of_resource(one, on, spent=spent.get(one.name), days=days) for one in workspace.arbitration.resources]
    for strategy in strategies:
        if strategy.budget is not None:
            monthly = Resource(
                name=strategy.name, label=strategy.label, strategies=(strategy.name,), counts="cost", per="month",
                at_most=strategy.budget,
            )  # fmt: skip
            name = BUDGET + strategy.name
            found.append(_of_resource(monthly, on, spent=spent.get(name), days=days, name=name))
        capacity = strategy.capacity
        if capacity is not None and capacity.per == "strategy":
            most = math.inf if capacity.contacts_max is None else float(capacity.contacts_max)
            scope = Scope(strategies=(strategy.name,))
            found.append(Limit(CAPACITY + strategy.name, strategy.label, "touches", scope, on, capacity=most))
    return found


def _of_resource(one: Resource, on: date, *, spent: Spent | None, days: int, name: str = "") -> Limit:
    since, until = _period(one, on)
    used = spent.used if spent is not None and spent.since == since else 0.0
    most = math.inf if one.at_most is None else max(one.at_most - used, 0.0)
    if not since <= on <= until:
        most = 0.0
    elif one.at_most is not None:
        most *= min(1.0, days / ((until - on).days + 1))
    scope = Scope(strategies=one.strategies, offers=one.offers, channels=one.channels)
    return Limit(name or one.name, one.label, one.counts, scope, since, used, most, one.at_least or 0.0)


def _period(one: Resource, on: date) -> tuple[date, date]:
    """First and last day of the period that a day belongs to."""
    if one.per == "total" and one.since is not None and one.until is not None:
        return one.since, one.until
    if one.per == "month":
        return on.replace(day=1), on.replace(day=calendar.monthrange(on.year, on.month)[1])
    return on, on


def shared(capacity: float, shares: Mapping[str, float], rest: str, salt: str) -> dict[str, float]:
    """A capacity divided among the slices of the health experiments: each works with its share and takes from nobody.

    Whole numbers stay whole: a slice gets the whole part of its share, and one more by a draw.

    Args:
        capacity: Units.
        shares: Slice -> share, without the rest.
        rest: The slice that gets what is left.
        salt: Names the draw, e.g. resource and date.

    Examples:
        >>> shared(10.0, {"rules": 0.25}, "effect", "sms 2024-01-01")
        {'rules': 3.0, 'effect': 7.0}
        >>> shared(10.0, {}, "effect", "")
        {'effect': 10.0}
    """
    if not shares or math.isinf(capacity):
        return dict.fromkeys((*shares, rest), capacity)
    whole = float(capacity).is_integer()
    parts = {
        name: math.floor(capacity * share + draw(f"{salt}:{name}", 0)) * 1.0 if whole else capacity * share
        for name, share in shares.items()
    }
    left = capacity
    for name, part in parts.items():
        parts[name] = min(part, left)
        left -= parts[name]
    return parts | {rest: left}
