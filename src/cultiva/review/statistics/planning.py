"""Before launch: how small an effect can be seen, with how many customers, in how many weeks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import special

from cultiva.kit.words import Words
from cultiva.review.statistics import reasons
from cultiva.review.statistics.differences import CLUSTERS_FEWEST
from cultiva.review.statistics.estimate import t_for_z
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
    clusters: float = math.inf
    """Advisers or branches, if whole ones are drawn: the effective number, (sum of sizes)**2 / sum of sizes**2."""
    cluster_correlation: float = 0.0
    """How alike customers of one cluster are (intraclass correlation)."""
    daily_looks: bool = True
    """Whether the confidence sequence decides (safe to look every day); it needs more customers than one look."""

    @property
    def unit_variance(self) -> float:
        """Variance of the estimated effect times the number of customers, were they drawn one by one."""
        shares = 1 / self.control_share + 1 / (1 - self.control_share)
        return self.sd**2 * (1 - self.explained) * shares

    @property
    def floor(self) -> float:
        """Variance of the estimated effect that no number of customers takes away: the clusters' own luck."""
        return self.unit_variance * self.cluster_correlation / self.clusters

    def variance(self, customers: float) -> float:
        """Variance of the estimated effect with so many customers, both arms, spread over the clusters.

        The design effect 1 + (size - 1) correlation of Kish (1965), where the size is customers over clusters; never
        less than that of customers drawn one by one.
        """
        size = max(customers / self.clusters, 1.0)
        return self.unit_variance / customers * (1 + (size - 1) * self.cluster_correlation)

    @property
    def reach(self) -> float:
        """Size of an effect, in standard errors, that is seen with the planned power."""
        single = float(special.ndtri((1 + self.confidence) / 2))
        threshold = bound(1.0, self.confidence) if self.daily_looks else single
        return t_for_z(threshold, self.degrees) + float(special.ndtri(self.power))

    @property
    def degrees(self) -> float:
        """Degrees of freedom: the clusters of the smaller arm less one."""
        return max(self.clusters * min(self.control_share, 1 - self.control_share) - 1, 1.0)

    @property
    def fault(self) -> Words:
        """Why nothing can be planned with it; empty if all is well."""
        if not 0 < self.control_share < 1:
            return reasons.nobody_to_compare(self.control_share)
        if self.sd <= 0:
            return reasons.SAME_METRIC
        fewest = self.clusters * min(self.control_share, 1 - self.control_share)
        if fewest < CLUSTERS_FEWEST:
            return reasons.few_clusters(math.floor(fewest), CLUSTERS_FEWEST)
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
    return None if plan.fault or customers < 2 else plan.reach * math.sqrt(plan.variance(customers))


def customers_needed(plan: Plan, effect: float) -> int | None:
    """Customers (both arms) that show an effect of this size with the planned power; None if no number does."""
    if plan.fault or effect == 0:
        return None
    allowed, alone = (effect / plan.reach) ** 2, plan.unit_variance
    if alone / allowed <= plan.clusters:
        return math.ceil(alone / allowed)
    left = allowed - plan.floor
    return math.ceil(alone * (1 - plan.cluster_correlation) / left) if left > 0 else None


def power(plan: Plan, effect: float, customers: int) -> float:
    """Chance that so many customers show an effect of this size (at one look at the end)."""
    if plan.fault or customers < 2:
        return 0.0
    size = abs(effect) / math.sqrt(plan.variance(customers))
    threshold = plan.reach - float(special.ndtri(plan.power))
    return float(special.ndtr(size - threshold) + special.ndtr(-size - threshold))


def duration(plan: Plan, effect: float, *, enrolled: Callable[[int], float], weeks_max: int = 104) -> Duration:
    """Weeks until an effect of this size is seen.

    Args:
        plan: What is assumed.
        effect: Per customer: the smallest that would be worth having, not the hoped-for one.
        enrolled: Customers enrolled after so many weeks, both arms; never fewer after more.
        weeks_max: Beyond that the answer is no.
    """
    needed = customers_needed(plan, effect)
    if needed is None:
        if plan.fault or effect == 0:
            return Duration(None, None, plan.fault or reasons.ZERO_EFFECT)
        return Duration(None, None, reasons.more_clusters(math.floor(plan.clusters)))
    in_the_end = enrolled(weeks_max)
    if in_the_end <= 0:
        return Duration(None, needed, reasons.NOBODY_ENROLLED)
    if in_the_end < needed and enrolled(weeks_max - 1) == in_the_end:
        return Duration(None, needed, reasons.too_few(needed, math.floor(in_the_end)))
    if in_the_end < needed:
        return Duration(None, needed, reasons.too_long(needed, math.ceil(needed * weeks_max / in_the_end), weeks_max))
    weeks = next(week for week in range(1, weeks_max + 1) if enrolled(week) >= needed)
    return Duration(weeks, math.ceil(enrolled(weeks)))
