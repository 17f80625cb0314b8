"""From a message as sent to a moment of a customer, or the reason why not. Pure: no store, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from cultiva.contracts.anteroom import VisitorLink
from cultiva.contracts.moments import Moment
from cultiva.insight.events.message import (
    ID_CHARACTERS_MAX,
    MESSAGE_BYTES_MAX,
    VISITOR_CHARACTERS_MAX,
    Id,
    Message,
    Parcel,
    decode_message,
    decode_object,
    happened,
)
from cultiva.insight.events.reasons import Reason, Refusal
from cultiva.insight.events.registry import Kind, Registry
from cultiva.kit.hashing import md5_hex

CALLS: Mapping[str, str] = {
    "track": "",
    "page": "page_viewed",
    "screen": "page_viewed",
    "identify": "identified",
    "group": "group_joined",
    "alias": "",
}
"""Call of the spec -> the event that it is. What identify and group say is kept only if the bank declares them."""
PLACES = {"page": "web", "screen": "app", "browser": "web", "mobile": "app"}
"""Call, or `channel` of a library -> the channel, where neither sender nor events.yaml says another."""
SYSTEM_CHARACTERS_MAX = 63
EARLIEST = datetime(1900, 1, 2, tzinfo=UTC)
"""Nothing in the lake is older."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which times are believed."""

    zone: ZoneInfo
    """The bank's."""
    late: timedelta
    ahead: timedelta


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message says."""

    moment: Moment | None
    """What happened, its customer still 0; None: nothing that the bank wants to know."""
    anonymous_id: str = ""
    """Whose moment it is, if it names no user."""
    link: VisitorLink | None = None
    """Who a visitor is."""


class Reader:
    """Reads messages.

    Args:
        registry: The declared events.
        bounds: Which times are believed.
    """

    def __init__(self, registry: Registry, bounds: Bounds) -> None:
        self._registry = registry
        self._bounds = bounds

    def read(self, raw: bytes, parcel: Parcel) -> Heard:
        """One message.

        Raises:
            Refusal: if it cannot be accepted.
        """
        if len(raw) > MESSAGE_BYTES_MAX:
            raise Refusal(Reason.TOO_LARGE, "", f"{MESSAGE_BYTES_MAX} bytes")
        message = _decoded(raw)
        call = parcel.call or message.type
        if call not in CALLS:
            raise Refusal(Reason.UNKNOWN_CALL, "type", ", ".join(CALLS))
        context = _context(message, parcel)
        user_id, anonymous_id = (
            checked_id(message.user_id, "userId"),
            checked_id(message.anonymous_id, "anonymousId", VISITOR_CHARACTERS_MAX),
        )
        if call == "alias":
            return Heard(
                None,
                link=self._link(
                    message, parcel, context, checked_id(message.previous_id, "previousId", VISITOR_CHARACTERS_MAX)
                ),
            )
        if not user_id and not anonymous_id:
            raise Refusal(Reason.NOBODY, "userId", "userId or anonymousId")
        link = self._link(message, parcel, context, anonymous_id) if call == "identify" and user_id else None
        kind = self._kind(call, message)
        if kind is None:
            return Heard(None, link=link if anonymous_id else None)
        moment = self._moment(kind, call, message, parcel, context, raw)
        return Heard(moment, "" if user_id else anonymous_id, link if anonymous_id else None)

    def _kind(self, call: str, message: Message) -> Kind | None:
        name = CALLS[call]
        if call in ("identify", "group") and name not in self._registry:
            return None
        return self._registry.find(name or message.event or "")

    def _link(self, message: Message, parcel: Parcel, context: Mapping[str, Any], visitor: str) -> VisitorLink | None:
        user_id = checked_id(message.user_id, "userId")
        if not user_id or (not visitor and message.type == "alias"):
            raise Refusal(Reason.NOBODY, "previousId" if user_id else "userId", "an id on both sides")
        system = _system(context, parcel, user_id)
        return VisitorLink(visitor, system, user_id, self._at(message, parcel)) if visitor else None

    def _moment(  # the parts of one message
        self, kind: Kind, call: str, message: Message, parcel: Parcel, context: Mapping[str, Any], raw: bytes
    ) -> Moment:
        at = self._at(message, parcel)
        properties = kind.read(
            _with_page(message, context) if call in ("page", "screen") else bytes(message.properties)
        )
        user_id = checked_id(message.user_id, "userId")
        return Moment(
            message_id=checked_id(message.message_id, "messageId") or _own_id(message, parcel, raw),
            customer_id=0,
            name=kind.name,
            at=at,
            day=at.astimezone(self._bounds.zone).date(),
            received=parcel.at,
            source_system=_system(context, parcel, user_id),
            source_id=user_id,
            channel=_channel(kind, call, message, context),
            properties=properties,
            context=_kept(kind, context),
        )

    def _at(self, message: Message, parcel: Parcel) -> datetime:
        """When it happened, in UTC; a moment ahead of our clock is now."""
        for name in ("timestamp", "sent_at", "original_timestamp"):
            said = getattr(message, name)
            if said is not None and said.tzinfo is None:
                raise Refusal(Reason.NO_ZONE, name, "ISO 8601 with its zone, such as 2026-11-23T10:00:00Z")
        try:
            at = (message.timestamp or parcel.at) if parcel.replayed else happened(message, parcel.sent_at, parcel.at)
            at = at.astimezone(UTC)
        except OverflowError:
            raise Refusal(Reason.AHEAD, "timestamp", "a time of this century") from None
        if at > parcel.at:
            if at > parcel.at + self._bounds.ahead:
                raise Refusal(Reason.AHEAD, "timestamp", f"up to {self._bounds.ahead} ahead of our clock")
            return parcel.at
        if at < (EARLIEST if parcel.replayed else parcel.at - self._bounds.late):
            raise Refusal(Reason.TOO_LATE, "timestamp", f"up to {self._bounds.late.days} days ago")
        return at


def checked_id(given: Id, field: str, longest: int = ID_CHARACTERS_MAX) -> str:
    """An id as text, trimmed as the lake trims it; empty if there is none.

    Raises:
        Refusal: if it cannot be one.
    """
    if given is None:
        return ""
    found = str(given).strip() if type(given) is int or type(given) is str else ""
    if len(found) > longest or not found.isprintable():
        raise Refusal(Reason.BAD_ID, field, f"up to {longest} printable characters")
    return found


def _decoded(raw: bytes) -> Message:
    try:
        return decode_message(raw)
    except msgspec.DecodeError as error:
        path = str(error).rpartition(" - at `$.")[2].rstrip("`") if " - at `$." in str(error) else ""
        raise Refusal(Reason.MALFORMED, path[:63], str(error).partition(" - at")[0][:120]) from None
    except UnicodeDecodeError:
        raise Refusal(Reason.MALFORMED, "", "JSON in UTF-8") from None


def _context(message: Message, parcel: Parcel) -> Mapping[str, Any]:
    raw = bytes(message.context)
    try:
        mine = {} if raw == b"null" else decode_object(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(Reason.MALFORMED, "context", "an object") from None
    return {**parcel.context, **mine} if parcel.context else mine


def _system(context: Mapping[str, Any], parcel: Parcel, user_id: str) -> str:
    """Whose id the userId is: as the message says, else as its sender's are."""
    said = context.get("source_system", parcel.sender.source_system or None)
    if said is None and not user_id:
        return ""
    if not isinstance(said, str) or not 0 < len(said.strip()) <= SYSTEM_CHARACTERS_MAX or not said.isprintable():
        raise Refusal(Reason.UNKNOWN_SYSTEM, "context.source_system", "name of a source system")
    return said.strip()


def _channel(kind: Kind, call: str, message: Message, context: Mapping[str, Any]) -> str:
    said = context.get("channel")
    if isinstance(said, str) and 0 < len(said) <= SYSTEM_CHARACTERS_MAX and said.isprintable():
        return said
    return PLACES.get(message.channel or "") or kind.channel or PLACES.get(call, "")


def _kept(kind: Kind, context: Mapping[str, Any]) -> dict[str, Any]:
    """The allowed members of the context, by their paths; only plain values."""
    kept = {}
    for path in kind.context:
        value: Any = context
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str | int | float | bool):
            kept[".".join(path)] = value
    return kept


def _with_page(message: Message, context: Mapping[str, Any]) -> bytes:
    """Properties of a page or screen with its name as `page`, else its path; never its query, which may be personal."""
    raw = bytes(message.properties)
    try:
        mine = {} if raw == b"null" else decode_object(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(Reason.WRONG_TYPE, "properties", "an object") from None
    around = context.get("page")
    path = mine.get("path") or (around.get("path") if isinstance(around, dict) else None)
    if "page" not in mine:
        mine["page"] = message.name or mine.get("name") or path
    return msgspec.json.encode(mine)


def _own_id(message: Message, parcel: Parcel, raw: bytes) -> str:
    """An id for a message that has none: of its content if that says when, so that a repeat is the same one."""
    if message.timestamp is None and message.original_timestamp is None:
        return uuid4().hex
    return md5_hex(f"{parcel.sender.name}\n{parcel.call}\n{raw.decode(errors='replace')}")
