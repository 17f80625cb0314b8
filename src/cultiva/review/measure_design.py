"""How an analysis table is read: metrics, groups, clusters, how sure one wants to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

TREATED = "treated"
"""The arm that a strategy could touch."""
CONTROL = "control"
"""The arm that was left alone."""
LOT = "lot:"
"""Before the name of a lot: customers who are drawn alone, put together where others are drawn in groups."""


class Kind(StrEnum):
    """How a metric's values are compared."""

    MEAN = "mean"
    """Mean per customer: money, counts."""
    SHARE = "share"
    """Share of customers: a boolean, or a number above 0 counts as 1."""
    RATIO = "ratio"
    """Sum of `y_<name>` over sum of `y_<denominator>`."""


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
    reached_of: frozenset[str] | None = None
    """Strategies of which the complier effect is stated; None: all."""
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
