"""Emergency stops: everything, a channel or a strategy at once; lifted by a second person."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from cultiva.console.areas.campaigns.words import acting
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, page
from cultiva.execution.access.roles import Right
from cultiva.loop.campaigns import known_scope
from cultiva.loop.mapping import names_of

routes = router()
Scope = Annotated[str, Form(max_length=200)]
Reason = Annotated[str, Form(max_length=1_000)]


@routes.get("/halts", **needs(Right.CAMPAIGNS))
def halts(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """Stops in force, and a form for one more."""
    workspace = desk.parts.workspace
    return page(
        request,
        who,
        "campaigns/halts.html",
        halts=list(desk.launches.halts().values()),
        channels=[one.name for one in workspace.policy.channels],
        strategies=sorted({one.strategy for one in desk.launches.all()} | set(workspace.strategies)),
        second="lift" in workspace.approval.second_person,
        me=acting(who),
        names=names_of(desk.told(who.language)),
        local=desk.local,
    )


@routes.post("/halts", **needs(Right.HALT))
def halt(who: Who, desk: Ours, scope: Scope, reason: Reason = "") -> RedirectResponse:
    """Stops everything within a scope at once."""
    desk.launches.halt(known_scope(desk.parts, scope), reason, acting(who), desk.now())
    return back("/halts")


@routes.post("/halts/lift", **needs(Right.HALT))
def lift(who: Who, desk: Ours, scope: Scope, reason: Reason = "") -> RedirectResponse:
    """Lifts a stop; usually takes another person than who set it."""
    desk.launches.lift(scope, acting(who), desk.now(), reason=reason)
    return back("/halts")
