"""Places: the strategy map as data: cells, what strategies have in them, where they overlap, clash, or leave gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from cultiva.kit.words import Words
from cultiva.strategy.map.axes import EVERYBODY, Axes


@dataclass(frozen=True)
class Presence:
    """What one strategy has in one cell."""

    strategy: str
    audience: int = 0
    """Customers of the cell who are in its audience."""
    touched: int = 0
    """Customers whom it touched lately."""
    contacts: int = 0
    """Touches lately."""
    spent: float = 0.0
    """Money for them: channels, and offers as far as they are taken up."""
    enrolled: int = 0
    """Customers open to it since its experiment began."""
    incremental: float = 0.0
    """Its measured money, spread evenly over those enrolled; 0 where nothing is measured."""
    cost: float = 0.0
    """Its cost as reviewed, spread in the same way."""


@dataclass(frozen=True)
class Cell:
    """A group in a stage, in one value tier or in all. All numbers add up over stages and tiers, none over groups."""

    group: str
    """Segment; `*` everybody, `-` those in none of the groups."""
    stage: str
    """Stage; empty: all."""
    tier: str
    """Value tier; empty: all."""
    customers: int = 0
    current: float = 0.0
    """Current value, money."""
    potential: float = 0.0
    """Potential value, money."""
    covered: int = 0
    """Customers in the audience of at least one active strategy."""
    covered_potential: float = 0.0
    """Their potential value."""
    touched: int = 0
    """Customers touched lately by any strategy."""
    presences: tuple[Presence, ...] = ()
    """Strategies that have something here, in the order of the axes."""

    @property
    def uncovered(self) -> int:
        """Customers whom no active strategy has in its audience."""
        return self.customers - self.covered

    @property
    def uncovered_potential(self) -> float:
        """Their potential value."""
        return self.potential - self.covered_potential

    @property
    def empty(self) -> bool:
        """Whether there are customers and no active strategy for any of them."""
        return self.customers > 0 and self.covered == 0

    @property
    def coverage(self) -> str:
        """The share covered in whole per cent, 100 % only if nobody is left out and 0 % only if everybody is.

        Examples:
            >>> [Cell("*", "", "", customers=1000, covered=number).coverage for number in (0, 1, 999, 1000)]
            ['0%', '1%', '99%', '100%']
        """
        if self.customers in (0, self.covered):
            return "100%" if self.customers else ""
        return "0%" if not self.covered else f"{min(max(self.covered / self.customers, 0.01), 0.99):.0%}"

    @property
    def spent(self) -> float:
        """Money for touches lately."""
        return sum(one.spent for one in self.presences)

    @property
    def incremental(self) -> float:
        """Measured money of all strategies here."""
        return sum(one.incremental for one in self.presences)

    @property
    def cost(self) -> float:
        """Reviewed cost of all strategies here."""
        return sum(one.cost for one in self.presences)


def together(cells: Iterable[Cell], group: str, stage: str = "", tier: str = "") -> Cell:
    """Cells of one group added up; they must not have customers in common.

    Args:
        cells: Of one group.
        group: Its name.
        stage: The stage of the sum; empty: all.
        tier: The tier of the sum; empty: all.
    """
    found = tuple(cells)
    parts: dict[str, list[Presence]] = {}
    for cell in found:
        for one in cell.presences:
            parts.setdefault(one.strategy, []).append(one)
    return Cell(
        group=group,
        stage=stage,
        tier=tier,
        customers=sum(one.customers for one in found),
        current=sum(one.current for one in found),
        potential=sum(one.potential for one in found),
        covered=sum(one.covered for one in found),
        covered_potential=sum(one.covered_potential for one in found),
        touched=sum(one.touched for one in found),
        presences=tuple(_added(name, each) for name, each in parts.items()),
    )


def _added(name: str, parts: list[Presence]) -> Presence:
    return Presence(
        strategy=name,
        audience=sum(one.audience for one in parts),
        touched=sum(one.touched for one in parts),
        contacts=sum(one.contacts for one in parts),
        spent=sum(one.spent for one in parts),
        enrolled=sum(one.enrolled for one in parts),
        incremental=sum(one.incremental for one in parts),
        cost=sum(one.cost for one in parts),
    )


class Standing(StrEnum):
    """How an objective stands against its target."""

    REACHED = "reached"
    """All of the interval is at the target or better."""
    POSSIBLE = "possible"
    """The target lies within the interval."""
    MISSED = "missed"
    """All of the interval is short of the target."""
    UNKNOWN = "unknown"
    """Nothing is measured yet, or there is no target."""


@dataclass(frozen=True)
class Progress:
    """An objective's target against what was measured, per customer open to the strategy, in the metric's unit."""

    metric: str
    direction: str
    """increase or decrease."""
    target: float | None
    effect: float | None
    """Measured change; with the sign of the metric."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end."""
    source: str
    """review: a metric of the review, holds however often one looks. today: the plain difference of both sides today,
    for one look, nothing taken out. Empty: nothing."""
    standing: Standing


@dataclass(frozen=True)
class StrategyPlace:
    """A strategy on the map: what its definition says, where its people are, and what came of it."""

    strategy: str
    label: Words
    owner: str
    active: bool
    audience: int
    """Customers in its audience; for drafts too."""
    alone: int
    """Those of them in no other active strategy's audience."""
    groups: tuple[tuple[str, int], ...]
    """Groups with members in its audience and how many, most first."""
    stages: tuple[str, ...]
    """Stages in which it applies; empty: all."""
    tiers: tuple[str, ...]
    """Tiers in which it applies; empty: all."""
    offers: tuple[str, ...]
    channels: tuple[str, ...]
    capacity: str
    """adviser, branch, strategy, or empty: no limit of its own."""
    contacts_max: int | None
    """Contacts a day per holder of the capacity; None for advisers: by the staff table."""
    resources: tuple[str, ...]
    """Scarce resources of the bank that it draws on."""
    holdout: float
    budget: float | None
    """Money a month."""
    touched: int
    contacts: int
    spent: float
    """Money for touches lately."""
    monthly: float
    """The same for 30 days, to be held against the budget."""
    progress: Progress
    enrolled: int
    """Customers open to it who are still there."""
    incremental: float | None
    """Measured money, before cost; None: not measured."""
    low: float | None
    """Lower end of its interval, holding however often one looks; None: no limit."""
    high: float | None
    """Upper end."""
    cost: float
    """As reviewed."""
    net: float | None
    verdict: str
    """Empty before the first review."""

    @property
    def budget_share(self) -> float | None:
        """Spending per month as a share of the budget."""
        return self.monthly / self.budget if self.budget else None


@dataclass(frozen=True)
class Overlap:
    """Customers in the audiences of two strategies."""

    first: str
    second: str
    both: int
    first_share: float
    """Share of the first's audience."""
    second_share: float
    """Share of the second's."""
    planned: bool
    """Whether one of the two is a draft."""


@dataclass(frozen=True)
class Conflict:
    """Two strategies after the same customers with the same offer, or with offers that exclude each other."""

    first: str
    second: str
    thing: str
    """The offer, or the exclusive group."""
    exclusive: bool
    """Whether it is a group of offers."""
    customers: int
    """Whom both are after today."""
    first_wins: int
    """Of them, to whom the first proposes it today."""
    second_wins: int
    """Of them, to whom the second does."""


@dataclass(frozen=True)
class Gap:
    """Customers of a cell for whom no active strategy exists."""

    group: str
    stage: str
    customers: int
    """Without a strategy."""
    potential: float
    """Their potential value, money."""
    of: int
    """All customers of the cell."""
    tiers: tuple[tuple[str, int, float], ...]
    """The same by value tier: tier, customers, potential value; only tiers with customers."""

    @property
    def empty(self) -> bool:
        """Whether the whole cell is without a strategy."""
        return self.customers == self.of


@dataclass(frozen=True)
class RolledUp:
    """Results added up along one dimension.

    Every strategy's money is spread evenly over the customers open to it, each of whom is in one stage and one tier:
    so stages, tiers and strategies add up to the same sum. Groups may overlap and do not add up.
    """

    dimension: str
    """all, strategy, group, stage, tier."""
    name: str
    customers: int
    covered: int
    touched: int
    contacts: int
    spent: float
    enrolled: int
    """Places in experiments: a customer open to two strategies counts twice."""
    incremental: float
    cost: float

    @property
    def net(self) -> float:
        """Incremental money less cost."""
        return self.incremental - self.cost


@dataclass(frozen=True)
class Whole:
    """The programme against the global holdout: the total that counts, since strategies are measured one by one."""

    incremental: float
    low: float | None
    high: float | None
    cost: float
    net: float


@dataclass(frozen=True)
class DrawnMap:
    """The strategy map of a business date."""

    on: date
    axes: Axes
    days: int
    """Days that count as lately."""
    tier: str
    """The only tier looked at; empty: all."""
    cells: tuple[Cell, ...]
    """By group, stage and tier in the order of the axes."""
    places: tuple[StrategyPlace, ...]
    overlaps: tuple[Overlap, ...]
    conflicts: tuple[Conflict, ...]
    gaps: tuple[Gap, ...]
    rollups: tuple[RolledUp, ...]
    whole: Whole | None
    """None before there is a result."""
    unmeasured: tuple[str, ...] = field(default=())
    """Strategies with contacts and no measured money."""

    @cached_property
    def by_place(self) -> dict[tuple[str, str], Cell]:
        """(group, stage) -> the cell over all tiers."""
        found: dict[tuple[str, str], list[Cell]] = {}
        for cell in self.cells:
            found.setdefault((cell.group, cell.stage), []).append(cell)
        return {(group, stage): together(cells, group, stage) for (group, stage), cells in found.items()}

    @cached_property
    def by_group(self) -> dict[str, Cell]:
        """Group -> all its cells together."""
        found: dict[str, list[Cell]] = {}
        for cell in self.cells:
            found.setdefault(cell.group, []).append(cell)
        return {group: together(cells, group) for group, cells in found.items()}

    @property
    def everybody(self) -> Cell:
        """All customers."""
        return self.by_group[EVERYBODY]
