"""The analysis table: one row per strategy and customer with what came of it, as set operations."""

from __future__ import annotations

from datetime import date, timedelta
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.decision import offer_experiment
from cultiva.definitions.review import CONTRIBUTION
from cultiva.engine.draws import ALONE
from cultiva.engine.port import Engine, Written
from cultiva.review.carryover import with_carried
from cultiva.review.design import (
    CLUSTER,
    HELD_OUT,
    HELD_OUT_GLOBAL,
    PROGRAMME,
    TREATED,
    WAITING,
    ReviewDesign,
)
from cultiva.review.measure import CONTROL
from cultiva.review.measure_design import LOT
from cultiva.review.panel_inputs import KEY, PanelInputs, number
from cultiva.review.panel_results import results_of, with_results
from cultiva.review.panel_touches import purchases_of, takings_of, touches_of, with_costs

if TYPE_CHECKING:
    import ibis

NET, COST, TAKEN, TOUCHED, DAYS = "net", "cost", "taken", "touched", "days"
"""Further `y_` columns: contribution less cost; cost; whether an offer was taken up after a touch; whether there was a
touch; days of results."""
BOUGHT = "y_bought"
"""Accounts that were opened of the category that the offer sells, touched or not; null where it sells none."""
LOTS = 200
"""Into so many lots customers are put, on either side, who are drawn alone where others are drawn in clusters."""


def write_panel(
    engine: Engine, inputs: PanelInputs, design: ReviewDesign, on: date, folder: Path, *, waiting: bool = False
) -> Written:
    """Writes the analysis table that `measure` reads.

    Results count from the day after enrolment for the horizon; those of the whole programme, which never ends, in the
    last horizon before the business date. Who was enrolled today has no results yet and is left out. Nobody who is held
    out from everything is on either side of a single strategy.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        design: The workspace as review sees it.
        on: Business date.
        folder: New folder; one beside it, with `-results` added, is left for the caller to remove.
        waiting: Whether those who wait on a ramp are in it, as an arm of their own.

    Returns:
        What was written: strategy, customer_id, arm, enrolled_on, offer, channel, branch_id, adviser_id, cluster, wave,
        carried, `group_<name>`, `x_<tag>`, reached, and as doubles `y_contribution`, `y_sold`, `y_<metric>`, `y_cost`,
        `y_net`, `y_taken`, `y_touched`, `y_touches`, `y_bought`,
        `y_days`. Slices of the health experiments come as strategies of their own.
    """
    results = folder.with_name(folder.name + "-results")
    rows = compared(engine, inputs, design, on, waiting=waiting)
    done = with_results(rows, results_of(engine, inputs, design, rows), design)
    touches = touches_of(engine, inputs, design, rows)
    taken = _beside(_beside(done, touches.drop("until")), takings_of(engine, inputs, touches))
    taken = _beside(taken, purchases_of(engine, inputs, design, rows))
    marked = with_carried(taken, engine.scan(inputs.exposure, columns=design.exposure_columns), design)
    engine.write(with_costs(marked, design), results)
    return engine.write(_finished(engine.scan([results]), design), folder, sort_by=KEY)


def _beside(rows: ibis.Table, more: ibis.Table) -> ibis.Table:
    return rows.left_join(more, list(KEY)).drop("strategy_right", "customer_id_right")


def compared(
    engine: Engine, inputs: PanelInputs, design: ReviewDesign, on: date, *, waiting: bool = False
) -> ibis.Table:
    """Exposures that have results, with their side and the days `after` which and `upto` which results count."""
    import ibis

    log = engine.scan(inputs.exposure, columns=design.exposure_columns)
    whole = log.strategy == PROGRAMME
    control = ibis.ifelse(whole, log.arm == HELD_OUT_GLOBAL, log.arm == HELD_OUT)
    others = [WAITING] if waiting else []
    kept = log.filter((log.enrolled_on < on) & (log.arm.isin([TREATED, *others]) | control))
    whole, horizon = kept.strategy == PROGRAMME, design.horizon_days
    first, today = ibis.literal(on - timedelta(days=horizon)), ibis.literal(on)
    ends = (kept.enrolled_on.cast("timestamp") + ibis.interval(days=horizon)).cast("date")
    after = ibis.ifelse(whole, ibis.greatest(kept.enrolled_on, first), kept.enrolled_on)
    upto = ibis.ifelse(whole, today, ibis.least(ends, today))
    return kept.mutate(
        arm=ibis.ifelse(kept.arm.isin([TREATED, *others]), kept.arm, CONTROL),
        wave=kept.enrolled_on.strftime("%Y-%m"),
        after=after,
        upto=upto,
        y_days=upto.delta(after, unit="day").cast("float64"),
        **{CLUSTER: _lot(kept, design)},
    )


def _lot(kept: ibis.Table, design: ReviewDesign) -> ibis.Value:
    """The cluster; customers drawn alone in lots, so that there are never as many clusters as customers.

    Sums of customers who were drawn independently of each other are independent too, so the variance between lots of
    one arm is as good as that between customers.
    """
    import ibis

    if not design.clustered:
        return kept[CLUSTER]
    number = (kept.customer_id % LOTS).cast("string")
    lot = ibis.literal(LOT) + kept.arm + ibis.literal(":") + number
    alone = kept[CLUSTER].isnull() | kept[CLUSTER].startswith(ALONE)
    inside = kept.strategy.isin(list(design.clustered))
    return ibis.cases((inside & alone, lot), (inside, kept[CLUSTER]), else_=ibis.null("string"))


def _finished(rows: ibis.Table, design: ReviewDesign) -> ibis.Table:
    """Costs in one column, those of offers added up for the programme; slices of the health experiments added."""
    import ibis

    single = rows.filter((rows.strategy != PROGRAMME) & ~rows.strategy.startswith(offer_experiment("")))
    given = single.group_by("customer_id").aggregate(all_offers=single.offer_cost.sum())
    joined = rows.left_join(given, "customer_id").drop("customer_id_right")
    all_offers = joined.all_offers.fill_null(number(0.0))
    cost = joined.touch_cost + ibis.ifelse(joined.strategy == PROGRAMME, all_offers, joined.offer_cost)
    whole = joined.mutate(y_cost=cost, y_net=joined[f"y_{CONTRIBUTION}"] - cost)
    whole = whole.drop("touch_cost", "offer_cost", "all_offers")
    return reduce(lambda left, right: left.union(right), [whole, *_slices(whole, design)])


def slice_strategy(name: str) -> str:
    """Under which name the present ranking is compared with a slice.

    Examples:
        >>> slice_strategy("random")
        '(random)'
    """
    return f"({name})"


def _slices(rows: ibis.Table, design: ReviewDesign) -> list[ibis.Table]:
    """Everyone ranked as the bank ranks now (treated) against everyone of a slice (control), nobody held out."""
    import ibis

    usual = design.workspace.review.rank_by.value
    open_to_all = rows.filter((rows.strategy == PROGRAMME) & (rows.arm == TREATED))
    found = []
    for name, _ in design.slices:
        if name.value != usual:
            pair = open_to_all.filter(open_to_all.ranked_by.isin([usual, name.value]))
            arm = ibis.ifelse(pair.ranked_by == usual, TREATED, CONTROL)
            found.append(pair.mutate(arm=arm, strategy=ibis.literal(slice_strategy(name.value))).select(*rows.columns))
    return found
