"""HTTP with many requests at a time, each within its time, and what a failure of the network means for a message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cultiva.contracts.delivery import Receipt, Sent
from cultiva.kit.masking import mask_text

if TYPE_CHECKING:
    import httpx

PROBLEM_LENGTH = 200
"""Most characters of what a provider said that are kept."""
BUSY = frozenset({408, 425, 429, 503})
"""The server says that it did not take the request now."""
UNSURE = frozenset({409, 500, 502, 504})
"""Something broke behind the server's door; the message may have been taken. 409: the key is known."""
OURS = frozenset({401, 402, 403, 404, 405, 407})
"""Our own settings are wrong, not the message: it is kept for when they are right."""


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What came of a request: a status, or none and why."""

    status: int
    """0: no answer."""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    """Why there is no answer."""
    reached: bool = True
    """Without an answer: whether the request may have reached the server."""

    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        import json

        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Web:
    """Requests to one server over kept connections, so many at a time; one loop of its own, not shared by threads."""

    def __init__(self, *, timeout_seconds: float, concurrency: int = 16) -> None:
        self._timeout = timeout_seconds
        self._concurrency = concurrency
        self._runner = asyncio.Runner()
        self._client: httpx.AsyncClient | None = None

    def all(self, calls: Sequence[Call]) -> list[Reply]:
        """The replies to requests, in their order; nothing of the network is raised."""
        return self._runner.run(self._all(calls)) if calls else []

    def one(self, call: Call) -> Reply:
        """The reply to one request."""
        return self.all([call])[0]

    def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            self._runner.run(self._client.aclose())
            self._client = None
        self._runner.close()

    async def _all(self, calls: Sequence[Call]) -> list[Reply]:
        client = self._open()
        gate = asyncio.Semaphore(self._concurrency)

        async def guarded(call: Call) -> Reply:
            async with gate:
                return await _answered(client, call, self._timeout)

        return list(await asyncio.gather(*map(guarded, calls)))

    def _open(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            limits = httpx.Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency)
            # Connecting ends before the clock of `_answered`, so that what it stops may have reached the server.
            timeout = httpx.Timeout(2 * self._timeout, connect=0.9 * self._timeout)
            self._client = httpx.AsyncClient(timeout=timeout, limits=limits, follow_redirects=False)
        return self._client


async def _answered(client: httpx.AsyncClient, call: Call, timeout: float) -> Reply:
    """One reply within its time, connecting included."""
    import httpx

    try:
        async with asyncio.timeout(timeout):
            answer = await client.request(call.method, call.url, headers=dict(call.headers), content=call.content)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL) as error:
        return Reply(0, problem=type(error).__name__, reached=False)
    except (httpx.HTTPError, TimeoutError) as error:
        return Reply(0, problem=type(error).__name__)
    return Reply(answer.status_code, answer.content, {name.lower(): value for name, value in answer.headers.items()})


def receipt_of(key: str, reply: Reply, accepted: Callable[[Reply], Receipt]) -> Receipt:
    """What a reply to a message means.

    Args:
        key: Of the message.
        reply: To the request that carried it.
        accepted: Reads a 2xx reply.
    """
    if reply.status == 0:
        return Receipt(key, Sent.UNKNOWN if reply.reached else Sent.LATER, problem=reply.problem)
    if 200 <= reply.status < 300:
        return accepted(reply)
    problem = f"HTTP {reply.status} {said(reply.body)}".strip()
    if reply.status in BUSY:
        return Receipt(key, Sent.LATER, problem=problem, retry_after=retry_after(reply))
    if reply.status in OURS or 300 <= reply.status < 400:
        return Receipt(key, Sent.LATER, problem=problem)
    if reply.status in UNSURE or reply.status > 500:
        return Receipt(key, Sent.UNKNOWN, problem=problem)
    return Receipt(key, Sent.REFUSED, problem=problem)


def traced(key: str, reply: Reply, reference: Callable[[Reply], str]) -> Receipt:
    """What a reply to a look-up means: ACCEPTED, ABSENT, or UNKNOWN."""
    if 200 <= reply.status < 300:
        return Receipt(key, Sent.ACCEPTED, reference=reference(reply))
    if reply.status == 404:
        return Receipt(key, Sent.ABSENT)
    return Receipt(key, Sent.UNKNOWN, problem=reply.problem or f"look-up: HTTP {reply.status}")


def said(body: bytes) -> str:
    """What a provider said, short and without personal data."""
    return mask_text(" ".join(body[: 4 * PROBLEM_LENGTH].decode("utf-8", "replace").split()))[:PROBLEM_LENGTH]


def retry_after(reply: Reply) -> float | None:
    """The seconds of a Retry-After header; None without one, or where it is a date."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.replace(".", "", 1).isdigit() else None
