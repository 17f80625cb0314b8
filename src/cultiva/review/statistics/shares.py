"""Shares of customers when few did it: intervals that keep their promise where the normal one does not."""

from __future__ import annotations

import math

from scipy import special

from cultiva.review.statistics import reasons
from cultiva.review.statistics.estimate import Estimate

EVENTS_FEWEST = 20
"""With fewer customers who did it (or who did not) in an arm, the interval is Newcombe's."""


def wilson(events: float, count: int, confidence: float) -> tuple[float, float]:
    """Interval of one share (Wilson 1927)."""
    z = float(special.ndtri((1 + confidence) / 2))
    share = events / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def few_events(treated: tuple[float, int], control: tuple[float, int]) -> bool:
    """Whether either arm has few customers who did it, or few who did not; arms are (events, customers)."""
    return any(min(events, count - events) < EVENTS_FEWEST for events, count in (treated, control))


def newcombe(treated: tuple[float, int], control: tuple[float, int], confidence: float = 0.95) -> Estimate:
    """Difference of two shares: Newcombe's hybrid score interval (1998, method 10), p-value by Fisher's exact test.

    Args:
        treated: Customers who did it, and customers.
        control: The same in the control.
        confidence: Coverage.
    """
    from scipy import stats  # takes a while to import

    shares = [events / count for events, count in (treated, control)]
    value = shares[0] - shares[1]
    low_t, high_t = wilson(*treated, confidence)
    low_c, high_c = wilson(*control, confidence)
    low = value - math.hypot(shares[0] - low_t, high_c - shares[1])
    high = value + math.hypot(high_t - shares[0], shares[1] - low_c)
    table = [[round(events), count - round(events)] for events, count in (treated, control)]
    p_value = float(stats.fisher_exact(table)[1])
    se = (high - low) / (2 * float(special.ndtri((1 + confidence) / 2)))
    return Estimate(value, se, low, high, math.inf, p_value, reasons.FEW_EVENTS)
