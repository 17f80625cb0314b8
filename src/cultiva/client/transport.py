"""One request after another over HTTP: keys, repeats that are safe, waits that the API asks for."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from cultiva.client.problems import ApiProblem, read_problem

AGAIN = (429, 503)
"""Statuses after which the same request may work later."""
WAIT_MAX = 60.0
"""Seconds; who asks for a longer wait is told to the caller instead."""
WAIT_FIRST = 0.5
"""Seconds before the first repeat where the API does not say; doubled each time."""


@dataclass(frozen=True)
class Transport:
    """Sends requests.

    Every request may be repeated: reads change nothing, and what changes something carries an idempotency key, so that
    a repeat after a broken connection is answered and not done again.
    """

    http: httpx.Client
    key: str
    repeats: int = 4
    """How often a request is repeated."""
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: object = None, once: str = ""
    ) -> bytes:
        """Sends a request, again if that may help; gives the answer's body.

        Args:
            method: GET, POST or PUT.
            path: Below the API's address.
            query: Parameters; those that are None are left out.
            body: JSON-like; None: none.
            once: Idempotency key; empty: one is made for a POST.

        Raises:
            ApiProblem: if the API will not or cannot do it.
            httpx.TransportError: if it cannot be reached.
        """
        request = self._request(method, path, query, body, once)
        for turn in range(self.repeats + 1):
            last = turn == self.repeats
            wait = WAIT_FIRST * 2**turn
            try:
                answered = self.http.send(request)
            except httpx.TransportError:
                if last:
                    raise
            else:
                if answered.is_success:
                    return answered.content
                problem = read_problem(answered.status_code, answered.content, answered.headers)
                if last or not _may_work_later(problem):
                    raise problem
                wait = problem.retry_after or wait
            self.sleep(min(wait, WAIT_MAX))
        raise AssertionError("the last turn returns or raises")

    @contextmanager
    def stream(self, path: str, query: Mapping[str, Any]) -> Iterator[Iterator[bytes]]:
        """The pieces of a file as they come; not repeated, since part of it may have been used.

        Raises:
            ApiProblem: if the API will not give it.
        """
        with self.http.stream("GET", path, params=_given(query), headers=self._headers()) as answered:
            if not answered.is_success:
                raise read_problem(answered.status_code, answered.read(), answered.headers)
            yield answered.iter_bytes()

    def _request(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: object, once: str
    ) -> httpx.Request:
        headers = self._headers()
        if method == "POST":
            headers["Idempotency-Key"] = once or uuid.uuid4().hex
        return self.http.build_request(method, path, params=_given(query or {}), json=body, headers=headers)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def _may_work_later(problem: ApiProblem) -> bool:
    asked = problem.retry_after or 0.0
    return (problem.status in AGAIN or problem.code == "api.busy") and asked <= WAIT_MAX


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
