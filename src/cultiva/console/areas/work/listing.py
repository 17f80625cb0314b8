"""Today's list, and one task beside its customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Path, Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.work.moves import moves_of
from cultiva.console.areas.work.pane import Around, pane_of
from cultiva.console.areas.work.rows import WorkList, tasks_for, work_list
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import fragment, is_part, page
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import Right

routes = router("/work")
TaskId = Annotated[str, Path(max_length=40)]


@routes.get("", **needs(Right.WORK))
def today(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """Today's list; the first task beside it where the screen is wide."""
    if not who.user.staff_id:
        return page(request, who, "work/nobody.html")
    facts = bench_facts(desk, who, lambda found: found.rows[0].task.task_id if found.rows else "")
    return page(request, who, "work/today.html", **facts, chosen=False)


@routes.get("/tasks/{task}", **needs(Right.WORK))
def one_task(request: Request, task: TaskId, who: Who, desk: Ours) -> HTMLResponse:
    """One task; the list beside it where the screen is wide."""
    facts = bench_facts(desk, who, lambda _: task)
    if is_part(request):
        return fragment(request, who, "work/task.html", **facts)
    return page(request, who, "work/today.html", **facts, chosen=True)


@routes.get("/tasks/{task}/moves", **needs(Right.WORK))
def moves(request: Request, task: TaskId, who: Who, desk: Ours) -> HTMLResponse:
    """Where a task may go."""
    moving = moves_of(desk, who, task)
    if is_part(request):
        return fragment(request, who, "work/moves.html", moves=moving)
    facts = bench_facts(desk, who, lambda _: task)
    return page(request, who, "work/today.html", **{**facts, "moves": moving}, chosen=True)


def bench_facts(desk: ConsoleDesk, who: Visitor, choose: Callable[[WorkList], str]) -> dict[str, Any]:
    """What the list and the task beside it say; no task where none is chosen.

    Args:
        desk: Of the console.
        who: Who looks.
        choose: Names the task that is opened beside the list; empty: none.

    Raises:
        CultivaError: if the chosen task is not in sight.
    """
    tasks = tasks_for(desk, who)
    with tasks.looking() as looking:
        found = work_list(desk, who, looking)
        chosen = choose(found)
        opened = looking.opened(chosen) if chosen else None
    beside = [row.task.customer_id for row in found.rows]
    pane = None if opened is None else pane_of(desk, who, opened, Around(tasks.workbench, found.person, beside))
    return {"list": found, "pane": pane, "moves": None, "message": "", "fault": None}
