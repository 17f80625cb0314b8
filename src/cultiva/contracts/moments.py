"""What comes in live, and what is kept of a customer between one event and the next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec


class Moment(msgspec.Struct, frozen=True):
    """An event of a known customer, accepted, in the form in which it stands in the log."""

    message_id: str
    """The sender's own name for it."""
    customer_id: int
    name: str
    """Name of the event, as in events.yaml."""
    at: datetime
    """When it happened: aware, UTC."""
    day: date
    """The bank's day of that instant."""
    received: datetime
    """When it was accepted: aware, UTC."""
    source_system: str = ""
    """Whose id the customer was named by."""
    source_id: str = ""
    channel: str = ""
    properties: Mapping[str, Any] = {}
    """Only members that events.yaml declares, in their declared types."""
    context: Mapping[str, Any] = {}
    """Only allowed members."""


class HotRecord(msgspec.Struct, array_like=True):
    """The state of one customer in the hot store; each part belongs to the room that is named."""

    profile: msgspec.Raw = msgspec.Raw(b"")
    """insight/live: last night's columns, and day buckets kept since."""
    triggers: msgspec.Raw = msgspec.Raw(b"")
    """execution/triggers: what triggers remember of the customer."""
    decisions: msgspec.Raw = msgspec.Raw(b"")
    """strategy/live: what the customer was shown lately."""


_NOTHING = (b"", b"\xc0")
"""A part that nobody has written yet: empty, or nil."""
_HOT_WRITER, _HOT_READER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(HotRecord)


def is_nothing(part: msgspec.Raw | bytes) -> bool:
    """Whether a part of a record has not been written yet."""
    return bytes(part) in _NOTHING


def read_hot(state: bytes | None) -> HotRecord:
    """The record of a state of the hot store; an empty one where there is none."""
    return HotRecord() if state is None else _HOT_READER.decode(state)


def write_hot(record: HotRecord) -> bytes:
    """A record as a state of the hot store: MessagePack, as are its parts."""
    parts = (record.profile, record.triggers, record.decisions)
    return _HOT_WRITER.encode([part if bytes(part) else None for part in parts])


_WRITER = msgspec.json.Encoder()
_READER = msgspec.json.Decoder(Moment)


def write_moment(moment: Moment) -> bytes:
    """A moment as it stands in the log: JSON, so that a person can read a log too."""
    return _WRITER.encode(moment)


def read_moment(body: bytes) -> Moment:
    """A moment of the log.

    Raises:
        msgspec.ValidationError: if it is not one.
    """
    return _READER.decode(body)
