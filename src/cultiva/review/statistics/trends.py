"""Whether an effect fades, comes late, or is disturbed by what customers went through before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cultiva.kit.words import Words
from cultiva.review.statistics import reasons
from cultiva.review.statistics.estimate import Estimate, estimated, unknown

FADES_BELOW = 0.01
"""P-value below which a trend is called one; many strategies are looked at, and often."""
STEADY = Words("就数据所见，效果逐周平稳。", "The effect is steady over the weeks, as far as the data show.")


@dataclass(frozen=True)
class Trend:
    """How an effect moves with the weeks since enrolment."""

    slope: Estimate
    """Change of the effect per week."""
    sentence: Words
    """In words."""

    @property
    def moves(self) -> bool:
        """Whether the slope is more than chance."""
        return self.slope.p_value is not None and self.slope.p_value < FADES_BELOW


def novelty(weekly: Sequence[Estimate], *, confidence: float = 0.95) -> Trend:
    """Trend of the effect over the weeks since enrolment: weighted least squares.

    Weeks are taken as independent. Where results of one customer's weeks go together, a trend is found less often than
    it might be, never more often.

    Args:
        weekly: Effect in the first, second, ... week since enrolment, each for that week alone.
        confidence: Coverage of the interval.
    """
    known = [(week, one.value, one.se) for week, one in enumerate(weekly) if one.value is not None and one.se]
    if len(known) < 3:
        return Trend(unknown(reasons.FEW_WEEKS), Words("周数太少，看不出趋势。", "Too few weeks to see a trend."))
    weeks, values, ses = (np.array(column, dtype=np.float64) for column in zip(*known, strict=True))
    weights = 1 / ses**2
    centred = weeks - np.sum(weights * weeks) / np.sum(weights)
    precision = float(np.sum(weights * centred**2))
    slope = estimated(float(np.sum(weights * centred * values)) / precision, 1 / precision, math.inf, confidence)
    trend = Trend(slope, STEADY)
    if not trend.moves or slope.value is None:
        return trend
    mean = float(np.sum(weights * values) / np.sum(weights))
    fades = slope.value * mean < 0
    zh = "逐周减弱（新鲜感消退）" if fades else "逐周增强（见效较慢）"
    en = "fades with the weeks (novelty)" if fades else "grows with the weeks (it comes late)"
    rate = f"{slope.value:+.3g}"
    return Trend(slope, Words(f"效果{zh}：每周 {rate}。", f"The effect {en}: {rate} per week."))


def carry_over(fresh: Estimate, carried: Estimate, *, confidence: float = 0.95) -> Estimate:
    """Difference between the effect on customers who come from another strategy's experiment and on those who do not.

    Far from zero means that what went before still works; the two effects must then not be pooled.

    Args:
        fresh: Effect on customers whom no other strategy had touched before enrolment.
        carried: Effect on customers whom one had.
        confidence: Coverage of the interval.
    """
    if fresh.value is None or carried.value is None or not fresh.se or not carried.se:
        return unknown(fresh.reason or carried.reason or reasons.NO_ERROR)
    return estimated(carried.value - fresh.value, fresh.se**2 + carried.se**2, math.inf, confidence)
