"""What became of a request that came with an idempotency key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

ABANDONED_AFTER = timedelta(seconds=120)
"""Work on a request that has not ended by then has died; the next one with its key takes it over."""
KEPT = timedelta(days=7)
"""How long answers are kept."""


@dataclass(frozen=True)
class RequestName:
    """Names one request of one caller."""

    key_id: str
    """The caller's API key."""
    idempotency_key: str
    """As the caller gave it."""
    request_hash: str
    """Of method, path and body: the same key with another request is a fault of the caller's."""


@dataclass(frozen=True)
class Mine:
    """Nobody has answered it: it is this caller's to do."""

    token: str
    """Proves that the work has not been taken over."""


@dataclass(frozen=True)
class Answered:
    """It was answered before."""

    status: int
    """HTTP status."""
    body: str
    """The answer's body."""


@dataclass(frozen=True)
class Busy:
    """Another process is at work on it now."""


@dataclass(frozen=True)
class Differs:
    """The key was used for another request."""


Standing = Mine | Answered | Busy | Differs
"""What a request with an idempotency key meets."""
