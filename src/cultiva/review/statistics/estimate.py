"""What a statistic answers: a number with its uncertainty, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from scipy import special

from cultiva.kit.words import Words
from cultiva.review.statistics import reasons


@dataclass(frozen=True)
class Estimate:
    """A number with its uncertainty, or a reason; all None where it cannot be said, and `reason` says why."""

    value: float | None
    """The estimate, in the metric's unit per customer."""
    se: float | None = None
    """Its standard error."""
    low: float | None = None
    """Lower end of the confidence interval; minus infinity where the data set no limit."""
    high: float | None = None
    """Upper end."""
    degrees: float | None = None
    """Degrees of freedom of the t distribution behind the interval; infinite for the normal one."""
    p_value: float | None = None
    """Two-sided, of no effect at all."""
    reason: Words = reasons.NONE
    """Why there is no number, or why the interval is not the usual one; empty otherwise."""

    @property
    def known(self) -> bool:
        """Whether there is a number with a standard error."""
        return self.value is not None and self.se is not None

    @property
    def certain(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def unknown(reason: Words, value: float | None = None) -> Estimate:
    """No uncertainty can be stated; perhaps a number."""
    return Estimate(value, reason=reason)


def estimated(
    value: float, variance: float, degrees: float, confidence: float, *, reason: Words = reasons.NONE
) -> Estimate:
    """A number with its t interval.

    Args:
        value: The estimate.
        variance: Its variance, above 0.
        degrees: Degrees of freedom; infinite for the normal distribution.
        confidence: Coverage of the interval.
        reason: What is unusual about it.
    """
    se = math.sqrt(variance)
    half = t_quantile(confidence, degrees) * se
    p_value = t_two_sided(value / se, degrees)
    return Estimate(value, se, value - half, value + half, degrees, p_value, reason)


def scaled(one: Estimate, factor: float) -> Estimate:
    """The estimate in another unit; the factor is above 0."""
    value, se, low, high = (None if end is None else end * factor for end in (one.value, one.se, one.low, one.high))
    return replace(one, value=value, se=se, low=low, high=high)


def t_quantile(confidence: float, degrees: float) -> float:
    """Half width of a two-sided t interval in standard errors."""
    upper = (1 + confidence) / 2
    return float(special.ndtri(upper) if math.isinf(degrees) else special.stdtrit(degrees, upper))


def t_two_sided(statistic: float, degrees: float) -> float:
    """Two-sided p-value of a t statistic."""
    below = -abs(statistic)
    return float(2 * (special.ndtr(below) if math.isinf(degrees) else special.stdtr(degrees, below)))


def t_for_z(z: float, degrees: float) -> float:
    """The t value with the same tail as this z value: widens normal bounds where the variance is uncertain."""
    if math.isinf(degrees) or degrees > 1e6:
        return z
    tail = max(float(special.ndtr(-z)), 1e-300)
    return float(-special.stdtrit(degrees, tail))
