"""The console: every area's pages over one opened workspace."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from cultiva.console.areas import (
    account,
    approvals,
    campaigns,
    cockpit,
    customers,
    door,
    groups,
    review,
    strategies,
    work,
)
from cultiva.console.areas.admin import audit, erasing, operations, users
from cultiva.console.desk import ConsoleDesk
from cultiva.console.files import PREFIX, Files
from cultiva.console.guard import desk_of
from cultiva.console.pages import is_part, page, render
from cultiva.console.security import Secured
from cultiva.console.visitor import Visitor
from cultiva.kit.errors import CultivaError, ErrorKind, Faults
from cultiva.kit.http import STATUS
from cultiva.kit.masking import mask_text
from cultiva.loop.parts import Parts
from cultiva.loop.turns import Turns

FAULTS_SHOWN = 5
"""Of several faults so many are told on an error's page."""
AREAS = (
    door.routes,
    account.routes,
    cockpit.routes,
    customers.routes,
    groups.routes,
    *strategies.ROUTES,
    approvals.routes,
    *campaigns.ROUTES,
    *work.ROUTES,
    *review.ROUTES,
    operations.routes,
    audit.routes,
    erasing.routes,
    users.routes,
)


def create_console(parts: Parts, turns: Turns) -> FastAPI:
    """The console over an opened workspace.

    Args:
        parts: Of the workspace; they stay open as long as the application lives.
        turns: At the engine, shared with whoever else is served in this process.
    """
    app = FastAPI(title="Cultiva console", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.desk = ConsoleDesk(parts, turns)
    app.add_middleware(Secured, settings=parts.workspace.settings.console, clock=parts.clock)
    for routes in AREAS:
        app.include_router(routes)
    app.mount(PREFIX, Files())
    app.add_exception_handler(CultivaError, _told)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _unread)
    return app


def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, CultivaError)
    status = STATUS[error.kind]
    shown = {
        "title": error.message,
        "seen": mask_text(_seen(error)),
        "allowed": str(error.allowed or ""),
        "hint": str(error.hint or ""),
    }
    visitor = getattr(request.state, "visitor", None) or desk_of(request).visitor(request.cookies)
    if not isinstance(visitor, Visitor):
        return HTMLResponse(render(request, "zh", "outside.html", status=int(status), error=shown), status)
    if is_part(request):
        part = render(request, visitor.language, "macros/fault.html", who=visitor, error=shown)
        return HTMLResponse(part, status)
    return page(request, visitor, "error.html", status=status, error=shown)


def _seen(error: CultivaError) -> str:
    """The value seen; of several faults the first ones."""
    if isinstance(error, Faults):
        return "; ".join(f"{one.place()} {one.message}".strip() for one in error.faults[:FAULTS_SHOWN])
    return str(error.seen or "")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = ErrorKind.NOT_FOUND if error.status_code in (404, 405) else ErrorKind.INVALID
    return _told(
        request,
        CultivaError(
            "there is no such page",
            code="console.no_page",
            kind=kind,
            seen=request.url.path[:200],
            allowed="a page of the side bar",
            hint="go to the cockpit and start from there",
        ),
    )


def _unread(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return _told(
        request,
        CultivaError(
            "a field cannot be read",
            code="console.bad_field",
            seen=".".join(str(part) for part in first["loc"][1:]),
            allowed=str(first["msg"]),
            hint="correct it and send the form again",
        ),
    )
