"""Purchase histories as set operations: one row per customer, then one row per different history.

Time is whole periods back from the business date, money whole cents: sums are exact, and every engine finds the same
groups. Totals of money, of which no two are equal, are put together in classes of about a per cent; a class is known by
its mean, which moves no parameter in the fourth digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add, or_
from typing import TYPE_CHECKING

import numpy as np

from cultiva.engine.exact import cents_ibis
from cultiva.engine.port import Engine, Form
from cultiva.insight.lifetime.purchases import Histories, Ints
from cultiva.insight.lifetime.spending import Amounts
from cultiva.insight.profile.inputs import ViewRows
from cultiva.kit.money import MINOR_PER_MAJOR

if TYPE_CHECKING:
    import ibis

CLASSES_PER_ROOT = 32.0
"""How fine classes of totals are: at 100 in money one is 1.2 % wide."""
_WHOLE = "!int64"
# Sums and ranks are wider than 64 bits on DuckDB; Ibis takes them for int64 and would drop a cast to it.


@dataclass(frozen=True)
class Worthwhile:
    """Rows that are purchases, and what they are worth."""

    value: Form
    """Worth of a row, in money."""
    where: Form | None
    """Which rows count; None: all."""


def purchase_histories(
    engine: Engine, rows: ViewRows, kinds: Sequence[Worthwhile], on: date, period_days: int
) -> ibis.Table:
    """One row per customer with a purchase: customer_id, x, t_x, t (whole periods), cents (of repeat purchases).

    Args:
        engine: Where sets are computed.
        rows: The transaction view.
        kinds: What counts; a row may count for several, and their worths add up.
        on: The last day that counts; periods are counted back from it.
        period_days: Their length.
    """
    import ibis

    table = engine.scan(rows.files)
    if rows.through is not None:
        table = table.inner_join(engine.scan(rows.through.files), list(rows.through.keys))
    ago = ibis.literal(on).delta(table["at"].date(), unit="day").cast("int64")
    counts = [ibis.literal(True) if kind.where is None else kind.where.ibis(table) for kind in kinds]
    zero = ibis.literal(0, "int64")
    cents = [
        ibis.ifelse(one, cents_ibis(kind.value.ibis(table)).fill_null(zero), zero)
        for one, kind in zip(counts, kinds, strict=True)
    ]
    bought = table.select("customer_id", ago=ago, counts=reduce(or_, counts), cents=reduce(add, cents))
    bought = bought.filter(bought.counts, bought.ago >= 0)
    # The remainder is taken away first: a quotient of whole numbers goes through a double on DuckDB.
    period = ((bought.ago - bought.ago % period_days) / period_days).round().cast("int64")
    return _histories(bought.select("customer_id", "cents", period=period))


def _histories(bought: ibis.Table) -> ibis.Table:
    periods = bought.group_by("customer_id", "period").aggregate(cents=bought.cents.sum().cast(_WHOLE))
    found = periods.group_by("customer_id").aggregate(
        periods=periods.count(),
        oldest=periods.period.max(),
        newest=periods.period.min(),
        cents=periods.cents.sum().cast(_WHOLE),
        first=periods.cents.argmax(periods.period),
    )
    return found.select(
        "customer_id",
        x=(found.periods - 1).cast(_WHOLE),
        t_x=found.oldest - found.newest,
        t=found.oldest,
        cents=found.cents - found["first"],
    )


def compressed_histories(engine: Engine, histories: ibis.Table) -> Histories:
    """The different histories with their customers, in a fixed order."""
    counted = histories.group_by("x", "t_x", "t").aggregate(weight=histories.count())
    found = _columns(engine, counted, ("t", "t_x", "x"))
    times = {"t_x": found["t_x"].astype(np.float64), "T": found["t"].astype(np.float64)}
    return Histories(x=found["x"], weight=found["weight"].astype(np.float64), **times)


def compressed_amounts(engine: Engine, histories: ibis.Table) -> Amounts:
    """The different totals of repeat purchases with their customers, in classes; those above 0 only."""
    paying = histories.filter(histories.x > 0, histories.cents > 0)
    # Square roots are rounded correctly by every engine, logarithms are not.
    step = (paying.cents.cast("float64").sqrt().sqrt() * CLASSES_PER_ROOT).floor().cast("int64")
    paying = paying.select("x", "cents", step=step)
    counted = paying.group_by("x", "step").aggregate(weight=paying.count(), cents=paying.cents.sum().cast(_WHOLE))
    found = _columns(engine, counted, ("step", "x"))
    weight = found["weight"].astype(np.float64)
    return Amounts(found["x"], found["cents"] / weight / MINOR_PER_MAJOR, weight)


def _columns(engine: Engine, table: ibis.Table, order: Sequence[str]) -> dict[str, Ints]:
    """The columns of a table of whole numbers, sorted; the last key is the first one sorted by."""
    arrow = engine.fetch(table)
    found = {name: arrow.column(name).to_numpy().astype(np.int64) for name in arrow.column_names}
    rows = np.argsort(_one_key([found[key] for key in order]), kind="stable")
    return {name: column[rows] for name, column in found.items()}


def _one_key(keys: Sequence[Ints]) -> Ints:
    """One whole number per row with the order of several, the last one first: four times faster to sort by.

    Periods and purchases are far below a million each, so that three of them fit.
    """
    found = np.zeros(keys[0].size, np.int64)
    for key in reversed(keys):
        found = found * (int(key.max(initial=0)) + 1) + key
    return found
