"""Pauses between attempts, and buckets of tokens."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.execution.dispatch.carriers import NOON

from cultiva.execution.dispatch import bucket
from cultiva.execution.dispatch.fates import pause
from cultiva.execution.dispatch.records import Policy


@given(st.text(min_size=1, max_size=40), st.integers(1, 60))
def test_a_pause_is_between_doubling_and_doubling_with_jitter(key: str, attempts: int) -> None:
    policy = Policy()
    plain = min(policy.backoff_first * 2 ** min(attempts - 1, 30), policy.backoff_max)
    assert plain <= pause(key, attempts, policy) <= plain * (1 + policy.jitter)
    assert pause(key, attempts, policy) == pause(key, attempts, policy)


def test_pauses_of_different_messages_are_spread() -> None:
    assert len({pause(f"d{number}", 1, Policy()) for number in range(100)}) > 90


@given(
    st.floats(0.1, 500),
    st.lists(st.tuples(st.floats(-2, 30), st.integers(0, 400)), max_size=40),
)
def test_in_any_time_at_most_burst_and_rate_leave(per_second: float, asks: list[tuple[float, int]]) -> None:
    """Workers whose clocks disagree (negative steps) get nothing more for it."""
    rate, level, at = bucket.per_second(per_second), None, NOON
    first = latest = at + timedelta(seconds=asks[0][0] if asks else 0)  # the bucket is full when it is first asked
    total = 0
    for step, wanted in asks:
        at += timedelta(seconds=step)
        latest = max(latest, at)
        found = bucket.refilled(level, rate, at)
        given = min(wanted, int(found.tokens))
        level = bucket.taken(found, given)
        total += given
        assert level.tokens >= 0
        assert total <= rate.burst + rate.per_second * (latest - first).total_seconds() + 1e-6
