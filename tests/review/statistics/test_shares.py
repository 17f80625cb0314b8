from __future__ import annotations

import pytest
from scipy import stats

from cultiva.review.statistics.shares import few_events, newcombe, wilson


def test_newcombes_own_examples() -> None:
    """Newcombe (1998), table II, method 10."""
    found = newcombe((56, 70), (48, 80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    zero = newcombe((0, 10), (0, 20))
    assert (zero.low, zero.high) == pytest.approx((-0.1611, 0.2775), abs=5e-5)


def test_wilson_is_scipys() -> None:
    expected = stats.binomtest(3, 40).proportion_ci(0.95, method="wilson")
    assert wilson(3, 40, 0.95) == pytest.approx((expected.low, expected.high))


def test_few_are_few_who_did_or_few_who_did_not() -> None:
    assert few_events((5, 1000), (500, 1000))
    assert few_events((995, 1000), (500, 1000))
    assert not few_events((300, 1000), (500, 1000))
