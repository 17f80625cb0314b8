"""Arrangement: kinds of customers put into cells; overlaps and gaps follow by arithmetic. No engine here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cultiva.strategy.map.axes import Axes
from cultiva.strategy.map.places import Cell, Conflict, Gap, Overlap, Presence, together
from cultiva.strategy.map.population import Population
from cultiva.strategy.map.reach import Reach, Rivalry

Sums = NDArray[np.float64]


@dataclass(frozen=True)
class Money:
    """What is spread over a strategy's customers."""

    take_up: float = 0.0
    """Share of those touched who take an offer up."""
    incremental: float = 0.0
    """Measured money of the whole strategy."""
    cost: float = 0.0
    """Reviewed cost of the whole strategy."""


def with_seen(axes: Axes, people: Population) -> Axes:
    """The axes with stages and tiers that the profile has and the workspace does not name any more."""
    stages = sorted(set(map(str, people.stage)) - set(axes.stages))
    tiers = sorted(set(map(str, people.tier)) - set(axes.tiers))
    return replace(axes, stages=(*axes.stages, *stages), tiers=(*axes.tiers, *tiers))


def cells(
    axes: Axes, people: Population, touched: Reach | None, enrolled: Reach | None, money: Mapping[str, Money]
) -> tuple[Cell, ...]:
    """All cells, by group, stage and tier in the order of the axes.

    Args:
        axes: Including every stage and tier that the people have.
        people: The kinds of customers.
        touched: Whom strategies touched lately.
        enrolled: Whom they have in their experiments.
        money: By strategy, what is spread over those enrolled.
    """
    grid = _Grid(axes)
    active = np.array(axes.active, dtype=np.bool_)
    covered = (people.audiences & active).any(axis=1) if active.size else np.zeros(people.customers.size, np.bool_)
    place, lines, count = grid.places(people.stage, people.tier), grid.lines(people.groups), people.customers
    sums = {
        "customers": grid.sums(place, lines, count),
        "current": grid.sums(place, lines, people.current),
        "potential": grid.sums(place, lines, people.potential),
        "covered": grid.sums(place, lines, count * covered),
        "covered_potential": grid.sums(place, lines, people.potential * covered),
        "touched": grid.sums(place, lines, count * people.touched),
    }
    held = _presences(grid, people, (place, lines), touched, enrolled, money)
    return tuple(_cells(grid, sums, held))


class _Grid:
    """Where a row of an array lies: its cell (stage x tier) and its lines (groups)."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        self.size = len(axes.stages) * len(axes.tiers)

    def places(self, stage: NDArray[np.str_], tier: NDArray[np.str_]) -> NDArray[np.int64]:
        stages = {name: number for number, name in enumerate(self.axes.stages)}
        tiers = {name: number for number, name in enumerate(self.axes.tiers)}
        row = np.array([stages[str(one)] for one in stage], dtype=np.int64)
        return row * len(tiers) + np.array([tiers[str(one)] for one in tier], dtype=np.int64)

    def lines(self, groups: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Rows x lines: everybody, the groups, nobody's."""
        everybody = np.ones((groups.shape[0], 1), dtype=np.bool_)
        nobodys = [~groups.any(axis=1, keepdims=True)] if self.axes.groups else []
        return np.concatenate([everybody, groups, *nobodys], axis=1)

    def sums(self, place: NDArray[np.int64], lines: NDArray[np.bool_], weights: NDArray[np.generic]) -> Sums:
        """Lines x cells: the weights added up."""
        given = weights.astype(np.float64)
        each = [np.bincount(place, weights=given * member, minlength=self.size) for member in lines.T]
        return np.stack(each)


def _presences(
    grid: _Grid,
    people: Population,
    where: tuple[NDArray[np.int64], NDArray[np.bool_]],
    touched: Reach | None,
    enrolled: Reach | None,
    money: Mapping[str, Money],
) -> dict[str, dict[str, Sums]]:
    """Strategy -> field of `Presence` -> lines x cells; fields without anything are left out."""
    found: dict[str, dict[str, Sums]] = {}
    for number, name in enumerate(grid.axes.strategies):
        mine = {"audience": grid.sums(*where, people.customers * people.audiences[:, number])}
        given = money.get(name, Money())
        if touched is not None and (rows := touched.strategy == name).any():
            there = (grid.places(touched.stage[rows], touched.tier[rows]), grid.lines(touched.groups[rows]))
            spent = touched.contact_cost[rows] + given.take_up * touched.offer_cost[rows]
            mine["touched"] = grid.sums(*there, touched.customers[rows])
            mine["contacts"] = grid.sums(*there, touched.contacts[rows])
            mine["spent"] = grid.sums(*there, spent)
        if enrolled is not None and (rows := enrolled.strategy == name).any():
            there = (grid.places(enrolled.stage[rows], enrolled.tier[rows]), grid.lines(enrolled.groups[rows]))
            mine["enrolled"] = grid.sums(*there, enrolled.customers[rows])
            share = mine["enrolled"] / float(enrolled.customers[rows].sum())
            mine["incremental"], mine["cost"] = share * given.incremental, share * given.cost
        found[name] = mine
    return found


COUNTS = frozenset({"customers", "covered", "touched", "audience", "contacts", "enrolled"})
"""Fields that are whole numbers."""


def _cells(grid: _Grid, sums: Mapping[str, Sums], held: Mapping[str, Mapping[str, Sums]]) -> Iterator[Cell]:
    numbers = {field: _numbers(field, of) for field, of in sums.items()}
    parts = {name: {field: _numbers(field, of) for field, of in fields.items()} for name, fields in held.items()}
    there = {name: _anybody(fields) for name, fields in held.items()}
    for line, group in enumerate(grid.axes.lines):
        for place, (stage, tier) in enumerate(product(grid.axes.stages, grid.axes.tiers)):
            presences = tuple(
                Presence(strategy=name, **{field: of[line][place] for field, of in parts[name].items()})
                for name, where in there.items()
                if where[line][place]
            )
            own = {field: of[line][place] for field, of in numbers.items()}
            yield Cell(group=group, stage=stage, tier=tier, presences=presences, **own)


def _anybody(fields: Mapping[str, Sums]) -> list[list[bool]]:
    """Lines x cells: whether a strategy has anybody there."""
    found: list[list[bool]] = sum(np.abs(fields[one]) for one in SOMEBODY if one in fields).astype(bool).tolist()  # type: ignore[union-attr]
    return found


SOMEBODY = ("audience", "touched", "enrolled")
"""Fields of which one that is not 0 makes a presence."""
CENTS = frozenset({"current", "potential", "covered_potential"})
"""Fields in cents, which people read as money."""


def _numbers(field: str, of: Sums) -> list[list[Any]]:
    """Lines x cells as plain numbers."""
    counts = field in COUNTS
    told: list[list[Any]] = (np.rint(of).astype(np.int64) if counts else of / 100 if field in CENTS else of).tolist()
    return told


def audience_sizes(people: Population) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Strategies x strategies: customers in both audiences; its diagonal is the audience itself."""
    inside = people.audiences.astype(np.int64)
    both = inside.T @ (inside * people.customers[:, None])
    return both, np.diag(both).copy()


def alone(axes: Axes, people: Population) -> NDArray[np.int64]:
    """Per strategy the customers of its audience who are in no other active strategy's."""
    inside = people.audiences
    active = np.array(axes.active, dtype=np.bool_)
    others = (inside & active).sum(axis=1)[:, None] - (inside & active)
    only = inside & (others == 0)
    return (only * people.customers[:, None]).sum(axis=0)


def overlaps(axes: Axes, people: Population) -> tuple[Overlap, ...]:
    """Pairs of strategies with customers in common, most first; at least one of each pair is active."""
    both, size = audience_sizes(people)
    pairs = [
        Overlap(
            axes.strategies[i],
            axes.strategies[j],
            *_common(int(both[i, j]), int(size[i]), int(size[j])),
            not (axes.active[i] and axes.active[j]),
        )
        for i, j in product(range(len(axes.strategies)), repeat=2)
        if i < j and (axes.active[i] or axes.active[j]) and both[i, j] > 0
    ]
    return tuple(sorted(pairs, key=lambda one: (-one.both, one.first, one.second)))


def _common(both: int, first: int, second: int) -> tuple[int, float, float]:
    return both, both / first, both / second


def conflicts(rivalries: Iterable[Rivalry], groups: Iterable[str]) -> tuple[Conflict, ...]:
    """Pairs of strategies after the same customers with the same thing, most customers first.

    Args:
        rivalries: Customers by who is after them with what.
        groups: Names of exclusive groups of offers.
    """
    exclusive, found = frozenset(groups), dict[tuple[str, str, str], list[int]]()
    for one in rivalries:
        for place, first in enumerate(one.wanted_by):
            for second in one.wanted_by[place + 1 :]:
                counts = found.setdefault((first, second, one.thing), [0, 0, 0])
                counts[0] += one.customers
                counts[1] += one.customers * (first in one.won_by)
                counts[2] += one.customers * (second in one.won_by)
    told = [
        Conflict(first, second, thing, thing in exclusive, *counts) for (first, second, thing), counts in found.items()
    ]
    return tuple(sorted(told, key=lambda one: (-one.customers, one.first, one.second, one.thing)))


def gaps(axes: Axes, every: Sequence[Cell]) -> tuple[Gap, ...]:
    """Cells with customers whom no active strategy has in its audience, most potential value first."""
    by_place: dict[tuple[str, str], list[Cell]] = {}
    for cell in every:
        by_place.setdefault((cell.group, cell.stage), []).append(cell)
    found = []
    for (group, stage), parts in by_place.items():
        whole = together(parts, group, stage)
        if whole.uncovered > 0:
            tiers = tuple((one.tier, one.uncovered, one.uncovered_potential) for one in parts if one.uncovered)
            found.append(Gap(group, stage, whole.uncovered, whole.uncovered_potential, whole.customers, tiers))
    order = {name: number for number, name in enumerate(axes.lines)}
    return tuple(sorted(found, key=lambda one: (-one.potential, -one.customers, order[one.group], one.stage)))
