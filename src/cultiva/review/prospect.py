"""Before launch: how many customers an experiment would get, how much their money varies, and what that can show.

A strategy that runs already is planned as if it began today: whoever is enrolled cannot be enrolled again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate
from cultiva.definitions.review import Review
from cultiva.definitions.strategies import Strategy
from cultiva.engine.draws import ibis_unit
from cultiva.engine.port import Engine, Files
from cultiva.review.prospect_money import spread
from cultiva.review.statistics.planning import Duration, Plan, duration, smallest_effect

if TYPE_CHECKING:
    import ibis

WEEK_DAYS = 7
POWER = 0.8
"""Chance to see an effect of the planned size."""
READY, WAITING, LATER, REFUSED = 3, 2, 1, 0
"""What may become of a candidate, the nearest to a touch first."""
STANDS = {Fate.CHOSEN: READY, Fate.NO_CAPACITY: WAITING, Fate.CAPPED: LATER, Fate.OUTBID: LATER}
"""What may become of it by its fate; all other fates do not pass by themselves."""


@dataclass(frozen=True)
class ProspectInputs:
    """What a prospect is read from."""

    decisions: Files
    """A plan in which the strategy is active and holds nobody out."""
    results: Files
    """Performance of the business dates within the last horizon; without the first of them, if that is `before`."""
    before: Files
    """What was known before them: performance if the covariate is the contribution, else the profile; perhaps none."""
    run_days: int
    """Days between two runs."""
    exposure: Files = ()
    """Who is enrolled already."""
    past: Files = ()
    """Decisions of a run some time ago; perhaps none."""
    past_days: int = 0
    """How many days ago."""
    cap_days: int = 1
    """Longest window of a contact cap."""


@dataclass(frozen=True)
class Prospect:
    """What is known of an experiment that has not begun."""

    strategy: str
    ready: int
    """Customers whom a run would touch."""
    waiting: int
    """Customers whom it would touch too, had anybody time for them."""
    run_days: int
    """Days between two runs."""
    mean: float
    """What such a customer brings in over the horizon, in money."""
    sd: float
    """Standard deviation between them."""
    explained: float
    """Share of their variance that the covariate explains; 0 where there is too little history."""
    days: int
    """Days of results that the spread was seen in, and projected from."""
    confidence: float
    """Coverage of the interval that will be read."""
    later: int = 0
    """Customers whom something else was proposed lately, or today: they are free once the caps leave room."""
    later_days: int = 1
    """Days until they all are: the longest window of a cap."""
    enrolled_already: int = 0
    """Customers who take part already and cannot be enrolled again."""
    inflow: float = 0.0
    """New customers in the audience per day who can take part; 0 where nobody has looked before."""
    clusters: float | None = None
    """Effective number of advisers or branches, where whole ones are drawn."""
    correlation: float = 0.0
    """How alike customers of one of them are (intraclass correlation)."""

    @property
    def pool(self) -> int:
        """Everyone of the audience today who can take part and does not yet."""
        return self.ready + self.waiting + self.later

    @property
    def residual_sd(self) -> float:
        """Standard deviation after the covariate."""
        return self.sd * math.sqrt(1 - self.explained)

    def per_week(self, holdout: float) -> float:
        """Customers that hands suffice for in a week, both arms; no limit where nobody waits.

        A run touches as many as there are hands for, whatever the holdout; who is held out comes on top.
        """
        if not self.waiting:
            return math.inf
        return self.ready / (1 - holdout) * WEEK_DAYS / self.run_days if holdout < 1 else 0.0

    def enrolled(self, weeks: int, holdout: float) -> int:
        """Customers enrolled after some weeks, both arms: those there today, as they become free, and newcomers."""
        days = weeks * WEEK_DAYS
        free = self.ready + self.waiting + self.later * min(1.0, days / self.later_days) + self.inflow * days
        return math.floor(min(self.per_week(holdout) * weeks, free))

    def plan(self, holdout: float) -> Plan:
        """The experiment with this holdout, read every day."""
        return Plan(
            self.sd,
            holdout,
            explained=self.explained,
            confidence=self.confidence,
            power=POWER,
            clusters=math.inf if self.clusters is None else self.clusters,
            cluster_correlation=self.correlation,
        )

    def smallest(self, weeks: int, holdout: float) -> float | None:
        """Smallest effect per customer over the horizon that is seen after so many weeks of enrolment."""
        return smallest_effect(self.plan(holdout), self.enrolled(weeks, holdout))

    def weeks_for(self, effect: float, holdout: float) -> Duration:
        """Weeks of enrolment until an effect of this size is seen."""
        return duration(self.plan(holdout), effect, enrolled=lambda weeks: self.enrolled(weeks, holdout))


def prospect(engine: Engine, inputs: ProspectInputs, strategy: Strategy, review: Review) -> Prospect:
    """What is known of an experiment from the plan of a day and what its customers brought in lately.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        strategy: The strategy.
        review: The covariate, the horizon to which results are projected, and the confidence.
    """
    audience = _audience(engine, inputs, strategy)
    counted = audience.group_by("stand", "enrolled").aggregate(n=audience.count())
    counts = {(row["stand"], row["enrolled"]): int(row["n"]) for row in engine.fetch(counted).to_pylist()}
    takes_part = audience.filter((audience.stand > REFUSED) | audience.enrolled)
    seen = spread(engine, takes_part.select("customer_id", "unit"), inputs.results, inputs.before, review.covariate)
    factor = review.horizon_days / max(seen.days, 1)
    return Prospect(
        strategy=strategy.name,
        ready=counts.get((READY, False), 0),
        waiting=counts.get((WAITING, False), 0),
        run_days=inputs.run_days,
        mean=seen.mean * factor,
        sd=seen.sd * factor,
        explained=seen.explained,
        days=seen.days,
        confidence=review.confidence,
        later=counts.get((LATER, False), 0),
        later_days=inputs.cap_days,
        enrolled_already=sum(n for (_, enrolled), n in counts.items() if enrolled),
        inflow=_inflow(engine, inputs, strategy.name, takes_part),
        clusters=seen.clusters,
        correlation=seen.correlation,
    )


def _audience(engine: Engine, inputs: ProspectInputs, strategy: Strategy) -> ibis.Table:
    """customer_id, stand, unit, enrolled; one row per customer of the audience."""
    import ibis

    decided = engine.scan(inputs.decisions)
    mine = decided.filter(decided.strategy == strategy.name)
    stand = ibis.cases(*[(mine.fate == fate.value, stand) for fate, stand in STANDS.items()], else_=REFUSED)
    holder = mine.branch_id if strategy.holdout_by == "branch" else mine.adviser_id
    one_by_one = strategy.holdout_by == "customer"
    unit = ibis.null("string") if one_by_one else ibis_unit(strategy.holdout_by, holder, mine.customer_id)
    marked = mine.select("customer_id", stand=stand.cast("int64"), unit=unit)
    each = marked.group_by("customer_id").aggregate(stand=marked.stand.max(), unit=marked.unit.max())
    if not inputs.exposure:
        return each.mutate(enrolled=ibis.literal(False))
    log = engine.scan(inputs.exposure)
    known = log.filter(log.strategy == strategy.name).select(known_id=log.customer_id)
    joined = each.left_join(known, each.customer_id == known.known_id)
    return joined.mutate(enrolled=joined.known_id.notnull()).drop("known_id")


def _inflow(engine: Engine, inputs: ProspectInputs, strategy: str, takes_part: ibis.Table) -> float:
    """Customers per day who were not in the audience some time ago and can take part now."""
    if not inputs.past or inputs.past_days <= 0:
        return 0.0
    past = engine.scan(inputs.past)
    then = past.filter(past.strategy == strategy).select("customer_id")
    fresh = takes_part.anti_join(then, "customer_id")
    counted = engine.fetch(then.aggregate(then=then.count()).cross_join(fresh.aggregate(n=fresh.count()))).to_pylist()
    row = counted[0]
    return float(row["n"]) / inputs.past_days if row["then"] else 0.0
