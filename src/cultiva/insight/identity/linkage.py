"""Linking party records into customers: a union-find that knows what must not be one person.

Records are whole numbers. A key group is the records that agree on a rule's key; groups are judged one after
the other, strongest rule first. A group whose members can all be one customer is linked. In a group that cannot,
two members are linked only if every other member fits both of them or neither: who could be either of two
different people is linked to none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
"""Record numbers or codes."""
UNKNOWN = -1
"""Code of a null: it differs from nothing."""


class Verdict(IntEnum):
    """What became of the link between the first record of a key group and another."""

    LINKED = 0
    """They are one customer."""
    CONFLICT = 1
    """They, or records linked to them by a stronger key, differ in a column in which one customer may not."""
    AMBIGUOUS = 2
    """It fits several members that do not fit each other."""
    CLUSTER_MAX = 3
    """Together they would be more records than one customer may have."""
    SHARED_KEY = 4
    """More records share the key than one customer may have, so it tells nobody apart."""


@dataclass(frozen=True)
class KeyGroups:
    """Rows (rule, first, record): record shares the rule's key with `first`, the smallest record of its group.

    Every member has a row, the first one too; rows are in the order of rule, first, record.
    """

    rule: Ints
    """Rank of the rule, 0 is the strongest."""
    first: Ints
    """Smallest record of the group; it names the group within the rule."""
    record: Ints
    """The member."""

    @classmethod
    def ordered(cls, rule: Ints, first: Ints, record: Ints) -> KeyGroups:
        """The rows in the order that judging needs, whatever order they come in."""
        # One packed number sorts ten times faster than three keys.
        packed = (first.astype(np.int64) << 32) | record
        ranks = np.unique(rule)
        parts = [np.sort(packed[rule == rank]) for rank in ranks]
        rows = np.concatenate([np.empty(0, dtype=np.int64), *parts])
        sizes = [len(part) for part in parts]
        return cls(np.repeat(ranks, sizes), (rows >> 32).astype(np.int32), (rows & 0xFFFFFFFF).astype(np.int32))


@dataclass(frozen=True)
class Clusters:
    """Which records are one customer, and how they came to be."""

    head: Ints
    """For every record the smallest record of its cluster."""
    verdict: Ints
    """For every row of the key groups a `Verdict`."""
    column: Ints
    """For every row with a conflict the number of the column in which they differ, else -1."""
    parent: Ints
    """The union forest, without path compression."""
    joined_by: Ints
    """For every record that has a parent the rule by which it was hung there."""
    codes: Ints
    """For every root (row) and conflict column the code of its value, or `UNKNOWN`."""

    def link_rules(self, left: Ints, right: Ints) -> Ints:
        """For pairs of records of one cluster the rule that first linked them, or -1 for strangers."""
        from cultiva.insight.identity import forest

        return np.asarray(forest.link_rules(self.parent, self.joined_by, left, right))

    def differences(self, left: Ints, right: Ints) -> Ints:
        """For pairs of records of different clusters the first column in which the clusters differ, or -1."""
        from cultiva.insight.identity import forest

        return np.asarray(forest.differences(self.parent, self.codes, left, right))


def link(groups: KeyGroups, codes: Ints, *, cluster_max: int) -> Clusters:
    """Links records that share a key, unless that would make one customer of different people.

    The result depends on the records' numbers, not on the order in which rows arrived.

    Args:
        groups: Key groups in order.
        codes: Per record (row) and conflict column a code that is equal where the values are, `UNKNOWN` for null.
        cluster_max: Most records of one customer.

    Returns:
        The clusters, with a verdict per row of `groups`.
    """
    from cultiva.insight.identity import forest  # compiles with numba, which only the main job needs

    records = codes.shape[0]
    parent = np.arange(records, dtype=np.int32)
    size = np.ones(records, dtype=np.int32)
    joined_by = np.full(records, UNKNOWN, dtype=np.int32)
    final = np.ascontiguousarray(codes, dtype=np.int32).copy()
    verdict, column = forest.judge(
        groups.rule, groups.first, groups.record, (parent, size, joined_by, final), np.int32(cluster_max)
    )
    return Clusters(forest.heads(parent), verdict, column, parent, joined_by, final)
