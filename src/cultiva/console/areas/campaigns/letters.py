"""Messages whose fate nobody knows, and those that could not be sent: a person decides what becomes of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, page
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import Right
from cultiva.execution.dispatch.letters.repository import ALLOWED
from cultiva.execution.dispatch.records import Letter, Resolution, State
from cultiva.loop.letters import letters_of
from cultiva.loop.mapping import names_of

routes = router()
SHOWN = 100
"""Letters on one page."""


@routes.get("/campaigns/unknown", **needs(Right.CAMPAIGNS))
def unknown(request: Request, who: Who, desk: Ours, after: str = "") -> HTMLResponse:
    """Messages that may or may not have arrived."""
    return _page(request, who, desk, State.UNKNOWN, after)


@routes.get("/campaigns/failed", **needs(Right.CAMPAIGNS))
def failed(request: Request, who: Who, desk: Ours, after: str = "") -> HTMLResponse:
    """Messages that were tried as often as allowed and surely did not leave."""
    return _page(request, who, desk, State.DEAD, after)


@routes.post("/campaigns/letters/{delivery_id}", **needs(Right.CONDUCT))
def resolve(
    who: Who,
    desk: Ours,
    delivery_id: str,
    said: Annotated[Resolution, Form()],
    remark: Annotated[str, Form(max_length=1_000)] = "",
    to: Annotated[str, Form(max_length=20)] = "unknown",
) -> RedirectResponse:
    """Does what a person has decided; the evidence and the audit keep who and why."""
    letters_of(desk.parts).resolve(delivery_id, said, actor=who.user.login, remark=remark.strip(), at=desk.now())
    return back("/campaigns/failed" if to == "failed" else "/campaigns/unknown")


def _page(request: Request, who: Visitor, desk: ConsoleDesk, state: State, after: str) -> HTMLResponse:
    found: Sequence[Letter] = ()
    if who.sight.whole_bank:  # a letter is about one customer
        found = letters_of(desk.parts).of(state, limit=SHOWN + 1, after=after)
    launches = {one.launch_id: one for one in desk.launches.all()}
    return page(
        request,
        who,
        "campaigns/letters.html",
        letters=found[:SHOWN],
        more=found[SHOWN - 1].delivery_id if len(found) > SHOWN else "",
        is_unknown=state is State.UNKNOWN,
        choices=[one.value for one in ALLOWED[state]],
        launches=launches,
        names=names_of(desk.told(who.language)),
        hidden=not who.sight.whole_bank,
        local=desk.local,
    )
