"""The ramp: what one touch with each offer of a strategy brings, and where the offer and the strategy stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cultiva.definitions.review import Ramp
from cultiva.definitions.workspace import Workspace
from cultiva.review.asking import Asked
from cultiva.review.beliefs import Belief, corrected, prior_of
from cultiva.review.learning import OFFER, Learnt, Lessons
from cultiva.review.sales import Standing
from cultiva.review.statistics.worth import probability_above

OPEN, PROVEN, ENDED = "open", "proven", "ended"
"""Without evidence, with evidence that it pays, with evidence that it does not."""
TAKEN_WEIGHT = 20.0
"""Touches for which the strategy's own rate of take-ups stands when one offer is judged."""


@dataclass(frozen=True)
class Ramped:
    """What a strategy is judged by."""

    ramp: Ramp
    workspace: Workspace
    days: int
    """Since its first customer was enrolled."""
    sales: Standing = Standing.SELLS
    """What sales say of its touches."""
    asked: Asked = field(default_factory=Asked)
    """What they say of offers."""
    shown: bool = False
    """Whether touches were known to sell before."""

    @property
    def late(self) -> bool:
        """Whether it should have shown something by now."""
        return self.days >= self.ramp.days

    @property
    def known(self) -> bool:
        """Whether touches are known to sell; once known it stands until they surely harm."""
        return self.sales is Standing.SELLS or (self.shown and self.sales is Standing.UNKNOWN)

    @property
    def over(self) -> bool:
        """Whether definitions are trusted no longer: touches harm, or nothing was seen to sell in time."""
        return self.sales is Standing.HARMS or (self.late and not self.known)


def standing(rows: Sequence[Learnt], lessons: Lessons, ramped: Ramped) -> tuple[Learnt, ...]:
    """The rows of one strategy, with one for each of its offers, and where each of them stands.

    Args:
        rows: From `learnt_of`; none where nobody has results.
        lessons: What they are made of.
        ramped: What it is judged by.
    """
    if not rows:
        return ()
    known = {row.offer: row for row in rows if row.offer and not row.cell}
    blank = replace(rows[0], share=None)
    offers = [_offer(known.get(name, replace(blank, offer=name)), lessons, ramped) for name in lessons.names]
    stage, contacts = _stage(offers, ramped), lessons.count().contacts_mean
    whole = [replace(row, stage=stage, contacts=contacts) for row in rows if not row.offer]
    reach = 1.0 if stage == PROVEN or ramped.known else None
    return (*(replace(row, reach=reach) for row in whole), *offers)


def _offer(row: Learnt, lessons: Lessons, ramped: Ramped) -> Learnt:
    """What a touch with one offer brings: the trusted prior with what sales say, and what money says where it is sure.

    Nothing is hoped for any more where touches harm, or nothing was seen to sell in time.
    """
    whole, mine, ramp = lessons.count(), lessons.count(row.offer), ramped.ramp
    rate = whole.taken / whole.contacts if whole.contacts else 0.0
    taken = min((mine.taken + TAKEN_WEIGHT * rate) / (mine.contacts + TAKEN_WEIGHT), 1.0)
    prior = ramped.asked.believed(row.offer, _prior(row.offer, ramped))
    belief = _measured(prior, row.offer, lessons)
    chance = probability_above(belief.mean, belief.se, _least_cost(row.offer, lessons, ramped, taken))
    stage = PROVEN if chance >= ramp.sure else ENDED if chance <= 1 - ramp.sure else OPEN
    said = prior if stage == OPEN else belief
    if ramped.over and stage != PROVEN:
        said = Belief(min(said.mean, 0.0), said.se)
    return replace(row, per_touch=said.mean, per_touch_se=belief.se, taken_per_touch=taken, stage=stage)


def _prior(offer: str, ramped: Ramped) -> Belief:
    kind = ramped.workspace.offers[offer].kind
    return prior_of((offer,), ramped.workspace, 0.0, ramped.ramp.trust.get(kind, 0.0))


def _measured(prior: Belief, offer: str, lessons: Lessons) -> Belief:
    """The prior corrected by what was measured of those who were open to the offer, per contact."""
    single = len(lessons.names) == 1
    value, se = lessons.measured() if single else lessons.measured(OFFER, offer)
    each = lessons.count("" if single else offer).contacts_mean
    return corrected(prior, None if value is None else value / each, None if se is None else se / each)


def _least_cost(offer: str, lessons: Lessons, ramped: Ramped, taken: float) -> float:
    """What a touch costs over the cheapest channel that can carry the offer, with the benefit where it is taken up."""
    workspace, one = ramped.workspace, ramped.workspace.offers[offer]
    mine = set(workspace.strategies[lessons.strategy].channels)
    usable = mine & set(one.channels) if one.channels else mine
    costs = [channel.unit_cost for channel in workspace.policy.channels if channel.name in usable]
    return min(costs, default=0.0) + taken * one.unit_cost


def _stage(offers: Sequence[Learnt], ramped: Ramped) -> str:
    """Proven if any offer is; ended if none can pay any more, or nothing that is trusted has shown it in time."""
    if any(one.stage == PROVEN for one in offers):
        return PROVEN
    return ENDED if ramped.late or ramped.over or all(one.stage == ENDED for one in offers) else OPEN
