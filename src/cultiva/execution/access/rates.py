"""A token bucket: so many requests a minute, a quarter of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

BURST_SHARE = 0.25
"""Share of a minute's requests that may come at once."""
SECONDS = 60.0


@dataclass(frozen=True)
class Bucket:
    """What is left at an instant."""

    tokens: float
    at: datetime


@dataclass(frozen=True)
class Draw:
    """What came of asking for one token."""

    bucket: Bucket
    """Afterwards."""
    wait_seconds: float
    """0: granted; else how long until there is one."""


def capacity(per_minute_max: int) -> float:
    """Tokens of a full bucket; at least one.

    Examples:
        >>> capacity(600), capacity(1)
        (150.0, 1.0)
    """
    return max(1.0, per_minute_max * BURST_SHARE)


def draw_token(bucket: Bucket | None, per_minute_max: int, at: datetime) -> Draw:
    """Takes one token if there is one.

    Args:
        bucket: As it was left; None: never used, so full.
        per_minute_max: How fast it fills.
        at: The present instant; one before the bucket's own (another machine's clock) fills nothing.
    """
    full, per_second = capacity(per_minute_max), per_minute_max / SECONDS
    if bucket is None:
        bucket = Bucket(full, at)
    passed = max(0.0, (at - bucket.at).total_seconds())
    tokens = min(full, bucket.tokens + passed * per_second)
    newest = max(at, bucket.at)
    if tokens >= 1:
        return Draw(Bucket(tokens - 1, newest), 0.0)
    return Draw(Bucket(tokens, newest), (1 - tokens) / per_second if per_second else SECONDS)
