"""A member of an event's properties in its declared type, as the night reads it from JSON (`profile/casts.py`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import msgspec

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.engine.partials import cents_of
from cultiva.insight.profile.windows import MONEY_END
from cultiva.kit.money import MINOR_PER_MAJOR
from cultiva.rules.runtime import NUMBER_MAX

_NUMBER = re.compile(r"-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]{1,16}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})([.][0-9]{1,6})?")


def declared(value: Any, kind: DataType) -> Any:
    """A value of JSON in its declared type; null where it does not fit.

    Examples:
        >>> declared("12", DataType.INTEGER), declared(12.0, DataType.INTEGER), declared(12, DataType.NUMBER)
        (12, None, 12.0)
        >>> declared("[red]", DataType.TEXT), declared(True, DataType.TEXT), declared("2024-02-30", DataType.DATE)
        (None, 'true', None)
    """
    return None if value is None else _READERS[kind](value)


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        value = value if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if abs(found) <= NUMBER_MAX else None


def _money(value: Any) -> float | None:
    found = _number(value)
    return cents_of(found) / MINOR_PER_MAJOR if found is not None and abs(found) < MONEY_END else None


def _integer(value: Any) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    found = int(float(text)) if _INTEGER.fullmatch(text) else None  # through a double, as the night
    return found if found is not None and abs(found) <= INTEGER_MAX else None


def _date(value: Any) -> date | None:
    if isinstance(value, date):
        return None if isinstance(value, datetime) else value
    return _read(date.fromisoformat, value) if isinstance(value, str) and _DATE.fullmatch(value) else None


def _timestamp(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    found = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    return _read(datetime.fromisoformat, f"{found[1]}T{found[2]}{(found[3] or '.0').ljust(7, '0')}") if found else None


def _read(reader: Callable[[str], Any], text: str) -> Any:
    try:
        return reader(text)
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return None if text[:1] in ("[", "{") else text


_READERS: dict[DataType, Callable[[Any], Any]] = {
    DataType.BOOLEAN: _boolean,
    DataType.INTEGER: _integer,
    DataType.NUMBER: _number,
    DataType.MONEY: _money,
    DataType.DATE: _date,
    DataType.TIMESTAMP: _timestamp,
    DataType.TEXT: _text,
    DataType.LIST: lambda value: None,
}
