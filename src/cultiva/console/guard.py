"""The guard before every page: who it is, whether they may, and whether a form is really theirs."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from cultiva.console.desk import ConsoleDesk
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import Right
from cultiva.kit.errors import CultivaError, ErrorKind

RIGHT = "x-cultiva-right"
"""Under which a route says what it needs."""
FORM, HEADER = "csrf", "x-csrf"
"""Where the token of a form stands."""
SAFE = frozenset({"GET", "HEAD"})
LOGIN = "/login"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedPage(APIRoute):
    """A page that knows its visitor."""

    def get_route_handler(self) -> Handler:
        """Finds the visitor, checks the right and the form, then answers."""
        inner = super().get_route_handler()
        right = Right((self.openapi_extra or {})[RIGHT])

        async def guarded(request: Request) -> Response:
            visitor = await run_in_threadpool(_visitor_of, request)
            if visitor is None:
                return to_login(request)
            request.state.visitor = visitor
            if not visitor.may(right):
                raise _forbidden(right)
            if request.method not in SAFE:
                await demand_token(request, visitor.csrf)
            return await inner(request)

        return guarded


def router(prefix: str = "") -> APIRouter:
    """A router whose pages are guarded."""
    return APIRouter(prefix=prefix, route_class=GuardedPage, default_response_class=HTMLResponse)


def needs(right: Right) -> dict[str, Any]:
    """Options of a route: what it needs."""
    return {"openapi_extra": {RIGHT: right.value}, "response_model": None}


def desk_of(request: Request) -> ConsoleDesk:
    """The desk of the console that answers; for a page all of one moment, which whoever does something cannot have."""
    found = getattr(request.state, "desk", None) or request.app.state.desk
    assert isinstance(found, ConsoleDesk)
    if request.method in SAFE:
        request.state.desk = found = found.at_one_moment()
    return found


def visitor_of(request: Request) -> Visitor:
    """Who looks."""
    found = request.state.visitor
    assert isinstance(found, Visitor)
    return found


Who = Annotated[Visitor, Depends(visitor_of)]
Ours = Annotated[ConsoleDesk, Depends(desk_of)]


def to_login(request: Request) -> Response:
    """Sends somebody whom nobody knows to the door, and back here afterwards."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = LOGIN if request.method not in SAFE or here == "/" else f"{LOGIN}?next={quote(here, safe='')}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


async def demand_token(request: Request, token: str) -> None:
    """Refuses a form that does not carry the session's token.

    Raises:
        CultivaError: if it does not.
    """
    given = request.headers.get(HEADER) or str((await request.form()).get(FORM, ""))
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise CultivaError(
            "this form is not from this session",
            code="console.foreign_form",
            kind=ErrorKind.FORBIDDEN,
            seen="a token that is missing or old",
            allowed="a form of a page opened since you came in",
            hint="open the page again and repeat what you did",
        )


def _visitor_of(request: Request) -> Visitor | None:
    return desk_of(request).at_one_moment().visitor(request.cookies)


def _forbidden(right: Right) -> CultivaError:
    return CultivaError(
        "your roles do not allow this",
        code="console.no_right",
        kind=ErrorKind.FORBIDDEN,
        seen="your roles",
        allowed=f"a role with the right '{right.value}'",
        hint="ask whoever administers users",
    )
