"""Before launch: how small an effect can be seen, with how many customers, in how many weeks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from cultiva.kit.words import Words
from cultiva.review.statistics import reasons
from cultiva.review.statistics.sequences import bound


@dataclass(frozen=True)
class Plan:
    """What is assumed about an experiment that has not begun."""

    sd: float
    """Standard deviation of the metric between customers, above 0; of a share s: sqrt(s (1 - s))."""
    control_share: float
    """Share of customers left alone, between 0 and 1."""
    explained: float = 0.0
    """Share of the metric's variance that the covariate explains (squared correlation); CUPED takes it out."""
    confidence: float = 0.95
    """Coverage of the interval that will be read."""
    power: float = 0.8
    """Chance to see an effect of the planned size."""
    cluster_size: float = 1.0
    """Customers per adviser or branch, if whole ones are drawn."""
    cluster_correlation: float = 0.0
    """How alike customers of one cluster are (intraclass correlation)."""
    daily_looks: bool = True
    """Whether the confidence sequence decides (safe to look every day); it needs more customers than one look."""

    @property
    def unit_variance(self) -> float:
        """Variance of the estimated effect times the number of customers."""
        design_effect = 1 + (self.cluster_size - 1) * self.cluster_correlation
        shares = 1 / self.control_share + 1 / (1 - self.control_share)
        return self.sd**2 * (1 - self.explained) * design_effect * shares

    @property
    def reach(self) -> float:
        """Size of an effect, in standard errors, that is seen with the planned power."""
        single = float(special.ndtri((1 + self.confidence) / 2))
        threshold = bound(1.0, self.confidence) if self.daily_looks else single
        return threshold + float(special.ndtri(self.power))

    @property
    def fault(self) -> Words:
        """Why nothing can be planned with it; empty if all is well."""
        if not 0 < self.control_share < 1:
            return reasons.nobody_to_compare(self.control_share)
        if self.sd <= 0:
            return reasons.SAME_METRIC
        return reasons.NONE if self.explained < 1 else reasons.ALL_EXPLAINED


@dataclass(frozen=True)
class Duration:
    """How long an experiment takes."""

    weeks: int | None
    """Weeks of enrolment until the effect is seen with the planned power."""
    customers: int | None
    """Customers enrolled by then, both arms."""
    reason: Words = reasons.NONE
    """Why it cannot be said or will not be; empty otherwise."""


def smallest_effect(plan: Plan, customers: int) -> float | None:
    """Smallest effect per customer that so many customers (both arms) show with the planned power; None if none."""
    return None if plan.fault or customers < 2 else plan.reach * math.sqrt(plan.unit_variance / customers)


def customers_needed(plan: Plan, effect: float) -> int | None:
    """Customers (both arms) that show an effect of this size with the planned power; None if no number does."""
    return None if plan.fault or effect == 0 else math.ceil(plan.unit_variance * (plan.reach / effect) ** 2)


def power(plan: Plan, effect: float, customers: int) -> float:
    """Chance that so many customers show an effect of this size (at one look at the end)."""
    if plan.fault or customers < 2:
        return 0.0
    size = abs(effect) / math.sqrt(plan.unit_variance / customers)
    threshold = plan.reach - float(special.ndtri(plan.power))
    return float(special.ndtr(size - threshold) + special.ndtr(-size - threshold))


def duration(
    plan: Plan, effect: float, *, enrolled_per_week: float, pool: float = math.inf, weeks_max: int = 104
) -> Duration:
    """Weeks until an effect of this size is seen.

    Args:
        plan: What is assumed.
        effect: Per customer: the smallest that would be worth having, not the hoped-for one.
        enrolled_per_week: New customers per week, both arms.
        pool: Customers that there are at all, both arms.
        weeks_max: Beyond that the answer is no.
    """
    needed = customers_needed(plan, effect)
    if needed is None:
        return Duration(None, None, plan.fault or reasons.ZERO_EFFECT)
    if enrolled_per_week <= 0:
        return Duration(None, needed, reasons.NOBODY_ENROLLED)
    if needed > pool:
        return Duration(None, needed, reasons.too_few(needed, math.floor(pool)))
    weeks = math.ceil(needed / enrolled_per_week)
    if weeks > weeks_max:
        return Duration(None, needed, reasons.too_long(needed, weeks, weeks_max))
    return Duration(weeks, math.ceil(min(weeks * enrolled_per_week, pool)))
