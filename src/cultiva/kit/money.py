"""Money: whole minor units, shown in major units."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

MINOR_PER_MAJOR = 100
"""Minor units (fen, cent, haléř) in one major unit; every currency handled has two digits."""
CENT = Decimal("0.01")


def to_minor(amount: Decimal) -> int:
    """Minor units of an amount, half away from zero.

    Examples:
        >>> to_minor(Decimal("12.345")), to_minor(Decimal("-12.345"))
        (1235, -1235)
    """
    return int((amount * MINOR_PER_MAJOR).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def to_major(minor: int) -> Decimal:
    """The amount in major units with two digits.

    Examples:
        >>> to_major(-1235)
        Decimal('-12.35')
    """
    return (Decimal(minor) / MINOR_PER_MAJOR).quantize(CENT)


def show_money(amount: Decimal | float | int | None, *, digits: int = 0) -> str:
    """An amount with thousands separators, for tables; empty for None.

    Examples:
        >>> show_money(Decimal("1234567.891"), digits=2)
        '1,234,567.89'
        >>> show_money(None)
        ''
    """
    return "" if amount is None else f"{amount:,.{digits}f}"
