"""Hashes that must give the same answer everywhere: drawing people, naming content.

A draw is `md5(salt ":" unit)`, its first eight hexadecimal digits as a whole number over 2**32. The unit is a customer
id, or the name of a group that is drawn as a whole. The same text form exists in DuckDB and Spark (`md5` of a string
gives hexadecimal digits in both), so a holdout is the same person on every engine.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

DRAW_DIGITS = 8
"""Hexadecimal digits of the md5 that make a draw: 32 bits."""
DRAW_RANGE = 16**DRAW_DIGITS
"""A draw is a whole number below this, divided by it."""


def draw(salt: str, unit: int | str) -> float:
    """A customer's or a whole group's draw in [0, 1) under a salt; equal on every engine.

    Args:
        salt: Names what is drawn for, e.g. `"holdout:global"`.
        unit: The stable id of a customer, or the name of a group, e.g. `"adviser:A7"`.

    Examples:
        >>> round(draw("holdout:global", 1), 6)
        0.509305
    """
    return int(md5_hex(f"{salt}:{unit}")[:DRAW_DIGITS], 16) / DRAW_RANGE


def md5_hex(text: str) -> str:
    """Hexadecimal md5 of the UTF-8 form of a text; used for drawing, never for secrets."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def content_hash(value: Any) -> str:
    """A short name of a JSON-like value's content; equal content has an equal name whatever the key order.

    Examples:
        >>> content_hash({"b": 1, "a": 2}) == content_hash({"a": 2, "b": 1})
        True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
