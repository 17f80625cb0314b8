"""Partitions are shared evenly, whoever comes and goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cultiva.stream.ownership import Held, fair_share, share

AT = datetime(2026, 11, 23, tzinfo=UTC)
LEASE = timedelta(seconds=5)


@given(st.integers(1, 40), st.integers(1, 64))
def test_fair_shares_cover_every_partition_and_differ_by_one_at_most(count: int, partitions: int) -> None:
    workers = [f"w{number}" for number in range(count)]
    shares = [fair_share(workers, one, partitions) for one in workers]
    assert sum(shares) == partitions
    assert max(shares) - min(shares) <= 1


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=12), st.integers(1, 12))
def test_after_two_rounds_of_those_who_are_there_each_has_its_share(came: list[str], partitions: int) -> None:
    """Whoever was there at some time held something; those who are there in the end take two turns each."""
    held = [Held(one, came[one % len(came)], 1, AT + LEASE) for one in range(partitions)]
    present = sorted(set(came[: len(came) // 2 + 1]))
    now = AT + LEASE  # those who are gone have run out
    for _ in range(2):
        for worker in present:
            wanted = fair_share(present, worker, partitions)
            kept, given_up = share(held, worker, now, lease=LEASE, wanted=wanted)
            changed = {one.partition: Held(one.partition, worker, one.fence, one.until) for one in kept}
            changed |= {one.partition: Held(one.partition, "", one.fence, AT) for one in given_up}
            held = [changed.get(one.partition, one) for one in held]
    owners = [one.owner for one in held]
    assert {one: owners.count(one) for one in present} == {one: fair_share(present, one, partitions) for one in present}


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(-3, 3)), max_size=8), st.integers(0, 8))
def test_what_somebody_holds_is_not_taken_and_a_fence_grows_with_the_owner(
    places: list[tuple[str, int]], wanted: int
) -> None:
    held = [Held(one, owner, one, AT + timedelta(seconds=left)) for one, (owner, left) in enumerate(places)]
    kept, given_up = share(held, "a", AT, lease=LEASE, wanted=wanted)
    before = {one.partition: one for one in held}
    for one in kept:
        old = before[one.partition]
        assert old.owner in {"", "a"} or old.until <= AT
        assert one.fence == old.fence + (old.owner != "a")
        assert one.until == AT + LEASE
    assert len(kept) <= wanted
    assert {one.partition for one in kept} | {one.partition for one in given_up} >= {
        one.partition for one in held if one.owner == "a"
    }
