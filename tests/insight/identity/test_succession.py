from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.insight.identity.succession import Succession, succeed


def successions(clusters: list[int], previous: list[int], later: list[int] | None = None) -> Succession:
    """Succession of records whose cluster, former id and later id are given by position."""
    head = np.array([clusters.index(cluster) for cluster in clusters], dtype=np.int32)
    return succeed(head, np.array(previous, dtype=np.int64), np.array(later or [0] * len(clusters), dtype=np.int64))


def slow_ids(clusters: list[int], previous: list[int], first_id: int) -> list[int]:
    """The rule as it is told, one cluster after the other."""
    records = range(len(clusters))
    keeper = {old: clusters[min(r for r in records if previous[r] == old)] for old in set(previous) - {0}}
    ids: dict[int, int] = {}
    for cluster in dict.fromkeys(clusters):
        inherited = [old for old, kept_by in keeper.items() if kept_by == cluster]
        if inherited:
            ids[cluster] = min(inherited)
    for cluster in dict.fromkeys(clusters):
        if cluster not in ids:
            ids[cluster] = first_id
            first_id += 1
    return [ids[cluster] for cluster in clusters]


@settings(max_examples=300, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=15))
def test_ids_are_inherited_as_the_rule_says(pairs: list[tuple[int, int]]) -> None:
    clusters, previous = [list(part) for part in zip(*pairs, strict=True)]
    succession = successions(clusters, previous)
    ids = succession.completed(100)
    assert ids.tolist() == slow_ids(clusters, previous, 100)
    assert len(set(ids.tolist())) == len(set(clusters))
    assert succession.newcomers == sum(number >= 100 for number in set(ids.tolist()))


@settings(max_examples=300, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=15))
def test_every_id_that_lost_a_record_is_recorded(pairs: list[tuple[int, int]]) -> None:
    clusters, previous = [list(part) for part in zip(*pairs, strict=True)]
    succession = successions(clusters, previous)
    ids = succession.completed(100)
    moved = {(old, int(new)) for old, new in zip(previous, ids, strict=True) if old not in (0, new)}
    merges, splits = succession.merges, succession.splits
    merged = set(zip(merges.from_ids.tolist(), merges.to_ids.tolist(), strict=True))
    split = set(zip(splits.from_ids.tolist(), ids[splits.heads].tolist(), strict=True))
    assert merged | split == moved
    assert {old for old, _ in merged}.isdisjoint(ids.tolist())


def test_unchanged_clusters_keep_their_ids() -> None:
    succession = successions([1, 1, 2], [7, 7, 3])
    assert succession.completed(100).tolist() == [7, 7, 3]
    assert len(succession.merges.from_ids) == len(succession.splits.from_ids) == 0


def test_the_oldest_id_survives_a_merge() -> None:
    succession = successions([1, 1, 1], [9, 4, 0])
    assert succession.completed(100).tolist() == [4, 4, 4]
    assert (succession.merges.from_ids.tolist(), succession.merges.to_ids.tolist()) == ([9], [4])


def test_after_a_split_the_first_record_keeps_the_id() -> None:
    succession = successions([1, 2, 2], [5, 5, 5])
    assert succession.completed(100).tolist() == [5, 100, 100]
    assert succession.splits.from_ids.tolist() == [5]
    assert succession.splits.heads.tolist() == [1]


def test_new_ids_are_dense_and_in_the_order_of_records() -> None:
    assert successions([1, 2, 1, 3], [0, 0, 0, 0]).completed(10).tolist() == [10, 11, 10, 12]


def test_a_repeated_run_gives_newcomers_the_ids_they_have_got() -> None:
    succession = successions([1, 2, 3], previous=[5, 0, 0], later=[5, 42, 41])
    assert succession.completed(100).tolist() == [5, 42, 41]
    assert succession.newcomers == 0


def test_a_part_split_off_again_in_a_repeated_run_keeps_its_new_id() -> None:
    first = successions([1, 2], previous=[5, 5]).completed(100)
    again = successions([1, 2], previous=[5, 5], later=first.tolist())
    assert again.completed(200).tolist() == first.tolist()
    assert again.splits.from_ids.tolist() == [5]


def test_a_later_id_never_takes_the_place_of_a_former_one() -> None:
    # In the newest run the two were merged into 5; on the earlier date they were, and are, two.
    succession = successions([1, 2], previous=[5, 6], later=[5, 5])
    assert succession.completed(100).tolist() == [5, 6]
