"""The lock that falls shut after failed attempts: an attempt is charged before it is looked at, and given back if good.

So however many guesses come at once, no more are looked at than are allowed (NIST SP 800-63B, 5.2.2: rate limiting).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FORGOTTEN_AFTER = timedelta(hours=24)
"""Failures and locks older than this count for nothing; also the longest that a lock stays shut."""


@dataclass(frozen=True)
class LockRule:
    """When it falls shut, and for how long."""

    failures_max: int
    """So many attempts in a row may fail."""
    first: timedelta = timedelta(minutes=15)
    """How long it is shut the first time; twice as long each time after."""
    forgiven_each: timedelta | None = None
    """One failure is forgotten each time that this has passed: many people behind one address mistype all day long.
    None: failures in a row count until one succeeds."""


@dataclass(frozen=True)
class Failures:
    """What has been counted."""

    failures: int
    """Since the last lock."""
    locks: int
    """How often it has fallen shut."""
    at: datetime
    """When the last one was; where they are forgiven one by one, up to when that has been done."""
    until: datetime | None = None
    """Shut until then."""


@dataclass(frozen=True)
class Charged:
    """What came of charging one attempt."""

    failures: Failures
    """Afterwards."""
    wait_seconds: float
    """0: the attempt may be looked at; else how long until one may."""
    fell: bool = False
    """Whether this attempt, if it fails, is the one that shuts the door."""


def charge(found: Failures | None, rule: LockRule, at: datetime) -> Charged:
    """Charges one attempt as if it had failed.

    Args:
        found: What was counted so far; None: nothing.
        rule: When it falls shut.
        at: The present instant.

    Examples:
        >>> from datetime import UTC
        >>> now = datetime(2026, 11, 23, tzinfo=UTC)
        >>> charge(Failures(4, 0, now), LockRule(5), now).failures.until.isoformat()
        '2026-11-23T00:15:00+00:00'
    """
    if found is not None and found.until is not None and at < found.until:
        return Charged(found, (found.until - at).total_seconds())
    if found is None or at - max(found.at, found.until or found.at) >= FORGOTTEN_AFTER:
        found = Failures(0, 0, at)
    found = forgiven(found, rule, at)
    counted = found.failures + 1
    if counted < rule.failures_max:
        since = at if rule.forgiven_each is None or counted == 1 else found.at
        return Charged(Failures(counted, found.locks, since), 0.0)
    return Charged(Failures(0, found.locks + 1, at, at + shut_for(rule, found.locks)), 0.0, fell=True)


def forgiven(found: Failures, rule: LockRule, at: datetime) -> Failures:
    """What is still counted after time has passed.

    Examples:
        >>> from datetime import UTC
        >>> now, rule = datetime(2026, 11, 23, tzinfo=UTC), LockRule(100, forgiven_each=timedelta(seconds=10))
        >>> forgiven(Failures(9, 0, now), rule, now + timedelta(seconds=45)).failures
        5
    """
    if rule.forgiven_each is None or at <= found.at:
        return found
    passed = (at - found.at) // rule.forgiven_each
    left = max(0, found.failures - passed)
    return replace(found, failures=left, at=found.at + passed * rule.forgiven_each if left else at)


def shut_for(rule: LockRule, locks: int) -> timedelta:
    """How long it is shut after having been shut so often before.

    Examples:
        >>> [str(shut_for(LockRule(5), locks)) for locks in (0, 1, 2, 500)]
        ['0:15:00', '0:30:00', '1:00:00', '1 day, 0:00:00']
    """
    return min(FORGOTTEN_AFTER, rule.first * 2 ** min(locks, 20))


def given_back(found: Failures, charged: Charged, rule: LockRule) -> Failures:
    """What is counted once an attempt turned out good: all but that one. Others who failed meanwhile stay counted."""
    if charged.fell and found.until == charged.failures.until:
        return replace(found, failures=rule.failures_max - 1, locks=found.locks - 1, until=None)
    return replace(found, failures=max(0, found.failures - 1))
