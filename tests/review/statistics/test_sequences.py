from __future__ import annotations

import math

import numpy as np
import pytest

from cultiva.kit.words import Words
from cultiva.review.statistics.estimate import Estimate, estimated, unknown
from cultiva.review.statistics.sequences import always, always_p, bound, tightest


def paper(n: int, planned: int, alpha: float) -> float:
    """Half width in standard errors, as Waudby-Smith et al. write it, with their rho at the exact optimum."""
    rho = math.sqrt(tightest(1 - alpha) / planned)
    half = math.sqrt(2 * (n * rho**2 + 1) / (n**2 * rho**2) * math.log(math.sqrt(n * rho**2 + 1) / alpha))
    return half * math.sqrt(n)


@pytest.mark.parametrize("n", [50, 1000, 20_000])
def test_the_bound_is_the_papers(n: int) -> None:
    assert bound(n / 5000, 0.95) == pytest.approx(paper(n, 5000, 0.05), rel=1e-12)


def test_it_is_tightest_where_planned() -> None:
    around = [bound(share, 0.95) for share in (0.5, 0.9, 1.0, 1.1, 2.0)]
    rho_squared = np.geomspace(0.05, 500, 20_001)
    best = np.sqrt((1 + 1 / rho_squared) * (np.log1p(rho_squared) - 2 * math.log(0.05))).min()
    assert around[2] == pytest.approx(best, rel=1e-6)
    assert all(2.5 < one < 3.3 for one in around)


def test_growthbook_tunes_almost_the_same() -> None:
    theirs = (-2 * math.log(0.05) + math.log(-2 * math.log(0.05) + 1)) / 5000
    assert theirs == pytest.approx(tightest(0.95) / 5000, rel=0.05)


@pytest.mark.parametrize("z", [0.5, 2.0, 3.0, 3.2, 4.0, 40.0])
@pytest.mark.parametrize("information", [0.01, 0.7, 30.0])
def test_the_p_value_is_below_the_level_where_the_interval_excludes_zero(z: float, information: float) -> None:
    assert (always_p(z, information) < 0.05) == (z > bound(information, 0.95))


def test_few_degrees_of_freedom_widen_it() -> None:
    sure = always(estimated(1.0, 0.04, math.inf, 0.95), 1.0)
    unsure = always(estimated(1.0, 0.04, 8.0, 0.95), 1.0)
    assert unsure.low is not None and sure.low is not None and unsure.low < sure.low


def test_too_early_is_said() -> None:
    early = always(estimated(1.0, 0.04, math.inf, 0.95), 1.0, smallest_arm=12)
    assert (early.low, early.high, early.p_value) == (-math.inf, math.inf, 1.0)
    assert "too early" in early.reason.en
    assert "no day has passed" in always(estimated(1.0, 0.04, math.inf, 0.95), 0.0).reason.en


def test_what_is_unknown_stays_unknown() -> None:
    missing: Estimate = unknown(Words("无", "no control group"))
    assert always(missing, 1.0) == missing
