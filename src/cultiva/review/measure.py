"""What strategies changed: the analysis table of an experiment, read once, becomes effects and checks.

The analysis table is a folder of Parquet with one row per strategy and customer: `strategy`, `arm`, `enrolled_on`,
metrics `y_<name>` (number or boolean), covariates `x_<name>` (number, as known at enrolment), text columns of groups
and of clusters, and perhaps a boolean that says whether a person really reached the customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from cultiva.review.statistics.estimate import Estimate

if TYPE_CHECKING:
    from cultiva.engine.port import Engine, Files

TREATED = "treated"
"""The arm that a strategy could touch."""
CONTROL = "control"
"""The arm that was left alone."""


class Kind(StrEnum):
    """How a metric's values are compared."""

    MEAN = "mean"
    """Mean per customer: money, counts."""
    SHARE = "share"
    """Share of customers: a boolean, or a number above 0 counts as 1."""
    RATIO = "ratio"
    """Sum of `y_<name>` over sum of `y_<denominator>`."""


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
class MetricDesign:
    """One metric of the analysis table."""

    name: str
    """Column `y_<name>`."""
    kind: Kind = Kind.MEAN
    """How it is compared."""
    covariate: str | None = None
    """Column `x_<covariate>` that takes out what had to be expected anyway (CUPED); a missing one counts as average."""
    denominator: str | None = None
    """For ratios: column `y_<denominator>`."""
    trimmed: bool = False
    """Whether the trimmed effect is stated beside the untrimmed one; for money."""


@dataclass(frozen=True)
class Design:
    """How an analysis table is read."""

    metrics: tuple[MetricDesign, ...]
    """What is compared."""
    dimensions: tuple[tuple[str, ...], ...] = ()
    """Groups within which effects are measured: one column, or several whose combination is the group, e.g.
    (("group_stage",), ("group_value_tier",), ("group_stage", "group_value_tier"), ("offer",)). The whole is always
    measured. Null is the group ''."""
    reached: str | None = None
    """Boolean column: a human channel really reached the customer; None: no complier effect."""
    clusters: Mapping[str, str] = field(default_factory=dict)
    """For strategies whose holdout was drawn by adviser or branch: the column that says which; by strategy."""
    control_shares: Mapping[str, float] = field(default_factory=dict)
    """Share of customers that the draw leaves alone, by strategy; without it the sample ratio is not checked."""
    planned_customers: Mapping[str, int] = field(default_factory=dict)
    """How many customers a strategy is expected to enrol; where sequences are tightest. Fixed before launch."""
    trim_share: float = 0.001
    """Amounts beyond these quantiles at either end are cut to them where a metric is trimmed."""
    confidence: float = 0.95
    """Coverage of intervals and of sequences."""
    horizon_days: int = 84
    """Days from enrolment for which results count."""
    business_date: date | None = None
    """The day up to which metrics count; with it sequences know how much of the experiment has passed. None: all."""


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
    sentence: str
    """What it means, in words."""


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


def measure(engine: Engine, files: Files, design: Design) -> Measurement:
    """Measures all strategies of an analysis table.

    Args:
        engine: Reads the table; one pass for all metrics and groups (and a look at a sample before).
        files: Folders of Parquet, see the module.
        design: How to read it.

    Returns:
        Effects and checks; a case that cannot be measured is there with its reason. No rows give nothing.
    """
    raise NotImplementedError
