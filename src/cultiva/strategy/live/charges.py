"""Charges: what a candidate takes of what is scarce, at the night's prices as consumption has moved them since."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cultiva.definitions.review import RankBy
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.limits import AT, NO_ADVISER, Limit
from cultiva.strategy.live.candidates import Candidate
from cultiva.strategy.live.pacing import Pace
from cultiva.strategy.live.paper import Paper
from cultiva.strategy.proposals import Book, covers, proposals_of

COST = "cost"
"""What a resource counts in money."""
ADVISER = "adviser "
"""Before the id of an adviser whose hands are a pool."""


@dataclass(frozen=True)
class Scarce:
    """A resource or pool on a live day."""

    name: str
    counts: str
    """touches or cost."""
    pace: Pace


@dataclass(frozen=True)
class Charges:
    """Everything that is scarce, and who takes what of it."""

    resources: Mapping[str, Scarce]
    """By name; pools are found by the names of `limits`."""
    recipes: Mapping[tuple[str, str, str], tuple[str, ...]]
    """(strategy, offer, channel) -> resources that it takes."""
    pools: Mapping[str, tuple[str, frozenset[str] | None, float | None]]
    """Strategy -> who holds its capacity (adviser or branch), the channels that need a hand (None: all), and what each
    holder gives (None: the staff table)."""
    contacts: Mapping[str, int] = field(default_factory=dict)
    """Adviser -> contacts per day, from the staff table."""

    def taken(self, one: Candidate, paper: Paper, *, pulled: bool = False) -> list[tuple[str, float]]:
        """(resource or pool, units) that a candidate takes; of what counts touches, one that is pulled takes none."""
        if pulled:
            names = self.recipes.get((one.strategy, one.offer, one.channel), ())
            return [(name, max(one.cost, 0.0)) for name in names if self.resources[name].counts == COST]
        found = [
            (name, max(one.cost, 0.0) if self.resources[name].counts == COST else 1.0)
            for name in self.recipes.get((one.strategy, one.offer, one.channel), ())
        ]
        pool = self._pool(one, paper)
        return found if pool is None else [*found, (pool, 1.0)]

    def _pool(self, one: Candidate, paper: Paper) -> str | None:
        asked = self.pools.get(one.strategy)
        if asked is None or (asked[1] is not None and one.channel not in asked[1]):
            return None
        holder = paper.adviser_id if asked[0] == "adviser" else paper.branch_id
        if asked[1] is not None:
            return NO_ADVISER if holder is None else f"{ADVISER}{holder}"
        return f"{one.strategy}{AT}{holder or 'nobody'}"

    def pace_of(self, name: str, strategy: str) -> Pace:
        """How the price of a resource or pool moves; a pool that the night did not need is free as long as it lasts."""
        known = self.resources.get(name)
        if known is not None:
            return known.pace
        given = self.pools[strategy][2] if strategy in self.pools else None
        staffed = float(self.contacts.get(name.removeprefix(ADVISER), 0))
        return Pace(staffed if given is None else given, 0.0)

    def charge(
        self, one: Candidate, paper: Paper, local: datetime, used: Mapping[str, float], *, pulled: bool = False
    ) -> None:
        """Puts the charge of a candidate on it."""
        total = 0.0
        for name, units in self.taken(one, paper, pulled=pulled):
            price = self.pace_of(name, one.strategy).at(local, used.get(name, 0.0))
            if price == math.inf and units:
                total = math.inf
                break
            total += price * units if units else 0.0
        one.charge = total


@dataclass(frozen=True)
class Again:
    """Prices that were solved anew during the day; they take the place of the night's, and the pace begins anew."""

    rows: Mapping[str, Mapping[str, Any]]
    """Resource or pool -> its row of the lake table `day_price`."""
    at: datetime
    """On the bank's clock."""


@dataclass(frozen=True)
class Night:
    """What the night's plan says of what is scarce."""

    limits: Sequence[Limit]
    """The resources of the day (`limits.limits_of`): their names and scopes."""
    prices: Sequence[Mapping[str, Any]] = ()
    """Rows of the lake table `price`."""
    contacts: Mapping[str, int] = field(default_factory=dict)
    """Adviser -> contacts per day."""
    again: Again | None = None
    """What was solved since."""

    def left(self, name: str) -> float:
        """Units that the plan leaves, over all slices; infinite where there is no limit."""
        rows = [row for row in self.prices if row["resource"] == name]
        if any(row["capacity"] is None for row in rows):
            return math.inf
        return max(sum(row["capacity"] - row["used"] for row in rows), 0.0)


def charges_of(workspace: Workspace, book: Book, night: Night, by: RankBy) -> Charges:
    """The charges of a day for one slice.

    Args:
        workspace: Its placements say what live decisions may use of a resource.
        book: The proposals.
        night: What is scarce.
        by: The slice; only where effects rank are there prices.
    """
    rows = {row["resource"]: row for row in night.prices if row["ranked_by"] == by.value}
    stated = {one.resource: one for one in workspace.placements.budgets}
    found: dict[str, Scarce] = {}
    for limit in night.limits:
        row, own = rows.get(limit.name), stated.get(limit.name)
        left = limit.capacity if row is None else night.left(limit.name)
        price = 0.0 if row is None else row["price"] or 0.0
        pace = _pace(workspace, left if own is None else own.at_most, price, () if own is None else own.hours)
        found[limit.name] = Scarce(limit.name, limit.counts, _paced(pace, night, limit.name, "price", by))
    for name, row in rows.items():
        if row["kind"] == "pool":
            pace = _pace(workspace, night.left(name), row["price_last"] or 0.0, ())
            found[name] = Scarce(name, "touches", _paced(pace, night, name, "price_last", by))
    recipes = {
        (one.strategy, one.offer, one.channel): tuple(
            limit.name for limit in night.limits if covers(limit.scope, one)
        )
        for strategy in book.strategies for one in proposals_of(strategy)
    }  # fmt: skip
    return Charges(found, recipes, _pools(workspace, book), night.contacts)


def _pace(workspace: Workspace, budget: float, price: float, hours: Sequence[float]) -> Pace:
    said = workspace.placements
    return Pace(budget, max(price, 0.0), said.price_least, said.responsiveness, hours)


def _paced(pace: Pace, night: Night, name: str, column: str, by: RankBy) -> Pace:
    """The pace from the newest solution on, where there is one: at its instant the price is the solution's."""
    row = None if night.again is None or by is not RankBy.EFFECT else night.again.rows.get(name)
    if row is None or night.again is None:
        return pace
    begun = pace.passed(night.again.at)
    return replace(pace, price=max(row[column] or 0.0, 0.0), begun=begun, used_before=row["live_used"])


def _pools(workspace: Workspace, book: Book) -> dict[str, tuple[str, frozenset[str] | None, float | None]]:
    human = frozenset(one.name for one in workspace.policy.channels if one.kind == "human")
    found: dict[str, tuple[str, frozenset[str] | None, float | None]] = {}
    for one in book.strategies:
        if one.capacity is None or one.capacity.per == "strategy":
            continue
        given = one.capacity.contacts_max
        staffed = one.capacity.per == "adviser" and given is None
        found[one.name] = (one.capacity.per, human if staffed else None, None if staffed else float(given or 0))
    return found
