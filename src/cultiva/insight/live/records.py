"""What the hot store keeps of a customer's profile: last night's columns, and what has come in since.

    base    last night's columns that do not come from events, and the events until then in parts by day
    since   what came in, in parts by label and day; the label is the mark of the log that the event stands behind

The run of a business date delivers what stands before its mark and is not of a later day. So what came in counts beside
a base if its label is not before the base's, or its day is after the base's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from zlib import crc32

import msgspec

from cultiva.contracts.moments import is_nothing
from cultiva.contracts.types import DataType

Parts = dict[str, Any]
"""Measure -> part."""
Days = dict[int, Parts]
"""Number of a day -> what happened on it."""


class Base(msgspec.Struct, array_like=True):
    """What the night knows."""

    values: dict[int, Any] = {}
    """`column_key` -> value as `engine.partials.plain` keeps it; null is left out."""
    days: Days = {}
    """Recent days of measures that windows read."""
    ever: Parts = {}
    """All days of the other measures."""
    moved: tuple[int, ...] = ()
    """Who the customer is now, if this number is not used any more."""


NO_BASE = msgspec.Raw(b"\xc0")
"""Of whom the night does not know yet, or not any more."""


class Held(msgspec.Struct, array_like=True):
    """A customer's profile in the hot store."""

    label: str = ""
    """Mark of the run that the base is of."""
    day: int = 0
    """Number of that run's business date."""
    base: msgspec.Raw = NO_BASE
    """A `Base`; nil for whom the night does not know yet."""
    since: dict[str, Days] = {}
    """Label -> what came in behind it."""
    sealed: str = ""
    """What comes in with an earlier label is in here already."""


_HELD, _BASE = msgspec.msgpack.Decoder(Held), msgspec.msgpack.Decoder(Base)
_ENCODER = msgspec.msgpack.Encoder()


def read_held(part: msgspec.Raw | bytes) -> Held:
    """A customer's profile; an empty one if there is none."""
    return Held() if is_nothing(part) else _HELD.decode(part)


def write_held(held: Held) -> msgspec.Raw:
    """A customer's profile as it is kept."""
    return msgspec.Raw(_ENCODER.encode(held))


def read_base(part: msgspec.Raw | bytes) -> Base | None:
    """What the night knows; None if it does not know the customer."""
    return None if is_nothing(part) else _BASE.decode(part)


def write_base(base: Base) -> msgspec.Raw:
    """What the night knows, as it is kept: equal bytes for equal content, the values in order of their keys."""
    days = {day: dict(sorted(base.days[day].items())) for day in sorted(base.days)}
    return msgspec.Raw(_ENCODER.encode(Base(base.values, days, dict(sorted(base.ever.items())), base.moved)))


def column_key(name: str, kind: DataType) -> int:
    """A column's short name in a base; another one if its type changes."""
    return crc32(f"{name}:{kind.value}".encode())


def column_keys(columns: Mapping[str, DataType]) -> dict[str, int]:
    """The short names of columns.

    Raises:
        ValueError: if two have the same one: one in four thousand million; another name helps.
    """
    keys = {name: column_key(name, kind) for name, kind in columns.items()}
    if len(set(keys.values())) < len(keys):
        raise ValueError("two columns of the profile have the same short name in the hot store")
    return keys


def counting(held: Held) -> Iterable[tuple[int, Parts]]:
    """Days that count beside the base."""
    for label, days in held.since.items():
        for day, parts in days.items():
            if label >= held.label or day > held.day:
                yield day, parts


def number_of(day: date) -> int:
    """The number that stands for a day."""
    return day.toordinal()
