"""The filters of templates: few, without side effects, and none that can make a long text out of a short one at will.

Those known from Liquid do what they do there; `money`, `number`, `percent`, `date` and `tail` speak the language of the
content. No filter marks its result as safe HTML, so everything that comes from a value is escaped where it is printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from liquid.undefined import Undefined

from cultiva.definitions.templates.errors import FillError
from cultiva.definitions.templates.values import day, number, plain_number, shown

TEXT_MAX = 20_000
"""Most characters of a text that a filter makes."""
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
"""English names."""
WEEKDAYS = {
    "zh": ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
"""Language -> names from Monday."""
DATE_FORMAT = {"zh": "%Y年%-m月%-d日", "en": "%-d %B %Y"}
"""Language -> how a day is written where the template does not say."""
CODES = ("%Y", "%m", "%-m", "%d", "%-d", "%H", "%M", "%B", "%A", "%%")
"""Codes of a date format; what else begins with % is refused."""

Filter = Callable[..., Any]


def filters_for(language: str, currency: str) -> dict[str, Filter]:
    """All filters by name.

    Args:
        language: zh or en.
        currency: ISO code of money, e.g. CNY.
    """
    local: dict[str, Filter] = {
        "money": lambda value, digits=2: _money(value, digits, language, currency),
        "date": lambda value, form=DATE_FORMAT[language]: format_day(day(value, "date"), _text(form), language),
    }
    return {name: _bounded(name, found) for name, found in {**_FILTERS, **local}.items()}


@lru_cache(maxsize=4096)
def format_day(found: date, form: str, language: str) -> str:
    """A day in a format of `CODES`.

    Raises:
        FillError: for a code that is not known.

    Examples:
        >>> format_day(date(2026, 11, 3), "%-d %B %Y, %A", "en"), format_day(date(2026, 11, 3), "%m月%d日", "zh")
        ('3 November 2026, Tuesday', '11月03日')
    """
    hour, minute = (found.hour, found.minute) if isinstance(found, datetime) else (0, 0)
    named = {
        "%Y": f"{found.year:04}", "%m": f"{found.month:02}", "%-m": str(found.month), "%d": f"{found.day:02}",
        "%-d": str(found.day), "%H": f"{hour:02}", "%M": f"{minute:02}",
        "%B": MONTHS[found.month - 1] if language == "en" else f"{found.month}月",
        "%A": WEEKDAYS[language][found.weekday()], "%%": "%",
    }  # fmt: skip
    pieces = _CODE.split(form[:100])
    wrong = [one for one in pieces[1::2] if one not in named]
    if wrong:
        raise FillError("bad_value", f"date with {wrong[0]}")
    return "".join(named[one] if index % 2 else one for index, one in enumerate(pieces))


_CODE = re.compile(r"(%-?.?)", re.DOTALL)


def _bounded(name: str, found: Filter) -> Filter:
    """The filter with an end to the length of what it makes."""
    careful = name != "default"

    def bounded(value: Any, *args: Any, **kwargs: Any) -> Any:
        if careful:
            for one in (value, *args):
                if isinstance(one, Undefined):
                    str(one)  # says which value it is
        made = found(value, *args, **kwargs)
        if isinstance(made, str) and len(made) > TEXT_MAX:
            raise FillError("too_long", name)
        return made

    return bounded


def _text(value: Any) -> str:
    """A value as a plain text; one marked as HTML loses the mark, so that it is escaped where it is printed."""
    return str.__str__(value) if isinstance(value, str) else shown(value)


def _whole(value: Any, about: str, *, most: int = TEXT_MAX) -> int:
    found = number(value, about)
    if found != found.to_integral_value() or not 0 <= found <= most:
        raise FillError("bad_value", f"{about} wants a whole number from 0 to {most}")
    return int(found)


def _money(value: Any, digits: Any, language: str, currency: str) -> str:
    amount = _grouped(value, _whole(digits, "money", most=4))
    if language == "zh" and currency == "CNY":
        return f"{amount}元"
    return f"{currency} {amount}"


def _grouped(value: Any, digits: int) -> str:
    found = number(value, "number").quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{found + 0:,f}"


def _number(value: Any, digits: Any = 0) -> str:
    return _grouped(value, _whole(digits, "number", most=6))


def _percent(value: Any, digits: Any = 0) -> str:
    return f"{_grouped(number(value, 'percent') * 100, _whole(digits, 'percent', most=6))}%"


def _default(value: Any, otherwise: Any = "", *, allow_false: bool = False) -> Any:
    if value is False and allow_false is True:
        return value
    missing = isinstance(value, Undefined)
    return otherwise if missing or value is None or value is False or value in ("", []) else value


def _replace(value: Any, old: Any, new: Any = "") -> str:
    text, found, put = _text(value), _text(old), _text(new)
    if not found:
        return text
    if len(text) + text.count(found) * len(put) > TEXT_MAX:
        raise FillError("too_long", "replace")
    return text.replace(found, put)


def _truncate(value: Any, length: Any = 50, end: Any = "…") -> str:
    text, most, tail = _text(value), _whole(length, "truncate"), _text(end)
    return text if len(text) <= most else f"{text[: max(most - len(tail), 0)]}{tail}"[:most]


def _entries(value: Any, about: str) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        return [value]
    raise FillError("bad_value", f"{about} of a {type(value).__name__}")


def _join(value: Any, between: Any = ", ") -> str:
    texts, put = [_text(one) for one in _entries(value, "join")], _text(between)
    if sum(map(len, texts)) + len(texts) * len(put) > TEXT_MAX:
        raise FillError("too_long", "join")
    return put.join(texts)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _end(index: int) -> Filter:
    return lambda value: next(iter(_entries(value, "first")[index:][:1]), None)


def _arithmetic(name: str, work: Callable[[Decimal, Decimal], Decimal]) -> Filter:
    def calculate(value: Any, other: Any) -> int | Decimal:
        by = number(other, name)
        if by == 0 and name in ("divided_by", "modulo"):
            raise FillError("bad_value", f"{name} 0")
        made = work(number(value, name), by)
        whole = name == "divided_by" and isinstance(value, int) and isinstance(other, int)
        return plain_number(made.to_integral_value(ROUND_FLOOR) if whole else made, name)

    return calculate


def _rounded(name: str, mode: str) -> Filter:
    def calculate(value: Any, digits: Any = 0) -> int | Decimal:
        step = Decimal(1).scaleb(-_whole(digits, name, most=6))
        return plain_number(number(value, name).quantize(step, mode), name)

    return calculate


_FILTERS: Mapping[str, Filter] = {
    "default": _default,
    "upcase": lambda value: _text(value).upper(),
    "downcase": lambda value: _text(value).lower(),
    "capitalize": lambda value: _text(value).capitalize(),
    "strip": lambda value: _text(value).strip(),
    "append": lambda value, more: _text(value) + _text(more),
    "prepend": lambda value, more: _text(more) + _text(value),
    "replace": _replace,
    "remove": lambda value, old: _replace(value, old, ""),
    "truncate": _truncate,
    "tail": lambda value, length=4: _text(value)[-_whole(length, "tail") or TEXT_MAX + 1 :],
    "url_encode": lambda value: quote(_text(value), safe=""),
    "join": _join,
    "size": _size,
    "first": _end(0),
    "last": _end(-1),
    "plus": _arithmetic("plus", lambda one, other: one + other),
    "minus": _arithmetic("minus", lambda one, other: one - other),
    "times": _arithmetic("times", lambda one, other: one * other),
    "divided_by": _arithmetic("divided_by", lambda one, other: one / other),
    "modulo": _arithmetic("modulo", lambda one, other: one % other),
    "at_least": _arithmetic("at_least", max),
    "at_most": _arithmetic("at_most", min),
    "abs": lambda value: plain_number(abs(number(value, "abs")), "abs"),
    "round": _rounded("round", ROUND_HALF_UP),
    "ceil": _rounded("ceil", ROUND_CEILING),
    "floor": _rounded("floor", ROUND_FLOOR),
    "number": _number,
    "percent": _percent,
}
"""Name -> filter, for those that are the same in every language."""
