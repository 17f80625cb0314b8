"""The schema registry: every declared event as a decoder that takes what is declared and leaves the rest.

What is kept of a property is what the night's run would read from it, so that live and night see the same value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.definitions.events import EventType
from cultiva.insight.events.message import UNREADABLE
from cultiva.insight.events.reasons import Reason, Refusal
from cultiva.kit.errors import nearest
from cultiva.kit.masking import mask_text

TEXT_CHARACTERS_MAX = 1_000
"""Of a text property."""
LIST_MAX = 100
_NUMBER = re.compile(r"-?[0-9]+(?:[.][0-9]+)?")
_PERSONAL_PERHAPS = re.compile(r"@|[0-9](?:[ -]?[0-9]){6}")
"""Texts without either are not searched further for personal data."""
_PLACE = re.compile(r" - at `\$\.([a-z0-9_]+)")
"""Where msgspec says that the fault is."""
_SLUG = re.compile(r"[^a-z0-9]+")
_Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARACTERS_MAX)]
TYPES: Mapping[DataType, Any] = {
    DataType.BOOLEAN: bool,
    DataType.INTEGER: int | float,
    DataType.NUMBER: float,
    DataType.MONEY: float | _Text,
    DataType.TEXT: _Text,
    DataType.DATE: date,
    DataType.TIMESTAMP: datetime,
    DataType.LIST: Annotated[list[_Text], msgspec.Meta(max_length=LIST_MAX)],
}
"""What JSON may hold for each type."""


@dataclass(frozen=True, slots=True)
class Property:
    """One declared property."""

    name: str
    type: DataType
    required: bool
    keep: Callable[[Any], Any]
    """The value as it is kept; None: the night could not read it. Raises ValueError if it does not fit."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One declared event."""

    name: str
    properties: tuple[Property, ...]
    context: tuple[tuple[str, ...], ...]
    """Paths of the members of the context that are kept."""
    channel: str
    decode: Callable[[Any], Any]
    """JSON object -> structure with a member per property, in their order."""
    needs: tuple[str, ...]
    """Required properties."""

    def read(self, raw: bytes) -> dict[str, Any]:
        """The declared properties of a JSON object; null is one without members.

        Raises:
            Refusal: if one is missing or not of its type.
        """
        try:
            values = msgspec.structs.astuple(self.decode(b"{}" if raw == b"null" else raw))
        except msgspec.ValidationError as error:
            raise self._refusal(error) from None
        except UNREADABLE:  # a text with half a character, or nested without end: found only when it is looked at
            raise Refusal(Reason.WRONG_TYPE, "properties", "an object") from None
        kept = {}
        for one, value in zip(self.properties, values, strict=True):
            if value is not None:
                found = self._kept(one, value)
                if found is not None:
                    kept[one.name] = found
        for name in self.needs:
            if name not in kept:
                raise Refusal(Reason.MISSING_PROPERTY, f"properties.{name}", "a value")
        return kept

    def _kept(self, one: Property, value: Any) -> Any:
        try:
            return one.keep(value)
        except ValueError:
            raise Refusal(Reason.WRONG_TYPE, f"properties.{one.name}", one.type.value) from None

    def _refusal(self, error: msgspec.ValidationError) -> Refusal:
        """Which property; the value is not in the message."""
        found = _PLACE.search(str(error))
        name = found[1] if found else ""
        kind = next((one.type.value for one in self.properties if one.name == name), "an object")
        return Refusal(Reason.WRONG_TYPE, f"properties.{name}" if name else "properties", kind)


class Registry:
    """All declared events.

    Args:
        events: Of the workspace.
        zone: The bank's; timestamps among properties are kept in its local time, as the lake keeps them.
    """

    def __init__(self, events: Mapping[str, EventType], zone: ZoneInfo) -> None:
        self._kinds = {name: kind_of(event, zone) for name, event in events.items()}
        other = {also: name for name, event in events.items() for also in event.also}
        self._by_name = {**{name: self._kinds[real] for name, real in other.items()}, **self._kinds}

    def __contains__(self, name: str) -> bool:
        return name in self._kinds

    def find(self, name: str) -> Kind:
        """The event that a sender means: by its name, another name it has, or its name written in another way.

        Raises:
            Refusal: if there is none.
        """
        found = self._by_name.get(name) or self._by_name.get(slug(name))
        if found is None:
            near = nearest(slug(name)[:63], self._kinds)
            raise Refusal(Reason.UNKNOWN_EVENT, "event", f"one that events.yaml declares{f', {near}?' if near else ''}")
        return found


def slug(name: str) -> str:
    """A name as events.yaml would write it.

    Examples:
        >>> slug("Loan Started"), slug("loan-started")
        ('loan_started', 'loan_started')
    """
    return _SLUG.sub("_", name.lower()).strip("_")


def kind_of(event: EventType, zone: ZoneInfo) -> Kind:
    """A declared event with its decoder."""
    fields, properties = [], []
    for number, (name, kind) in enumerate(event.properties.items()):
        fields.append((f"p{number}", TYPES[kind] | None, None))
        keep = _keeper(kind, zone, personal=name in event.personal)
        properties.append(Property(name, kind, name in event.required, keep))
    names = {f"p{number}": one.name for number, one in enumerate(properties)}
    made = msgspec.defstruct(f"Properties_{event.name}", fields, rename=names, gc=False)
    paths = tuple(tuple(path.split(".")) for path in event.context)
    decode = msgspec.json.Decoder(made).decode
    return Kind(event.name, tuple(properties), paths, event.channel, decode, event.required)


def _keeper(kind: DataType, zone: ZoneInfo, *, personal: bool) -> Callable[[Any], Any]:
    if kind is DataType.TEXT:
        return plain_text if personal else masked_text
    if kind is DataType.LIST:
        keep = plain_text if personal else masked_text
        return lambda values: [found for found in map(keep, values) if found is not None]
    if kind is DataType.TIMESTAMP:
        return lambda at: (at.astimezone(zone).replace(tzinfo=None) if at.tzinfo else at).isoformat()
    simple: dict[DataType, Callable[[Any], Any]] = {
        DataType.INTEGER: _integer,
        DataType.MONEY: _money,
        DataType.DATE: date.isoformat,
    }
    return simple.get(kind, _same)


def _same(value: Any) -> Any:
    return value


def plain_text(value: str) -> str | None:
    """A text that may hold personal data; None where the night would take it for a structure."""
    if "\0" in value:
        raise ValueError
    return None if value[:1] in ("[", "{") else value


def masked_text(value: str) -> str | None:
    """A text in which whatever looks like personal data is masked.

    Examples:
        >>> masked_text("loan_page"), masked_text("call 13812345678")
        ('loan_page', 'call 138******78')
    """
    found = plain_text(value)
    return mask_text(value) if found is not None and _PERSONAL_PERHAPS.search(value) else found


def _integer(value: float) -> int:
    if value != int(value) or abs(value) > INTEGER_MAX:
        raise ValueError
    return int(value)


def _money(value: float | str) -> float:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError
    return float(value)
