"""Strategies that leave whole advisers or branches alone."""

from __future__ import annotations

import polars as pl
import pytest
from tests.strategy.conftest import Desk, Person, strategy, workspace

from cultiva.definitions.strategies import Capacity
from cultiva.kit.hashing import draw

TEAMS = 24
PEOPLE = [
    Person(number, aum=100.0 + number, adviser=f"A{number % TEAMS}", branch=f"B{number % 5}")
    for number in range(1, 241)
]


def test_the_draw_is_that_of_the_adviser_and_the_customers_own_without_one(desk: Desk) -> None:
    alone = [Person(number, adviser=None) for number in range(501, 541)]
    found = desk.decide(workspace(strategy("a", holdout=0.4, holdout_by="adviser")), [*PEOPLE, *alone])
    for number, adviser, fate, lot in found.select("customer_id", "adviser_id", "fate", "decided_value").iter_rows():
        expected = draw("holdout:a", f"adviser:{adviser}" if adviser else f"customer:{number}")
        assert fate == ("held_out" if expected < 0.4 else "chosen")
        assert lot == (pytest.approx(expected) if expected < 0.4 else None)
    by_adviser = found.drop_nulls("adviser_id").group_by("adviser_id").agg(pl.col("fate").n_unique())
    assert set(by_adviser["fate"]) == {1}
    assert found.filter(pl.col("customer_id") > 500)["fate"].n_unique() == 2


def test_a_branch_is_left_alone_as_a_whole(quick_desk: Desk) -> None:
    found = quick_desk.decide(workspace(strategy("a", holdout=0.4, holdout_by="branch")), PEOPLE)
    held = {f"B{number}" for number in range(5) if draw("holdout:a", f"branch:B{number}") < 0.4}
    assert set(found.filter(pl.col("fate") == "held_out")["branch_id"]) == held
    assert 0 < len(held) < 5


def test_of_an_adviser_left_alone_those_are_exposed_whom_the_adviser_would_have_called(desk: Desk) -> None:
    """With nobody real before them in the queue all ghosts would be exposed."""
    capacity = Capacity(per="adviser", contacts_max=3)
    found = desk.decide(workspace(strategy("a", holdout=0.5, holdout_by="adviser", capacity=capacity)), PEOPLE)
    exposed = found.filter(pl.col("exposed")).group_by("adviser_id").agg(pl.len(), pl.col("rank_value").min())
    assert exposed.height == TEAMS
    assert set(exposed["len"]) == {3}
    for adviser, _, last in exposed.iter_rows():
        own = sorted((one.aum for one in PEOPLE if one.adviser == adviser), reverse=True)
        assert last == own[2]


def test_ghosts_drawn_together_take_no_room_from_another_strategy(quick_desk: Desk) -> None:
    """Both strategies share the advisers' week: who is held out of one leaves the room to the other."""
    first = strategy("a", holdout=0.5, holdout_by="adviser", capacity=Capacity(per="adviser"), channels=("call",))
    second = strategy("b", audience="aum > 0", capacity=Capacity(per="adviser"), channels=("call",), rank="aum / 1000")
    staff = {f"A{number}": 10 for number in range(TEAMS)}
    found = quick_desk.decide(workspace(first, second), PEOPLE, staff=staff)
    chosen = found.filter(pl.col("fate") == "chosen").group_by("adviser_id").agg(pl.len())
    assert set(chosen["len"]) == {2}
