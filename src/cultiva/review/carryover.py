"""Carry-over: whether a strategy works otherwise on customers whom another one had touched not long before.

Each strategy's draw is independent of the others', so among those touched before and among the rest the two sides are
as comparable as in the whole, and the share touched before should be the same on both. If the effects differ, either
the earlier strategy still works, or those it chose are other customers; the flag says that they differ, not why.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from cultiva.contracts.decision import offer_experiment
from cultiva.kit.words import Words
from cultiva.review.design import CARRIED, PROGRAMME, TREATED, ReviewDesign
from cultiva.review.measure import Check, CheckName, Estimand, Measured, Standing
from cultiva.review.statistics.checks import missing
from cultiva.review.statistics.estimate import t_two_sided

if TYPE_CHECKING:
    import ibis

YES, NO = "yes", "no"
"""Values of the column `carried`."""
DIFFERS_BELOW = 0.01
"""P-value below which the effects are said to differ; every strategy is looked at every day."""
APART_BELOW = 0.001
"""P-value below which the shares touched before are said to differ between the sides."""
CUSTOMERS_FEWEST = 20
"""On either side among those touched before, and among the rest; with fewer nothing is said."""


def with_carried(rows: ibis.Table, log: ibis.Table, design: ReviewDesign) -> ibis.Table:
    """Rows with `carried`: whether another strategy was open to the customer within the horizon before enrolment.

    Null for the whole programme and for offers, to which every strategy belongs.

    Args:
        rows: strategy, customer_id, enrolled_on, and what else there is.
        log: The exposures.
        design: The workspace as review sees it.
    """
    import ibis

    single = (log.strategy != PROGRAMME) & ~log.strategy.startswith(offer_experiment(""))
    open_ = log.filter(single & (log.arm == TREATED)).select(
        other_id=log.customer_id, other=log.strategy, since=log.enrolled_on
    )
    mine = rows.select("strategy", "customer_id", "enrolled_on")
    mine = mine.filter((mine.strategy != PROGRAMME) & ~mine.strategy.startswith(offer_experiment("")))
    met = mine.inner_join(open_, mine.customer_id == open_.other_id)
    days = met.enrolled_on.delta(met.since, unit="day")
    met = met.filter((met.other != met.strategy) & (days > 0) & (days <= design.horizon_days))
    found = met.group_by("strategy", "customer_id").aggregate(others=met.count())
    joined = rows.left_join(found, ["strategy", "customer_id"]).drop("strategy_right", "customer_id_right")
    whole = (joined.strategy == PROGRAMME) | joined.strategy.startswith(offer_experiment(""))
    said = ibis.cases((whole, ibis.null("string")), (joined.others.notnull(), YES), else_=NO)
    return joined.mutate(**{CARRIED: said}).drop("others")


def carry_overs(within: Iterable[Measured], design: ReviewDesign) -> Iterator[Check]:
    """One check per strategy that has customers of both kinds.

    Args:
        within: Effects on the contribution within the groups of the column `carried`.
        design: Says where whole clusters were drawn: the shares of customers are not compared there.
    """
    mine = [one for one in within if one.dimension == CARRIED and one.estimand is Estimand.OFFERED and one.group]
    for strategy, both in groupby(sorted(mine, key=lambda one: one.strategy), key=lambda one: one.strategy):
        groups = {one.group: one for one in both}
        if set(groups) == {YES, NO}:
            yield _check(strategy, groups[YES], groups[NO], clustered=strategy in design.clustered)


def _check(strategy: str, before: Measured, rest: Measured, *, clustered: bool) -> Check:
    name, metric = CheckName.CARRY_OVER, before.metric
    sides = [(one.treated.customers, one.control.customers) for one in (before, rest)]
    ends = (before.effect.value, rest.effect.value, before.effect.se, rest.effect.se)
    if min(min(pair) for pair in sides) < CUSTOMERS_FEWEST or None in ends:
        return Check(strategy, name, metric, Standing.UNKNOWN, None, None, FEW)
    value, p_value = _difference(before, rest)
    everyone = [sides[0][side] + sides[1][side] for side in (0, 1)]
    shares = [sides[0][side] / everyone[side] for side in (0, 1)]
    apart = missing((sides[0][0], everyone[0]), (sides[0][1], everyone[1])).p_value
    uneven = not clustered and apart is not None and apart < APART_BELOW
    matters = p_value < DIFFERS_BELOW or uneven
    said = _sentence(shares, before.effect.value or 0.0, rest.effect.value or 0.0, uneven=uneven)
    return Check(strategy, name, metric, Standing.NOTICE if matters else Standing.FINE, value, p_value, said)


def _difference(before: Measured, rest: Measured) -> tuple[float, float]:
    """The interaction: effect on those touched before less that on the rest, and its p-value (Welch)."""
    one, other = before.effect, rest.effect
    spreads = [(one.se or 0.0) ** 2, (other.se or 0.0) ** 2]
    degrees = [one.degrees or math.inf, other.degrees or math.inf]
    value, total = (one.value or 0.0) - (other.value or 0.0), sum(spreads)
    if total <= 0:
        return value, 1.0
    lost = sum((part / total) ** 2 / left for part, left in zip(spreads, degrees, strict=True))
    return value, t_two_sided(value / math.sqrt(total), 1 / lost if lost > 0 else math.inf)


FEW = Words("先前被触达者或其余客户太少", "too few customers were touched before, or all were")
"""Why nothing is said."""


def _sentence(shares: Sequence[float], before: float, rest: float, *, uneven: bool) -> Words:
    zh = f"入组前被其他策略触达过的客户：可触达组 {shares[0]:.1%}，对照组 {shares[1]:.1%}；"
    en = f"{shares[0]:.1%} of those open to it and {shares[1]:.1%} of those left alone had been touched by another "
    zh += f"对他们的效果为 {before:+,.2f}，对其余客户为 {rest:+,.2f}。"
    en += f"strategy before; the effect on them is {before:+,.2f}, on the others {rest:+,.2f}."
    if uneven:
        return Words(zh + "两组占比不同，抽签之外另有原因。", en + " The shares differ by more than the draw explains.")
    return Words(zh + "先前策略可能仍在起作用。", en + " The earlier strategy may still be at work.")
