"""What a statistic answers: a number with its uncertainty, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special


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
    reason: str = ""
    """Why there is no number, or why the interval is not the usual one; empty otherwise."""

    @property
    def known(self) -> bool:
        """Whether there is a number with a standard error."""
        return self.value is not None and self.se is not None

    @property
    def certain(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def unknown(reason: str, value: float | None = None) -> Estimate:
    """No uncertainty can be stated; perhaps a number."""
    return Estimate(value, reason=reason)
