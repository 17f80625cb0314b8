"""What is scarce: what one more unit of each resource would bring, and what levers cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from cultiva.console.charts import Option, lines
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.execution.access.roles import Right
from cultiva.loop.parts import Parts
from cultiva.loop.scarcity import Priced, levers, price_history, priced

routes = router("/resources")
CHART_MAX = 6
"""Resources whose price is drawn over time."""
FREE_MAX = 60
"""Resources that are not scarce, shown in the table at the end."""


@dataclass(frozen=True)
class Scarcity:
    """What a day's plan had too little of."""

    on: date
    rows: tuple[Priced, ...]
    history: Mapping[str, list[tuple[date, float]]]


@routes.get("", **needs(Right.REVIEW))
def resources(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """Every resource of the newest plan, dear ones first."""
    newest = desk.parts.store.snapshots.latest("price", None)
    if newest is None:
        return page(request, who, "review/no_prices.html")
    told, on = desk.told(who.language), newest.business_date
    found = desk.kept(("scarcity", who.language), on, lambda: _scarcity(desk, told, on))
    scarce = [one for one in found.rows if one.scarce]
    free = sorted((one for one in found.rows if not one.scarce), key=lambda one: one.pool)
    facts: dict[str, Any] = {
        "on": on,
        "scarce": scarce,
        "free": free[:FREE_MAX],
        "hidden": max(0, len(free) - FREE_MAX),
    }
    chart = _chart(found, scarce or free)
    return page(request, who, "review/resources.html", **facts, chart=chart, levers=levers(told, on))


def _scarcity(desk: ConsoleDesk, told: Parts, on: date) -> Scarcity:
    rows = tuple(priced(told, on))
    return Scarcity(on, rows, price_history(desk.parts, on))


def _chart(found: Scarcity, rows: list[Priced]) -> Option | None:
    """Prices of the dearest over the runs; nothing where there is one run only."""
    shown = [one for one in rows if one.key in found.history][:CHART_MAX]
    days = sorted({day for one in shown for day, _ in found.history[one.key]})
    if len(days) < 2:
        return None
    series = {one.name: [dict(found.history[one.key]).get(day) for day in days] for one in shown}
    return lines(days, series)
