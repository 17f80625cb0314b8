"""HTTP with many requests at a time, each within its time, and what a failure of the network means for a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cultiva.contracts.delivery import Receipt, Sent
from cultiva.kit.masking import mask_text

if TYPE_CHECKING:
    import httpx

CONNECT_SHARE, ANSWER_SHARE = 0.25, 0.75
"""Of a message's time: for connecting, and for the answer."""
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
    """Requests to one server over kept connections, so many at a time by threads of its own; not shared by threads.

    Threads, because httpx takes a third of the time for a request that it takes in a loop (1.2 and 4 ms, measured).
    """

    def __init__(self, *, timeout_seconds: float, concurrency: int = 16) -> None:
        self._timeout = timeout_seconds
        self._concurrency = concurrency
        self._client: httpx.Client | None = None
        self._threads: ThreadPoolExecutor | None = None

    def all(self, calls: Sequence[Call]) -> list[Reply]:
        """The replies to requests, in their order; nothing of the network is raised.

        Each step of a request has its time; a server that drips its answer is left when the batch's time is over.
        """
        if len(calls) == 1:
            return [_answered(self._opened()[0], calls[0])]
        client, threads = self._opened()
        jobs = [threads.submit(_answered, client, call) for call in calls]
        rounds = -(-len(calls) // self._concurrency)
        _, open_jobs = wait(jobs, timeout=rounds * (CONNECT_SHARE + ANSWER_SHARE + 0.1) * self._timeout)
        replies = [_reply(job) for job in jobs]
        if open_jobs:
            self.close()
        return replies

    def one(self, call: Call) -> Reply:
        """The reply to one request."""
        return self.all([call])[0]

    def close(self) -> None:
        """Closes the connections."""
        client, self._client = self._client, None
        threads, self._threads = self._threads, None
        if client is not None:
            client.close()
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)

    def _opened(self) -> tuple[httpx.Client, ThreadPoolExecutor]:
        import httpx

        if self._client is None or self._threads is None:
            limits = httpx.Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency)
            step = CONNECT_SHARE * self._timeout
            timeout = httpx.Timeout(step, read=ANSWER_SHARE * self._timeout)
            self._client = httpx.Client(timeout=timeout, limits=limits, follow_redirects=False)
            self._threads = ThreadPoolExecutor(self._concurrency, thread_name_prefix="channel")
        return self._client, self._threads


def _reply(job: Future[Reply]) -> Reply:
    """What came of a job, or that its time is over; one that has not begun has not left."""
    if job.cancel():
        return Reply(0, problem="no time left", reached=False)
    return job.result() if job.done() else Reply(0, problem="no answer in time")


def _answered(client: httpx.Client, call: Call) -> Reply:
    import httpx

    try:
        answer = client.request(call.method, call.url, headers=dict(call.headers), content=call.content)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL) as error:
        return Reply(0, problem=type(error).__name__, reached=False)
    except (httpx.HTTPError, RuntimeError) as error:  # RuntimeError: the client was closed when the time was over
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
