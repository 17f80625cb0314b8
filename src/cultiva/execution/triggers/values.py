"""Values as rules take them, and as they are kept between one event and the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cultiva.contracts.moments import Moment
from cultiva.contracts.types import DataType
from cultiva.definitions.events import EventType
from cultiva.definitions.scopes import context_name

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
THOUSANDS_FROM = 100
"""From here on a number is shown without its fraction."""
MICROSECOND = timedelta(microseconds=1)
Reader = Callable[[Any], Any]
Row = Mapping[str, Any] | None
"""Column of the profile -> value, as it is now; None: nothing is known of the customer."""


def micros(at: datetime) -> int:
    """Microseconds since 1970.

    Examples:
        >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
        1000000
    """
    return (at - EPOCH) // MICROSECOND


def instant(found: int) -> datetime:
    """The moment of so many microseconds since 1970."""
    return EPOCH + found * MICROSECOND


READERS: Mapping[DataType, Reader] = {
    DataType.NUMBER: float,
    DataType.MONEY: float,
    DataType.INTEGER: int,
    DataType.DATE: lambda value: value if isinstance(value, date) else date.fromisoformat(value),
    DataType.TIMESTAMP: lambda value: value if isinstance(value, datetime) else datetime.fromisoformat(value),
}
"""How a value that was kept is taken again, by its type; the others are taken as they are."""


def restored(kind: DataType, value: Any) -> Any:
    """A value as rules take it."""
    reader = READERS.get(kind)
    return value if value is None or reader is None else reader(value)


def plain(value: Any) -> Any:
    """A value as it is kept: JSON-like."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


_KEEPER = msgspec.msgpack.Encoder()


class Seen(dict[str, Any]):
    """What a rule of a trigger sees: members of the event, and behind them the columns of the profile."""

    __slots__ = ("kept", "row")

    def __init__(self, members: Mapping[str, Any], row: Row) -> None:
        super().__init__(members)
        self.row = row
        self.kept: dict[str, msgspec.Raw] = {}
        """Names, joined -> their values as they are kept: triggers of one event keep much the same."""

    def __missing__(self, name: str) -> Any:
        """A member that the event does not have is null; without a profile, so are its columns."""
        if "." in name:
            return None
        value = self[name] = None if self.row is None else self.row[name]
        return value

    def keep(self, names: Sequence[str], joined: str) -> msgspec.Raw:
        """The values of some names as they are kept; `joined` says which these are."""
        found = self.kept.get(joined)
        if found is None:
            found = self.kept[joined] = msgspec.Raw(_KEEPER.encode({name: plain(self[name]) for name in names}))
        return found


class EventReader:
    """Reads the members of one kind of event, for rules.

    Args:
        event: As declared.
        zone: The bank's: `event.at` is its local time.
    """

    def __init__(self, event: EventType, zone: ZoneInfo) -> None:
        self._zone = zone
        self._members = tuple(
            (name, f"event.{name}", READERS.get(kind, _same)) for name, kind in event.properties.items()
        )
        self._context = tuple((member, member.split("."), context_name(member)) for member in event.context)

    def read(self, moment: Moment) -> dict[str, Any]:
        """Name in rules -> value; what it does not have is left out."""
        given = moment.properties
        found = {name: reader(given[key]) for key, name, reader in self._members if given.get(key) is not None}
        for member, path, name in self._context:
            value = _member(moment.context, member, path)
            if value is not None:
                found[name] = str(value)
        found["event.name"], found["event.channel"] = moment.name, moment.channel or None
        found["event.at"] = moment.at.astimezone(self._zone).replace(tzinfo=None)
        return found


def _same(value: Any) -> Any:
    return value


def _member(context: Mapping[str, Any], member: str, path: list[str]) -> Any:
    """A member of the context, kept flat by its whole name or in objects within each other."""
    if member in context:
        return context[member]
    found: Any = context
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def shown(value: Any) -> str:
    """A value in a text that staff read.

    Examples:
        >>> shown(12000.0), shown(0.25), shown(None), shown(date(2026, 11, 23))
        ('12,000', '0.25', '—', '2026-11-23')
    """
    if value is None or value == "":
        return "—"
    if isinstance(value, float | Decimal):
        number = float(value)
        return f"{number:,.0f}" if abs(number) >= THOUSANDS_FROM or number.is_integer() else f"{number:g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "、".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
