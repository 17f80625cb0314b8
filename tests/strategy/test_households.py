"""A cap on households binds in the plan: by what was touched before, and by what the plan itself proposes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from tests.strategy.conftest import ON, Desk, Person, offer, strategy, workspace

from cultiva.contracts.decision import Fate
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.policy import Cap
from cultiva.definitions.review import Health, RankBy, Review

ONE_A_WEEK = Cap(scope="household", days=7, contacts_max=1)
YESTERDAY = ON - timedelta(days=1)


def touched(*days: date) -> tuple[tuple[date, str, str], ...]:
    return tuple((day, "sms", "x") for day in days)


def test_what_one_of_a_household_got_counts_for_all_of_it(desk: Desk) -> None:
    people = [
        Person(1, household=1, touched=touched(YESTERDAY)),
        Person(2, household=1),
        Person(3),
        Person(4, touched=touched(YESTERDAY)),
        Person(5, household=5, touched=touched(ON - timedelta(days=7))),
        Person(6, household=5, consent={}),
    ]
    found = desk.decide(workspace(strategy("a"), caps=(ONE_A_WEEK,)), people).sort("customer_id")
    assert found["fate"].to_list() == ["capped", "capped", "chosen", "capped", "chosen", "no_consent"]
    assert found["decided_value"].to_list()[:2] == [1, 1]  # the household's touches, not the customer's own


@pytest.mark.parametrize("by", [RankBy.EFFECT, RankBy.RULES])
def test_of_those_who_live_together_the_plan_reaches_as_many_as_there_is_room_for(quick_desk: Desk, by: RankBy) -> None:
    space = workspace(
        strategy("a"),
        strategy("b", offers=("notice",), channels=("sms",), audience="aum >= 300"),
        offers=(offer("notice", kind=OfferKind.SERVICE),),
        caps=(ONE_A_WEEK,),
    )
    people = [Person(1, household=1, aum=100), Person(2, household=1, aum=300), Person(3, aum=50)]
    assert quick_desk.fates(replace(space, review=Review(rank_by=by, exploration=0.0)), people) == {
        (1, "a"): Fate.OUTBID,
        (2, "a"): Fate.CHOSEN,
        (2, "b"): Fate.CHOSEN,  # a service message uses no cap
        (3, "a"): Fate.CHOSEN,
    }


def test_whoever_is_held_out_takes_no_room_from_those_at_home(quick_desk: Desk) -> None:
    people = [Person(number, household=number // 2, aum=1000.0 - number) for number in range(2, 82)]
    fates = quick_desk.fates(workspace(strategy("a", holdout=0.5), caps=(ONE_A_WEEK,)), people)
    for home in range(1, 41):
        first, second = fates[2 * home, "a"], fates[2 * home + 1, "a"]
        alone = {first, second} - {Fate.HELD_OUT}
        assert alone in (set(), {Fate.CHOSEN}, {Fate.CHOSEN, Fate.OUTBID})


def test_slices_of_the_health_experiments_share_the_room_of_a_household(quick_desk: Desk) -> None:
    health = Health(random=0.2, propensity=0.2)
    space = workspace(strategy("a"), caps=(ONE_A_WEEK,))
    space = replace(space, review=Review(rank_by=RankBy.EFFECT, exploration=0.0, health=health))
    people = [Person(number, household=number // 3, aum=100.0 + number) for number in range(3, 93)]
    found = quick_desk.decide(space, people).with_columns(home=pl.col("customer_id") // 3)
    slices = found.group_by("home").agg(pl.col("ranked_by").n_unique())["ranked_by"].to_list()
    assert max(slices) > 1, "nobody here lives with somebody of another slice: the test shows nothing"
    reached = found.group_by("home").agg((pl.col("fate") == Fate.CHOSEN.value).sum())["fate"]
    assert reached.to_list() == [1] * 30
