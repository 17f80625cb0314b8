"""What measuring returns: effects and checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cultiva.kit.words import Words
from cultiva.review.statistics.estimate import Estimate


class Estimand(StrEnum):
    """Whose change is stated, and of what."""

    OFFERED = "offered"
    """Everyone whom the strategy would have touched (intention to treat). The one that decides."""
    TRIMMED = "trimmed"
    """The same with amounts beyond the cuts set to the cuts: another number, less disturbed by few large customers."""
    REACHED = "reached"
    """Those whom a person really reached (complier average effect); the offered effect over the share reached."""


class CheckName(StrEnum):
    """What is looked at before an effect is believed."""

    SAMPLE_RATIO = "sample_ratio"
    """Whether the arms have the sizes that the draw promises; safe to read every day."""
    BALANCE = "balance"
    """Whether the arms were alike before: standardised difference of a covariate (subject)."""
    MISSING = "missing"
    """Whether a metric (subject) is missing more often in one arm."""
    CARRY_OVER = "carry_over"
    """Whether the effect differs on customers whom another strategy had touched not long before."""
    HETEROGENEITY = "heterogeneity"
    """Whether the effect on a metric differs between the groups of a dimension (subject: `metric by dimension`)."""


class Standing(StrEnum):
    """Result of a check."""

    FINE = "fine"
    """Nothing to see."""
    NOTICE = "notice"
    """Worth knowing: e.g. the effect differs between groups."""
    ALARM = "alarm"
    """Effects should not be believed before this is explained."""
    UNKNOWN = "unknown"
    """It could not be looked at; the sentence says why."""


@dataclass(frozen=True)
class Arm:
    """One arm in one group."""

    customers: int
    """Rows of the arm, whether the metric is known or not."""
    measured: int
    """Rows with a value of the metric."""
    mean: float | None
    """Mean, share or ratio; None if there is nobody."""
    reached: float | None = None
    """Share of the customers that was really reached; None without such a column."""


@dataclass(frozen=True)
class Measured:
    """What a strategy changed in one metric, for one group."""

    strategy: str
    """The strategy."""
    dimension: str
    """Columns of the group joined with '|'; '' for the whole."""
    group: str
    """Their values joined with '|'; '' for the whole."""
    metric: str
    """Name of the metric."""
    estimand: Estimand
    """Whose change, and of what."""
    treated: Arm
    """Those who could be touched."""
    control: Arm
    """Those left alone."""
    plain: Estimate
    """Difference treated less control, per customer, without the covariate."""
    effect: Estimate
    """The same with the covariate (equal to `plain` where there is none): the one to read at the end of the horizon."""
    always: Estimate
    """The same effect with an interval that holds however often and whenever one looks (confidence sequence)."""
    shrunk: Estimate
    """For a group: drawn towards the mean over the groups as far as its own data are thin; the best guess. For the
    whole equal to `effect`."""
    p_adjusted: float | None
    """For a group: p-value after Benjamini-Hochberg over the groups of the dimension; for the whole: after Holm over
    the strategy's metrics."""
    cuts: tuple[float, float] | None = None
    """For the trimmed estimand: the amounts to which smaller and larger ones were cut."""


@dataclass(frozen=True)
class Check:
    """One thing looked at before an effect is believed."""

    strategy: str
    """The strategy."""
    name: CheckName
    """What was looked at."""
    subject: str
    """Covariate, metric, or `metric by dimension`; '' for the whole."""
    standing: Standing
    """The result."""
    value: float | None
    """The statistic: share of control seen, standardised difference, spread of the effects between groups."""
    p_value: float | None
    """Chance of as much by accident; for the sample ratio safe to read every day."""
    sentence: Words
    """What it means."""


@dataclass(frozen=True)
class Measurement:
    """All that was measured."""

    effects: tuple[Measured, ...]
    """By strategy, estimand, dimension, group and metric."""
    checks: tuple[Check, ...]
    """By strategy."""

    def of(self, strategy: str, metric: str, *, estimand: Estimand = Estimand.OFFERED) -> Measured:
        """The effect on the whole; KeyError if that strategy or metric was not measured."""
        for one in self.effects:
            if (one.strategy, one.metric, one.estimand, one.dimension) == (strategy, metric, estimand, ""):
                return one
        raise KeyError((strategy, metric, estimand))
