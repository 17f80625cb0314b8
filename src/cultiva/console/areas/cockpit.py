"""Cockpit: the loop with today's numbers, what needs somebody, targets, and what it was worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse

from cultiva.console import charts
from cultiva.console.areas.customers.definitions import label_of_column
from cultiva.console.areas.strategies.drawing import drawn_of
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.console.visitor import Visitor
from cultiva.console.words import told
from cultiva.contracts.readout import Verdict
from cultiva.execution.access.roles import Right
from cultiva.execution.dispatch.records import State as DeliveryState
from cultiva.execution.launching.launches import EVERYTHING
from cultiva.execution.launching.launches import State as LaunchState
from cultiva.loop.mapping import names_of
from cultiva.loop.overview import Doing, Freshness, Overview, doing_of, freshness_of, overview_of
from cultiva.store.records import RunState

routes = router()
Say = Callable[..., str]
"""A text in the visitor's language, with its facts put in."""


@dataclass(frozen=True)
class Notice:
    """Something that waits for somebody."""

    tone: str
    """bad: broken; warn: to be looked at; live: a decision is needed."""
    text: str
    path: str
    """Where to go."""
    right: Right
    """Who sees it."""


@routes.get("/", **needs(Right.ENTER))
def cockpit(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """The cockpit."""
    fresh = freshness_of(desk.parts)
    if fresh is None or desk.parts.store.snapshots.latest("profile", None) is None:
        return page(request, who, "cockpit/empty.html", fresh=fresh)
    here = desk.told(who.language)
    found, doing, names = _overview(desk), doing_of(desk.parts), names_of(here)
    return page(
        request,
        who,
        "cockpit/index.html",
        fresh=fresh,
        found=found,
        doing=doing,
        notices=[one for one in notices(who, fresh, found, doing, names=names) if who.may(one.right)],
        curve=_drawn(who.language, found) if len(found.curve.days) > 1 else None,
        words={one.progress.metric: label_of_column(here.workspace, one.progress.metric) for one in found.targets},
    )


def notices(
    who: Visitor, fresh: Freshness, found: Overview, doing: Doing, *, names: Mapping[str, str]
) -> tuple[Notice, ...]:
    """What waits for somebody; what is broken first, then what needs a decision, then what is old.

    Args:
        who: In whose language.
        fresh: How new everything is.
        found: Of the newest finished run.
        doing: Of this moment.
        names: What channels and strategies are called.
    """

    def say(text: str, **facts: object) -> str:
        return told(who.language, text).format(**facts)

    return (*_broken(say, fresh, doing, names), *_undecided(who, say, found, doing), *_old(say, fresh, found))


def _broken(say: Say, fresh: Freshness, doing: Doing, names: Mapping[str, str]) -> Iterator[Notice]:
    for scope in sorted(doing.halts, key=lambda one: (one != EVERYTHING, one)):
        stopped = say("everything") if scope == EVERYTHING else names.get(scope.partition(":")[2], scope)
        yield Notice("bad", say("Emergency stop in force: {scope}", scope=stopped), "/halts", Right.CAMPAIGNS)
    if fresh.state is RunState.FAILED:
        yield Notice("bad", say("The newest run failed: {run}", run=fresh.run_id), "/admin/runs", Right.OPERATE)
    unknown, dead = doing.deliveries.get(DeliveryState.UNKNOWN, 0), doing.deliveries.get(DeliveryState.DEAD, 0)
    if unknown:
        text = say("{count} messages whose fate nobody knows", count=unknown)
        yield Notice("bad", text, "/campaigns/unknown", Right.CAMPAIGNS)
    if dead:
        text = say("{count} messages that could not be sent", count=dead)
        yield Notice("warn", text, "/campaigns/failed", Right.CAMPAIGNS)


def _undecided(who: Visitor, say: Say, found: Overview, doing: Doing) -> Iterator[Notice]:
    waiting, approved = doing.launches.get(LaunchState.SUBMITTED, 0), doing.launches.get(LaunchState.APPROVED, 0)
    if waiting:
        text = say("{count} launches wait for a second person", count=waiting)
        yield Notice("live", text, "/approvals", Right.APPROVE)
    if approved:
        text = say("{count} launches are approved and not live yet", count=approved)
        yield Notice("live", text, "/campaigns", Right.CONDUCT)
    for name, label, verdict in found.urgent:
        text = "Review says stop: {strategy}" if verdict is Verdict.STOP else "Review says change: {strategy}"
        yield Notice("live", say(text, strategy=who.say(label)), f"/review/{name}", Right.REVIEW)


def _old(say: Say, fresh: Freshness, found: Overview) -> Iterator[Notice]:
    if found.quarantined:
        text = say("{count} delivered rows are in quarantine", count=f"{found.quarantined:,}")
        yield Notice("warn", text, "/admin/quality", Right.OPERATE)
    if fresh.old:
        text = say("The newest business date is {days} days old", days=f"{fresh.days:,}")
        yield Notice("warn", text, "/admin/runs", Right.OPERATE)


def _overview(desk: ConsoleDesk) -> Overview:
    on = desk.day()
    return desk.kept(("overview",), on, lambda: overview_of(desk.parts, on, drawn_of(desk).places))


def _drawn(language: str, found: Overview) -> charts.Option:
    curve = found.curve
    named = {"incremental": curve.incremental, "lower end": curve.low, "upper end": curve.high}
    option = charts.lines(curve.days, {told(language, name): values for name, values in named.items()})
    for place, series in enumerate(option["series"]):
        if place:
            series["lineStyle"] = {"width": 1, "type": "dashed"}
    option["color"] = [charts.ACCENT, charts.GREY, charts.GREY]
    return option
