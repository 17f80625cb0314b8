from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from cultiva.insight.groups.changes import SAMPLE, change, overlaps

ids = st.sets(st.integers(1, 60))


@given(ids, ids)
def test_who_entered_and_who_left_add_up(now: set[int], before: set[int]) -> None:
    found = change(BitMap(now), BitMap(before))
    assert len(before) + found.entered - found.left == len(now)
    assert list(found.entered_sample) == sorted(now - before)[:SAMPLE]
    assert list(found.left_sample) == sorted(before - now)[:SAMPLE]


@given(st.dictionaries(st.sampled_from("abcdef"), ids, max_size=6))
def test_every_pair_overlaps_as_sets_do(groups: dict[str, set[int]]) -> None:
    found = list(overlaps({name: BitMap(members) for name, members in groups.items()}))
    assert len(found) == len(groups) * (len(groups) - 1) // 2
    for pair in found:
        one, other = groups[pair.first], groups[pair.second]
        assert pair.first < pair.second
        assert pair.both == len(one & other)
        assert pair.jaccard == (round(len(one & other) / len(one | other), 6) if one | other else 0)
