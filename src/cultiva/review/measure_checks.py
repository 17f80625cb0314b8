"""What is looked at before the effects of a strategy are believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cultiva.kit.words import Words
from cultiva.review.measure_cells import Reading
from cultiva.review.measure_design import Design
from cultiva.review.measure_groups import Group, pair_of
from cultiva.review.measure_results import Check, CheckName, Estimand, Measured, Standing
from cultiva.review.measure_tails import Kurtoses
from cultiva.review.measure_variables import balanced
from cultiva.review.statistics import reasons
from cultiva.review.statistics.checks import NORMAL_KURTOSIS, balance, missing, sample_ratio
from cultiva.review.statistics.groups import shrink
from cultiva.review.wording import METRICS, dimension_words

ALARM_BELOW = 0.001
"""P-value below which arms are not what they should be; many strategies are checked every day."""
APART_ALARM = 0.02
"""Standardised difference below which no alarm is given, however surely it is there."""
DIFFERS_BELOW = 0.05
"""P-value below which groups are said to differ."""
ALIKE = Words("看不出组间差别。", "no sign that groups differ")
"""Said of groups that do not differ."""


def checks_of(whole: Group, reading: Reading, design: Design, tails: Kurtoses) -> list[Check]:
    """Checks of one strategy as a whole."""
    return [
        _ratio(whole, design),
        *_balances(whole, reading, tails),
        *_missing(whole, reading),
    ]


def differing(measured: Sequence[Measured]) -> Iterator[Check]:
    """Whether the groups of one dimension differ, metric by metric; effects as offered only."""
    offered = [one for one in measured if one.estimand is Estimand.OFFERED]
    for metric in dict.fromkeys(one.metric for one in offered):
        groups = [one for one in offered if one.metric == metric]
        seen = shrink([one.effect for one in groups])
        subject = f"{metric} by {groups[0].dimension}"
        known = seen.p_value is not None
        differs = seen.p_value is not None and seen.p_value < DIFFERS_BELOW
        said = _differ(metric, groups[0].dimension, seen.between) if differs else ALIKE
        standing = Standing.UNKNOWN if not known else Standing.NOTICE if differs else Standing.FINE
        name = CheckName.HETEROGENEITY
        yield Check(groups[0].strategy, name, subject, standing, seen.between, seen.p_value, seen.reason or said)


def _ratio(whole: Group, design: Design) -> Check:
    name, promised = CheckName.SAMPLE_RATIO, design.control_shares.get(whole.strategy)
    if promised is None:
        return Check(whole.strategy, name, "", Standing.UNKNOWN, None, None, reasons.NO_PROMISE)
    seen = sample_ratio(*whole.units, promised)
    if seen.p_always is None or seen.share is None:
        return Check(whole.strategy, name, "", Standing.UNKNOWN, seen.share, None, seen.reason)
    alarm = seen.p_always < ALARM_BELOW
    said = Words(
        f"对照组占比 {seen.share:.2%}，抽签约定 {promised:.2%}。",
        f"{seen.share:.2%} are in the control group, {promised:.2%} were to be",
    )
    standing = Standing.ALARM if alarm else Standing.FINE
    return Check(whole.strategy, name, "", standing, seen.share, seen.p_always, said)


def _balances(whole: Group, reading: Reading, tails: Kurtoses) -> Iterator[Check]:
    for covariate, variant in balanced(reading.variants).items():
        place, kurtosis = variant.roles.covariate, tails.get((whole.strategy, covariate), NORMAL_KURTOSIS)
        if place is None:
            continue
        seen = balance(pair_of(whole, reading, variant), place, kurtosis)
        standing = _standing(seen.value, seen.p_value)
        said = seen.reason or _apart(covariate, abs(seen.value or 0))
        yield Check(whole.strategy, CheckName.BALANCE, covariate, standing, seen.value, seen.p_value, said)


def _missing(whole: Group, reading: Reading) -> Iterator[Check]:
    for variant in reading.variants:
        if variant.trimmed or not variant.present:
            continue
        pair = pair_of(whole, reading, variant)
        arms = [(whole.customers(arm), moments.count) for arm, moments in enumerate((pair.treated, pair.control))]
        lost = [(customers - measured, customers) for customers, measured in arms]
        if not sum(count for count, _ in lost):
            continue
        seen = missing(lost[0], lost[1])
        standing = _standing(seen.value, seen.p_value)
        said = seen.reason or _more_missing(variant.metric.name, seen.value or 0)
        yield Check(whole.strategy, CheckName.MISSING, variant.metric.name, standing, seen.value, seen.p_value, said)


def _differ(metric: str, dimension: str, between: float | None) -> Words:
    of, by = METRICS.get(metric, Words(metric, metric)), dimension_words(dimension)
    return Words(
        f"{of.zh}的效果因{by.zh}而异，相差约 {between or 0:.3g}。",
        f"effects on {of.en} differ by about {between or 0:.3g} between groups by {by.en}",
    )


def _apart(covariate: str, deviations: float) -> Words:
    return Words(
        f"入组前 {covariate} 两组不均衡，相差 {deviations:.3f} 个标准差。",
        f"before enrolment the arms were {deviations:.3f} standard deviations apart",
    )


def _more_missing(metric: str, share: float) -> Words:
    return Words(
        f"指标 {metric} 在可触达组的缺失比对照组多 {share:+.2%}。",
        f"missing for {share:+.2%} more of the treated than of the control",
    )


def _standing(value: float | None, p_value: float | None) -> Standing:
    if value is None or p_value is None:
        return Standing.UNKNOWN
    if p_value >= ALARM_BELOW:
        return Standing.FINE
    return Standing.ALARM if abs(value) >= APART_ALARM else Standing.NOTICE
