from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.insight.identity.slow_linkage import Record, slow_clusters, sound

from cultiva.insight.identity.linkage import UNKNOWN, Clusters, KeyGroups, Verdict, link

COLUMNS = ("id", "phone", "birth", "kind")
RULES = (("id",), ("phone", "birth"), ("phone",))
CONFLICTS = ("id", "birth", "kind")

VALUES = st.sampled_from([None, "1", "2", "3"])
RECORDS = st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, VALUES)), min_size=1, max_size=14)


def key_groups(records: Sequence[Record], rules: Sequence[Sequence[str]] = RULES) -> KeyGroups:
    rows = []
    for rank, rule in enumerate(rules):
        by_key: dict[tuple[str | None, ...], list[int]] = {}
        for number, record in enumerate(records):
            key = tuple(record[name] for name in rule)
            if None not in key:
                by_key.setdefault(key, []).append(number)
        rows += [(rank, members[0], number) for members in by_key.values() if len(members) > 1 for number in members]
    columns = np.array(rows, dtype=np.int32).reshape(-1, 3).T
    return KeyGroups.ordered(*columns)


def codes(records: Sequence[Record], columns: Sequence[str] = CONFLICTS) -> np.ndarray:
    table = np.full((len(records), len(columns)), UNKNOWN, dtype=np.int32)
    for at, name in enumerate(columns):
        values = [record[name] for record in records]
        table[:, at] = [UNKNOWN if value is None else values.index(value) for value in values]
    return table


def linked(records: Sequence[Record], *, cluster_max: int = 20) -> Clusters:
    return link(key_groups(records), codes(records), cluster_max=cluster_max)


def as_sets(clusters: Clusters) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(clusters.head == head).tolist()) for head in np.unique(clusters.head)}


def person(**known: str) -> Record:
    return dict.fromkeys(COLUMNS) | known


@settings(max_examples=300, deadline=None)
@given(records=RECORDS, cluster_max=st.integers(2, 6))
def test_agrees_with_the_obvious_way(records: list[Record], cluster_max: int) -> None:
    found = as_sets(linked(records, cluster_max=cluster_max))
    assert found == slow_clusters(records, RULES, CONFLICTS, cluster_max)


@settings(max_examples=300, deadline=None)
@given(records=RECORDS, cluster_max=st.integers(2, 6))
def test_no_customer_is_two_people_or_too_large(records: list[Record], cluster_max: int) -> None:
    found = as_sets(linked(records, cluster_max=cluster_max))
    assert sound(found, records, CONFLICTS, cluster_max)
    assert sorted(number for cluster in found for number in cluster) == list(range(len(records)))


@settings(max_examples=300, deadline=None)
@given(records=RECORDS, seed=st.randoms(use_true_random=False))
def test_rows_of_key_groups_may_come_in_any_order(records: list[Record], seed: object) -> None:
    groups = key_groups(records)
    order = np.random.default_rng(seed.randint(0, 2**32)).permutation(len(groups.rule))  # type: ignore[attr-defined]
    shuffled = KeyGroups.ordered(groups.rule[order], groups.first[order], groups.record[order])
    one, other = linked(records), link(shuffled, codes(records), cluster_max=20)
    assert (one.head == other.head).all()
    assert (one.verdict == other.verdict).all()


@settings(max_examples=300, deadline=None)
@given(records=RECORDS)
def test_a_merge_is_explained_by_the_rule_without_which_it_would_not_be(records: list[Record]) -> None:
    clusters = linked(records)
    for cluster in as_sets(clusters):
        members = np.array(sorted(cluster), dtype=np.int32)
        rules = clusters.link_rules(np.repeat(members[0], len(members)), members)
        for record, rule in zip(members[1:], rules[1:], strict=True):
            up_to = KeyGroups(*(part[key_groups(records).rule <= rule] for part in _parts(records)))
            below = KeyGroups(*(part[key_groups(records).rule < rule] for part in _parts(records)))
            with_it, without = (link(g, codes(records), cluster_max=20).head for g in (up_to, below))
            assert with_it[record] == with_it[members[0]]
            assert without[record] != without[members[0]]


def _parts(records: Sequence[Record]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    groups = key_groups(records)
    return groups.rule, groups.first, groups.record


def test_records_that_agree_on_a_key_are_one_customer() -> None:
    clusters = linked([person(id="1"), person(id="1", phone="9"), person(phone="9")])
    assert clusters.head.tolist() == [0, 0, 0]


def test_a_conflict_two_links_away_keeps_people_apart() -> None:
    # 0 and 1 share an id, 1 and 2 a phone; 0 and 2 were born on different days.
    records = [person(id="1", birth="1"), person(id="1", phone="9"), person(phone="9", birth="2")]
    clusters = linked(records)
    assert clusters.head.tolist() == [0, 0, 2]
    refused = clusters.verdict == Verdict.CONFLICT
    assert [CONFLICTS[column] for column in clusters.column[refused]] == ["birth"]


def test_who_could_be_either_of_two_people_is_neither() -> None:
    # Father and son with one phone, and a record that has nothing but the phone.
    records = [person(phone="9", birth="1"), person(phone="9", birth="2"), person(phone="9")]
    clusters = linked(records)
    assert clusters.head.tolist() == [0, 1, 2]
    assert sorted(clusters.verdict[clusters.verdict > 0]) == [Verdict.CONFLICT, Verdict.AMBIGUOUS]


def test_a_stranger_on_the_line_does_not_part_a_pair() -> None:
    records = [person(phone="9", birth="1"), person(phone="9", birth="2"), person(phone="9", birth="2")]
    assert linked(records).head.tolist() == [0, 1, 1]


def test_a_key_of_too_many_records_links_none_of_them() -> None:
    clusters = linked([person(phone="9")] * 4, cluster_max=3)
    assert clusters.head.tolist() == [0, 1, 2, 3]
    assert set(clusters.verdict.tolist()) == {Verdict.SHARED_KEY}


def test_clusters_do_not_grow_beyond_the_cap() -> None:
    # Two pairs by id, one phone over one of each.
    records = [person(id="1"), person(id="1", phone="9"), person(id="2"), person(id="2", phone="9")]
    without_ids_in_conflict = codes(records, ("kind",))
    groups = key_groups(records)
    assert link(groups, without_ids_in_conflict, cluster_max=4).head.tolist() == [0, 0, 0, 0]
    capped = link(groups, without_ids_in_conflict, cluster_max=3)
    assert capped.head.tolist() == [0, 0, 2, 2]
    assert Verdict.CLUSTER_MAX in capped.verdict


def test_without_rules_every_record_is_a_customer() -> None:
    nothing = KeyGroups(*(np.empty(0, dtype=np.int32) for _ in range(3)))
    clusters = link(nothing, np.empty((3, 0), dtype=np.int32), cluster_max=2)
    assert clusters.head.tolist() == [0, 1, 2]
