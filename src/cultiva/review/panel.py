"""The analysis table: one row per strategy and customer with what came of it, as set operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.decision import offer_experiment
from cultiva.contracts.tables import CONTACT, OUTCOME
from cultiva.contracts.types import Column, DataType
from cultiva.definitions.review import CONTRIBUTION, Metric
from cultiva.engine.draws import ALONE
from cultiva.engine.port import Engine, Files, Written
from cultiva.review.design import (
    CLUSTER,
    HELD_OUT,
    HELD_OUT_GLOBAL,
    LOT,
    NOT_CARRIED_OUT,
    NOT_DONE,
    PROGRAMME,
    SOLD,
    TREATED,
    ReviewDesign,
)
from cultiva.review.measure import CONTROL
from cultiva.review.mergers import merged

if TYPE_CHECKING:
    import ibis

NET, COST, TAKEN, TOUCHED, DAYS = "net", "cost", "taken", "touched", "days"
"""Further `y_` columns: contribution less cost; cost; whether an offer was taken up after a touch; whether there was a
touch; days of results."""
KEY = ("strategy", "customer_id")
LOTS = 200
"""Into so many lots customers are put, on either side, who are drawn alone where others are drawn in clusters."""


@dataclass(frozen=True)
class PanelInputs:
    """What the results of a day are read from."""

    exposure: Files
    """The day's exposures."""
    performance: Files
    """Performance of all business dates up to the day."""
    contact: Files
    """Contacts of all business dates up to the day."""
    outcome: Files
    """Outcomes of all business dates up to the day."""
    identity_map: Files
    """The day's identity map."""
    mergers: Mapping[int, int] = field(default_factory=dict)
    """Retired customer id -> the id it was merged into."""


def write_panel(engine: Engine, inputs: PanelInputs, design: ReviewDesign, on: date, folder: Path) -> Written:
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

    Returns:
        What was written: strategy, customer_id, arm, enrolled_on, offer, channel, branch_id, adviser_id, cluster, wave,
        `group_<name>`, `x_<tag>`, reached, and as doubles `y_contribution`, `y_sold`, `y_<metric>`, `y_cost`, `y_net`,
        `y_taken`, `y_touched`, `y_days`. Slices of the health experiments come as strategies of their own.
    """
    results = folder.with_name(folder.name + "-results")
    rows = compared(engine, inputs, design, on)
    done = _with_sums(rows, _performance(engine, inputs, design, rows), design)
    touched = done.left_join(_touches(engine, inputs, design, rows), list(KEY)).drop(
        "strategy_right", "customer_id_right"
    )
    taken = touched.left_join(_takings(engine, inputs, touched), list(KEY)).drop("strategy_right", "customer_id_right")
    engine.write(_with_costs(taken, design), results, sort_by=KEY)
    return engine.write(_finished(engine.scan([results]), design), folder, sort_by=KEY)


def compared(engine: Engine, inputs: PanelInputs, design: ReviewDesign, on: date) -> ibis.Table:
    """Exposures that have results, with their side and the days `after` which and `upto` which results count."""
    import ibis

    log = engine.scan(inputs.exposure, columns=design.exposure_columns)
    whole = log.strategy == PROGRAMME
    control = ibis.ifelse(whole, log.arm == HELD_OUT_GLOBAL, log.arm == HELD_OUT)
    kept = log.filter((log.enrolled_on < on) & ((log.arm == TREATED) | control))
    whole, horizon = kept.strategy == PROGRAMME, design.horizon_days
    first, today = ibis.literal(on - timedelta(days=horizon)), ibis.literal(on)
    ends = (kept.enrolled_on.cast("timestamp") + ibis.interval(days=horizon)).cast("date")
    after = ibis.ifelse(whole, ibis.greatest(kept.enrolled_on, first), kept.enrolled_on)
    upto = ibis.ifelse(whole, today, ibis.least(ends, today))
    return kept.mutate(
        arm=ibis.ifelse(kept.arm == TREATED, TREATED, CONTROL),
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


def _metric_columns(design: ReviewDesign) -> list[Column]:
    """Columns of the performance table that metrics read."""
    found = []
    for one in design.metrics:
        if one.aggregate is not None:
            made = DataType.INTEGER if one.aggregate.function == "count" else DataType.MONEY
            found.append(Column(f"metric_{one.name}", made))
        elif one.tag is not None:
            found.append(Column(f"level_{one.name}", design.profile_types[one.tag]))
    return found


def _performance(engine: Engine, inputs: PanelInputs, design: ReviewDesign, rows: ibis.Table) -> ibis.Table:
    """Per strategy and customer what the performance of the days that count adds up to."""
    columns = [
        Column("customer_id", DataType.INTEGER),
        Column("business_date", DataType.DATE),
        Column(CONTRIBUTION, DataType.MONEY),
        *(Column(f"category_{one}", DataType.MONEY) for one in _categories(design)),
        *_metric_columns(design),
    ]
    done = merged(engine, engine.scan(inputs.performance, columns=columns), inputs.mergers)
    asked = rows.select(*KEY, "offer", "after", "upto")
    joined = asked.inner_join(done, "customer_id")
    within = joined.filter((joined.business_date > joined.after) & (joined.business_date <= joined.upto))
    sums = {f"y_{CONTRIBUTION}": _total(within[CONTRIBUTION]), f"y_{SOLD}": _total(_sold(within, design))}
    for one in design.metrics:
        sums[f"y_{one.name}"] = _result(within, one)
    return within.group_by(list(KEY)).aggregate(**sums)


def _result(rows: ibis.Table, metric: Metric) -> ibis.Value:
    if metric.aggregate is not None:
        return _total(rows[f"metric_{metric.name}"])
    level = rows[f"level_{metric.name}"]
    number = level.cast("int64").cast("float64") if level.type().is_boolean() else level.cast("float64")
    return number.argmax(rows.business_date)


def _total(column: ibis.Value) -> ibis.Value:
    return column.sum().cast("float64")


def _categories(design: ReviewDesign) -> list[str]:
    """Product categories that some offer sells."""
    return sorted({one.category for one in design.workspace.offers.values() if one.category is not None})


def _number(value: float) -> ibis.Value:
    """A double; SQL takes 1.5 as it stands for a decimal, and Ibis does not know."""
    import ibis

    return ibis.literal(float(value)).cast("!float64")


def _sold(rows: ibis.Table, design: ReviewDesign) -> ibis.Value:
    """What holdings of the category that the offer sells contributed; null where it sells none."""
    import ibis

    sells = [(name, one.category) for name, one in design.workspace.offers.items() if one.category is not None]
    cases = [(rows.offer == name, rows[f"category_{category}"]) for name, category in sells]
    nothing = ibis.null("decimal(18, 2)")
    return ibis.cases(*cases, else_=nothing) if cases else nothing


def _with_sums(rows: ibis.Table, sums: ibis.Table, design: ReviewDesign) -> ibis.Table:
    """Rows with their sums; who has no performance at all, e.g. because the customer left, brought in nothing."""
    joined = rows.left_join(sums, list(KEY)).drop("strategy_right", "customer_id_right")
    filled = [CONTRIBUTION, *(one.name for one in design.metrics if one.aggregate is not None)]
    known = {name: joined[f"y_{name}"] for name in filled}
    absent = joined[f"y_{CONTRIBUTION}"].isnull()
    import ibis

    return joined.mutate(**{f"y_{name}": ibis.ifelse(absent, _number(0.0), value) for name, value in known.items()})


def _touches(engine: Engine, inputs: PanelInputs, design: ReviewDesign, rows: ibis.Table) -> ibis.Table:
    """Per strategy and customer: contacts that took place, what all attempts cost, whether a person got through."""
    import ibis

    policy, names = design.workspace.policy, list(design.workspace.strategies)
    costs = [(one.name, one.unit_cost) for one in policy.channels]
    human = [one.name for one in policy.channels if one.kind == "human"]
    contact = engine.scan(inputs.contact, columns=CONTACT.columns)
    ids = engine.scan(inputs.identity_map).select("source_system", "source_id", "customer_id")
    held = contact.filter(contact.strategy.isin(names) & (contact.status.fill_null("") != NOT_DONE))
    keyed = held.inner_join(ids, ["source_system", "source_id"])
    touch = keyed.select(
        touched_id=keyed.customer_id,
        by=keyed.strategy,
        by_offer=ibis.literal(offer_experiment("")) + keyed.offer,
        day=keyed["at"].date(),
        unit_cost=ibis.cases(*[(keyed.channel == name, _number(cost)) for name, cost in costs], else_=_number(0.0)),
        took_place=keyed.status.fill_null("").notin(NOT_CARRIED_OUT),
        by_person=keyed.channel.isin(human) if human else ibis.literal(False),
    )
    asked = rows.select(*KEY, "after", "upto")
    joined = asked.inner_join(touch, asked.customer_id == touch.touched_id)
    mine = (joined.strategy == PROGRAMME) | (joined.strategy == joined.by) | (joined.strategy == joined.by_offer)
    counted = joined.filter(mine & (joined.day >= joined.after) & (joined.day <= joined.upto))
    return counted.group_by(list(KEY)).aggregate(
        touches=counted.count(where=counted.took_place),
        first_touch=counted.day.min(where=counted.took_place),
        touch_cost=counted.unit_cost.sum().cast("float64"),
        reached=(counted.by_person & counted.took_place).any(),
    )


def _takings(engine: Engine, inputs: PanelInputs, rows: ibis.Table) -> ibis.Table:
    """Per strategy and customer the outcomes from the first touch on: a product opened, a benefit used, a response."""
    outcome = engine.scan(inputs.outcome, columns=OUTCOME.columns)
    ids = engine.scan(inputs.identity_map).select("source_system", "source_id", "customer_id")
    keyed = outcome.inner_join(ids, ["source_system", "source_id"])
    outcomes = keyed.select(taker_id=keyed.customer_id, taken_on=keyed["at"].date())
    touched = rows.filter(rows.first_touch.notnull()).select(*KEY, "first_touch", "upto")
    joined = touched.inner_join(outcomes, touched.customer_id == outcomes.taker_id)
    counted = joined.filter((joined.taken_on >= joined.first_touch) & (joined.taken_on <= joined.upto))
    return counted.group_by(list(KEY)).aggregate(takings=counted.count())


def _with_costs(rows: ibis.Table, design: ReviewDesign) -> ibis.Table:
    """Rows with y_touched, y_taken, and what touches and the offer itself cost; a programme's offers come later."""
    import ibis

    offers = design.workspace.offers.values()
    given = [(rows.offer == one.name, _number(one.unit_cost)) for one in offers if one.unit_cost > 0]
    price = ibis.cases(*given, else_=_number(0.0)) if given else _number(0.0)
    touched = rows.touches.fill_null(0) > 0
    converted = rows.takings.fill_null(0) > 0
    return rows.mutate(
        reached=rows.reached.fill_null(ibis.literal(False)),
        touch_cost=rows.touch_cost.fill_null(_number(0.0)),
        offer_cost=ibis.ifelse(touched & converted, price, _number(0.0)),
        y_touched=touched.cast("int64").cast("float64"),
        y_taken=(touched & converted).cast("int64").cast("float64"),
    ).drop("after", "upto", "touches", "first_touch", "takings")


def _finished(rows: ibis.Table, design: ReviewDesign) -> ibis.Table:
    """Costs in one column, those of offers added up for the programme; slices of the health experiments added."""
    import ibis

    single = rows.filter((rows.strategy != PROGRAMME) & ~rows.strategy.startswith(offer_experiment("")))
    given = single.group_by("customer_id").aggregate(all_offers=single.offer_cost.sum())
    joined = rows.left_join(given, "customer_id").drop("customer_id_right")
    all_offers = joined.all_offers.fill_null(_number(0.0))
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
