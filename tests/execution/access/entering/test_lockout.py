from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.execution.access.entering.lockout import (
    FORGOTTEN_AFTER,
    Failures,
    LockRule,
    charge,
    given_back,
    shut_for,
)

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
waits = st.lists(st.integers(0, 100_000), min_size=1, max_size=40)
rules = st.builds(LockRule, st.integers(1, 6), st.timedeltas(timedelta(minutes=1), timedelta(hours=2)))


@settings(deadline=None)
@given(waits, rules)
def test_between_two_locks_no_more_attempts_are_looked_at_than_the_rule_allows(
    waits: list[int], rule: LockRule
) -> None:
    found, at, looked_at = None, AT, 0
    for seconds in waits:
        at += timedelta(seconds=seconds)
        charged = charge(found, rule, at)
        if charged.wait_seconds == 0:
            looked_at += 1
            assert looked_at <= rule.failures_max
        if charged.fell:
            assert charged.failures.until is not None
            assert charged.failures.until - at >= min(rule.first, FORGOTTEN_AFTER)
            looked_at = 0
        elif charged.failures.failures == 1 and charged.wait_seconds == 0:
            looked_at = 1  # counted anew after a day without failures
        found = charged.failures


@settings(deadline=None)
@given(st.lists(st.integers(10, 600), max_size=60), st.integers(2, 100))
def test_failures_as_rare_as_they_are_forgiven_never_shut(waits: list[int], failures_max: int) -> None:
    rule, found, at = LockRule(failures_max, forgiven_each=timedelta(seconds=10)), None, AT
    for seconds in waits:
        at += timedelta(seconds=seconds)
        charged = charge(found, rule, at)
        assert (charged.wait_seconds, charged.fell) == (0, False)
        found = charged.failures


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=80), st.integers(2, 10))
def test_however_attempts_are_spread_few_more_are_looked_at_than_allowed_and_forgiven(
    waits: list[int], failures_max: int
) -> None:
    rule, found, at, looked_at = LockRule(failures_max, forgiven_each=timedelta(seconds=10)), None, AT, 0
    for seconds in waits:
        at += timedelta(seconds=seconds)
        charged = charge(found, rule, at)
        looked_at += charged.wait_seconds == 0
        assert looked_at <= failures_max + (at - AT).total_seconds() / 10
        if charged.fell:
            return
        found = charged.failures


@settings(deadline=None)
@given(st.integers(1, 10_000), rules)
def test_each_lock_is_shut_twice_as_long_up_to_a_day(locks: int, rule: LockRule) -> None:
    before, after = shut_for(rule, locks - 1), shut_for(rule, locks)
    assert after in (2 * before, FORGOTTEN_AFTER)
    assert after <= FORGOTTEN_AFTER


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(0, 4), rules)
def test_a_good_attempt_leaves_the_count_as_it_was_before(failures: int, locks: int, rule: LockRule) -> None:
    before = Failures(min(failures, rule.failures_max - 1), locks, AT)
    charged = charge(before, rule, AT)
    assert given_back(charged.failures, charged, rule) == before


def test_while_it_is_shut_attempts_change_nothing_and_are_told_how_long() -> None:
    shut = Failures(0, 1, AT, AT + timedelta(minutes=15))
    charged = charge(shut, LockRule(5), AT + timedelta(minutes=5))
    assert (charged.failures, charged.wait_seconds) == (shut, 600.0)
    assert charge(shut, LockRule(5), AT + timedelta(minutes=15)).wait_seconds == 0


def test_after_a_quiet_day_the_first_lock_is_short_again() -> None:
    long_ago = Failures(4, 7, AT, AT + timedelta(hours=3))
    later = charge(long_ago, LockRule(1), AT + timedelta(hours=27)).failures
    assert later.locks == 1
    assert later.until == AT + timedelta(hours=27, minutes=15)
