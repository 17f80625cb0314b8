"""The obvious, slow way to link records: sets of records, and the rules as they are told in the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

Record = Mapping[str, str | None]


def conflicting(
    cluster: Iterable[int], other: Iterable[int], records: Sequence[Record], columns: Sequence[str]
) -> bool:
    """Whether any record of one differs from any record of the other in a column that both have."""
    return any(
        records[a][name] != records[b][name]
        for a in cluster
        for b in other
        for name in columns
        if records[a][name] is not None and records[b][name] is not None
    )


def slow_clusters(
    records: Sequence[Record], rules: Sequence[Sequence[str]], columns: Sequence[str], cluster_max: int
) -> set[frozenset[int]]:
    """Which records are one customer; records are in order of their ids."""
    clusters = {frozenset([number]) for number in range(len(records))}
    for rule in rules:
        by_key: dict[tuple[str | None, ...], list[int]] = {}
        for number, record in enumerate(records):
            key = tuple(record[name] for name in rule)
            if None not in key:
                by_key.setdefault(key, []).append(number)
        for members in sorted(by_key.values()):
            if len(members) <= cluster_max:
                clusters = _link_group(clusters, members, records, columns, cluster_max)
    return clusters


def _link_group(
    clusters: set[frozenset[int]], members: list[int], records: Sequence[Record], columns: Sequence[str], most: int
) -> set[frozenset[int]]:
    present = [cluster for cluster in clusters if cluster & set(members)]
    fits = {
        cluster: frozenset(
            other for other in present if other == cluster or not conflicting(cluster, other, records, columns)
        )
        for cluster in present
    }
    kinds: dict[frozenset[frozenset[int]], list[frozenset[int]]] = {}
    for cluster in present:
        kinds.setdefault(fits[cluster], []).append(cluster)
    for alike in kinds.values():
        united = frozenset().union(*alike)
        if len(united) <= most:
            clusters = (clusters - set(alike)) | {united}
    return clusters


def sound(clusters: Iterable[frozenset[int]], records: Sequence[Record], columns: Sequence[str], most: int) -> bool:
    """Whether no customer is two people and none is too large."""
    return all(
        len(cluster) <= most
        and not any(conflicting([a], [b], records, columns) for a, b in combinations(sorted(cluster), 2))
        for cluster in clusters
    )
