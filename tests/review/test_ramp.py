"""What one touch brings, before there is evidence and after it, and what stops."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.review.bank import bank
from tests.review.test_verdict import readout

from cultiva.contracts.readout import Readout, Verdict
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.review import Ramp
from cultiva.review.beliefs import Belief
from cultiva.review.counts import Counts
from cultiva.review.learning import Learnt, Lessons, learnt_of
from cultiva.review.ramp import ENDED, OPEN, PROVEN, Ramped, standing

RAMP = Ramp(trust={OfferKind.PRODUCT: 0.2}, sure=0.9, days=28)


def counts(**more: Any) -> Counts:
    """80 customers with 2 contacts each, of whom 10 took something up; the control group aside."""
    given = {"customers": 80, "control": 20, "touched": 60, "contacts": 160, "taken": 10, "cost": 160, "days": 2800}
    return Counts(**{**given, **more})


def rows(*readouts: Readout, days: int = 7, strategy: str = "a", ramp: Ramp = RAMP) -> dict[str, Learnt]:
    """The rows of strategy a (one offer, worth 10 beforehand, costs 5 taken) or b (card, gift), by offer."""
    space = bank()
    names = space.strategies[strategy].offers
    parts = {(strategy, "", ""): counts(), **{(strategy, name, ""): counts() for name in names}}
    priors = dict.fromkeys(names, Belief(0.0, 1.0))
    lessons = Lessons(strategy, names, Belief(0.0, 1.0), priors, 1.0, readouts, "group:stage", parts)
    learnt = tuple(learnt_of(lessons, Verdict.WAIT, exploration=0.1))
    return {row.offer: row for row in standing(learnt, lessons, Ramped(ramp, space, days))}


def test_without_evidence_a_touch_brings_the_trusted_part_of_what_is_hoped_for() -> None:
    found = rows(readout(None, None))
    assert (found["fund"].per_touch, found["fund"].stage, found[""].stage) == (2.0, OPEN, OPEN)


def test_noise_that_points_nowhere_leaves_it_so() -> None:
    assert rows(readout(-30.0, 400.0))["fund"].per_touch == 2.0
    assert rows(readout(60.0, 400.0))["fund"].per_touch == 2.0


def test_evidence_counts_per_contact() -> None:
    found = rows(readout(50.0, 0.5))  # of two contacts each
    assert found["fund"].per_touch == pytest.approx(25.0, abs=0.1)
    assert (found["fund"].stage, found[""].stage) == (PROVEN, PROVEN)
    assert found[""].contacts == 2.0


def test_who_loses_money_surely_is_stopped() -> None:
    found = rows(readout(-50.0, 0.5))
    assert (found["fund"].stage, found[""].stage) == (ENDED, ENDED)
    assert found["fund"].per_touch == pytest.approx(-25.0, abs=0.1)


def test_an_offer_has_to_earn_its_own_cost_as_well() -> None:
    """The benefit costs 5 and one touch in 16 is followed by a take-up: 0.3; the cheapest channel costs 1."""
    found = rows(readout(2.0, 0.05))["fund"]  # 1 per contact: less than both
    assert found.taken_per_touch == pytest.approx(1 / 16)
    assert found.stage == ENDED
    assert rows(readout(2.8, 0.05))["fund"].stage == PROVEN  # 1.4 is more than 1.3


def test_one_offer_that_pays_keeps_the_strategy_and_the_others_are_judged_alone() -> None:
    card = readout(None, None, strategy="b", dimension="offer", group="card", shrunk=80.0, shrunk_se=1.0)
    gift = readout(None, None, strategy="b", dimension="offer", group="gift", shrunk=-80.0, shrunk_se=1.0)
    found = rows(card, gift, strategy="b")
    assert (found["card"].stage, found["gift"].stage, found[""].stage) == (PROVEN, ENDED, PROVEN)


def test_a_strategy_that_has_shown_nothing_in_time_is_over() -> None:
    assert rows(days=27)[""].stage == OPEN
    assert rows(days=28)[""].stage == ENDED
    assert rows(days=28)["fund"].stage == OPEN  # what sells goes on at the trusted prior


def test_nothing_stands_where_nobody_has_results() -> None:
    lessons = Lessons("a", ("fund",), Belief(0.0, 1.0), {}, 1.0, (), "group:stage", {})
    assert standing((), lessons, Ramped(RAMP, bank(), 99)) == ()


@given(st.floats(-500, 500), st.floats(0.01, 500), st.integers(1, 60))
def test_the_stage_follows_the_evidence(effect: float, se: float, days: int) -> None:
    found = rows(readout(effect, se), days=days)
    fund, whole = found["fund"], found[""]
    assert fund.per_touch is not None
    assert fund.stage != PROVEN or fund.per_touch > 1.0
    assert fund.stage != ENDED or fund.per_touch < 1.0 + 5.0
    assert (whole.stage == PROVEN) == (fund.stage == PROVEN)
    assert fund.stage == OPEN or fund.per_touch_se is not None


def test_definitions_are_trusted_no_longer_where_nothing_sold_in_time() -> None:
    space, parts = bank(), {("a", "", ""): counts(), ("a", "fund", ""): counts()}
    lessons = Lessons("a", ("fund",), Belief(0.0, 1.0), {"fund": Belief(0.0, 1.0)}, 1.0, (), "group:stage", parts)
    learnt = tuple(learnt_of(lessons, Verdict.WAIT, exploration=0.1))
    told = {
        (days, sells): standing(learnt, lessons, Ramped(RAMP, space, days, sells))[-1].per_touch
        for days in (27, 28)
        for sells in (True, False)
    }
    assert told == {(27, True): 2.0, (27, False): 2.0, (28, True): 2.0, (28, False): 0.0}
