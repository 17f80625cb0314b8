"""Experiments drawn from worlds whose truth is known, for measuring how often intervals are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cultiva.review.statistics.differences import Roles, complier_difference, difference
from cultiva.review.statistics.estimate import Estimate
from cultiva.review.statistics.moments import Clusters, Moments, Pair
from cultiva.review.statistics.shares import few_events, newcombe

Floats = NDArray[np.float64]
Draw = np.random.Generator


@dataclass(frozen=True)
class World:
    """One kind of experiment."""

    about: str
    """What it is like."""
    truth: float
    """The effect in the population that customers are drawn from."""
    once: Callable[[Draw], Estimate]
    """Draws an experiment and measures it."""


def arms(treated: Floats, control: Floats) -> Pair:
    """Two arms of values; n x k."""
    return Pair(Moments.of(treated), Moments.of(control))


def money(draw: Draw, count: int, *, share: float = 0.3, scale: float = 100.0) -> Floats:
    """Amounts as banks see them: most customers bring nothing, some much (log-normal); mean about 62 % of the scale."""
    return np.where(draw.random(count) < share, draw.lognormal(np.log(scale), 1.2, count), 0.0)


def _normal(draw: Draw) -> Estimate:
    before = draw.normal(0, 1, 2000)
    after = 0.8 * before + draw.normal(0, 0.6, 2000) + np.where(np.arange(2000) < 1000, 0.05, 0.0)
    both = np.column_stack([after, before])
    return difference(arms(both[:1000], both[1000:]), Roles(covariate=1))


def _own_slopes(draw: Draw) -> Estimate:
    """The effect depends on the covariate, and the control is small."""
    before = draw.exponential(1.0, 5000)
    after = before + draw.normal(0, 1, 5000) + np.where(np.arange(5000) < 4500, 0.2 * before, 0.0)
    both = np.column_stack([after, before])
    return difference(arms(both[:4500], both[4500:]), Roles(covariate=1))


def _skewed(draw: Draw) -> Estimate:
    count, treated = 20_000, 16_000
    before = money(draw, count)
    after = 0.5 * before + money(draw, count) + np.where(np.arange(count) < treated, 5 * draw.exponential(1, count), 0)
    both = np.column_stack([after, before])
    return difference(arms(both[:treated], both[treated:]), Roles(covariate=1))


def _share(draw: Draw) -> Estimate:
    did = (draw.random(6000) < np.where(np.arange(6000) < 4000, 0.05, 0.04)).astype(float)[:, None]
    return difference(arms(did[:4000], did[4000:]), Roles())


def _rare(draw: Draw) -> Estimate:
    counts = (3000, 1000)
    events = [float(draw.binomial(count, share)) for count, share in zip(counts, (0.008, 0.005), strict=True)]
    treated, control = (events[0], counts[0]), (events[1], counts[1])
    if few_events(treated, control):
        return newcombe(treated, control)
    each = [np.repeat([1.0, 0.0], [int(e), c - int(e)])[:, None] for e, c in zip(events, counts, strict=True)]
    return difference(arms(each[0], each[1]), Roles())


def _ratio(draw: Draw) -> Estimate:
    """Money per transaction."""
    times = draw.poisson(3, 6000).astype(float)
    each = draw.gamma(2, 25, 6000)
    spent = times * each * np.where(np.arange(6000) < 4000, 1.02, 1.0)
    both = np.column_stack([spent, times])
    return difference(arms(both[:4000], both[4000:]), Roles(denominator=1))


def _pareto(draw: Draw) -> Estimate:
    """Tails so heavy that the variance barely exists (index 2.5), as it stands."""
    both = draw.pareto(2.5, 20_000)[:, None]
    return difference(arms(both[:16_000], both[16_000:]), Roles())


TRIM = 0.001
"""As `Design.trim_share`."""


def _pareto_trimmed(draw: Draw) -> Estimate:
    """The same, cut at the quantiles of both arms together, as `measure` does."""
    both = draw.pareto(2.5, 20_000) + np.where(np.arange(20_000) < 16_000, 0.02, 0.0)
    low, high = np.quantile(both, [TRIM, 1 - TRIM])
    cut = np.clip(both, low, high)[:, None]
    return difference(arms(cut[:16_000], cut[16_000:]), Roles())


@cache
def _pareto_trimmed_truth() -> float:
    """Difference of the means after cutting at the quantiles of the mixture; by a fine grid of quantiles."""
    levels = (np.arange(2_000_000) + 0.5) / 2_000_000
    plain = (1 - levels) ** (-1 / 2.5) - 1
    mixed = np.sort(np.concatenate([np.repeat(plain[::4] + 0.02, 4), plain[::4]]))
    low, high = np.quantile(mixed, [TRIM, 1 - TRIM])
    return float(np.clip(plain + 0.02, low, high).mean() - np.clip(plain, low, high).mean())


def clustered(draw: Draw, clusters: int, treated: int, *, effect: float) -> Estimate:
    """Whole advisers of unequal size are drawn; their customers are alike (intraclass correlation 0.1)."""
    sizes = draw.integers(20, 120, clusters)
    member = np.repeat(np.arange(clusters), sizes)
    before = draw.normal(0, 1, len(member))
    after = 0.5 * before + draw.normal(0, 1, len(member)) + draw.normal(0, 0.35, clusters)[member]
    is_treated = member < treated
    both = np.column_stack([after + effect * is_treated, before])
    return difference(in_clusters(both, is_treated, member), Roles(covariate=1))


def in_clusters(values: Floats, is_treated: NDArray[np.bool_], member: NDArray[np.int64]) -> Pair:
    """Two arms whose customers go together in clusters; values are n x k."""
    pair, many = arms(values[is_treated], values[~is_treated]), int(member.max()) + 1
    sums, counts = [], []
    for arm, chosen in ((pair.treated, is_treated), (pair.control, ~is_treated)):
        about = (values - arm.mean) * chosen[:, None]
        columns = [np.bincount(member, about[:, k], many).astype(np.float64) for k in range(values.shape[1])]
        sums.append(np.column_stack(columns))
        counts.append(np.bincount(member, chosen, many).astype(np.float64))
    return Pair(pair.treated, pair.control, Clusters(counts[0], counts[1], sums[0], sums[1]))


def _compliers(draw: Draw) -> Estimate:
    """Four in ten can be reached, and they differ from the rest; reaching them brings 0.5."""
    count, treated = 6000, 4000
    reachable = draw.random(count) < 0.4
    before = draw.normal(0, 1, count)
    reached = reachable & (np.arange(count) < treated)
    after = before + reachable + draw.normal(0, 1, count) + 0.5 * reached
    both = np.column_stack([after, before, reached])
    return complier_difference(arms(both[:treated], both[treated:]), Roles(covariate=1, reached=2))


def _few_compliers(draw: Draw) -> Estimate:
    count, treated = 3000, 2000
    reached = (draw.random(count) < 0.03) & (np.arange(count) < treated)
    both = np.column_stack([draw.normal(0, 1, count) + 0.5 * reached, reached])
    return complier_difference(arms(both[:treated], both[treated:]), Roles(reached=1))


def worlds() -> Mapping[str, World]:
    """All of them by name."""
    return {
        "normal": World("normal, covariate of correlation 0.8, half control", 0.05, _normal),
        "own slopes": World("effect grows with the covariate, 10 % control", 0.2, _own_slopes),
        "skewed money": World("70 % zeros, log-normal, covariate, 20 % control", 5.0, _skewed),
        "share": World("4 % against 5 % do it", 0.01, _share),
        "rare share": World("0.5 % against 0.8 % of few customers", 0.003, _rare),
        "ratio": World("money per transaction, 2 % more", 1.0, _ratio),
        "Pareto": World("tail index 2.5, no effect, untrimmed", 0.0, _pareto),
        "Pareto trimmed": World("the same with an effect, trimmed at 0.1 %", _pareto_trimmed_truth(), _pareto_trimmed),
        "clusters": World("60 advisers, 40 treated", 0.1, lambda draw: clustered(draw, 60, 40, effect=0.1)),
        "few clusters": World("12 advisers, 7 treated", 0.1, lambda draw: clustered(draw, 12, 7, effect=0.1)),
        "reached": World("40 % reached", 0.5, _compliers),
        "hardly reached": World("3 % reached: Fieller's interval is wide", 0.5, _few_compliers),
    }


@dataclass(frozen=True)
class Daily:
    """An experiment without any effect, as it looks day by day: sums that grow."""

    sums: Floats
    """Arms x days x (value, covariate)."""
    products: Floats
    """Arms x days x 2 x 2."""
    counts: NDArray[np.int64]
    """Arms x days."""
    information: Floats
    """Customer-days so far over those planned; days."""

    def pair(self, day: int) -> Pair:
        """The arms as they look at the end of a day."""
        from cultiva.review.statistics.moments import from_sums

        looks = [
            from_sums(int(self.counts[arm, day]), self.sums[arm, day], self.products[arm, day], np.zeros(2))
            for arm in (0, 1)
        ]
        return Pair(looks[0], looks[1])


DAYS = 84
"""Length of an experiment."""


def steady(draw: Draw, before: Floats) -> Floats:
    """Normal amounts per customer and day."""
    return draw.normal(0, 1, (len(before), DAYS)) + 0.1 * before[:, None]


def skewed(draw: Draw, before: Floats) -> Floats:
    """Something on one day in twenty, log-normal."""
    shape = (len(before), DAYS)
    return np.where(draw.random(shape) < 0.05, draw.lognormal(0, 1.2, shape), 0.0) * before[:, None]


def seldom(draw: Draw, before: Floats) -> Floats:
    """So seldom that after the experiment one customer in forty has bought at all."""
    shape = (len(before), DAYS)
    return np.where(draw.random(shape) < 0.0003, draw.lognormal(4, 1, shape), 0.0)


def no_effect(
    draw: Draw,
    customers: int,
    *,
    enrolling: int,
    planned: int,
    daily: Callable[[Draw, Floats], Floats] = steady,
    control: float = 0.25,
) -> Daily:
    """Draws an A/A experiment: customers enrol over some days, and what they bring adds up from then on.

    Args:
        draw: Random numbers.
        customers: Both arms.
        enrolling: Days over which they enrol; 1: all at once.
        planned: Customers of the plan, which need not come true.
        daily: What they bring per day, by their covariate.
        control: Share of control.
    """
    entered = draw.integers(0, enrolling, customers)
    before = draw.exponential(1.0, customers)
    there = np.arange(DAYS)[None, :] >= entered[:, None]
    value = np.cumsum(daily(draw, before) * there, axis=1)
    arm_of = (draw.random(customers) < control).astype(int)
    return looks(value, before, there, arm_of, np.cumsum(there, axis=1).sum(axis=0) / (planned * DAYS))


def looks(value: Floats, before: Floats, there: NDArray[np.bool_], arm_of: NDArray[np.int64], passed: Floats) -> Daily:
    """What is seen day by day.

    Args:
        value: Amount so far, customers x days.
        before: Covariate of the customers.
        there: Who is enrolled, customers x days.
        arm_of: 0 treated, 1 control.
        passed: Information so far over that planned, by day.
    """
    counts = np.array([there[arm_of == arm].sum(axis=0) for arm in (0, 1)])
    sums, products = np.zeros((2, DAYS, 2)), np.zeros((2, DAYS, 2, 2))
    for arm in (0, 1):
        chosen = arm_of == arm
        y, x = value[chosen], before[chosen, None] * there[chosen]
        sums[arm] = np.stack([y.sum(axis=0), x.sum(axis=0)], axis=-1)
        products[arm, :, 0, 0], products[arm, :, 1, 1] = (y * y).sum(axis=0), (x * x).sum(axis=0)
        products[arm, :, 0, 1] = products[arm, :, 1, 0] = (y * x).sum(axis=0)
    return Daily(sums, products, counts, np.asarray(passed, dtype=np.float64))
