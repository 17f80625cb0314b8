"""Samples of customers that stay nearly the same from day to day and are the same on every engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Ids = NDArray[np.int64]
"""Customer ids in ascending order."""

_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def ids_of(members: BitMap) -> Ids:
    """The members' ids in ascending order."""
    return np.asarray(members.to_array()).astype(np.int64)


def spread(members: BitMap, most: int) -> Ids:
    """All members if they are few, else the `most` with the smallest mixed id.

    Who is drawn depends on the id alone, so a group that gains or loses a few members keeps its sample but for a few.

    Args:
        members: The group.
        most: Largest size of the sample.

    Returns:
        Ids in ascending order, `min(len(members), most)` of them.

    Examples:
        >>> spread(BitMap([3, 1, 2]), 5).tolist()
        [1, 2, 3]
        >>> len(spread(BitMap(range(1, 1001)), 10))
        10
    """
    ids = ids_of(members)
    if len(ids) <= most:
        return ids
    drawn = np.argpartition(mixed(ids), most)[:most]
    return np.sort(ids[drawn])


def mixed(ids: Ids) -> NDArray[np.uint64]:
    """The ids with their bits mixed (SplitMix64, Steele et al. 2014); a bijection, so there are no ties."""
    bits = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    return bits ^ (bits >> np.uint64(31))


def positions(ids: Ids, wanted: Ids) -> NDArray[np.intp]:
    """Where each wanted id lies in `ids`; both ascending, wanted contained in ids."""
    return np.searchsorted(ids, wanted)
