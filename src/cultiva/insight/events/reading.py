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
    UNREADABLE,
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


@dataclass(slots=True)
class _Said:
    """A message, decoded."""

    message: Message
    parcel: Parcel
    call: str
    context: Mapping[str, Any]
    user_id: str
    visitor: str
    """anonymousId; in alias previousId."""
    raw: bytes


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
        said = _said(raw, parcel)
        link = self._link(said)
        if said.call == "alias":
            return Heard(None, link=link)
        if not said.user_id and not said.visitor:
            raise Refusal(Reason.NOBODY, "userId", "userId or anonymousId")
        kind = self._kind(said)
        if kind is None:
            return Heard(None, link=link)
        return Heard(self._moment(kind, said), "" if said.user_id else said.visitor, link)

    def _kind(self, said: _Said) -> Kind | None:
        name = CALLS[said.call]
        if said.call in ("identify", "group") and name not in self._registry:
            return None
        return self._registry.find(name or said.message.event or "")

    def _link(self, said: _Said) -> VisitorLink | None:
        """Who a visitor is, if the message says it."""
        if said.call == "alias" and not (said.user_id and said.visitor):
            raise Refusal(Reason.NOBODY, "previousId" if said.user_id else "userId", "an id on both sides")
        if said.call not in ("alias", "identify") or not said.user_id or not said.visitor:
            return None
        return VisitorLink(said.visitor, _system(said), said.user_id, self._at(said.message, said.parcel))

    def _moment(self, kind: Kind, said: _Said) -> Moment:
        message = said.message
        at = self._at(message, said.parcel)
        is_page = said.call in ("page", "screen")
        properties = kind.read(_with_page(said) if is_page else bytes(message.properties))
        return Moment(
            message_id=checked_id(message.message_id, "messageId") or _own_id(said),
            customer_id=0,
            name=kind.name,
            at=at,
            day=at.astimezone(self._bounds.zone).date(),
            received=said.parcel.at,
            source_system=_system(said),
            source_id=said.user_id,
            channel=_channel(kind, said),
            properties=properties,
            context=_kept(kind, said.context) if kind.context else {},
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


def _said(raw: bytes, parcel: Parcel) -> _Said:
    if len(raw) > MESSAGE_BYTES_MAX:
        raise Refusal(Reason.TOO_LARGE, "", f"{MESSAGE_BYTES_MAX} bytes")
    message = _decoded(raw)
    call = parcel.call or message.type
    if call not in CALLS:
        raise Refusal(Reason.UNKNOWN_CALL, "type", ", ".join(CALLS))
    which, visitor = ("previousId", message.previous_id) if call == "alias" else ("anonymousId", message.anonymous_id)
    return _Said(
        message,
        parcel,
        call,
        _context(message, parcel),
        checked_id(message.user_id, "userId"),
        checked_id(visitor, which, VISITOR_CHARACTERS_MAX),
        raw,
    )


def _decoded(raw: bytes) -> Message:
    try:
        return decode_message(raw)
    except UNREADABLE as error:
        what, _, path = str(error).partition(" - at `$")
        plain = isinstance(error, msgspec.DecodeError)
        raise Refusal(Reason.MALFORMED, path.strip("`.")[:63], what[:120] if plain else "JSON in UTF-8") from None


def _context(message: Message, parcel: Parcel) -> Mapping[str, Any]:
    raw = bytes(message.context)
    try:
        mine = {} if raw == b"null" else decode_object(raw)
    except UNREADABLE:
        raise Refusal(Reason.MALFORMED, "context", "an object") from None
    return {**parcel.context, **mine} if parcel.context else mine


def _system(said: _Said) -> str:
    """Whose id the userId is: as the message says, else as its sender's are."""
    found = said.context.get("source_system", said.parcel.sender.source_system or None)
    if found is None and not said.user_id:
        return ""
    if not isinstance(found, str) or not 0 < len(found.strip()) <= SYSTEM_CHARACTERS_MAX or not found.isprintable():
        raise Refusal(Reason.UNKNOWN_SYSTEM, "context.source_system", "name of a source system")
    return found.strip()


def _channel(kind: Kind, said: _Said) -> str:
    found = said.context.get("channel")
    if isinstance(found, str) and 0 < len(found) <= SYSTEM_CHARACTERS_MAX and found.isprintable():
        return found
    return PLACES.get(said.message.channel or "") or kind.channel or PLACES.get(said.call, "")


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


def _with_page(said: _Said) -> bytes:
    """Properties of a page or screen with its name as `page`, else its path; never its query, which may be personal."""
    raw = bytes(said.message.properties)
    try:
        mine = {} if raw == b"null" else decode_object(raw)
    except UNREADABLE:
        raise Refusal(Reason.WRONG_TYPE, "properties", "an object") from None
    around = said.context.get("page")
    path = mine.get("path") or (around.get("path") if isinstance(around, dict) else None)
    if "page" not in mine:
        mine["page"] = said.message.name or mine.get("name") or path
    return msgspec.json.encode(mine)


def _own_id(said: _Said) -> str:
    """An id for a message that has none: of its content if that says when, so that a repeat is the same one."""
    if said.message.timestamp is None and said.message.original_timestamp is None:
        return uuid4().hex
    return md5_hex(f"{said.parcel.sender.name}\n{said.call}\n{said.raw.decode(errors='replace')}")
