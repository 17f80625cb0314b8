"""Writes the lifetime value of every customer: what every component is expected to bring in, discounted.

    holdings and most of what happens   yearly amount x discounted years of stay        (survival.py)
    purchases                           discounted purchases x worth of one             (outlook.py, spending.py)

The parts are rounded to the cent one by one, and the lifetime value is their sum.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from math import log1p
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cultiva.definitions.value import Component, Lifetime
from cultiva.definitions.workspace import Workspace
from cultiva.engine.exact import cents_ibis, money_ibis
from cultiva.engine.port import Engine, Files, Written
from cultiva.insight.lifetime.histories import Worthwhile, compressed_amounts, compressed_histories, purchase_histories
from cultiva.insight.lifetime.outlook import Horizon, look_ahead
from cultiva.insight.lifetime.purchases import Histories, Purchases, fit_purchases
from cultiva.insight.lifetime.spending import Spending, fit_spending
from cultiva.insight.lifetime.survival import YEAR_DAYS
from cultiva.insight.lifetime.tenures import Watching, factors, step_of, tenures
from cultiva.insight.lifetime.yearly import HOLDING, Yearly, row_forms, write_yearly
from cultiva.insight.profile.inputs import ProfileInputs

if TYPE_CHECKING:
    import ibis

MODEL = "lifetime"
"""Name by which score tags ask for it; the lake table is `score_lifetime`."""
PURCHASES = "purchases"
"""Name of the part that BG/NBD and Gamma-Gamma forecast."""
TRANSACTION = "transaction"
MONTHS = 12
FEWEST_DAYS = 30
"""A newcomer's happenings are brought to a year from at least so many days."""


@dataclass(frozen=True)
class LifetimeFacts:
    """What was written and found."""

    written: Written
    purchases: Purchases | None = None
    """The model of purchases, if there is one."""
    spending: Spending | None = None
    """The model of what they are worth, if there is one."""
    notes: tuple[str, ...] = field(default=())
    """What a reader of the run report should know."""


def make_lifetime(engine: Engine, inputs: ProfileInputs, workspace: Workspace, on: date, folder: Path) -> LifetimeFacts:
    """Writes the lake table `score_lifetime`, sorted by customer_id.

    Args:
        engine: Where sets are computed.
        inputs: Customers, and the rows of every view.
        workspace: A checked workspace whose value model has `lifetime`.
        on: Business date.
        folder: New folder; one beside it, with `-parts` added, holds the parts meanwhile.

    Returns:
        What was written: customer_id; score (money) and its parts `part_<component>`, `part_purchases`, which add up
        to it; p_alive, expected_purchases, purchase_worth (null without any purchase); survival (probability to stay
        for the horizon). Who owns no open account has lifetime value 0.
    """
    work = folder.with_name(folder.name + "-parts")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        return _Maker(engine, inputs, workspace, on, work).make(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@dataclass(frozen=True)
class _Forecast:
    """What is known of purchases."""

    rows: ibis.Table | None = None
    """customer_id, p_alive, expected_purchases, discounted, purchase_worth."""
    purchases: Purchases | None = None
    spending: Spending | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Maker:
    engine: Engine
    inputs: ProfileInputs
    workspace: Workspace
    on: date
    work: Path

    @property
    def lifetime(self) -> Lifetime:
        assert self.workspace.value.lifetime is not None, "the step is skipped where nobody asks for lifetime value"
        return self.workspace.value.lifetime

    @property
    def horizon_days(self) -> float:
        return self.lifetime.horizon_months * YEAR_DAYS / MONTHS

    def make(self, folder: Path) -> LifetimeFacts:
        people = self._stays()
        forecast = self._forecast()
        names = self.lifetime.purchases if forecast.rows is not None else ()
        lasting = [one for one in self.workspace.value.components if one.name not in names]
        views = {name: rows for name, rows in self.inputs.views.items() if rows.files}
        yearly = write_yearly(self.engine, views, self.workspace, lasting, (self.on, self.work))
        table = _valued(self._joined(people, yearly, forecast.rows), yearly, lasting)
        written = self.engine.write(table, folder, sort_by=("customer_id",))
        return LifetimeFacts(written, forecast.purchases, forecast.spending, forecast.notes)

    def _stays(self) -> ibis.Table:
        """customer_id, stays, tenure, years, survival; those without any account too."""
        everybody = self.engine.scan(self.inputs.customer).select("customer_id")
        held = self.inputs.views.get(HOLDING)
        if held is None or not held.files:
            return everybody.mutate(**_nobody_stays())
        watching = Watching(self.on, self.lifetime.window_days, self.lifetime.group_by)
        found = tenures(self.engine, self.inputs.customer, held.files, watching)
        self.engine.write(found.mutate(step=step_of(found.tenure)), self.work / "tenures")
        found = self.engine.scan([self.work / "tenures"])
        worth = factors(self.engine, found, self.horizon_days, self.lifetime.discount_rate)
        placed = found.inner_join(worth, ["party", "step"])
        return placed.select("customer_id", "stays", "tenure", "years", "survival")

    def _forecast(self) -> _Forecast:
        rows = self.inputs.views.get(TRANSACTION)
        if not self.lifetime.purchases or rows is None or not rows.files:
            return _Forecast()
        kinds = [Worthwhile(*row_forms(self.workspace, one, self.on)) for one in self._bought()]
        found = purchase_histories(self.engine, rows, kinds, self.on, self.lifetime.period_days)
        self.engine.write(found, self.work / "histories")
        return self._modelled(self.engine.scan([self.work / "histories"]))

    def _bought(self) -> Sequence[Component]:
        return [one for one in self.workspace.value.components if one.name in self.lifetime.purchases]

    def _modelled(self, rows: ibis.Table) -> _Forecast:
        histories = compressed_histories(self.engine, rows)
        amounts = compressed_amounts(self.engine, rows)
        if histories.repeaters < self.lifetime.repeaters_min or amounts.weight.sum() < self.lifetime.repeaters_min:
            return _Forecast(notes=(_too_few(amounts.weight.sum(), self.lifetime),))
        purchases, spending = fit_purchases(histories), fit_spending(amounts)
        ahead = rows.inner_join(self._outlook(purchases, histories), ["x", "t_x", "t"])
        notes = () if purchases.converged and spending.converged else (NOT_CONVERGED,)
        return _Forecast(_worth(ahead, spending), purchases, spending, notes)

    def _outlook(self, model: Purchases, histories: Histories) -> ibis.Table:
        import pyarrow as pa

        period = self.lifetime.period_days
        horizon = Horizon(self.horizon_days / period, log1p(self.lifetime.discount_rate) * period / YEAR_DAYS)
        ahead = look_ahead(model, histories, horizon)
        columns = {
            "x": histories.x,
            "t_x": histories.t_x.astype("int64"),
            "t": histories.T.astype("int64"),
            "p_alive": ahead.p_alive,
            "expected_purchases": ahead.purchases,
            "discounted": ahead.discounted,
        }
        return self.engine.load(pa.table({name: pa.array(column) for name, column in columns.items()}))

    def _joined(self, people: ibis.Table, yearly: Sequence[Yearly], forecast: ibis.Table | None) -> ibis.Table:
        import ibis

        table = self.engine.scan(self.inputs.customer).select("customer_id")
        folders: dict[Path, Files] = {one.folder: [one.folder] for one in yearly}
        parts = [people, *(self.engine.scan(files) for files in folders.values())]
        parts += [] if forecast is None else [forecast]
        for part in parts:
            table = table.left_join(part, "customer_id").drop("customer_id_right")
        if forecast is None:
            null = ibis.null("float64")
            return table.mutate(p_alive=null, expected_purchases=null, discounted=null, purchase_worth=null)
        return table


NOT_CONVERGED = "the models of purchases have parameters at the edge: customers differ too little in what they do"
"""Note of a fit that did not end inside of its bounds."""


def _too_few(repeaters: float, lifetime: Lifetime) -> str:
    return (
        f"{repeaters:,.0f} customers with repeat purchases, and {lifetime.repeaters_min:,} are the least for a "
        "forecast (repeaters_min): their worth goes on with survival"
    )


def _nobody_stays() -> dict[str, Any]:
    import ibis

    return {"stays": False, "tenure": ibis.literal(0, "int64"), "years": 0.0, "survival": 0.0}


def _worth(rows: ibis.Table, spending: Spending) -> ibis.Table:
    """The expected worth of a purchase beside its outlook; `Spending.expected` for engines."""
    import ibis

    total = ibis.greatest(rows.cents, 0).cast("float64") / 100.0
    worth = (total + spending.gamma) * spending.p / (rows.x.cast("float64") * spending.p + (spending.q - 1.0))
    return rows.select("customer_id", "p_alive", "expected_purchases", "discounted", purchase_worth=worth)


def _valued(table: ibis.Table, yearly: Sequence[Yearly], lasting: Sequence[Component]) -> ibis.Table:
    """The parts in cents, and their sum."""
    import ibis

    zero = ibis.literal(0, "int64")
    stays = table.stays.fill_null(False)
    found = {one.name: one for one in yearly}
    cents = {one.name: _lasting(table, found[one.name]) if one.name in found else zero for one in lasting}
    cents[PURCHASES] = cents_ibis(table.discounted * table.purchase_worth)
    counted = {f"part_{name}": ibis.ifelse(stays, one.fill_null(zero), zero) for name, one in cents.items()}
    rows = table.mutate(**counted)
    score = reduce(add, (rows[name] for name in counted))
    return rows.select(
        "customer_id",
        score=money_ibis(score),
        **{name: money_ibis(rows[name]) for name in counted},
        p_alive=rows.p_alive,
        expected_purchases=rows.expected_purchases,
        purchase_worth=money_ibis(cents_ibis(rows.purchase_worth)),
        survival=ibis.ifelse(stays, rows.survival, 0.0),
    )


def _lasting(table: ibis.Table, one: Yearly) -> ibis.Value:
    """Cents that a component brings in while the customer stays."""
    import ibis

    amount = table[one.column].cast("float64") * table.years
    if one.days is None:
        return cents_ibis(amount)
    days = ibis.greatest(ibis.least(table.tenure + 1, one.days), FEWEST_DAYS)
    return cents_ibis(amount * float(YEAR_DAYS) / days.cast("float64"))
