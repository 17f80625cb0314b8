"""Pacing: a day's budget lasts the day, whatever the night believed the prices would be."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.strategy.live.pacing import Pace

MIDNIGHT = datetime(2024, 5, 1)
OFFICE = (1, 1, 0, 0, 0, 1, 2, 4, 6, 7, 7, 7, 8, 7, 6, 6, 6, 6, 6, 7, 8, 7, 5, 3)
"""How demand is spread over the hours, in the day that is simulated."""
BUDGET, DEMAND = 1000.0, 8000
RIGHT = 2.0794
"""What the budget is worth: of worths drawn from an exponential of mean 1, an eighth is above ln 8."""


def day(seed: int, *, shift: float = 0.0) -> list[tuple[datetime, float]]:
    """Instants of a day at which somebody may be shown something for one unit, and what it would be worth.

    Args:
        seed: Of the draw.
        shift: Share of the demand that comes in the afternoon instead of the morning.
    """
    rng = random.Random(seed)
    weights = [weight * ((1 - shift) if hour < 12 else (1 + shift)) for hour, weight in enumerate(OFFICE)]
    hours = rng.choices(range(24), weights, k=DEMAND)
    moments = sorted(MIDNIGHT + timedelta(hours=hour, seconds=rng.random() * 3600) for hour in hours)
    return [(at, rng.expovariate(1.0)) for at in moments]


def spend(pace: Pace, moments: list[tuple[datetime, float]]) -> tuple[list[datetime], float]:
    """Who gets a unit, and what that was worth in all."""
    taken: list[datetime] = []
    worth = 0.0
    for at, value in moments:
        if value > pace.at(at, float(len(taken))):
            taken.append(at)
            worth += value
    return taken, worth


def best(moments: list[tuple[datetime, float]]) -> float:
    """What the budget could have brought, had the whole day been known."""
    return sum(sorted((value for _, value in moments), reverse=True)[: int(BUDGET)])


@pytest.mark.parametrize(
    ("night", "share"),
    [(RIGHT, 0.85), (RIGHT / 4, 0.85), (RIGHT * 2.5, 0.85), (0.0, 0.65)],
    ids=["right", "too_low", "too_high", "free"],
)
@pytest.mark.parametrize("seed", range(3))
def test_the_budget_lasts_the_day_and_is_used(night: float, share: float, seed: int) -> None:
    moments = day(seed)
    taken, worth = spend(Pace(BUDGET, night, least=0.05, hours=OFFICE), moments)
    assert 0.9 * BUDGET <= len(taken) <= BUDGET
    assert taken[-1] >= MIDNIGHT + timedelta(hours=23), "somebody still gets it in the last hour"
    evenly = [sum(1 for at in taken if at.hour < hour) / BUDGET for hour in (6, 12, 18)]
    expected = [list(accumulate(OFFICE))[hour - 1] / sum(OFFICE) for hour in (6, 12, 18)]
    assert all(abs(one - other) < 0.5 for one, other in zip(evenly, expected, strict=True))
    assert worth >= share * best(moments), "nearly as good as if the whole day had been known"


@pytest.mark.parametrize("seed", range(3))
def test_it_brings_more_than_whoever_comes_first(seed: int) -> None:
    moments = day(seed)
    _, paced = spend(Pace(BUDGET, RIGHT, hours=OFFICE), moments)
    first = sum(value for _, value in moments[: int(BUDGET)])
    assert paced > 2.0 * first


def test_a_day_that_is_not_as_expected_does_not_break_the_budget() -> None:
    taken, _ = spend(Pace(BUDGET, RIGHT, hours=OFFICE), day(1, shift=0.8))
    assert 0.85 * BUDGET <= len(taken) <= BUDGET
    assert taken[-1].hour == 23


@given(
    st.floats(0.001, 100), st.floats(0, 0.999), st.floats(0, 0.998), st.floats(0.0005, 0.001), st.integers(0, 86_399)
)
def test_more_use_never_lowers_the_price_and_waiting_never_raises_it(
    night: float, passed: float, used: float, more: float, second: int
) -> None:
    pace = Pace(BUDGET, night, least=night / 2)
    at = MIDNIGHT + timedelta(seconds=second)
    price = pace.at(at, used * BUDGET)
    assert pace.at(at, (used + more) * BUDGET) >= price >= 0
    assert pace.at(MIDNIGHT + timedelta(seconds=max(0, second - 3600)), used * BUDGET) >= price
    assert pace.at(at, BUDGET) == float("inf")
    on_track = pace.at(at, pace.passed(at) * BUDGET)
    assert on_track == pytest.approx(night, rel=1e-6), "who keeps to the plan pays the night's price"


def test_where_there_is_no_limit_the_nights_price_stays() -> None:
    assert Pace(float("inf"), 3.0).at(MIDNIGHT, 1e9) == 3.0
    assert Pace(0.0, 3.0).at(MIDNIGHT, 0.0) == float("inf")


@given(st.floats(0.01, 100), st.floats(0, 0.9), st.integers(0, 86_000), st.floats(0.0, 0.09), st.integers(1, 7))
def test_a_price_solved_anew_holds_at_its_instant_and_moves_from_there(
    solved: float, used: float, second: int, more: float, power: int
) -> None:
    """Whatever had been used by then: ahead or behind is what the rest of the day makes of it."""
    at = MIDNIGHT + timedelta(seconds=second)
    night = Pace(BUDGET, solved, least=solved / 2, responsiveness=power, hours=OFFICE)
    pace = replace(night, begun=night.passed(at), used_before=used * BUDGET)
    assert pace.at(at, used * BUDGET) == pytest.approx(solved, rel=1e-9)
    assert pace.at(at, (used + more) * BUDGET) >= solved * (1 - 1e-9)
    half = at + (MIDNIGHT + timedelta(days=1) - at) / 2
    left = (1 - night.passed(half)) / (1 - night.passed(at))
    on_track = pace.at(half, BUDGET * (1 - (1 - used) * left))
    assert on_track == pytest.approx(solved, rel=1e-6), "who uses the rest as the rest of the day passes pays it"
    assert pace.at(at, BUDGET) == float("inf")


def test_a_day_whose_budget_was_gone_when_it_was_solved_anew_sells_nothing() -> None:
    assert Pace(10.0, 3.0, begun=0.5, used_before=10.0).at(MIDNIGHT, 10.0) == float("inf")
    assert Pace(10.0, 3.0, begun=0.5, used_before=10.0).at(MIDNIGHT, 9.0) < float("inf"), "one was given back"
