"""Messages as senders write them: the Segment spec's calls, decoded without looking at what is not needed.

Source: https://segment.com/docs/connections/spec/common/ and /http-api/ (fields, clock skew, limits).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

MESSAGE_BYTES_MAX = 32 * 1024
"""Of one message, as in the spec."""
BATCH_BYTES_MAX = 1024 * 1024
"""Of a batch; twice what the spec's own API takes."""
BATCH_MAX = 5_000
"""Messages in one batch."""
ID_CHARACTERS_MAX = 200
"""Of messageId and userId."""
VISITOR_CHARACTERS_MAX = 190
"""Of anonymousId."""
Id = str | int | None
NOTHING = msgspec.Raw(b"null")


class Message(msgspec.Struct, rename="camel", gc=False):
    """One call of the spec; members that are not named are not looked at."""

    type: str = ""
    event: str | None = None
    message_id: Id = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    name: str | None = None
    """Of a page or screen."""
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    """Given by those who have corrected `timestamp` already."""
    sent_at: datetime | None = None
    channel: str | None = None
    """Of the library: browser, mobile, server."""
    properties: msgspec.Raw = NOTHING
    context: msgspec.Raw = NOTHING


class Batch(msgspec.Struct, rename="camel"):
    """Several messages."""

    batch: list[msgspec.Raw]
    sent_at: datetime | None = None
    context: msgspec.Raw = NOTHING
    """Laid under the context of each."""
    write_key: str = ""
    """The API key, if it is not in a header."""


class Keyed(msgspec.Struct, rename="camel"):
    """The API key of a single message, if it is not in a header."""

    write_key: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends."""

    name: str
    """Name of the API key."""
    source_system: str = ""
    """Whose ids userIds are; empty: as the settings say."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Messages that came together."""

    messages: Sequence[msgspec.Raw | bytes]
    """JSON objects."""
    sender: Sender
    at: datetime
    """When they came: aware, UTC."""
    call: str = ""
    """track, page ... if the path says it, and the message need not."""
    sent_at: datetime | None = None
    context: Mapping[str, Any] | None = None
    """Of the whole batch."""
    replayed: bool = False
    """History: no clock is corrected, and nothing is too late."""


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises: no JSON, of another form, no UTF-8, or nested without end."""
decode_message = msgspec.json.Decoder(Message).decode
decode_batch = msgspec.json.Decoder(Batch).decode
decode_key = msgspec.json.Decoder(Keyed).decode
decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def happened(message: Message, sent_at: datetime | None, received: datetime) -> datetime:
    """When it happened, by our clock: receivedAt - (sentAt - timestamp), the spec's correction of a sender's clock.

    A message without `timestamp` happened when it came; one that says when it was sent may have waited on a telephone
    whose clock is wrong by any amount. Who gives `originalTimestamp` has corrected `timestamp` already.

    Args:
        message: As sent; its times have zones.
        sent_at: Of the batch, if the message has none.
        received: By our clock.

    Examples:
        >>> from datetime import UTC
        >>> def at(minute: int) -> datetime:
        ...     return datetime(2026, 11, 23, 10, minute, tzinfo=UTC)
        >>> happened(Message(timestamp=at(30), sent_at=at(40)), None, at(20)).minute
        10
    """
    said, sent = message.timestamp, message.sent_at or sent_at
    if said is None:
        return received if message.original_timestamp is None else message.original_timestamp
    if sent is None or message.original_timestamp is not None:
        return said
    return received - (sent - said)
