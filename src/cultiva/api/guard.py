"""The guard before every route: whose key, which scope, how often, and was this very request answered already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.types import Message

from cultiva.api.desk import Desk, desk_of
from cultiva.api.errors import answer, plain_problem, problems, retry_after
from cultiva.contracts.sight import Sight
from cultiva.execution.access.answered import Answered, Busy, Mine, RequestName
from cultiva.execution.access.keys import ApiKey, Scope
from cultiva.execution.launching.launches import Person

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Largest body taken."""
BUSY_SECONDS = 1
"""When to come again while the first of equal requests is being worked on."""
SCOPE, ONCE = "x-cultiva-scope", "x-cultiva-once"
"""Names under which a route says what it needs; also in the OpenAPI document."""
_BEARER = HTTPBearer(
    scheme_name="key", description="An API key: `Authorization: Bearer cultiva_...`.", auto_error=False
)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Names this request; a repeat with the same key and body gets the same answer, done once.",
        examples=["5f0c8b1e-7a55-4c1b-9d1e-0c7f5d9f3b11"],
    ),
]


class GuardedRoute(APIRoute):
    """A route that knows its caller."""

    def get_route_handler(self) -> Handler:
        """Admits the caller, then answers, once if the route changes something."""
        inner = super().get_route_handler()
        told = self.openapi_extra or {}
        scope, once = Scope(told[SCOPE]), bool(told.get(ONCE))

        async def guarded(request: Request) -> Response:
            refusal = await run_in_threadpool(_admit, request, scope)
            if refusal is not None:
                return refusal
            if request.method in {"GET", "HEAD"}:
                return await inner(request)
            body = await read_body(request)
            if body is None:
                return too_large(request)
            replayed = Request(request.scope, _replay(body))
            return await (_once(replayed, body, inner) if once else inner(replayed))

        return guarded


def router(prefix: str, tag: str) -> APIRouter:
    """A router whose routes are guarded."""
    return APIRouter(prefix=f"/v1{prefix}", tags=[tag], route_class=GuardedRoute, dependencies=[Depends(_BEARER)])


def needs(scope: Scope, *statuses: int, once: bool = False) -> dict[str, Any]:
    """Options of a route: the scope it needs, the problems it may answer with, whether a repeat is answered once."""
    extra = {SCOPE: scope.value, **({ONCE: True} if once else {})}
    return {"openapi_extra": extra, "responses": problems(*statuses, *((409, 413) if once else ()))}


def caller(request: Request) -> ApiKey:
    """Whose request it is."""
    found = request.state.caller
    assert isinstance(found, ApiKey)
    return found


def acting(key: ApiKey) -> Person:
    """Who acts on launches: the key by its name, so two who must not be the same need keys of two names."""
    return Person(key.name, via=f"key {key.key_id}")


def sight(request: Request) -> Sight:
    """Whom the caller sees, and whether personal data are shown to it: what every route asks that reads customers."""
    return caller(request).sight


Caller = Annotated[ApiKey, Depends(caller)]
Seeing = Annotated[Sight, Depends(sight)]
OurDesk = Annotated[Desk, Depends(desk_of)]


def _admit(request: Request, scope: Scope) -> Response | None:
    """Finds the caller; a response if there is none, or the caller may not do this now."""
    desk = desk_of(request)
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    found = desk.access.admit(text.strip() if kind.lower() == "bearer" else "", at=desk.now())
    if found.key is None:
        told = plain_problem(
            401, "api.no_key", "a key is needed", allowed="Authorization: Bearer and a living key",
            hint="cultiva key create WORKSPACE --name NAME --scopes SCOPES",
        )  # fmt: skip
        return answer(request, told, {"WWW-Authenticate": "Bearer"})
    request.state.caller = found.key
    if found.wait_seconds > 0:
        allowed = f"{found.key.per_minute_max} requests a minute"
        told = plain_problem(429, "api.too_many", "too many requests with this key", allowed=allowed)
        return answer(request, told, retry_after(found.wait_seconds))
    if scope not in found.key.scopes:
        told = plain_problem(
            403, "api.no_scope", "this key may not do that",
            seen=", ".join(sorted(found.key.scopes)), allowed=scope.value, hint="ask for a key with that scope",
        )  # fmt: skip
        return answer(request, told)
    return None


async def _once(request: Request, body: bytes, inner: Handler) -> Response:
    """Does the request if nobody has; only what succeeded is kept, so whatever failed may be tried again."""
    access, name = desk_of(request).access, _name(request, body)
    if name is None:
        return await inner(request)  # which refuses it: the header is missing
    standing = await run_in_threadpool(access.begin, name, at=desk_of(request).now())
    if not isinstance(standing, Mine):
        return _repeated(request, standing)
    try:
        done = await inner(request)
    except Exception:
        await run_in_threadpool(access.give_up, name, standing)
        raise
    if done.status_code < 300 and done.headers.get("content-type") == "application/json":
        kept = Answered(done.status_code, bytes(done.body).decode())
        await run_in_threadpool(access.finish, name, standing, kept)
    else:
        await run_in_threadpool(access.give_up, name, standing)
    return done


def _name(request: Request, body: bytes) -> RequestName | None:
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= 200:
        return None
    whole = b"\n".join([request.method.encode(), request.url.path.encode(), request.url.query.encode(), body])
    return RequestName(caller(request).key_id, key, hashlib.sha256(whole).hexdigest())


def _repeated(request: Request, standing: object) -> Response:
    if isinstance(standing, Answered):
        headers = {"Idempotency-Replayed": "true"}
        return Response(standing.body, standing.status, headers=headers, media_type="application/json")
    if isinstance(standing, Busy):
        told = plain_problem(
            409, "api.busy", "this request is being worked on", hint="ask again in a moment with the same key"
        )
        return answer(request, told, retry_after(BUSY_SECONDS))
    told = plain_problem(
        409, "api.key_used", "this idempotency key was used for another request",
        allowed="the same method, path and body with the same key", hint="give each request a key of its own",
    )  # fmt: skip
    return answer(request, told)


def too_large(request: Request) -> Response:
    """What is told to whom sent too much."""
    told = plain_problem(413, "api.too_large", "the body is too large", allowed=f"{BODY_BYTES_MAX} bytes")
    return answer(request, told, {"Connection": "close"})


async def read_body(request: Request) -> bytes | None:
    """The body; None if it is larger than what is taken, whatever its header says."""
    taken = bytearray()
    async for piece in request.stream():
        taken += piece
        if len(taken) > BODY_BYTES_MAX:
            return None
    return bytes(taken)


def _replay(body: bytes) -> Callable[[], Coroutine[Any, Any, Message]]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
