"""Before launch: how many customers an experiment would get, how much their money varies, and what that can show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate
from cultiva.definitions.review import CONTRIBUTION, Review
from cultiva.engine.port import Engine, Files
from cultiva.review.statistics.planning import Duration, Plan, duration, smallest_effect

if TYPE_CHECKING:
    import ibis

WEEK_DAYS = 7
POWER = 0.8
"""Chance to see an effect of the planned size."""
EXPLAINED_MAX = 0.999
"""No covariate explains more of what is still to come."""


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

    @property
    def pool(self) -> int:
        """Everyone who can take part."""
        return self.ready + self.waiting

    @property
    def residual_sd(self) -> float:
        """Standard deviation after the covariate."""
        return self.sd * math.sqrt(1 - self.explained)

    def per_week(self, holdout: float) -> float:
        """Customers enrolled in a week, both arms.

        Where nobody waits all are enrolled by the first run. Where hands are short a run touches as many as there are
        hands for, whatever the holdout; who is held out comes on top.
        """
        if not self.waiting:
            return float(self.pool)
        return min(self.ready / (1 - holdout) * WEEK_DAYS / self.run_days, float(self.pool)) if holdout < 1 else 0.0

    def enrolled(self, weeks: int, holdout: float) -> int:
        """Customers enrolled after some weeks, both arms."""
        return math.floor(min(self.per_week(holdout) * weeks, self.pool))

    def plan(self, holdout: float) -> Plan:
        """The experiment with this holdout, read every day."""
        return Plan(self.sd, holdout, explained=self.explained, confidence=self.confidence, power=POWER)

    def smallest(self, weeks: int, holdout: float) -> float | None:
        """Smallest effect per customer over the horizon that is seen after so many weeks of enrolment."""
        return smallest_effect(self.plan(holdout), self.enrolled(weeks, holdout))

    def weeks_for(self, effect: float, holdout: float) -> Duration:
        """Weeks of enrolment until an effect of this size is seen."""
        return duration(self.plan(holdout), effect, enrolled_per_week=self.per_week(holdout), pool=self.pool)


def prospect(engine: Engine, inputs: ProspectInputs, strategy: str, review: Review) -> Prospect:
    """What is known of an experiment from the plan of a day and what its customers brought in lately.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        strategy: The strategy.
        review: The covariate, the horizon to which results are projected, and the confidence.
    """
    decided = engine.scan(inputs.decisions)
    mine = decided.filter(decided.strategy == strategy)
    fates = engine.fetch(mine.group_by("fate").aggregate(n=mine.count())).to_pylist()
    counts = {row["fate"]: int(row["n"]) for row in fates}
    who = mine.filter(mine.fate.isin([Fate.CHOSEN.value, Fate.NO_CAPACITY.value])).select("customer_id")
    seen = _spread(engine, inputs, who, review.covariate)
    factor = review.horizon_days / max(seen.days, 1)
    return Prospect(
        strategy=strategy,
        ready=counts.get(Fate.CHOSEN.value, 0),
        waiting=counts.get(Fate.NO_CAPACITY.value, 0),
        run_days=inputs.run_days,
        mean=seen.mean * factor,
        sd=seen.sd * factor,
        explained=seen.explained,
        days=seen.days,
        confidence=review.confidence,
    )


@dataclass(frozen=True)
class _Spread:
    """What some customers brought in."""

    mean: float = 0.0
    sd: float = 0.0
    explained: float = 0.0
    """Share of the variance that the covariate explains."""
    days: int = 0
    """Days of results."""


def _spread(engine: Engine, inputs: ProspectInputs, who: ibis.Table, covariate: str) -> _Spread:
    """Mean and standard deviation of what these customers brought in, and the share that the covariate explains."""
    import ibis

    zero = ibis.literal(0.0).cast("!float64")
    done = engine.scan(inputs.results)
    sums = done.group_by("customer_id").aggregate(
        brought=done[CONTRIBUTION].sum().cast("float64"), long=done.days.sum()
    )
    table = who.left_join(sums, "customer_id").drop("customer_id_right")
    table = table.mutate(y=table.brought.fill_null(zero), x=zero)
    if inputs.before:
        table = table.drop("x").left_join(_known(engine, inputs, covariate), "customer_id").drop("customer_id_right")
        table = table.mutate(x=table.level.fill_null(zero))
    sums_of = {"n": table.count(), "y": table.y.mean(), "x": table.x.mean(), "days": table.long.max()}
    row = engine.fetch(table.aggregate(**sums_of)).to_pylist()[0]
    if not row["n"]:
        return _Spread()
    y, x = table.y - row["y"], table.x - row["x"]
    about = engine.fetch(table.aggregate(yy=(y * y).sum(), xx=(x * x).sum(), xy=(x * y).sum())).to_pylist()[0]
    varies = about["xx"] > 1e-12 * row["n"] * row["x"] ** 2 and about["yy"] > 0
    explained = min(about["xy"] ** 2 / (about["xx"] * about["yy"]), EXPLAINED_MAX) if varies else 0.0
    return _Spread(row["y"], math.sqrt(about["yy"] / max(row["n"] - 1, 1)), explained, int(row["days"] or 0))


def _known(engine: Engine, inputs: ProspectInputs, covariate: str) -> ibis.Table:
    known = engine.scan(inputs.before)
    level = known[covariate].cast("float64")
    return known.select("customer_id", level=level / known.days if covariate == CONTRIBUTION else level)
