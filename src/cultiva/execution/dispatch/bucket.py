"""A token bucket: so many messages per second, over all workers that share it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Rate:
    """How fast, and how much at once."""

    per_second: float
    """Tokens that flow in."""
    burst: float
    """Tokens that the bucket holds; in any t seconds at most burst + per_second x t leave it."""


@dataclass(frozen=True)
class Level:
    """What is in the bucket."""

    tokens: float
    """Now."""
    at: datetime
    """When that was."""


def per_second(count: float) -> Rate:
    """A rate in messages per second; at least one message fits in, however slow the rate."""
    return Rate(count, max(count, 1.0))


def per_minute(count: int) -> Rate:
    """A rate in messages per minute, at most ten seconds' worth of it at once."""
    return Rate(count / 60, max(count / 6, 1.0))


def refilled(level: Level | None, rate: Rate, at: datetime) -> Level:
    """The bucket at a moment; a new one is full. A worker whose clock is behind adds nothing.

    Examples:
        >>> from datetime import UTC, timedelta
        >>> noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
        >>> refilled(Level(0.0, noon), per_second(10), noon + timedelta(seconds=0.5)).tokens
        5.0
    """
    if level is None:
        return Level(rate.burst, at)
    since = max((at - level.at).total_seconds(), 0.0)
    return Level(min(rate.burst, level.tokens + since * rate.per_second), max(at, level.at))


def taken(level: Level, count: int) -> Level:
    """The bucket with some tokens less."""
    return Level(level.tokens - count, level.at)
