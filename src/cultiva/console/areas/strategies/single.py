"""Strategies: the list, and one with everything about it: definition, target, people, money, launches, versions."""

from __future__ import annotations

from datetime import date

from fastapi import Request
from fastapi.responses import HTMLResponse

from cultiva.console import charts
from cultiva.console.areas.review.found import found_on
from cultiva.console.areas.strategies.drawing import drawn_of
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import fragment, page
from cultiva.console.words import told as told_in
from cultiva.contracts.readout import StrategyReview
from cultiva.execution.access.roles import Right
from cultiva.execution.drafts.draft import DraftKind, unified
from cultiva.execution.drafts.service import OPEN, Drafts
from cultiva.loop.campaign_words import STATES
from cultiva.loop.campaigns import checked_strategy
from cultiva.loop.forecasting import forecast_of, sheets
from cultiva.loop.map_words import CAPACITIES, SOURCES, STANDINGS
from cultiva.loop.mapping import names_of, place_of
from cultiva.loop.report.map_page import map_facts
from cultiva.loop.report.map_pictures import gauge
from cultiva.loop.strategy_story import Step, funnels_of, version_named, versions_of
from cultiva.review.wording import VERDICTS
from cultiva.strategy.map.forecast import Forecast
from cultiva.strategy.map.places import StrategyPlace

routes = router()


@routes.get("/strategies", **needs(Right.STRATEGIES))
def strategies(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """All strategies with target, people and money."""
    drawn, told = drawn_of(desk), desk.told(who.language)
    return page(request, who, "strategies/index.html", facts=map_facts(told, drawn), drafts=_open_drafts(desk))


@routes.get("/strategies/{name}", **needs(Right.STRATEGIES))
def strategy(request: Request, who: Who, desk: Ours, name: str) -> HTMLResponse:
    """One strategy."""
    one, told, on = checked_strategy(desk.parts, name), desk.told(who.language), desk.day()
    drawn, names = drawn_of(desk), names_of(told)
    known = {each.strategy for each in drawn.places}  # one that was added since the newest run is on no map yet
    place = place_of(drawn, name) if name in known else None
    steps = desk.kept(("funnels",), on, lambda: funnels_of(desk.parts, on)).get(name, ())
    return page(
        request,
        who,
        "strategies/single.html",
        one=one,
        place=place,
        gauge=_gauge(place),
        states=STATES,
        words={"standings": STANDINGS, "sources": SOURCES, "capacities": CAPACITIES, "verdicts": VERDICTS},
        names=names,
        steps=steps,
        funnel=_funnel_chart(steps, {**names, "audience": told_in(who.language, "Audience")}),
        review=_review(desk, on, name),
        launches=desk.launches.all(strategy=name)[:6],
        versions=versions_of(desk.parts, name),
        drafts=[each for each in Drafts(desk.parts.store.database).of(DraftKind.STRATEGY, name) if each.state in OPEN],
        conflicts=[each for each in drawn.conflicts if name in (each.first, each.second)],
        overlaps=[each for each in drawn.overlaps if name in (each.first, each.second)][:8],
        on=on,
        days=drawn.days,
        local=desk.local,
    )


@routes.get("/strategies/{name}/versions", **needs(Right.STRATEGIES))
def versions(request: Request, who: Who, desk: Ours, name: str, before: str = "", after: str = "") -> HTMLResponse:
    """Versions of a strategy that runs have used, two of them side by side."""
    found = versions_of(desk.parts, name)
    newer = version_named(found, after) if after or not found else found[0]
    place = found.index(newer)
    older = version_named(found, before) if before else found[min(place + 1, len(found) - 1)]
    return page(
        request,
        who,
        "strategies/versions.html",
        name=name,
        versions=found,
        older=older,
        local=desk.local,
        newer=newer,
        lines=unified(older.text, newer.text, name).splitlines()[2:],
        names=names_of(desk.told(who.language)),
    )


@routes.get("/strategies/{name}/forecast", **needs(Right.STRATEGIES))
def forecast(request: Request, who: Who, desk: Ours, name: str) -> HTMLResponse:
    """What the strategy would do in the next weeks, as it stands; planned once per run, since it takes seconds."""
    checked_strategy(desk.parts, name)
    on = desk.day()

    def made() -> Forecast:
        with desk.engine() as parts:
            return forecast_of(parts, on, name)

    version = desk.parts.workspace.hashes.get(("strategy", name), "")
    found = desk.kept(("forecast", name, version), on, made)
    return fragment(request, who, "strategies/forecast.html", sheets=sheets(desk.told(who.language), found))


def _open_drafts(desk: ConsoleDesk) -> dict[str, str]:
    """Strategy -> state of its newest open draft."""
    found = Drafts(desk.parts.store.database).listed(kind=DraftKind.STRATEGY)
    return {one.name: one.state.value for one in reversed(found)}


def _review(desk: ConsoleDesk, on: date, name: str) -> StrategyReview | None:
    found = found_on(desk, on)
    known = found.reviews if found is not None and found.on == on else ()
    return next((one for one in known if one.strategy == name), None)


def _gauge(place: StrategyPlace | None) -> str:
    if place is None:
        return ""
    aim = place.progress
    sign = 1.0 if aim.direction == "increase" else -1.0
    target = None if aim.target is None else sign * abs(aim.target)
    return gauge(target, (aim.effect, aim.low, aim.high))


def _funnel_chart(steps: tuple[Step, ...], names: dict[str, str]) -> charts.Option:
    return charts.bars([names.get(one.fate, one.fate) for one in steps], {"": [one.left for one in steps]}, lying=True)
