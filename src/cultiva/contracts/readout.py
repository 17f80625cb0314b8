"""Readout: review to everyone. What a strategy changed, how surely, what it cost, and what to do now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cultiva.kit.words import Words


class Contrast(StrEnum):
    """Whose change is stated."""

    ITT = "itt"
    """Everyone whom the strategy would have touched, against the same left alone (intention to treat). It decides."""
    COMPLIER = "complier"
    """Those whom a person really reached (complier average effect); only of strategies that persons alone carry out."""
    TRIMMED = "trimmed"
    """Everyone, with the largest amounts cut to a quantile: less disturbed by a few customers, another number."""


class Verdict(StrEnum):
    """What to do with a strategy."""

    SCALE = "scale"
    """Give it to everyone whom it suits; keep a small holdout."""
    KEEP = "keep"
    """Go on as it is: it pays, but what more would bring is not sure yet."""
    CHANGE = "change"
    """It pays for some and not for others, or one offer is better: change it."""
    STOP = "stop"
    """It costs more than it brings."""
    WAIT = "wait"
    """Too early to say; until when, the recommendation says."""


@dataclass(frozen=True)
class Readout:
    """The effect of one strategy on one metric, for one group of customers."""

    strategy: str
    """The strategy; `(all)`: the whole programme; `offer:<name>`: an offer with a holdout of its own, whatever the
    strategy; `(random)` etc.: the present ranking against that health slice."""
    dimension: str
    """all, offer, channel, wave (month of enrolment), branch, group:<tag>, or cell (the values of all groups)."""
    group: str
    """Value of the dimension; empty for all."""
    metric: str
    """contribution, net (contribution less cost), cost, sold (contribution of the sold category), or a metric."""
    unit: str
    """money, share or count."""
    contrast: Contrast
    """Whose change."""
    customers_treated: int
    """Customers who could be touched."""
    customers_control: int
    """Customers left alone."""
    mean_treated: float | None
    """Mean per customer, or share."""
    mean_control: float | None
    """Mean per customer, or share."""
    effect: float | None
    """Change per customer, what had to be expected anyway taken out; None if it cannot be said."""
    se: float | None
    """Its standard error."""
    low: float | None
    """Lower end of the interval that holds for one look."""
    high: float | None
    """Upper end."""
    always_low: float | None
    """Lower end of the interval that holds however often one looks."""
    always_high: float | None
    """Upper end."""
    p_value: float | None
    """Chance of as much without any effect, for all that is compared together."""
    shrunk: float | None
    """For a group: the best guess, drawn towards the other groups as far as its own data are thin."""
    shrunk_se: float | None
    """Its standard error."""
    total: float | None
    """For money: the effect times the customers who could be touched."""
    reason: Words = Words("", "")  # noqa: RUF009
    """Why there is no number, or no usual interval; empty otherwise."""


@dataclass(frozen=True)
class Flag:
    """Something to know before an effect is believed."""

    strategy: str
    name: str
    """sample_ratio, balance, missing, heterogeneity, ..."""
    subject: str
    """Covariate or metric; empty for the whole."""
    standing: str
    """notice, alarm or unknown."""
    sentence: Words
    """What it means."""


@dataclass(frozen=True)
class Recommendation:
    """What to do with a strategy, and why."""

    strategy: str
    verdict: Verdict
    until: date | None
    """For wait: the day on which to look again."""
    expected: float | None
    """Expected money of following the verdict over the next horizon, against stopping."""
    probability: float | None
    """Chance that a customer brings more than it costs."""
    champion: str
    """The offer to prefer; empty where there is only one or nothing is known."""
    reason: Words
    """One sentence."""


@dataclass(frozen=True)
class StrategyReview:
    """All about one strategy."""

    strategy: str
    label: Words
    readouts: tuple[Readout, ...]
    """By metric, contrast, dimension and group."""
    flags: tuple[Flag, ...]
    recommendation: Recommendation
    cost: float
    """Spent on those who could be touched: contacts carried out and offers taken up, in money."""
    gross: float | None
    """What those who could be touched brought in, effect or not, in money."""
    incremental: float | None
    """What would not have come without the strategy, in money; before cost."""
    net: float | None
    """Incremental less cost."""
    days: float
    """Mean days of results behind it."""

    @property
    def return_on_cost(self) -> float | None:
        """Incremental money per unit of cost; None without cost or effect."""
        return None if self.incremental is None or self.cost <= 0 else self.incremental / self.cost

    def main(self, metric: str = "contribution", contrast: Contrast = Contrast.ITT) -> Readout | None:
        """The readout of the whole for a metric; None if it was not measured."""
        for one in self.readouts:
            if one.dimension == "all" and one.metric == metric and one.contrast is contrast:
                return one
        return None
