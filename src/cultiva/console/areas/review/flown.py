"""The next quarter flown on simulated banks: asked for here, carried out by a worker, shown when it is done."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, fragment
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import Right
from cultiva.execution.jobs.job import JobState
from cultiva.execution.jobs.service import Jobs
from cultiva.loop.mapping import names_of
from cultiva.loop.quarter_flown import KIND, Asked, quarter_of
from cultiva.review.design import PROGRAMME

routes = router("/review/next")
PLACE = "/review/next#flown"


@routes.get("/flown", **needs(Right.REVIEW))
def flown(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """How far the newest simulation is, or what it found; a part of the page of the next quarter."""
    return fragment(request, who, "review/flown.html", **facts_of_flown(desk, who))


@routes.post("/fly", **needs(Right.SIMULATE))
def fly(who: Who, desk: Ours) -> RedirectResponse:
    """Asks for a simulation."""
    Jobs(desk.parts.store.database).ask(KIND, vars(Asked()), by=who.user.login, at=desk.now())
    return back(PLACE)


@routes.post("/fly/{job_id}/stop", **needs(Right.SIMULATE))
def stop(who: Who, desk: Ours, job_id: str) -> RedirectResponse:
    """Gives a simulation up."""
    Jobs(desk.parts.store.database).stop(job_id, by=who.user.login, at=desk.now())
    return back(PLACE)


def facts_of_flown(desk: ConsoleDesk, who: Visitor) -> dict[str, Any]:
    """The newest job, and the newest forecast that is done, which may be an earlier one's."""
    jobs = Jobs(desk.parts.store.database)
    job, done = jobs.newest(KIND), jobs.newest(KIND, state=JobState.DONE)
    told = desk.told(who.language)
    return {
        "job": job,
        "done": done,
        "quarter": None if done is None else quarter_of(done.result),
        "current": done is not None and done.result["version"] == desk.parts.workspace.version,
        "asked": Asked(),
        "names": names_of(told),
        "programme": PROGRAMME,
        "local": desk.local,
    }
