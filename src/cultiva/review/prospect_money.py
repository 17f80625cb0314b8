"""What the customers of an experiment that has not begun brought in lately: how much, and how differently."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cultiva.definitions.review import CONTRIBUTION
from cultiva.engine.port import Engine, Files

if TYPE_CHECKING:
    import ibis

EXPLAINED_MAX = 0.999
"""No covariate explains more of what is still to come."""


@dataclass(frozen=True)
class Spread:
    """What some customers brought in."""

    mean: float = 0.0
    sd: float = 0.0
    explained: float = 0.0
    """Share of the variance that the covariate explains."""
    days: int = 0
    """Days of results."""
    clusters: float | None = None
    """Effective number of clusters, (sum of sizes)**2 / sum of sizes**2; None where customers are drawn one by one."""
    correlation: float = 0.0
    """How alike customers of one cluster are after the covariate (intraclass correlation)."""


def spread(engine: Engine, who: ibis.Table, results: Files, before: Files, covariate: str) -> Spread:
    """Mean and standard deviation of what customers brought in, what the covariate explains, how alike clusters are.

    Args:
        engine: Where sets are computed.
        who: customer_id and unit (text: with whom the customer is drawn; null: alone), one row per customer.
        results: Performance of the business dates that count.
        before: What was known before them: performance if the covariate is the contribution, else the profile.
        covariate: Its name.
    """
    table = _table(engine, who, results, before, covariate)
    row = _row(engine, table, n=table.count(), y=table.y.mean(), x=table.x.mean(), days=table.long.max())
    if not row["n"]:
        return Spread()
    y, x = table.y - row["y"], table.x - row["x"]
    about = _row(engine, table, yy=(y * y).sum(), xx=(x * x).sum(), xy=(x * y).sum(), units=table.unit.count())
    varies = about["xx"] > 1e-12 * row["n"] * row["x"] ** 2 and about["yy"] > 0
    explained = min(about["xy"] ** 2 / (about["xx"] * about["yy"]), EXPLAINED_MAX) if varies else 0.0
    found = Spread(row["y"], math.sqrt(about["yy"] / max(row["n"] - 1, 1)), explained, int(row["days"] or 0))
    if not about["units"]:
        return found
    slope = about["xy"] / about["xx"] if varies else 0.0
    left = table.mutate(r=y - x * slope)
    units = left.group_by("unit").aggregate(n=left.count(), s=left.r.sum())
    size = units.n.cast("float64")
    by = _row(engine, units, k=units.count(), squares=(size * size).sum(), between=(units.s * units.s / size).sum())
    correlation = _alike(row["n"], by, about["yy"] - slope * about["xy"])
    return Spread(found.mean, found.sd, explained, found.days, row["n"] ** 2 / by["squares"], correlation)


def _alike(customers: int, by: Mapping[str, Any], total: float) -> float:
    """Intraclass correlation from one-way analysis of variance (Donner 1986); never below 0."""
    many = int(by["k"])
    if many < 2 or customers <= many or total <= 0:
        return 0.0
    between = by["between"] / (many - 1)
    within = max(total - by["between"], 0.0) / (customers - many)
    size = (customers - by["squares"] / customers) / (many - 1)
    return max((between - within) / (between + (size - 1) * within), 0.0) if between > 0 else 0.0


def _row(engine: Engine, table: ibis.Table, **sums: ibis.Value) -> Mapping[str, Any]:
    return engine.fetch(table.aggregate(**sums)).to_pylist()[0]


def _table(engine: Engine, who: ibis.Table, results: Files, before: Files, covariate: str) -> ibis.Table:
    """unit, y, x, long: days of results."""
    import ibis

    zero = ibis.literal(0.0).cast("!float64")
    done = engine.scan(results)
    sums = done.group_by("customer_id").aggregate(
        brought=done[CONTRIBUTION].sum().cast("float64"), long=done.days.sum()
    )
    table = who.left_join(sums, "customer_id").drop("customer_id_right")
    table = table.mutate(y=table.brought.fill_null(zero), x=zero)
    if not before:
        return table
    known = engine.scan(before)
    level = known[covariate].cast("float64")
    levels = known.select("customer_id", level=level / known.days if covariate == CONTRIBUTION else level)
    table = table.drop("x").left_join(levels, "customer_id").drop("customer_id_right")
    return table.mutate(x=table.level.fill_null(zero))
