"""What is recommended, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from cultiva.contracts.readout import Contrast, Readout, Verdict
from cultiva.kit.words import Words
from cultiva.review.beliefs import Belief
from cultiva.review.counts import Counts
from cultiva.review.verdict import Case, recommend, recommend_slice
from cultiva.review.wording import VERDICTS, unmeasured

ON = date(2024, 3, 1)


def readout(effect: float | None, se: float | None, **more: Any) -> Readout:
    given: dict[str, Any] = {
        "strategy": "a", "dimension": "all", "group": "", "metric": "contribution", "unit": "money",
        "contrast": Contrast.ITT, "customers_treated": 900, "customers_control": 100, "mean_treated": None,
        "mean_control": None, "effect": effect, "se": se, "low": None, "high": None, "always_low": None,
        "always_high": None, "p_value": None, "shrunk": effect, "shrunk_se": se, "total": None,
    }  # fmt: skip
    if effect is not None and se is not None:
        given |= {"low": effect - 2 * se, "high": effect + 2 * se}
        given |= {"always_low": effect - 3 * se, "always_high": effect + 3 * se}
    return Readout(**{**given, **more})


def case(effect: float, se: float, *, cost: float = 2.0, **more: Any) -> Case:
    """900 customers open to the strategy and 100 left alone for twelve weeks."""
    counts = Counts(customers=900, control=100, touched=900, cost=900 * cost, days=84_000)
    given: dict[str, Any] = {
        "strategy": "a", "on": ON, "horizon_days": 84, "main": readout(effect, se), "groups": (),
        "belief": Belief(effect, se), "counts": counts, "offers": {}, "since": ON - timedelta(days=84),
    }  # fmt: skip
    return Case(**{**given, **more})


@pytest.mark.parametrize(
    ("effect", "se", "verdict"),
    [
        (20.0, 2.0, Verdict.SCALE),
        (7.0, 2.0, Verdict.KEEP),  # pays with 99 %, but looking always does not prove it
        (-10.0, 2.0, Verdict.STOP),
        (1.9, 0.05, Verdict.STOP),  # surely brings something, but less than it costs
        (2.0, 40.0, Verdict.WAIT),
    ],
)
def test_the_verdict_follows_the_money_after_cost(effect: float, se: float, verdict: Verdict) -> None:
    assert recommend(case(effect, se)).verdict is verdict


def test_who_waits_is_told_until_when() -> None:
    said = recommend(case(2.0, 40.0))
    assert said.until is not None and ON < said.until < ON + timedelta(days=84)
    assert str(said.until) in said.reason.en and str(said.until) in said.reason.zh


def test_a_handful_of_customers_gives_no_verdict() -> None:
    few = case(20.0, 2.0)
    said = recommend(replace(few, counts=replace(few.counts, control=19)))
    assert (said.verdict, said.expected) == (Verdict.WAIT, None)
    assert "19" in said.reason.en


def test_nothing_measured_gives_no_verdict() -> None:
    assert recommend(case(20.0, 2.0, main=None)).verdict is Verdict.WAIT
    assert (
        recommend(case(20.0, 2.0, main=readout(None, None, reason=Words("没有对照组", "no control group")))).verdict
        is Verdict.WAIT
    )
    assert recommend(case(20.0, 0.0)).verdict is Verdict.WAIT


def test_an_alarm_comes_before_every_number() -> None:
    said = recommend(case(20.0, 2.0, broken=Words("对照组过大。", "too many are left alone")))
    assert said.verdict is Verdict.WAIT
    assert "too many are left alone" in said.reason.en


def test_a_group_that_loses_is_named_and_one_that_may_lose_by_chance_is_not() -> None:
    loses = readout(-9.0, 2.0, dimension="group:stage", group="silver", p_value=0.001)
    chance = replace(loses, group="young", p_value=0.2)
    said = recommend(case(20.0, 2.0, groups=(loses, chance)))
    assert said.verdict is Verdict.CHANGE
    assert "silver" in said.reason.zh and "young" not in said.reason.zh
    assert recommend(case(20.0, 2.0, groups=(chance,))).verdict is Verdict.SCALE


def test_the_best_of_several_offers_is_the_champion_once_it_is_settled() -> None:
    offers = {"gift": Belief(3.0, 1.0), "card": Belief(18.0, 1.0)}
    said = recommend(case(10.0, 1.0, offers=offers))
    assert (said.verdict, said.champion) == (Verdict.CHANGE, "card")
    close = recommend(case(20.0, 2.0, offers={**offers, "gift": Belief(17.5, 1.0)}))
    assert (close.verdict, close.champion) == (Verdict.SCALE, "card")
    both_lose = recommend(case(-10.0, 1.0, offers={"gift": Belief(-20.0, 1.0), "card": Belief(-5.0, 1.0)}))
    assert both_lose.verdict is Verdict.STOP


@pytest.mark.parametrize(
    ("effect", "verdict"), [(10.0, Verdict.KEEP), (-10.0, Verdict.CHANGE), (1.0, Verdict.WAIT), (None, Verdict.WAIT)]
)
def test_a_health_experiment_judges_the_ranking(effect: float | None, verdict: Verdict) -> None:
    said = recommend_slice("(random)", readout(effect, None if effect is None else 1.0), ON)
    assert said.verdict is verdict


def test_every_verdict_has_its_word() -> None:
    assert set(VERDICTS) == set(Verdict)


@pytest.mark.parametrize(("customers", "said"), [(0, "0"), (1, "<5"), (4, "<5"), (5, "5"), (1234, "1,234")])
def test_a_sentence_speaks_of_no_few_people_since_those_who_see_no_customer_read_it(customers: int, said: str) -> None:
    sentence = unmeasured(customers, 999, Words("", ""))
    assert f"可触达 {said} 人，对照 999 人" in sentence.zh and f"({said} customers" in sentence.en
