"""Numbers that come out the same however an engine happened to add."""

from __future__ import annotations

DIGITS = 6
"""Digits kept, behind the point and in all: more than an estimate means, and far fewer than the order of rows changes.

The fewer are kept, the less often a number lies so close to the middle of two that the order of rows decides."""


def settled(value: float | None) -> float | None:
    """A computed number without its last digits.

    A sum of doubles depends on the order in which they are added, and no engine promises one; what is computed from
    it differs in the last digits from run to run. Kept are six significant digits, none beyond the sixth behind the
    point: a difference of equal means is 0 and not some 1e-16.

    Examples:
        >>> settled(2.8232107798343455) == settled(2.8232107798343424)
        True
        >>> settled(-3e-16), settled(123456789012.5), settled(None)
        (0.0, 123457000000.0, None)
    """
    return None if value is None else float(f"{round(value, DIGITS):.{DIGITS}g}") + 0.0
