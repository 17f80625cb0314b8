from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cultiva.review.statistics.worth import Choice, Stakes, pooled, probability_above, weigh

EVEN = Stakes(effect=5.0, effect_se=2.0, cost=4.0, customers=1000, treated_share=0.9, periods=12, seen=2)


def test_waiting_is_worth_what_simulated_decisions_bring() -> None:
    """Truth, what was seen, and what will have been seen are drawn; the decision is made by what will be known."""
    draw = np.random.default_rng(8)
    truth = draw.normal(EVEN.effect - EVEN.cost, EVEN.effect_se, 400_000)
    found = weigh(EVEN)
    n = found.wait_periods
    unit_variance = EVEN.effect_se**2 * EVEN.seen
    more = draw.normal(truth, np.sqrt(unit_variance / n))
    known = (1.0 * EVEN.seen + more * n) / (EVEN.seen + n)
    gain = truth * 1000 * 0.9 * n + np.where(known > 0, truth, 0) * 1000 * (12 - n)
    assert gain.mean() == pytest.approx(found.wait, rel=0.02)
    assert found.regret == pytest.approx((np.maximum(truth, 0).mean() - 1.0) * 12_000, rel=0.02)
    assert found.probability == pytest.approx(np.mean(truth > 0), abs=0.003)


def test_clear_cases_are_decided_and_unclear_ones_wait() -> None:
    assert weigh(replace(EVEN, effect=50.0)).best is Choice.SCALE
    assert weigh(replace(EVEN, effect=-50.0)).best is Choice.STOP
    assert weigh(replace(EVEN, effect=4.01)).best is Choice.WAIT
    assert weigh(replace(EVEN, effect=4.01, effect_se=0.0)).best is Choice.SCALE


def test_with_one_period_there_is_nothing_to_wait_for() -> None:
    found = weigh(replace(EVEN, periods=1))
    assert (found.best, found.wait_periods) == (Choice.SCALE, 0)


def test_pooling_weights_by_precision() -> None:
    assert pooled([(1.0, 1.0), (4.0, 0.5)]) == pytest.approx((3.4, np.sqrt(1 / 5)))
    assert pooled([]) is None
    assert probability_above(1.0, 1.0, 1.0) == 0.5
    assert probability_above(1.0, 0.0, 0.5) == 1.0
