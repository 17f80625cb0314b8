"""Arithmetic of the map: cells partition customers, whatever the bank looks like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.strategy.map import arrangement
from cultiva.strategy.map.arrangement import Money
from cultiva.strategy.map.axes import EVERYBODY, NOBODYS, Axes
from cultiva.strategy.map.places import Cell, together
from cultiva.strategy.map.population import BITS, Population, word_columns
from cultiva.strategy.map.reach import Reach, Rivalry
from cultiva.strategy.map.results import rollups

STAGES, TIERS = ("new", "old"), ("low", "mid", "high")


def axes(groups: int, strategies: int, *, drafts: int = 0) -> Axes:
    names = tuple(f"s{number}" for number in range(strategies))
    return Axes(
        groups=tuple(f"g{number}" for number in range(groups)),
        stages=STAGES,
        tiers=TIERS,
        strategies=names,
        active=tuple(number >= drafts for number in range(strategies)),
    )


@st.composite
def banks(draw: st.DrawFn) -> tuple[Axes, Population, Reach]:
    """Kinds of customers, and those in experiments."""
    kinds, seed = draw(st.integers(0, 40)), draw(st.integers(0, 2**32 - 1))
    frame = axes(draw(st.integers(0, 5)), draw(st.integers(0, 5)), drafts=draw(st.integers(0, 2)))
    rng = np.random.default_rng(seed)
    where = {"stage": rng.choice(STAGES, kinds), "tier": rng.choice(TIERS, kinds)}
    groups = rng.random((kinds, len(frame.groups))) < 0.3
    customers = rng.integers(1, 10**6, kinds)
    people = Population(
        **where,
        groups=groups,
        audiences=rng.random((kinds, len(frame.strategies))) < 0.3,
        touched=rng.random(kinds) < 0.5,
        customers=customers,
        current=rng.integers(-(10**12), 10**12, kinds).astype(np.float64),
        potential=rng.integers(0, 10**12, kinds).astype(np.float64),
    )
    rows = kinds if frame.strategies else 0
    names = np.array(frame.strategies or ("none",), dtype=np.str_)
    nothing = np.zeros(rows)
    stage, tier = where["stage"][:rows], where["tier"][:rows]
    counts = customers[:rows]
    some = Reach(rng.choice(names, rows), stage, tier, groups[:rows], counts, counts, nothing, nothing)
    return frame, people, some


def map_of(bank: tuple[Axes, Population, Reach]) -> tuple[Cell, ...]:
    frame, people, enrolled = bank
    money = {name: Money(0.0, 100.0, 10.0) for name in frame.strategies}
    return arrangement.cells(frame, people, None, enrolled, money)


def of_group(cells: tuple[Cell, ...], group: str) -> Cell:
    return together([one for one in cells if one.group == group], group)


@settings(max_examples=60, deadline=None)
@given(banks())
def test_cells_of_a_group_partition_its_customers(bank: tuple[Axes, Population, Reach]) -> None:
    frame, people, _ = bank
    cells = map_of(bank)
    assert len(cells) == len(frame.lines) * len(STAGES) * len(TIERS)
    for number, group in enumerate(frame.groups):
        inside = people.groups[:, number]
        whole = of_group(cells, group)
        assert whole.customers == people.customers[inside].sum()
        assert round(whole.potential * 100) == round(people.potential[inside].sum())
        assert whole.touched == people.customers[inside & people.touched].sum()
    everybody = of_group(cells, EVERYBODY)
    assert everybody.customers == people.customers.sum()
    assert round(everybody.current * 100) == round(people.current.sum())
    if frame.groups:
        outside = ~people.groups.any(axis=1)
        assert of_group(cells, NOBODYS).customers == people.customers[outside].sum()


@settings(max_examples=60, deadline=None)
@given(banks())
def test_nobody_is_covered_twice_and_gaps_are_the_rest(bank: tuple[Axes, Population, Reach]) -> None:
    frame, people, _ = bank
    cells = map_of(bank)
    active = np.array(frame.active, dtype=bool)
    covered = (people.audiences & active).any(axis=1)
    assert of_group(cells, EVERYBODY).covered == people.customers[covered].sum()
    assert all(0 <= one.covered <= one.customers and one.uncovered_potential > -0.01 for one in cells)
    found = [one for one in arrangement.gaps(frame, cells) if one.group == EVERYBODY]
    assert sum(one.customers for one in found) == people.customers[~covered].sum()
    assert all(sum(number for _, number, _ in one.tiers) == one.customers for one in found)
    assert [one.potential for one in found] == sorted((one.potential for one in found), reverse=True)


@settings(max_examples=60, deadline=None)
@given(banks())
def test_money_adds_up_to_the_same_along_stages_tiers_and_strategies(bank: tuple[Axes, Population, Reach]) -> None:
    frame, _, enrolled = bank
    cells = map_of(bank)
    measured = len(set(enrolled.strategy))
    found = rollups(frame, cells)
    for dimension in ("all", "strategy", "stage", "tier"):
        parts = [one for one in found if one.dimension == dimension]
        assert sum(one.incremental for one in parts) == pytest.approx(100.0 * measured, abs=1e-6)
        assert sum(one.net for one in parts) == pytest.approx(90.0 * measured, abs=1e-6)
        assert sum(one.enrolled for one in parts) == enrolled.customers.sum()


@settings(max_examples=60, deadline=None)
@given(banks())
def test_overlaps_are_counts_of_customers_in_both(bank: tuple[Axes, Population, Reach]) -> None:
    frame, people, _ = bank
    found = {(one.first, one.second): one.both for one in arrangement.overlaps(frame, people)}
    for i, first in enumerate(frame.strategies):
        for j in range(i + 1, len(frame.strategies)):
            both = people.customers[people.audiences[:, i] & people.audiences[:, j]].sum()
            expected = both if frame.active[i] or frame.active[j] else 0
            assert found.get((first, frame.strategies[j]), 0) == expected


def test_a_strategy_alone_counts_a_draft_against_the_active_ones_only() -> None:
    frame = axes(0, 3, drafts=1)
    people = Population(
        stage=np.array(["new"] * 3), tier=np.array(["low"] * 3), groups=np.zeros((3, 0), bool),
        audiences=np.array([[True, True, False], [True, False, False], [False, True, True]]),
        touched=np.zeros(3, bool), customers=np.array([10, 20, 40]), current=np.zeros(3), potential=np.zeros(3),
    )  # fmt: skip
    assert arrangement.alone(frame, people).tolist() == [20, 10, 0]


def test_conflicts_of_three_are_three_pairs_and_say_who_won() -> None:
    three = Rivalry("card", ("a", "b", "c"), ("b",), 7)
    found = arrangement.conflicts([three, replace(three, wanted_by=("a", "b"), won_by=(), customers=5)], ["loan"])
    assert [(one.first, one.second, one.customers, one.first_wins, one.second_wins) for one in found] == [
        ("a", "b", 12, 0, 7), ("a", "c", 7, 0, 0), ("b", "c", 7, 7, 0),
    ]  # fmt: skip
    assert not any(one.exclusive for one in found)


def test_conditions_beyond_one_word_take_another() -> None:
    assert word_columns("g", 0) == ["g0"] == word_columns("g", BITS)
    assert word_columns("g", BITS + 1) == ["g0", "g1"]
