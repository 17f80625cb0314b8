"""Which id a customer carries on: ids survive, merge and split as party records are linked anew.

The oldest id among a cluster's records survives. An id whose records are now in several clusters stays with the
cluster of its smallest record; the others go on under another id of theirs or under a new one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cultiva.insight.identity.linkage import Ints

Ids = npt.NDArray[np.int64]
"""Customer ids; 0 where there is none yet."""


@dataclass(frozen=True)
class Merges:
    """Ids that were several customers and are one now."""

    from_ids: Ids
    """The ids retired."""
    to_ids: Ids
    """The ids that live on."""
    from_records: Ints
    """The smallest record that had the retired id."""
    to_records: Ints
    """The smallest record that had the surviving id."""


@dataclass(frozen=True)
class Splits:
    """Records that left their former id."""

    from_ids: Ids
    """The id left."""
    heads: Ints
    """The cluster that left, by its smallest record."""
    keepers: Ints
    """The smallest record of the cluster that has kept the id, or merged it away."""


@dataclass(frozen=True)
class Succession:
    """Ids of clusters, some still without."""

    head: Ints
    """For every record the smallest record of its cluster."""
    ids: Ids
    """For every record that heads a cluster its id; 0: needs a new one."""
    merges: Merges
    splits: Splits

    @property
    def newcomers(self) -> int:
        """Clusters that need a new id."""
        return len(self._newcomers())

    def completed(self, first_id: int) -> Ids:
        """For every record its customer's id; new ones are dense from `first_id`, in the order of heads."""
        newcomers = self._newcomers()
        ids = self.ids.copy()
        ids[newcomers] = first_id + np.arange(len(newcomers))
        return np.asarray(ids[self.head])

    def _newcomers(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero((self.head == np.arange(len(self.head))) & (self.ids == 0))


def succeed(head: Ints, previous: Ids, later: Ids) -> Succession:
    """Gives every cluster the id it inherits.

    Args:
        head: For every record the smallest record of its cluster.
        previous: For every record its id before this business date, 0 if it had none.
        later: For every record its id in the newest run of this or a later date, 0 if it has none. A repeated or a
            belated run gives a newcomer the id that it has got already.

    Returns:
        The ids, and what merged and split against `previous`.
    """
    ids = np.zeros(len(head), dtype=np.int64)
    old_ids, at, heirs = _bequeath(ids, head, previous)
    merged = np.flatnonzero(ids[heirs] != old_ids)
    survivors = np.searchsorted(old_ids, ids[heirs[merged]])
    merges = Merges(old_ids[merged], ids[heirs[merged]], at[merged], at[survivors])
    splits = _splits(head, previous, old_ids, heirs)
    fresh = np.where((ids[head] == 0) & ~np.isin(later, old_ids), later, 0)
    _bequeath(ids, head, fresh)
    return Succession(head, ids, merges, splits)


def _bequeath(ids: Ids, head: Ints, known: Ids) -> tuple[Ids, Ints, Ints]:
    """Sets the heirs' ids; gives the ids known, the smallest record of each, and the head of its cluster."""
    holders = np.flatnonzero(known > 0).astype(np.int32)
    old_ids, first = np.unique(known[holders], return_index=True)
    at = holders[first]
    heirs = head[at]
    # The last assignment to a place stays, and the smallest id shall.
    ids[heirs[::-1]] = old_ids[::-1]
    return old_ids, at, heirs


def _splits(head: Ints, previous: Ids, old_ids: Ids, heirs: Ints) -> Splits:
    holders = np.flatnonzero(previous > 0)
    keeper = heirs[np.searchsorted(old_ids, previous[holders])]
    left = holders[head[holders] != keeper]
    pairs = np.unique(np.stack([previous[left], head[left].astype(np.int64)]), axis=1)
    keepers = heirs[np.searchsorted(old_ids, pairs[0])]
    return Splits(pairs[0], pairs[1].astype(np.int32), keepers)
