"""Who came and who went since the last memberships, and how segments overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice

from pyroaring import BitMap

SAMPLE = 10
"""Customers named per change; the lowest ids, so that the same day names the same customers."""


@dataclass(frozen=True)
class Change:
    """How one segment changed."""

    entered: int
    """Members now that were not before."""
    left: int
    """Members before that are not now."""
    entered_sample: tuple[int, ...]
    """Some who entered."""
    left_sample: tuple[int, ...]
    """Some who left."""


def change(now: BitMap, before: BitMap) -> Change:
    """Compares the members of two days.

    Examples:
        >>> change(BitMap([2, 3, 4]), BitMap([1, 2]))
        Change(entered=2, left=1, entered_sample=(3, 4), left_sample=(1,))
    """
    entered, left = now - before, before - now
    return Change(
        entered=len(entered),
        left=len(left),
        entered_sample=tuple(islice(entered, SAMPLE)),
        left_sample=tuple(islice(left, SAMPLE)),
    )


@dataclass(frozen=True)
class Overlap:
    """How much two segments have in common."""

    first: str
    """The one, earlier in the alphabet."""
    second: str
    """The other."""
    both: int
    """Customers in both."""
    jaccard: float
    """Both over either; 0 if both are empty."""


def overlaps(segments: Mapping[str, BitMap]) -> Iterator[Overlap]:
    """Every pair of segments, ordered by name.

    Examples:
        >>> list(overlaps({"a": BitMap([1, 2]), "b": BitMap([2, 3])}))
        [Overlap(first='a', second='b', both=1, jaccard=0.333333)]
    """
    sizes = {name: len(members) for name, members in segments.items()}
    for first, second in combinations(sorted(segments), 2):
        both = segments[first].intersection_cardinality(segments[second])
        either = sizes[first] + sizes[second] - both
        yield Overlap(first, second, both, round(both / either, 6) if either else 0.0)
