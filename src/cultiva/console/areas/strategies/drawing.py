"""The strategy map: who is looked after by what, where money lies idle, where strategies clash, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.review.flown import facts_of_flown
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.execution.access.roles import Right
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.map_kept import drawn_map, kept_map
from cultiva.loop.mapping import names_of, tiers_of
from cultiva.loop.report.map_page import map_facts
from cultiva.strategy.map.axes import EVERYBODY, NOBODYS
from cultiva.strategy.map.places import Cell, DrawnMap, StrategyPlace, together

routes = router()
GAPS_SHOWN, PAIRS_SHOWN = 20, 20
"""Rows of the tables; the rest is counted."""


def drawn_of(desk: ConsoleDesk, tier: str = "") -> DrawnMap:
    """The map of the newest run as the run has left it; after a change of definitions the first to look draws it."""
    on = desk.day()

    def made() -> DrawnMap:
        found = kept_map(desk.parts, on, tier=tier)
        if found is not None:
            return found
        with desk.engine() as parts:  # somebody may have drawn it while we waited
            return drawn_map(parts, on, tier=tier)

    return desk.kept(("map", tier), on, made)


@routes.get("/map", **needs(Right.STRATEGIES))
def the_map(request: Request, who: Who, desk: Ours, tier: str = "") -> HTMLResponse:
    """The map of the newest run.

    Args:
        request: Of the browser.
        who: Looks.
        desk: Of the console.
        tier: Only customers of this value tier; empty: all.
    """
    drawn, told = drawn_of(desk, tier), desk.told(who.language)

    def address(group: str, stage: str, one_tier: str) -> str:
        if not stage and not one_tier:
            return f"/strategies/{group}"
        return cell_address(group, stage, one_tier or tier)

    return page(
        request,
        who,
        "strategies/map.html",
        drawn=drawn,
        facts=desk.kept(("map told", who.language, tier), drawn.on, lambda: map_facts(told, drawn, address=address)),
        names=names_of(told),
        tiers=tiers_of(told),
        tier=tier,
        address=cell_address,
        shown=(GAPS_SHOWN, PAIRS_SHOWN),
        on_map={one.strategy: one for one in drawn.places},
        flown=facts_of_flown(desk, who),
    )


@dataclass(frozen=True)
class Here:
    """One strategy in a cell."""

    place: StrategyPlace
    audience: int
    touched: int
    spent: float
    enrolled: int
    incremental: float
    cost: float


@routes.get("/map/cell", **needs(Right.STRATEGIES))
def cell(request: Request, who: Who, desk: Ours, group: str, stage: str = "", tier: str = "") -> HTMLResponse:
    """One cell: its customers, what they could be worth, which strategies have them, and what came of it."""
    drawn, told = drawn_of(desk), desk.told(who.language)
    found = cell_of(drawn, group, stage, tier)
    of = {one.strategy: one for one in drawn.places}
    here = [
        Here(of[one.strategy], one.audience, one.touched, one.spent, one.enrolled, one.incremental, one.cost)
        for one in sorted(found.presences, key=lambda one: -one.audience)
        if one.audience or one.touched or one.enrolled
    ]
    return page(
        request,
        who,
        "strategies/cell.html",
        cell=found,
        here=here,
        drawn=drawn,
        names=names_of(told),
        segment=group not in (EVERYBODY, NOBODYS),
    )


def cell_of(drawn: DrawnMap, group: str, stage: str, tier: str) -> Cell:
    """A cell of the map, added up over what is not named.

    Raises:
        CultivaError: if the map has no such cell.
    """
    found = [
        one
        for one in drawn.cells
        if one.group == group and stage in ("", one.stage) and tier in ("", one.tier) and one.customers
    ]
    if found:
        return together(found, group, stage, tier)
    raise CultivaError(
        "the map has nobody there",
        code="console.no_cell",
        kind=ErrorKind.NOT_FOUND,
        seen=", ".join(one for one in (group, stage, tier) if one),
        allowed="a cell of the map with customers",
        hint="open the map and choose a cell",
    )


def cell_address(group: str, stage: str, tier: str = "") -> str:
    """The page of a cell.

    Examples:
        >>> cell_address("payroll", "mature")
        '/map/cell?group=payroll&stage=mature'
    """
    asked = {"group": group, "stage": stage, "tier": tier}
    return f"/map/cell?{urlencode({name: value for name, value in asked.items() if value})}"
