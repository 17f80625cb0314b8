"""Proving again who one is, before what must not be done at a desk that somebody has left."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from cultiva.console.desk import ConsoleDesk
from cultiva.console.visitor import Visitor

PROVE = "/account/prove"


def prove_first(request: Request, who: Visitor, desk: ConsoleDesk, target: str) -> Response | None:
    """Where to send somebody who has to prove again who they are; None: they did a moment ago.

    Args:
        request: That asks for something which needs it.
        who: Who asks.
        desk: Of the console.
        target: Page to come back to, where they begin anew.
    """
    if who.session.sure(desk.now(), desk.doors.rules.limits):
        return None
    address = f"{PROVE}?next={quote(target, safe='')}"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)
