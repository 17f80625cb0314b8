"""The values that enter a template: made harmless on the way in, turned to text on the way out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from markupsafe import Markup

from cultiva.definitions.templates.errors import FillError

VALUE_CHARACTERS_MAX = 1_000
"""Longer texts of a customer are cut."""
ENTRIES_MAX = 100
"""Longer lists of a customer are cut."""
NUMBER_MAX = Decimal(10) ** 18
"""Numbers lie within plus and minus this."""
LINK, UNSUBSCRIBE = "\ufdd0", "\ufdd1"
"""Stand for the links while a template is filled in; no text may contain them (Unicode noncharacters)."""
LINKS: Mapping[str, str] = {"link": LINK, "unsubscribe": UNSUBSCRIBE}
"""Names that are links: printed as they are, nothing else."""
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufeff\ufffe\uffff"
    "\ud800-\udfff]+"
)
"""What a value must not bring along: control characters and line ends (headers are made of them), marks that turn the
direction of writing, invisible spaces, noncharacters, halves of characters."""


def clean(value: Any) -> Any:
    r"""A fact as a template may see it: a text on one line, or a number, day, boolean or list of such.

    Anything else becomes text. None, an empty text and a number that is none (NaN) are a missing value.

    Examples:
        >>> clean("Wang\r\nBcc: all@example.com"), clean(["a", None]), clean(float("nan"))
        ('Wang Bcc: all@example.com', ['a'], None)
    """
    if value is None or isinstance(value, bool | int | date):
        return value
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, list | tuple | set | frozenset):
        found = (clean(one) for one in list(value)[:ENTRIES_MAX])
        return [one for one in found if one is not None and not isinstance(one, list)] or None
    text = str(value)[: 2 * VALUE_CHARACTERS_MAX]
    return UNSAFE.sub(" ", text).strip()[:VALUE_CHARACTERS_MAX] or None


def one_line(text: str) -> str:
    r"""A rendered text as one line: what becomes a header holds no line end.

    Examples:
        >>> one_line("  Your card\n is ready ")
        'Your card is ready'
    """
    return " ".join(UNSAFE.sub(" ", text).split())


_NUMERIC = frozenset({int, float, Decimal, str, Markup})


def number(value: Any, about: str) -> Decimal:
    """A value as a number.

    Raises:
        FillError: if it is none, or too large.
    """
    if type(value) not in _NUMERIC:
        raise FillError("bad_value", f"{about} of a {type(value).__name__}")
    if isinstance(value, str) and len(value) > 40:
        raise FillError("bad_value", f"{about} of a long text")
    try:
        found = value if isinstance(value, Decimal) else Decimal(str(value).replace(",", "").strip())
    except InvalidOperation as error:
        raise FillError("bad_value", f"{about} of what is no number") from error
    if not found.is_finite() or abs(found) > NUMBER_MAX:
        raise FillError("bad_value", f"{about} of a number without bounds")
    return found


def plain_number(found: Decimal, about: str) -> int | Decimal:
    """The result of a calculation: whole, or with at most ten digits after the point.

    Raises:
        FillError: if it is too large.
    """
    if not found.is_finite() or abs(found) > NUMBER_MAX:
        raise FillError("bad_value", f"{about} of a number without bounds")
    rounded = found.quantize(Decimal("1e-10")) if abs(found) < Decimal(10) ** 15 else found.quantize(Decimal(1))
    whole = rounded.to_integral_value()
    return int(whole) if rounded == whole else rounded.normalize()


def day(value: Any, about: str) -> date:
    """A value as a day, or as a moment of one.

    Raises:
        FillError: if it is none.
    """
    if isinstance(value, date):
        return value
    if isinstance(value, str) and len(value) <= 40:
        try:
            return datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError as error:
            raise FillError("bad_value", f"{about} of what is no day") from error
    raise FillError("bad_value", f"{about} of a {type(value).__name__}")


def shown(value: Any) -> str:
    """A value as text where a template prints it as it is.

    Examples:
        >>> shown(Decimal("1200.50")), shown(True), shown(["a", "b"]), shown(0.1 + 0.2)
        ('1200.5', 'true', 'a, b', '0.3')
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | float | int):
        found = plain_number(number(value, "output"), "output")
        return str(found) if isinstance(found, int) else f"{found:f}"
    if isinstance(value, range):
        return f"{value.start}..{value.stop - 1}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(one) for one in value)
    return "" if value is None else str(value)
