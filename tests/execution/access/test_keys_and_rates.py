from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.execution.access.keys import fingerprint, make_text, read_scopes, well_formed
from cultiva.execution.access.rates import Bucket, capacity, draw_token
from cultiva.kit.errors import CultivaError

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_a_key_s_text_names_its_id_and_is_never_made_twice() -> None:
    made = [make_text() for _ in range(200)]
    assert len({text for _, text in made}) == 200
    assert all(well_formed(text) and text.split("_")[1] == key_id for key_id, text in made)
    assert len(fingerprint(made[0][1])) == 64


def test_a_wrong_scope_is_answered_with_the_nearest() -> None:
    with pytest.raises(CultivaError) as caught:
        read_scopes(["customer", "tasks"])
    assert "customers" in caught.value.hint
    with pytest.raises(CultivaError):
        read_scopes([" "])


@given(
    st.integers(1, 6000),
    st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200),
)
def test_no_window_sees_more_than_the_burst_and_what_flowed_in(per_minute: int, gaps: list[float]) -> None:
    bucket: Bucket | None = None
    now, granted = AT, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        drawn = draw_token(bucket, per_minute, now)
        bucket = drawn.bucket
        if drawn.wait_seconds == 0:
            granted.append(now)
    for first in range(len(granted)):
        for last in range(first, len(granted)):
            seconds = (granted[last] - granted[first]).total_seconds()
            assert last - first + 1 <= capacity(per_minute) + seconds * per_minute / 60 + 1e-6


@given(st.integers(1, 6000))
def test_whoever_waits_as_told_is_let_in(per_minute: int) -> None:
    empty = Bucket(0.0, AT)
    wait = draw_token(empty, per_minute, AT).wait_seconds
    assert 0 < wait <= 60
    assert draw_token(empty, per_minute, AT + timedelta(seconds=wait + 1e-3)).wait_seconds == 0


def test_a_clock_that_goes_back_fills_nothing() -> None:
    left = draw_token(Bucket(0.0, AT), 60, AT - timedelta(hours=1))
    assert left.wait_seconds == pytest.approx(1.0)
    assert left.bucket.at == AT
