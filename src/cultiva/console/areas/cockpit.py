"""Cockpit: the loop with today's numbers, what needs a decision, what is broken."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.execution.access.roles import Right

routes = router()


@routes.get("/", **needs(Right.ENTER))
def cockpit(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """The cockpit."""
    return page(request, who, "cockpit/index.html")
