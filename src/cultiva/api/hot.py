"""Routes that must be quick: answered before the framework, by a handler that reads bytes and gives bytes.

What the guard does for other routes is done here from memory: a key is looked up again after two seconds, and its rate
is kept by each process for itself. A line of the log is written for what was not answered well; all are in the metrics.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cultiva.api.desk import Desk, desk_of
from cultiva.api.errors import answer, plain_problem, problem_of, retry_after
from cultiva.api.observing import ANSWERED, GUARD_STATUSES, REFUSED, REQUEST_ID
from cultiva.execution.access.keys import ApiKey
from cultiva.execution.access.keys import Scope as KeyScope
from cultiva.execution.access.rates import Bucket, draw_token
from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError

KEY_KEPT = timedelta(seconds=2)
"""How long a key that was looked up is believed: a revoked one opens nothing after that."""
KEYS_MAX = 10_000
"""Keys kept in memory."""
_LOG = structlog.get_logger("cultiva.api")


class Refused(Exception):
    """A request is not answered; with the answer that says why."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(response.status_code)


@dataclass(frozen=True)
class HotPath:
    """A path that is answered before the framework."""

    scope: KeyScope
    """What a key needs to be for."""
    bytes_max: int
    """Largest body."""
    answer: Callable[[Request, bytes, HotGate], Awaitable[Response]]
    """Gives the answer; asks the gate who the caller is."""


class HotGate:
    """Who may come in, kept in memory.

    Args:
        desk: Knows the keys.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._keys: dict[str, tuple[ApiKey | None, datetime]] = {}
        self._buckets: dict[str, Bucket] = {}

    async def admit(self, request: Request, needed: KeyScope, *, text: str = "") -> ApiKey:
        """The caller's key.

        Args:
            request: With the key in a header: `Bearer KEY`, or `Basic` with the key as the name.
            needed: What it must be for.
            text: The key, if it stands in the body.

        Raises:
            Refused: if there is no key that lives, it is for something else, or asks too often.
        """
        at = self.desk.now()
        key = await self._find(text_of(request.headers.get("authorization", "")) or text, at)
        if key is None:
            told = plain_problem(
                401, "api.no_key", "a key is needed", allowed="Authorization: Bearer and a living key",
                hint="cultiva key create WORKSPACE --name NAME --scopes SCOPES",
            )  # fmt: skip
            raise Refused(answer(request, told, {"WWW-Authenticate": "Bearer"}))
        request.state.caller = key
        drawn = draw_token(self._buckets.get(key.key_id), key.per_minute_max, at)
        self._buckets[key.key_id] = drawn.bucket
        if drawn.wait_seconds > 0:
            told = plain_problem(
                429,
                "api.too_many",
                "too many requests with this key",
                allowed=f"{key.per_minute_max} requests a minute",
            )
            raise Refused(answer(request, told, retry_after(drawn.wait_seconds)))
        if needed not in key.scopes:
            told = plain_problem(
                403, "api.no_scope", "this key may not do that", seen=", ".join(sorted(key.scopes)),
                allowed=needed.value, hint="ask for a key with that scope",
            )  # fmt: skip
            raise Refused(answer(request, told))
        return key

    async def _find(self, text: str, at: datetime) -> ApiKey | None:
        kept = self._keys.get(text)
        if kept is not None and timedelta(0) <= at - kept[1] < KEY_KEPT:
            return kept[0] if kept[0] is not None and kept[0].alive(at) else None
        found = await run_in_threadpool(self.desk.access.find, text, at=at)
        if len(self._keys) >= KEYS_MAX:
            self._keys.clear()
        if found is not None:
            self._keys[text] = (found, at)
        return found


def text_of(header: str) -> str:
    """The key in an Authorization header: a bearer token, or the name of basic authentication as Segment has it.

    Examples:
        >>> text_of("Bearer abc"), text_of("Basic YWJjOg=="), text_of("Basic ?")
        ('abc', 'abc', '')
    """
    kind, _, text = header.partition(" ")
    if kind.lower() == "bearer":
        return text.strip()
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[0] if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""


class Hot:
    """Wraps an application: some paths are answered here, all others there.

    Args:
        app: What is wrapped.
        paths: Path of POST requests -> how they are answered.
    """

    def __init__(self, app: ASGIApp, paths: Mapping[str, HotPath]) -> None:
        self._app = app
        self._paths = paths
        self._gate: HotGate | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = self._paths.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if path is None:
            await self._app(scope, receive, send)
            return
        began, request_id = seconds(), uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        request = Request(scope, receive)
        if self._gate is None:
            self._gate = HotGate(desk_of(request))
        response = await hot_answer(request, path, self._gate)
        response.raw_headers.append((REQUEST_ID, request_id.encode()))
        await response(scope, receive, send)
        _tell(scope, response.status_code, seconds() - began)


async def hot_answer(request: Request, path: HotPath, gate: HotGate) -> Response:
    """Answers a request of a hot path, whatever comes of it."""
    try:
        body = await body_of(request, path.bytes_max)
        return await path.answer(request, body, gate)
    except Refused as refused:
        return refused.response
    except CultivaError as error:
        return answer(request, problem_of(error))
    except Exception:
        _LOG.exception("fault", request=request.state.request_id, route=request.url.path)
        return answer(
            request, plain_problem(500, "api.fault", "this is a fault of Cultiva", hint="tell us the instance")
        )


async def body_of(request: Request, bytes_max: int) -> bytes:
    """The body.

    Raises:
        Refused: if it is larger than what is taken, whatever its header says.
    """
    taken = bytearray()
    message: Message = {"more_body": True}
    while message.get("more_body"):
        message = await request.receive()
        if message["type"] == "http.disconnect":
            break
        taken += message.get("body", b"")
        if len(taken) > bytes_max:
            told = plain_problem(413, "api.too_large", "the body is too large", allowed=f"{bytes_max} bytes")
            raise Refused(answer(request, told, {"Connection": "close"}))
    return bytes(taken)


def _tell(scope: Scope, status: int, took: float) -> None:
    ANSWERED.labels("POST", scope["path"], str(status)).observe(took)
    if status < 400:
        return
    if status in GUARD_STATUSES:
        REFUSED.labels(str(status)).inc()
    caller = scope["state"].get("caller")
    _LOG.info(
        "request",
        request=scope["state"]["request_id"],
        method="POST",
        route=scope["path"],
        status=status,
        took_ms=round(took * 1000, 1),
        key=getattr(caller, "key_id", ""),
        caller=getattr(caller, "name", ""),
        peer=(scope.get("client") or ("",))[0],
    )
