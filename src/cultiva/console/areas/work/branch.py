"""The branch: who has how much, tasks moved between people, who is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from cultiva.console.areas.work.acts import Remark, Seen
from cultiva.console.areas.work.listing import TaskId
from cultiva.console.areas.work.results import lifts_of
from cultiva.console.areas.work.rows import Row, names_of, row_of, tasks_for
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, page
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import Right
from cultiva.execution.tasks.records import Absence, Load, Person
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.tasks.states import Action
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.words import say
from cultiva.loop.adviser_lift import NOBODY, Lift

routes = router("/work/branch")
LIST_MAX = 100
"""Tasks of one person or queue that are shown."""
RECENT = timedelta(days=30)
"""Results that are counted."""


@dataclass(frozen=True)
class Colleague:
    """Somebody of the branch."""

    person: Person
    name: str
    roles: str
    load: Load
    finished: int
    """Tasks in the last 30 days."""
    away: Absence | None
    """Today."""

    @property
    def share(self) -> float:
        """Of the week's contacts that are taken."""
        most = self.person.contacts_max
        return min(1.0, self.load.contacts / most) if most else 0.0


@dataclass(frozen=True)
class Queue:
    """What nobody has on a list."""

    role: str
    label: str
    rows: tuple[Row, ...]


@routes.get("", **needs(Right.ASSIGN))
def branch(
    request: Request,
    who: Who,
    desk: Ours,
    branch_id: Annotated[str, Query(alias="branch", max_length=63)] = "",
    person: Annotated[str, Query(max_length=63)] = "",
) -> HTMLResponse:
    """One branch of those that the visitor manages."""
    mine = sorted(who.sight.branches)
    if not mine:
        return page(request, who, "work/nobody.html")
    here = _chosen(branch_id or mine[0], mine)
    tasks = tasks_for(desk, who)
    people = _people(desk, who, tasks, here)
    chosen = next((one for one in people if one.person.staff_id == person), None)
    rows = _rows(desk, who, tasks, chosen.person.staff_id) if chosen is not None else ()
    found = lifts_of(desk)
    facts: dict[str, Any] = {"here": here, "branches": mine, "people": people, "chosen": chosen, "rows": rows}
    queues = _queues(desk, who, tasks, here)
    queued = sum(len(one.rows) for one in queues)
    more: dict[str, Any] = {"queues": queues, "queued": queued, "absences": _absences(desk, tasks, people)}
    lift: Lift = NOBODY if found is None else found.branches.get(here, NOBODY)
    today = desk.local(desk.now()).date()
    names = names_of(tasks, [one.person.staff_id for one in people])
    return page(request, who, "work/branch.html", **facts, **more, lift=lift, today=today, names=names)


@routes.post("/tasks/{task}/assign", **needs(Right.ASSIGN))
def assign(  # noqa: PLR0913, PLR0917  (fields of the form)
    task: TaskId, who: Who, desk: Ours, seen: Seen, to: Annotated[str, Form(max_length=63)] = "", remark: Remark = "",
    here: Annotated[str, Form(max_length=200)] = "",
) -> Response:  # fmt: skip
    """Gives a task to somebody of the branch, or to the queue."""
    tasks, by = tasks_for(desk, who), who.user.staff_id or f"user {who.user.login}"
    after = [one for one in tasks.history(task) if one.number == seen + 1]
    if not any(one.actor == by and one.action is Action.TRANSFERRED for one in after):
        tasks.assign(task, to, desk.now(), by=by, remark=remark)
    return back(_address(here))


@dataclass(frozen=True)
class Away:
    """Who is away, as the form says it."""

    staff_id: Annotated[str, Form(min_length=1, max_length=63)]
    first: Annotated[date, Form()]
    last: Annotated[date, Form()]
    cover: Annotated[str, Form(max_length=63)] = ""
    here: Annotated[str, Form(max_length=200)] = ""


@routes.post("/absences", **needs(Right.ASSIGN))
def absent(away: Annotated[Away, Depends()], who: Who, desk: Ours) -> Response:
    """Says that somebody is away."""
    tasks_for(desk, who).absent(Absence(away.staff_id, away.first, away.last, away.cover))
    subject, detail = f"staff:{away.staff_id}", {"first": str(away.first), "last": str(away.last), "cover": away.cover}
    desk.note(who, "absence.set", subject, detail)
    return back(_address(away.here))


@routes.post("/absences/back", **needs(Right.ASSIGN))
def present(
    who: Who,
    desk: Ours,
    staff_id: Annotated[str, Form(max_length=63)],
    first: Annotated[date, Form()],
    here: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Takes an absence back."""
    if tasks_for(desk, who).back(staff_id, first):
        desk.note(who, "absence.dropped", f"staff:{staff_id}", {"first": str(first)})
    return back(_address(here))


def _chosen(branch_id: str, mine: list[str]) -> str:
    if branch_id not in mine:
        raise CultivaError(
            "this is not one of your branches",
            code="work.other_branch",
            kind=ErrorKind.FORBIDDEN,
            seen=branch_id,
            allowed=", ".join(mine[:12]),
            hint="choose one of yours",
        )
    return branch_id


def _address(here: str) -> str:
    """Back to the branch; only its own id is taken from the form, never an address."""
    kept = "".join(letter for letter in here if letter.isalnum() or letter in "-_.")
    return f"/work/branch?branch={kept}" if kept else "/work/branch"


def _people(desk: ConsoleDesk, who: Visitor, tasks: Tasks, here: str) -> list[Colleague]:
    """Everybody of a branch, the busiest first."""
    now = desk.now()
    found = [(one, load) for one, load in tasks.people(now, branch=here) if one.roles]
    done = tasks.finished([one.staff_id for one, _ in found], now - RECENT)
    away = {one.staff_id: one for one in tasks.absences(desk.local(now).date())}
    labels = {role.name: say(role.label, who.language) for role in tasks.workbench.roles}
    people = [
        Colleague(
            one,
            one.name or one.staff_id,
            ", ".join(labels[role] for role in sorted(one.roles)),
            load,
            sum(done.get(one.staff_id, {}).values()),
            away.get(one.staff_id),
        )
        for one, load in found
    ]
    return sorted(people, key=lambda one: (-one.share, -one.load.in_hand, one.person.staff_id))


def _rows(desk: ConsoleDesk, who: Visitor, tasks: Tasks, staff_id: str) -> tuple[Row, ...]:
    """What lies on somebody's own list."""
    now = desk.now()
    listed = [one for one in tasks.ranked(staff_id, now, limit=LIST_MAX) if one.task.staff_id == staff_id]
    return tuple(row_of(desk, who, tasks.workbench, one, now) for one in listed)


def _queues(desk: ConsoleDesk, who: Visitor, tasks: Tasks, here: str) -> list[Queue]:
    """Queues of the branch that hold something."""
    now, bench, found = desk.now(), tasks.workbench, []
    for role in bench.roles:
        if not role.whole_bank:
            listed = tasks.queue(role.name, now, branch=here, limit=LIST_MAX)
            rows = tuple(row_of(desk, who, bench, one, now) for one in listed)
            found.append(Queue(role.name, say(role.label, who.language), rows))
    return [one for one in found if one.rows]


def _absences(desk: ConsoleDesk, tasks: Tasks, people: list[Colleague]) -> list[Absence]:
    """Absences of the branch's people that are not over."""
    today, ours = desk.local(desk.now()).date(), {one.person.staff_id for one in people}
    return [one for one in tasks.absences() if one.staff_id in ours and one.last_day >= today]
