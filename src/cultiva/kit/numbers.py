"""Numbers that come out the same however an engine happened to add."""

from __future__ import annotations

DIGITS = 9
"""Digits kept, behind the point and in all: far more than means anything, and fewer than the order of rows changes."""


def settled(value: float | None) -> float | None:
    """A computed number without its last digits.

    A sum of doubles depends on the order in which they are added, and no engine promises one; what is computed from
    it differs in the last digits from run to run. Kept are nine significant digits, none beyond the ninth behind the
    point: a difference of equal means is 0 and not some 1e-16.

    Examples:
        >>> settled(2.8232107798343455) == settled(2.8232107798343424)
        True
        >>> settled(-3e-16), settled(123456789012.5), settled(None)
        (0.0, 123456789000.0, None)
    """
    return None if value is None else float(f"{round(value, DIGITS):.{DIGITS}g}") + 0.0
