"""What one touch brings, before there is evidence and after it, and what stops."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.review.bank import bank
from tests.review.test_verdict import readout

from cultiva.contracts.readout import Readout, Verdict
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.review import Ramp
from cultiva.review.asking import Asked, asked
from cultiva.review.beliefs import Belief
from cultiva.review.counts import Counts
from cultiva.review.learning import Learnt, Lessons, learnt_of
from cultiva.review.ramp import ENDED, OPEN, PROVEN, Ramped, standing
from cultiva.review.sales import Sides, Standing

RAMP = Ramp(trust={OfferKind.PRODUCT: 0.2}, sure=0.9, days=28, first=0.25)


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


@settings(deadline=None)
@given(st.floats(-500, 500), st.floats(0.01, 500), st.integers(1, 60))
def test_the_stage_follows_the_evidence(effect: float, se: float, days: int) -> None:
    found = rows(readout(effect, se), days=days)
    fund, whole = found["fund"], found[""]
    assert fund.per_touch is not None
    assert fund.stage != PROVEN or fund.per_touch > 1.0
    assert fund.stage != ENDED or fund.per_touch < 1.0 + 5.0
    assert (whole.stage == PROVEN) == (fund.stage == PROVEN)
    assert fund.stage == OPEN or fund.per_touch_se is not None


def judged(days: int, sales: Standing, *, shown: bool = False, asked: Asked | None = None) -> dict[str, Learnt]:
    """The rows of strategy a, of which money says nothing."""
    parts = {("a", "", ""): counts(), ("a", "fund", ""): counts()}
    lessons = Lessons("a", ("fund",), Belief(0.0, 1.0), {"fund": Belief(0.0, 1.0)}, 1.0, (), "group:stage", parts)
    learnt = tuple(learnt_of(lessons, Verdict.WAIT, exploration=0.1))
    ramped = Ramped(RAMP, bank(), days, sales, asked or Asked(), shown)
    return {row.offer: row for row in standing(learnt, lessons, ramped)}


def test_definitions_are_trusted_no_longer_where_nothing_sold_in_time() -> None:
    told = {(days, sales): judged(days, sales)["fund"].per_touch
            for days in (27, 28) for sales in (Standing.SELLS, Standing.UNKNOWN)}  # fmt: skip
    assert told == {(27, Standing.SELLS): 2.0, (27, Standing.UNKNOWN): 2.0,
                    (28, Standing.SELLS): 2.0, (28, Standing.UNKNOWN): 0.0}  # fmt: skip


def test_where_touches_harm_nothing_waits_for_the_end_of_the_time() -> None:
    found = judged(7, Standing.HARMS)
    assert (found["fund"].per_touch, found[""].stage) == (0.0, ENDED)


@pytest.mark.parametrize(
    ("sales", "shown", "reach"),
    [
        (Standing.UNKNOWN, False, None),
        (Standing.SELLS, False, 1.0),
        (Standing.UNKNOWN, True, 1.0),  # the share of those left alone has become small: evidence may become thinner
        (Standing.HARMS, True, None),
    ],
)
def test_the_first_customers_show_whether_the_others_follow(sales: Standing, shown: bool, reach: float | None) -> None:
    assert judged(7, sales, shown=shown)[""].reach == reach


def test_what_was_known_to_sell_is_trusted_on_while_evidence_is_thin() -> None:
    assert judged(60, Standing.UNKNOWN, shown=True)["fund"].per_touch == 2.0
    assert judged(60, Standing.HARMS, shown=True)["fund"].per_touch == 0.0


def test_a_strategy_that_money_has_proven_goes_to_everybody() -> None:
    found = rows(readout(50.0, 0.5))
    assert (found[""].stage, found[""].reach) == (PROVEN, 1.0)


def test_what_sales_say_moves_what_is_hoped_for() -> None:
    hoped = {"fund": 10.0}.__getitem__
    good = asked({("b", "fund", "app"): Sides(1000, 60, 500, 5, touches=1000.0, money=3250.0)}, hoped)
    poor = asked({("b", "fund", "app"): Sides(1000, 5, 500, 5, touches=1000.0, money=500.0)}, hoped)
    found = [judged(7, Standing.SELLS, asked=one)["fund"].per_touch for one in (good, Asked(), poor)]
    assert found == sorted(found, key=lambda one: -(one or 0.0))
    assert found[1] == 2.0
    assert found[2] is not None
    assert found[2] < 1.0
