"""Values of the lake as JSON, personal ones masked for those who may not see them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cultiva.kit.masking import MASKS, mask_names, mask_text, mask_value, mask_whole

Value = bool | int | float | str | list[str] | None
"""A value in JSON: money as decimal text, days and instants in ISO 8601 (the bank's local time), lists of texts."""


def shown(name: str, value: Any, *, personal: bool, may_see: bool) -> Value:
    """A cell as JSON.

    Args:
        name: Its column.
        value: The cell.
        personal: Whether the column is personal data.
        may_see: Whether the caller may see personal data.

    Examples:
        >>> shown("phone", "13812345678", personal=True, may_see=False), shown("aum", Decimal("1.50"), personal=False,
        ...     may_see=False)
        ('138******78', '1.50')
    """
    if value is not None and personal and not may_see:
        return MASKS.get({"name": "customer_name"}.get(name, name), mask_whole)(str(value))
    return plain(value)


def plain(value: Any) -> Value:
    """A cell as JSON, unmasked.

    Examples:
        >>> plain(date(1994, 3, 30)), plain(7)
        ('1994-03-30', 7)
    """
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return value


def text(value: str, *names: str, may_see: bool) -> str:
    """Free text; names that may stand in it and what looks personal are masked for those who may not see them."""
    return value if may_see else mask_text(mask_names(value, names))


def masked_json(name: str, value: Any) -> Any:
    """JSON-like data with what looks personal masked, however deep it lies.

    Examples:
        >>> masked_json("sample", [{"phone": "13812345678", "worth": 7}])
        [{'phone': '138******78', 'worth': 7}]
    """
    if isinstance(value, dict):
        return {key: masked_json(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked_json(name, inner) for inner in value]
    return mask_value(name, value)
