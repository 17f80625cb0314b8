"""What to do with a strategy: by the expected money of each choice, said in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cultiva.contracts.readout import Readout, Recommendation, Verdict
from cultiva.kit.words import Words
from cultiva.review import wording
from cultiva.review.beliefs import Belief
from cultiva.review.counts import Counts
from cultiva.review.statistics.allocation import chances_of_best
from cultiva.review.statistics.reasons import NONE as NOTHING
from cultiva.review.statistics.worth import Choice, Stakes, Worth, weigh

WEEK_DAYS = 7
SURE = 0.95
"""Chance from which something is taken for settled."""
CLEAR = 0.05
"""Adjusted p-value below which a group is taken for different."""
FIRST_LOOK_DAYS = 28
"""When to look again where nothing can be said yet."""


@dataclass(frozen=True)
class Case:
    """All that a verdict on one strategy rests on."""

    strategy: str
    on: date
    """The business date."""
    horizon_days: int
    main: Readout | None
    """The whole's contribution; None if nothing was measured."""
    groups: Sequence[Readout]
    """Its contribution by the values of each single group."""
    belief: Belief
    """Money per customer over the horizon, before cost."""
    counts: Counts
    offers: Mapping[str, Belief]
    """Net money per customer by offer, where several are compared."""
    broken: Words = NOTHING
    """Why effects must not be believed; empty if they may."""
    scale: float = 1.0
    """By what effects so far are multiplied to stand for the horizon."""
    since: date | None = None
    """First enrolment."""

    @property
    def net(self) -> float:
        """Money per customer after cost."""
        return self.belief.mean - self.counts.cost_mean

    @property
    def few(self) -> bool:
        """Whether one side has too few customers for a verdict."""
        return min(self.counts.customers, self.counts.control) < wording.CUSTOMERS_MIN

    @property
    def surely_pays(self) -> bool:
        """Whether there is money left after cost by the interval that holds however often one looks."""
        low = None if self.main is None else self.main.always_low
        return low is not None and low * self.scale - self.counts.cost_mean > 0

    @property
    def weeks(self) -> float:
        """Weeks since the first enrolment, at least one."""
        return max((self.on - self.since).days / WEEK_DAYS, 1.0) if self.since is not None else 1.0

    @property
    def customers_per_week(self) -> float:
        """New customers per week, both sides."""
        return self.counts.everyone / self.weeks


def recommend(case: Case) -> Recommendation:
    """The verdict on a strategy, with its reason in one sentence."""
    if case.main is None or case.main.effect is None or not case.main.se or case.few:
        return _unmeasured(case)
    champion = _champion(case.offers)
    worth = _weighed(case)
    if case.broken:
        return _wait(case, wording.broken(case.broken), FIRST_LOOK_DAYS, worth)
    verdict, until, words = _decided(case, worth, champion)
    expected = worth.scale if verdict in (Verdict.SCALE, Verdict.KEEP, Verdict.CHANGE) else 0.0
    return Recommendation(case.strategy, verdict, until, expected, worth.probability, champion, words)


def _weighed(case: Case) -> Worth:
    treated = case.counts.customers / max(case.counts.everyone, 1)
    stakes = Stakes(
        effect=case.belief.mean,
        effect_se=case.belief.se,
        cost=case.counts.cost_mean,
        customers=case.customers_per_week,
        treated_share=treated,
        periods=max(round(case.horizon_days / WEEK_DAYS), 2),
        seen=case.weeks,
    )
    return weigh(stakes)


def _decided(case: Case, worth: Worth, champion: str) -> tuple[Verdict, date | None, Words]:
    odd, chance = _odd_groups(case), worth.probability
    if odd:
        return Verdict.CHANGE, None, wording.change(case.net, odd, pays=case.net > 0)
    if champion and case.offers[champion].mean > 0 and _settled(case.offers, champion):
        return Verdict.CHANGE, None, wording.champion(champion, case.offers[champion].mean)
    if chance >= SURE and case.surely_pays:
        return Verdict.SCALE, None, wording.scale(case.net, chance)
    if worth.best is Choice.WAIT and 1 - SURE < chance < SURE:
        until = case.on + timedelta(days=WEEK_DAYS * worth.wait_periods)
        return Verdict.WAIT, until, wording.wait(case.net, chance, until)
    if worth.best is Choice.SCALE or chance >= SURE:
        return Verdict.KEEP, None, wording.keep(case.net, chance)
    return Verdict.STOP, None, wording.stop(case.net, chance)


def _odd_groups(case: Case) -> list[tuple[str, float]]:
    """Groups that surely differ in sign from the whole, after all groups were looked at: (name, net per customer)."""
    found = []
    for one in case.groups:
        if one.shrunk is None or one.p_value is None or one.p_value >= CLEAR:
            continue
        net = one.shrunk * case.scale - case.counts.cost_mean
        if (net > 0) != (case.net > 0):
            found.append((one.group, net))
    return sorted(found, key=lambda pair: -abs(pair[1]))


def _champion(offers: Mapping[str, Belief]) -> str:
    return max(offers, key=lambda name: offers[name].mean) if len(offers) > 1 else ""


def _settled(offers: Mapping[str, Belief], champion: str) -> bool:
    if any(one.se <= 0 for one in offers.values()):
        return False
    chances = chances_of_best([one.mean for one in offers.values()], [one.se for one in offers.values()])
    return float(chances[list(offers).index(champion)]) >= SURE


def _unmeasured(case: Case) -> Recommendation:
    reason = case.main.reason if case.main is not None else NOTHING
    return _wait(case, wording.unmeasured(case.counts.customers, case.counts.control, reason), FIRST_LOOK_DAYS, None)


def _wait(case: Case, words: Words, days: int, worth: Worth | None) -> Recommendation:
    probability = worth.probability if worth is not None else None
    until = case.on + timedelta(days=days)
    return Recommendation(case.strategy, Verdict.WAIT, until, None, probability, _champion(case.offers), words)


def recommend_slice(name: str, main: Readout | None, on: date) -> Recommendation:
    """What a health experiment says about the present ranking against a simpler one.

    Args:
        name: The comparison, e.g. `(random)`.
        main: The contribution less cost per customer, ours less theirs.
        on: Business date.
    """
    if main is None or main.effect is None or main.always_low is None or main.always_high is None:
        until = on + timedelta(days=FIRST_LOOK_DAYS)
        return Recommendation(name, Verdict.WAIT, until, None, None, "", wording.unmeasured(0, 0, NOTHING))
    verdict = Verdict.KEEP if main.always_low > 0 else Verdict.CHANGE if main.always_high < 0 else Verdict.WAIT
    later = on + timedelta(days=FIRST_LOOK_DAYS) if verdict is Verdict.WAIT else None
    return Recommendation(name, verdict, later, main.total, None, "", wording.slices(name, main.effect, verdict))
