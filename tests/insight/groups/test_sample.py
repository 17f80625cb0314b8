from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from cultiva.insight.groups.sample import ids_of, mixed, spread

members = st.sets(st.integers(1, 2**31), max_size=200).map(BitMap)


@given(members, st.integers(1, 50))
def test_a_sample_has_the_size_asked_for_and_only_members(group: BitMap, most: int) -> None:
    drawn = spread(group, most)
    assert len(drawn) == len(set(drawn.tolist())) == min(len(group), most)
    assert set(drawn.tolist()) <= set(group)
    assert drawn.tolist() == sorted(drawn.tolist())


@given(members, members, st.integers(1, 50))
def test_who_leaves_the_sample_made_room_for_a_newcomer(group: BitMap, newcomers: BitMap, most: int) -> None:
    before, after = set(spread(group, most).tolist()), set(spread(group | newcomers, most).tolist())
    assert before - after == set() or len(after) == most
    assert after - before <= set(newcomers)


def test_consecutive_ids_are_spread_over_the_whole_range() -> None:
    order = mixed(ids_of(BitMap(range(1, 10_001)))).argsort()
    assert abs(order[:1_000].mean() - 5_000) < 300
