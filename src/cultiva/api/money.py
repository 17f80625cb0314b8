"""Money of requests as the store keeps it."""

from __future__ import annotations

from decimal import Decimal

from cultiva.kit.errors import CultivaError

MINOR = 100
"""Minor units in one unit of money."""
MINOR_MAX = 2**53
"""Largest amount, so that every engine computes with it exactly."""


def to_minor(amount: Decimal) -> int:
    """An amount in minor units.

    Raises:
        CultivaError: if it is larger than what can be kept.

    Examples:
        >>> to_minor(Decimal("12.50"))
        1250
    """
    minor = int(amount * MINOR)
    if abs(minor) > MINOR_MAX:
        raise CultivaError(
            "an amount is too large", code="api.amount", seen=str(amount), allowed=f"up to {MINOR_MAX // MINOR}"
        )
    return minor


def to_text(minor: int) -> str:
    """Minor units as decimal text.

    Examples:
        >>> to_text(1250), to_text(-5)
        ('12.50', '-0.05')
    """
    return f"{Decimal(minor) / MINOR:.2f}"
