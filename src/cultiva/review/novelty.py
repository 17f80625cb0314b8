"""Whether an effect fades or comes late: each strategy's effect by weeks since enrolment, from one more pass.

Weeks are compared on the same customers: those who have lived as many weeks as at least half of all have. Else the
later weeks would be those of early customers only, and a difference between customers would pass for one of weeks.

Strategies that leave whole advisers or branches alone are left out: an adviser's good week would pass for a trend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cultiva.contracts.readout import Flag
from cultiva.contracts.types import Column, DataType
from cultiva.definitions.review import CONTRIBUTION
from cultiva.engine.port import Engine
from cultiva.kit.words import Words
from cultiva.review.design import PROGRAMME, ReviewDesign
from cultiva.review.measure import CONTROL, TREATED, Standing
from cultiva.review.mergers import merged
from cultiva.review.panel import compared
from cultiva.review.panel_inputs import KEY, PanelInputs
from cultiva.review.statistics.differences import Roles, difference
from cultiva.review.statistics.estimate import Estimate
from cultiva.review.statistics.moments import Floats, Pair, from_sums
from cultiva.review.statistics.trends import novelty

if TYPE_CHECKING:
    import ibis

NOVELTY = "novelty"
"""Name of the flag."""
WEEK_DAYS = 7
WEEKS_FEWEST = 4
"""Weeks that customers must have lived for a trend to be looked for."""
CUSTOMERS_FEWEST = 100
"""Customers of the smaller arm."""


def novelties(engine: Engine, inputs: PanelInputs, design: ReviewDesign, on: date) -> Iterator[Flag]:
    """Flags of strategies whose effect moves with the weeks since enrolment.

    Args:
        engine: Where sets are computed; performance is read once more.
        inputs: What the review reads.
        design: The workspace as review sees it.
        on: Business date.
    """
    rows = compared(engine, inputs, design, on)
    rows = rows.filter(rows.strategy.notin([PROGRAMME, *design.clustered]))
    lived = _lived(rows, design)
    people = _fetched(engine, _people(lived))
    wanted = {name: weeks for name in sorted({str(row["strategy"]) for row in people})
              if (weeks := _weeks(people, name)) >= WEEKS_FEWEST}  # fmt: skip
    if not wanted:
        return
    money = _fetched(engine, _money(engine, inputs, lived.filter(lived.strategy.isin(list(wanted)))))
    for name, weeks in wanted.items():
        effects = weekly(people, money, name, weeks, confidence=design.workspace.review.confidence)
        trend = novelty(effects, confidence=design.workspace.review.confidence)
        if trend.moves:
            subject, sentence = CONTRIBUTION, _sentence(trend.sentence, weeks)
            yield Flag(name, NOVELTY, subject, Standing.NOTICE.value, sentence)


def _sentence(said: Words, weeks: int) -> Words:
    return Words(f"入组后 {weeks} 周内，{said.zh}", f"In the {weeks} weeks since enrolment: {said.en}")


Rows = Sequence[Mapping[str, Any]]


def _fetched(engine: Engine, table: ibis.Table) -> Rows:
    return engine.fetch(table).to_pylist()


def _lived(rows: ibis.Table, design: ReviewDesign) -> ibis.Table:
    """Who has lived how many whole weeks since enrolment, and the covariate, which counts as 0 where it is missing."""
    import ibis

    zero, covariate = ibis.literal(0.0).cast("!float64"), f"x_{design.workspace.review.covariate}"
    x = rows[covariate].fill_null(zero) if covariate in rows.columns else zero
    whole = (rows.y_days / WEEK_DAYS).floor().cast("int64")
    return rows.select(*KEY, "arm", "after", "upto", x=x, weeks=whole)


def _people(lived: ibis.Table) -> ibis.Table:
    """Customers by the weeks that they have lived."""
    return lived.group_by("strategy", "arm", "weeks").aggregate(
        n=lived.count(), x=lived.x.sum(), xx=(lived.x * lived.x).sum()
    )


def _weeks(people: Rows, strategy: str) -> int:
    """The most weeks that at least half of a strategy's customers have lived; 0 where too few have."""
    mine = [row for row in people if row["strategy"] == strategy]
    everyone = sum(int(row["n"]) for row in mine)
    for weeks in sorted({int(row["weeks"]) for row in mine}, reverse=True):
        sides = [
            sum(int(row["n"]) for row in mine if row["arm"] == arm and int(row["weeks"]) >= weeks)
            for arm in (TREATED, CONTROL)
        ]
        if 2 * sum(sides) >= everyone:
            return weeks if min(sides) >= CUSTOMERS_FEWEST else 0
    return 0


def _money(engine: Engine, inputs: PanelInputs, lived: ibis.Table) -> ibis.Table:
    """Per strategy, arm, weeks lived and week since enrolment the sums of a customer's money in that week.

    A run counts for the week in which it falls. Where it stands for more than a week it counts by the week.
    """
    columns = [
        Column("customer_id", DataType.INTEGER),
        Column("business_date", DataType.DATE),
        Column(CONTRIBUTION, DataType.MONEY),
        Column("days", DataType.INTEGER),
    ]
    done = merged(engine, engine.scan(inputs.performance, columns=columns), inputs.mergers)
    joined = lived.inner_join(done, "customer_id")
    within = joined.filter((joined.business_date > joined.after) & (joined.business_date <= joined.upto))
    since = within.business_date.delta(within.after, unit="day")
    longer = within.days.fill_null(WEEK_DAYS).cast("float64").clip(lower=float(WEEK_DAYS))
    amount = within[CONTRIBUTION].cast("float64") * float(WEEK_DAYS) / longer
    each = within.mutate(week=((since - 1) / WEEK_DAYS).floor().cast("int64"), amount=amount)
    week = each.group_by(*KEY, "arm", "weeks", "week", "x").aggregate(y=each.amount.sum())
    return week.group_by("strategy", "arm", "weeks", "week").aggregate(
        y=week.y.sum(), yy=(week.y * week.y).sum(), xy=(week.x * week.y).sum()
    )


def weekly(people: Rows, money: Rows, strategy: str, weeks: int, *, confidence: float) -> list[Estimate]:
    """The effect in each week since enrolment, on those who have lived them all.

    Args:
        people: strategy, arm, weeks lived, n, sums of the covariate and of its square.
        money: strategy, arm, weeks lived, week, sums of the money, its square, its product with the covariate.
        strategy: Whose.
        weeks: How many.
        confidence: Coverage of the intervals.
    """
    arms: dict[str, NDArray[np.float64]] = {}
    for arm in (TREATED, CONTROL):
        sums = np.zeros((weeks, 6))
        for row in people:
            if (row["strategy"], row["arm"]) == (strategy, arm) and int(row["weeks"]) >= weeks:
                sums[:, :3] += [row[name] for name in ("n", "x", "xx")]
        for row in money:
            mine = (row["strategy"], row["arm"]) == (strategy, arm) and int(row["weeks"]) >= weeks
            if mine and 0 <= int(row["week"]) < weeks:
                sums[int(row["week"]), 3:] += [row[name] for name in ("y", "yy", "xy")]
        arms[arm] = sums
    pairs = zip(arms[TREATED], arms[CONTROL], strict=True)
    return [difference(_pair(*sides), Roles(covariate=1), confidence=confidence) for sides in pairs]


def _pair(treated: Floats, control: Floats) -> Pair:
    sides = []
    for n, x, xx, y, yy, xy in (treated, control):
        sides.append(from_sums(int(n), np.array([y, x]), np.array([[yy, xy], [xy, xx]]), np.zeros(2)))
    return Pair(sides[0], sides[1])
