"""The optimum: most contribution within floor, ceiling and authority; the list price where too little is known."""

from __future__ import annotations

import numpy as np
import pytest
from tests.strategy.pricing.templates import LEVELS, LISTED, market, take_ups, template

from cultiva.strategy.pricing.fairness import differences, impacts
from cultiva.strategy.pricing.market import amounts_of, least_role
from cultiva.strategy.pricing.optimum import Why, optimise
from cultiva.strategy.pricing.trial import tried

AT_LIST = LEVELS.index(LISTED)
MOVED, UNMOVED = take_ups([-4.0], [3.5]), take_ups([-3.0], [0.2])
"""Customers whom price moves, and whom it does not."""


def test_with_data_the_best_level_is_found() -> None:
    true = np.concatenate([MOVED, UNMOVED])
    case = market(true, 20_000)
    found = optimise(case)
    best = (true * case.margins).argmax(axis=1)
    assert [rung.place for rung in found.rungs] == best.tolist()
    assert {rung.why for rung in found.rungs} == {Why.LEARNT}
    assert found.rungs[0].place > AT_LIST > found.rungs[1].place  # cheaper for some, dearer for others
    gain = true * case.margins
    expected = gain[[0, 1], best] - gain[:, AT_LIST]
    assert [rung.gain for rung in found.rungs] == pytest.approx(expected.tolist(), rel=0.15)
    total, low, high = found.gain
    assert low < float(expected @ case.customers) < high and low < total < high


@pytest.mark.parametrize("quoted", [0, 8])
def test_with_too_few_data_the_list_price_stays(quoted: int) -> None:
    found = optimise(market(np.concatenate([MOVED, UNMOVED]), quoted))
    assert {(rung.place, rung.why, rung.gain) for rung in found.rungs} == {(AT_LIST, Why.TOO_FEW, 0.0)}
    assert found.gain == (0.0, 0.0, 0.0)


def test_a_level_that_is_not_surely_better_is_not_taken() -> None:
    """At the list price and beside it much the same is earned."""
    path = np.array([0.0, 0.35, 0.55, 0.75, 1.15, 1.6])
    odds = -3.4 + path
    found = optimise(market((1 / (1 + np.exp(-odds)))[None, :], 120, seed=12))
    assert found.rungs[0].why in (Why.NOT_SURE, Why.LIST_BEST) and found.rungs[0].place == AT_LIST
    assert found.rungs[0].chance < 0.8


def test_the_ladder_stays_within_the_authority_of_the_role() -> None:
    steep = take_ups([-6.0], [8.0], bend=1.0)
    free = optimise(market(steep, 20_000)).rungs[0].place
    bound = optimise(market(steep, 20_000, product=template(granted_by="adviser"))).rungs[0].place
    assert LEVELS[free] == 0.054 and LEVELS[bound] == 0.066
    assert least_role(template(), LEVELS[free]).role == "head_office"
    assert least_role(template(), LEVELS[bound]).role == least_role(template(), 0.084).role == "adviser"


def test_groups_stay_as_near_to_each_other_as_the_workspace_demands() -> None:
    true = np.concatenate([MOVED, UNMOVED])
    free = [rung.place for rung in optimise(market(true, 20_000)).rungs]
    assert max(free) - min(free) > 1
    near = [rung.place for rung in optimise(market(true, 20_000, fairness_steps=1)).rungs]
    assert max(near) - min(near) <= 1


def test_amounts_of_few_take_ups_are_drawn_to_the_mean() -> None:
    found = amounts_of(np.array([1e6, 90_000.0]), np.array([100, 1]), 40_000.0)
    assert found[0] == pytest.approx(10_000, rel=0.1)
    assert 10_000 < found[1] < 25_000


def test_the_trial_is_not_favoured_by_the_choice() -> None:
    """Over many banks the estimate on the other half is right on average; the curves' own expectation is too high."""
    errors, scaled = [], []
    true = take_ups([-3.6], [1.7], bend=1.0)
    for seed in range(8):
        case = market(true, 400, seed=seed)
        found = tried(case)
        assert found.gain is not None and found.se is not None
        value = (true * case.margins)[0]
        gains = []
        for half in case.halves:
            place = optimise(case, counts=half.counts).rungs[0].place
            gains.append(value[place] - value[AT_LIST])
        errors.append(found.gain - float(np.mean(gains)))
        scaled.append(errors[-1] / found.se if found.se else 0.0)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / len(errors) ** 0.5
    assert max(np.abs(scaled)) < 3.5


def test_a_trial_without_data_says_so() -> None:
    found = tried(market(MOVED, 0))
    assert (found.gain, found.changed, found.customers) == (0.0, 0.0, 0)


def test_different_prices_are_explained_by_number() -> None:
    found = optimise(market(np.concatenate([MOVED, UNMOVED]), 20_000))
    told = differences(found)
    assert [(one.group, one.other) for one in told] == [("group 0", "group 1")]
    assert told[0].gap > 0 and told[0].steps >= 2 and told[0].chance > 0.99
    assert "from 8.40% to 5.40% take-up rises from" in told[0].reason.en and "接受率" in told[0].reason.zh


def test_equal_prices_need_no_explanation() -> None:
    assert differences(optimise(market(np.concatenate([MOVED, MOVED]), 20_000))) == ()


def test_what_the_ladder_means_for_the_protected_is_counted() -> None:
    found = optimise(market(np.concatenate([MOVED, UNMOVED]), 20_000))
    low, high = (LEVELS[rung.place] for rung in found.rungs)
    who = {"gender": {"female": {"group 0": 300, "group 1": 100}, "male": {"group 0": 100, "group 1": 300}}}
    women, men = impacts(found, who)
    assert (women.value, women.customers) == ("female", 400)
    assert women.price == pytest.approx(0.75 * low + 0.25 * high)
    assert women.beyond == pytest.approx(-(high - low) / 4) and men.beyond == pytest.approx((high - low) / 4)
