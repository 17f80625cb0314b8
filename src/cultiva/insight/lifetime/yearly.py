"""What customers contribute in a year as things stand: the components of the value model, over open accounts.

The value model looks back over twelve months. What is held counts here with its average over the days since its account
was opened, if that is less than a window; what happens is brought to a year by whoever asks, by `Yearly.days`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.types import DataType
from cultiva.contracts.views import HOLDING_VIEW, VIEWS
from cultiva.definitions.scopes import view_scope
from cultiva.definitions.value import Component
from cultiva.definitions.workspace import Workspace
from cultiva.engine.aggregates import columns_read
from cultiva.engine.exact import cents_ibis, money_ibis
from cultiva.engine.port import AggregateForm, Engine, Form
from cultiva.insight.profile.forms import Window, all_of
from cultiva.insight.profile.inputs import ViewRows
from cultiva.rules import compile_rule

if TYPE_CHECKING:
    import ibis

HOLDING = HOLDING_VIEW.name
AVERAGES = {"average_balance_30d": 30, "average_balance_90d": 90, "average_balance_365d": 365}
"""Averages of a holding and their windows in days."""


@dataclass(frozen=True)
class Yearly:
    """One component as columns of a folder."""

    name: str
    """The component."""
    folder: Path
    """One row per customer who has any."""
    days: int | None
    """Days of happenings that the sum covers, at most; None: it is a year's amount already."""

    @property
    def column(self) -> str:
        """The column."""
        return _column(self.name)


def _column(name: str) -> str:
    return f"yearly__{name}"


def row_forms(workspace: Workspace, component: Component, on: date) -> tuple[Form, Form | None]:
    """The worth of a row of a component, and which rows count whatever their time."""
    aggregate = component.aggregate
    scope = view_scope(workspace, aggregate.table)
    where = None if aggregate.where is None else compile_rule(aggregate.where, scope).form(on)
    return compile_rule(aggregate.value or "1", scope).form(on), where


def write_yearly(
    engine: Engine,
    views: dict[str, ViewRows],
    workspace: Workspace,
    components: Sequence[Component],
    work: tuple[date, Path],
) -> list[Yearly]:
    """Writes the components, one folder per view.

    Args:
        engine: Where sets are computed.
        views: Rows by view; components over others are left out.
        workspace: A checked workspace.
        components: The components wanted.
        work: Business date, and an existing folder for what is written.
    """
    on, folder = work
    found = []
    for view in sorted({one.aggregate.table for one in components} & set(views)):
        mine = [one for one in components if one.aggregate.table == view]
        rows, target = views[view], folder / f"yearly-{view}"
        columns = {_column(one.name): _form(workspace, one, on) for one in mine}
        files = rows.files
        if view == HOLDING:
            files = [_write_open(engine, rows, on, columns_read(columns), folder / "open")]
        engine.aggregate(files, columns, target, through=rows.through)
        found += [Yearly(one.name, target, _days(one)) for one in mine]
    return found


def _days(component: Component) -> int | None:
    return None if component.aggregate.table == HOLDING else component.aggregate.window_days or 365


def _form(workspace: Workspace, component: Component, on: date) -> AggregateForm:
    value, where = row_forms(workspace, component, on)
    view, days, window = VIEWS[component.aggregate.table], _days(component), None
    if days is not None and view.time is not None:
        window = Window(view.time, on, days, view.column(view.time).type is DataType.TIMESTAMP)
    return AggregateForm(component.aggregate.function, DataType.MONEY, value=value, where=all_of((window, where)))


def _write_open(engine: Engine, rows: ViewRows, on: date, read: frozenset[str], folder: Path) -> Path:
    """Writes open holdings in the columns that are read, averages over the days since the account was opened."""
    import ibis

    held = engine.scan(rows.files)
    held = held.filter(held.is_open)
    days = ibis.literal(on).delta(held.opened_on, unit="day").cast("int64") + 1
    averages = {name: _since_opening(held[name], days, window) for name, window in AVERAGES.items() if name in read}
    engine.write(held.mutate(**averages).select("customer_id", *sorted(read - {"customer_id"})), folder)
    return folder


def _since_opening(average: ibis.Value, days: ibis.Value, window: int) -> ibis.Value:
    import ibis

    longer = average.cast("float64") * float(window) / ibis.greatest(days, 1).cast("float64")
    return ibis.ifelse(days < window, money_ibis(cents_ibis(longer)), average)
