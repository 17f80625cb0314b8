"""One's own results: what came of the contacts, and what one's customers brought beyond those left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.work.rows import staff_id_of, tasks_for
from cultiva.console.charts import Option, bars
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.console.visitor import Visitor
from cultiva.console.words import told
from cultiva.contracts.sight import EVERYBODY
from cultiva.execution.access.roles import Right
from cultiva.execution.tasks.records import Load, Person
from cultiva.execution.tasks.service import Tasks
from cultiva.kit.words import say
from cultiva.loop.adviser_lift import FEWEST, NOBODY, Lift, Lifts, lifts
from cultiva.loop.desk import desk as tasks_of

routes = router("/work")
PERIODS = (7, 30, 90)
"""Days that results are counted for."""


@dataclass(frozen=True)
class Counted:
    """A result and how often it came."""

    name: str
    label: str
    mine: int
    share: float
    """Of all that one has finished."""
    branch_share: float
    """Of all that the branch has finished."""


@dataclass(frozen=True)
class Compared:
    """A lift with its name."""

    label: str
    lift: Lift


@routes.get("/results", **needs(Right.WORK))
def results(request: Request, who: Who, desk: Ours, days: Annotated[int, Query(ge=1, le=366)] = 30) -> HTMLResponse:
    """What came of one's work."""
    if not who.user.staff_id:
        return page(request, who, "work/nobody.html")
    tasks, me = tasks_for(desk, who), staff_id_of(who)
    person, load = tasks.person(me, desk.now())
    counted = _counted(desk, who, tasks, person, days)
    facts: dict[str, Any] = {"counted": counted, "finished": sum(one.mine for one in counted)}
    more: dict[str, Any] = {"staff": person, "load": load, "room": _room(person, load), "chart": _chart(who, counted)}
    lifted = _lifted(desk, who, person)
    return page(request, who, "work/results.html", days=days, periods=PERIODS, **facts, **more, **lifted)


def lifts_of(desk: ConsoleDesk) -> Lifts | None:
    """Lifts of the newest run; None before the first."""
    found = desk.parts.store.snapshots.latest("exposure", None)
    if found is None:
        return None
    return desk.kept(("lifts",), found.business_date, lambda: lifts(desk.parts, found.business_date))


def _lifted(desk: ConsoleDesk, who: Visitor, person: Person) -> dict[str, Any]:
    found = lifts_of(desk)
    if found is None:
        return {"compared": (), "own": NOBODY, "fewest": FEWEST, "confidence": None, "lift_on": None}
    own = found.advisers.get(person.staff_id, NOBODY)
    compared = (
        Compared(told(who.language, "Your customers"), own),
        Compared(told(who.language, "Your branch"), found.branches.get(person.branch_id, NOBODY)),
        Compared(told(who.language, "The bank"), found.bank),
    )
    return {
        "compared": compared, "own": own, "fewest": FEWEST, "confidence": found.confidence, "lift_on": found.on,
    }  # fmt: skip


def _counted(desk: ConsoleDesk, who: Visitor, tasks: Tasks, person: Person, days: int) -> list[Counted]:
    """Own results, and the same of the branch's people whose tasks are in sight."""
    since = desk.now() - timedelta(days=days)
    found = tasks.finished([person.staff_id], since)
    mine = _by_result(found)
    everybody = [one.staff_id for one, _ in tasks.people(desk.now(), branch=person.branch_id)]
    branch = _by_result(
        tasks_of(desk.parts, sight=EVERYBODY).finished(everybody, since)
    )  # numbers of the branch, no customer
    bench = tasks.workbench
    ordered = [one.name for one in bench.results if one.name in mine or one.name in branch]
    every, total = max(1, sum(mine.values())), max(1, sum(branch.values()))
    rows = []
    for name in ordered:
        result = bench.result(name)
        label = name if result is None else say(result.label, who.language)
        rows.append(Counted(name, label, mine.get(name, 0), mine.get(name, 0) / every, branch.get(name, 0) / total))
    return rows


def _by_result(found: Mapping[str, Mapping[tuple[str, str], int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for by in found.values():
        for (_, result), number in by.items():
            counts[result] = counts.get(result, 0) + number
    return counts


def _chart(who: Visitor, counted: list[Counted]) -> Option:
    mine = [round(100 * one.share, 1) for one in counted]
    branch = [round(100 * one.branch_share, 1) for one in counted]
    series = {told(who.language, "You, %"): mine, told(who.language, "Your branch, %"): branch}
    return bars([one.label for one in counted], series, lying=True)


def _room(person: Person, load: Load) -> int | None:
    return None if person.contacts_max is None else max(0, person.contacts_max - load.contacts)
