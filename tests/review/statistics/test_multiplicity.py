from __future__ import annotations

import pytest
from scipy import stats

from cultiva.review.statistics.multiplicity import benjamini_hochberg, holm

P_VALUES = [0.01, 0.04, None, 0.03, 0.005, 0.2]
KNOWN = [0.01, 0.04, 0.03, 0.005, 0.2]


def test_benjamini_hochberg_is_scipys() -> None:
    found = benjamini_hochberg(P_VALUES)
    assert found[2] is None
    assert [p for p in found if p is not None] == pytest.approx(stats.false_discovery_control(KNOWN))


def test_holm_by_hand() -> None:
    assert holm(P_VALUES) == [pytest.approx(p) if p is not None else None for p in (0.04, 0.09, None, 0.09, 0.025, 0.2)]


def test_nothing_to_adjust() -> None:
    assert holm([]) == []
    assert benjamini_hochberg([None]) == [None]
