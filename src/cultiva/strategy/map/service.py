"""The strategy map of a day: everything that is asked about who is looked after, how, by whom, and to what effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from cultiva.contracts.readout import StrategyReview
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Files
from cultiva.kit.words import Words
from cultiva.strategy.map import arrangement, reach, results
from cultiva.strategy.map.axes import EVERYBODY, NOBODYS, Axes, axes_of
from cultiva.strategy.map.places import Cell, DrawnMap, StrategyPlace, together
from cultiva.strategy.map.population import Population, base, population
from cultiva.strategy.map.results import Findings

PROGRAMME = "(all)"
"""The whole programme among the reviews."""
MONTH_DAYS = 30
"""Days of a month, for budgets."""


@dataclass(frozen=True)
class MapInputs:
    """What the map of a day reads; every entry may be empty but the profile."""

    profile: Files
    decisions: Files = ()
    """Of the day."""
    proposals: Files = ()
    """Decisions of the business dates within the map's window, the day's included."""
    contact: Files = ()
    identity_map: Files = ()
    exposure: Files = ()
    """Of the day."""
    reviews: Sequence[StrategyReview] = ()
    """Of the day."""
    take_up: Mapping[str, float] | None = None
    """Strategy -> share of those touched who take something up, as learnt."""


@dataclass(frozen=True)
class Counted:
    """What was counted of a day: a row per kind of customer, so that the map of any tier is arithmetic."""

    axes: Axes
    people: Population
    touched: reach.Reach | None
    """Whom strategies touched lately."""
    enrolled: reach.Reach | None
    """Whom they have in their experiments."""
    rivalries: tuple[reach.Rivalry, ...]
    """Customers by who is after them with what."""
    levels: tuple[reach.Levels, ...]
    """Of objectives' metrics today."""

    def of_tier(self, tier: str) -> Counted:
        """The same of one value tier; empty: of all."""
        if not tier:
            return self
        return Counted(
            axes=self.axes,
            people=self.people.of_tier(tier),
            touched=None if self.touched is None else self.touched.of_tier(tier),
            enrolled=None if self.enrolled is None else self.enrolled.of_tier(tier),
            rivalries=tuple(one for one in self.rivalries if one.tier == tier),
            levels=tuple(one for one in self.levels if one.tier == tier),
        )


def draw_map(
    engine: Engine, inputs: MapInputs, workspace: Workspace, on: date, folder: Path, *, tier: str = ""
) -> DrawnMap:
    """Draws the strategy map.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Its map, segments, strategies, offers and policy.
        on: Business date.
        folder: New folder for what is laid out on the way, 100 bytes a customer; the caller removes it.
        tier: Only customers of this value tier; empty: all.

    Raises:
        CultivaError: if the profile lacks what a group or a strategy reads.
    """
    return draw_maps(engine, inputs, workspace, on, folder, tiers=(tier,))[tier]


def draw_maps(
    engine: Engine, inputs: MapInputs, workspace: Workspace, on: date, folder: Path, *, tiers: Sequence[str]
) -> dict[str, DrawnMap]:
    """Draws the map of several value tiers with one count; see `draw_map`.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Definitions.
        on: Business date.
        folder: New folder; the caller removes it.
        tiers: Empty: all customers.
    """
    counted = count(engine, inputs, workspace, on, folder)
    return {tier: arranged(counted.of_tier(tier), inputs, workspace, on=on, tier=tier) for tier in tiers}


def count(engine: Engine, inputs: MapInputs, workspace: Workspace, on: date, folder: Path) -> Counted:
    """Counts everything that a map of the day is drawn from; see `draw_map`."""
    axes = axes_of(workspace)
    engine.write(base(engine, inputs.profile, axes, workspace, on), folder / "base")
    customers = engine.scan([folder / "base"])
    lately = {"proposals": inputs.proposals, "contact": inputs.contact, "identity_map": inputs.identity_map}
    touched = reach.touches(engine, lately, workspace, on)
    if touched is not None:
        engine.write(touched, folder / "touched")
        touched = engine.scan([folder / "touched"])
    once = None if touched is None else touched.filter(touched.contacts > 0).select("customer_id").distinct()
    enrolled = reach.enrolled(engine, inputs.exposure, axes.strategies)
    return Counted(
        axes=axes,
        people=population(engine, customers, once, axes),
        touched=None if touched is None else reach.reach_of(engine, touched, customers, axes),
        enrolled=None if enrolled is None else reach.reach_of(engine, enrolled, customers, axes),
        rivalries=tuple(reach.rivalries(engine, inputs.decisions, customers, axes, workspace)),
        levels=tuple(reach.levels(engine, inputs.exposure, customers, workspace)),
    )


def arranged(counted: Counted, inputs: MapInputs, workspace: Workspace, *, on: date, tier: str = "") -> DrawnMap:
    """The map from what was counted: pure arithmetic.

    Args:
        counted: Of the tier.
        inputs: Its reviews and take-up.
        workspace: Definitions.
        on: Business date.
        tier: The only tier looked at.
    """
    people, axes = counted.people, arrangement.with_seen(counted.axes, counted.people)
    reviews = {one.strategy: one for one in inputs.reviews}
    findings = Findings(
        reviews={name: one for name, one in reviews.items() if name in axes.strategies},
        whole=reviews.get(PROGRAMME),
        levels=reach.pooled(counted.levels),
        take_up=inputs.take_up or {},
    )
    money = results.money_of(findings, axes.strategies)
    cells = arrangement.cells(axes, people, counted.touched, counted.enrolled, money)
    groups = {one.group for one in workspace.offers.values() if one.group}
    places = tuple(_places(axes, people, cells, findings, workspace))
    return DrawnMap(
        on=on,
        axes=axes,
        days=workspace.map.touched_days,
        tier=tier,
        cells=cells,
        places=places,
        overlaps=arrangement.overlaps(axes, people),
        conflicts=arrangement.conflicts(counted.rivalries, groups),
        gaps=arrangement.gaps(axes, cells),
        rollups=results.rollups(axes, cells),
        whole=None if tier else results.whole_of(findings.whole),
        unmeasured=tuple(one.strategy for one in places if one.contacts and one.incremental is None),
    )


def _places(
    axes: Axes, people: Population, cells: Sequence[Cell], findings: Findings, workspace: Workspace
) -> Iterator[StrategyPlace]:
    alone = arrangement.alone(axes, people)
    sums = {group: together([one for one in cells if one.group == group], group) for group in axes.lines}
    for number, name in enumerate(axes.strategies):
        counts = {group: _audience(cell, name) for group, cell in sums.items()}
        yield _place(workspace.strategies[name], sums[EVERYBODY], counts, int(alone[number]), findings, workspace)


def _audience(cell: Cell, strategy: str) -> int:
    return sum(one.audience for one in cell.presences if one.strategy == strategy)


def _place(
    strategy: Strategy, whole: Cell, counts: Mapping[str, int], alone: int, findings: Findings, workspace: Workspace
) -> StrategyPlace:
    held = together([_only(whole, strategy.name)], EVERYBODY).presences
    mine = held[0] if held else None
    spent = mine.spent if mine else 0.0
    named = [(group, count) for group, count in counts.items() if count and group not in (EVERYBODY, NOBODYS)]
    review = findings.reviews.get(strategy.name)
    low, high = results.interval_of_money(review) if review is not None else (None, None)
    return StrategyPlace(
        strategy=strategy.name,
        label=Words(strategy.label.zh, strategy.label.en),
        owner=strategy.owner,
        active=strategy.active,
        audience=counts[EVERYBODY],
        alone=alone,
        groups=tuple(sorted(named, key=lambda one: -one[1])),
        stages=strategy.stages,
        tiers=strategy.tiers,
        offers=strategy.offers,
        channels=strategy.channels,
        capacity=strategy.capacity.per if strategy.capacity else "",
        contacts_max=strategy.capacity.contacts_max if strategy.capacity else None,
        resources=tuple(_resources(strategy, workspace)),
        holdout=strategy.holdout,
        budget=strategy.budget,
        touched=mine.touched if mine else 0,
        contacts=mine.contacts if mine else 0,
        spent=spent,
        monthly=spent * MONTH_DAYS / workspace.map.touched_days,
        progress=results.progress(strategy.objective, strategy.name, findings, workspace),
        enrolled=mine.enrolled if mine else 0,
        incremental=None if review is None else review.incremental,
        low=low,
        high=high,
        cost=0.0 if review is None else review.cost,
        net=None if review is None else review.net,
        verdict="" if review is None else review.recommendation.verdict.value,
    )


def _only(cell: Cell, strategy: str) -> Cell:
    """The cell with one strategy's presence only."""
    return Cell(cell.group, cell.stage, cell.tier, presences=tuple(p for p in cell.presences if p.strategy == strategy))


def _resources(strategy: Strategy, workspace: Workspace) -> Iterator[str]:
    """Resources of the bank in whose scope some of the strategy's candidates lie."""
    for one in workspace.arbitration.resources:
        within = (
            (one.strategies, (strategy.name,)), (one.offers, strategy.offers), (one.channels, strategy.channels),
        )  # fmt: skip
        if all(not limit or np.intersect1d(limit, own).size for limit, own in within):
            yield one.name
