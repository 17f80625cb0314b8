"""Constants of source mappings: whether one can be read as its column's type, as the reader of sources reads it.

Only what surely cannot is a fault here; what a format of its own makes of a text is left to the reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from cultiva.contracts.types import INTEGER_MAX, DataType

_MONEY_DIGITS = 16
_TRUTHS = frozenset(("true", "t", "yes", "y", "1", "是", "false", "f", "no", "n", "0", "否"))
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)
_AMOUNT = re.compile(r"[+-]?(\d+(\.\d{0,2}0*)?|\.\d{1,2}0*)", re.ASCII)
_DAY = re.compile(r"(\d{4})([-/]?)(\d{1,2})\2(\d{1,2})", re.ASCII)
_TIME = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?", re.ASCII)
_MIDNIGHT = re.compile(r"[ T]00:00(:00(\.0+)?)?", re.ASCII)


def misfit(value: str | int | float | bool, kind: DataType, form: str | None = None) -> str:
    """What a constant would have to be for its column; empty if it may well be that.

    Args:
        value: The constant.
        kind: The column's type.
        form: The format of dates and timestamps, if one is given.

    Examples:
        >>> misfit("CZK", DataType.MONEY), misfit("12.50", DataType.MONEY)
        ('an amount like -1234.50', '')
        >>> misfit("1994-02-30", DataType.DATE)
        'a day of the calendar, YYYY-MM-DD'
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    fits, wanted = _READERS.get(kind, (lambda _: True, ""))
    return "" if form is not None or fits(text) else wanted


def _is_whole(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None and abs(int(text.partition(".")[0])) <= INTEGER_MAX


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and abs(float(text)) != float("inf")


def _is_amount(text: str) -> bool:
    whole = text.partition(".")[0].lstrip("+-").lstrip("0")
    return _AMOUNT.fullmatch(text) is not None and len(whole) <= _MONEY_DIGITS


def _after_day(text: str) -> str | None:
    """What follows the day with which a text begins; None if it begins with none."""
    found = _DAY.match(text)
    if found is None or (not found[2] and len(found[0]) != len("YYYYMMDD")):
        return None
    try:
        date(int(found[1]) or 4, int(found[3]), int(found[4]))
    except ValueError:
        return None
    return text[found.end() :]


def _is_day(text: str) -> bool:
    rest = _after_day(text)
    return rest is not None and (not rest or _MIDNIGHT.fullmatch(rest) is not None)


def _is_moment(text: str) -> bool:
    rest = _after_day(text)
    return rest is not None and (not rest or _TIME.fullmatch(rest) is not None)


_READERS: Mapping[DataType, tuple[Callable[[str], bool], str]] = {
    DataType.BOOLEAN: (lambda text: text.lower() in _TRUTHS, "true or false"),
    DataType.INTEGER: (_is_whole, "a whole number within plus and minus 2^53"),
    DataType.NUMBER: (_is_number, "a finite number like -12.5 or 1e3"),
    DataType.MONEY: (_is_amount, "an amount like -1234.50"),
    DataType.DATE: (_is_day, "a day of the calendar, YYYY-MM-DD"),
    DataType.LIST: (lambda _: False, "an input column; no constant is a list"),
    DataType.TIMESTAMP: (_is_moment, "YYYY-MM-DD HH:MM:SS, with or without an offset"),
}
