"""What the API answers when it will not or cannot do what was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class ApiProblem(Exception):
    """A problem as the API told it (RFC 9457).

    Args:
        status: HTTP status.
        body: The problem's members; empty if the answer was none of the API's.
        retry_after: Seconds after which it may work, if the API said so.
    """

    def __init__(self, status: int, body: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(body.get("code", ""))
        self.title = str(body.get("title", f"HTTP {status}"))
        self.hint = str(body.get("hint", ""))
        self.body = body
        self.retry_after = retry_after
        faults = body.get("faults")
        first = str(faults[0].get("message", "")) if isinstance(faults, list) and faults else ""
        super().__init__(": ".join(part for part in (str(status), self.code, self.title, first, self.hint) if part))


def read_problem(status: int, content: bytes, headers: Mapping[str, str]) -> ApiProblem:
    """The problem in an answer; one that is not JSON (a proxy's page) is one too."""
    try:
        body = json.loads(content)
    except ValueError:
        body = {}
    wait = headers.get("retry-after", "")
    return ApiProblem(status, body if isinstance(body, dict) else {}, float(wait) if wait.isdecimal() else None)
