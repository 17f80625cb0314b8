"""What customers brought in while results count, in the columns of the analysis table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cultiva.contracts.types import Column, DataType
from cultiva.definitions.review import CONTRIBUTION, Metric
from cultiva.engine.port import Engine
from cultiva.review.design import SOLD, ReviewDesign
from cultiva.review.mergers import merged
from cultiva.review.panel_inputs import KEY, PanelInputs, number

if TYPE_CHECKING:
    import ibis


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


def results_of(engine: Engine, inputs: PanelInputs, design: ReviewDesign, rows: ibis.Table) -> ibis.Table:
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
    return number.argmax(_newest(rows))


def _newest(rows: ibis.Table) -> ibis.Value:
    """By which the newest row is found; of one day the customer's own before that of an id merged into it."""
    import ibis

    days = rows.business_date.delta(ibis.date("1970-01-01"), unit="day").cast("int64")
    return days * 2 + (~rows.was_retired).cast("int64")


def _total(column: ibis.Value) -> ibis.Value:
    return column.sum().cast("float64")


def _categories(design: ReviewDesign) -> list[str]:
    """Product categories that some offer sells."""
    return sorted({one.category for one in design.workspace.offers.values() if one.category is not None})


def _sold(rows: ibis.Table, design: ReviewDesign) -> ibis.Value:
    """What holdings of the category that the offer sells contributed; null where it sells none."""
    import ibis

    sells = [(name, one.category) for name, one in design.workspace.offers.items() if one.category is not None]
    cases = [(rows.offer == name, rows[f"category_{category}"]) for name, category in sells]
    nothing = ibis.null("decimal(18, 2)")
    return ibis.cases(*cases, else_=nothing) if cases else nothing


def with_results(rows: ibis.Table, sums: ibis.Table, design: ReviewDesign) -> ibis.Table:
    """Rows with their sums; who has no performance at all, e.g. because the customer left, brought in nothing."""
    joined = rows.left_join(sums, list(KEY)).drop("strategy_right", "customer_id_right")
    filled = [CONTRIBUTION, *(one.name for one in design.metrics if one.aggregate is not None)]
    known = {name: joined[f"y_{name}"] for name in filled}
    absent = joined[f"y_{CONTRIBUTION}"].isnull()
    import ibis

    selling = [name for name, one in design.workspace.offers.items() if one.category is not None]
    sold = ibis.ifelse(absent & joined.offer.isin(selling), number(0.0), joined[f"y_{SOLD}"])
    found = {f"y_{name}": ibis.ifelse(absent, number(0.0), value) for name, value in known.items()}
    return joined.mutate(**found, **{f"y_{SOLD}": sold})
