"""Pacing: prices that follow consumption, so that a day's budget lasts the day.

    price = max(night's price, least) x (share of the day left / share of the budget left) ^ responsiveness

The share of the day left is of the demand that is expected, hour by hour. As long as consumption keeps to the plan the
price is the night's. Ahead of it the price rises, without bound as the budget runs out, so that what is left is kept
for whoever brings more; behind it the price falls, so that nothing is left over for want of a lower price. It is a
function of what has been used and of the time alone: every process that knows the two charges the same, and a decision
can be made again later. (The idea of pacing by a dual price: Balseiro, Lu, Mirrokni, "The best of many worlds: dual
mirror descent for online allocation problems", Operations Research 71(1), 2023; theirs steps, this one is a feedback.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cultiva.definitions.placements import HOURS

LEAST_LEFT = 1e-6
"""Share of a budget, or of a day, below which there is as good as nothing left."""
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Pace:
    """How one resource's price moves within a day."""

    budget: float
    """Units for the day; may be infinite."""
    price: float
    """The night's, or that of the day's newest solution, in money per unit."""
    least: float = 0.01
    """Money per unit below which no price begins."""
    responsiveness: float = 4.0
    """The power."""
    hours: Sequence[float] = ()
    """Weights of the hours of the day; empty: evenly."""
    begun: float = 0.0
    """Share of the day's demand that had passed when the price was made: 0 for the night's."""
    used_before: float = 0.0
    """Units that had been used by then."""

    def passed(self, local: datetime) -> float:
        """Share of the day's demand that is expected before an instant, in [0, 1].

        Args:
            local: On the bank's clock.
        """
        weights = self.hours or (1.0,) * HOURS
        within = (local.minute * 60 + local.second + local.microsecond / 1e6) / SECONDS_PER_HOUR
        return (sum(weights[: local.hour]) + weights[local.hour] * within) / sum(weights)

    def at(self, local: datetime, used: float) -> float:
        """The price at an instant, in money per unit; infinite when nothing is left.

        Args:
            local: On the bank's clock.
            used: Units used today.
        """
        if self.budget == float("inf"):
            return self.price
        left = 1.0 - used / self.budget if self.budget > 0 else 0.0
        if left <= LEAST_LEFT:
            return float("inf")
        left /= max(1.0 - self.used_before / self.budget, LEAST_LEFT)
        ahead = max(1.0 - self.passed(local), LEAST_LEFT) / max(1.0 - self.begun, LEAST_LEFT) / left
        if self.price <= 0 and ahead <= 1.0:
            return 0.0
        return float(max(self.price, self.least) * ahead**self.responsiveness)
