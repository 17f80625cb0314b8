"""What is kept of a message that was set aside: its shape and what was wrong; of its values nothing personal.

Nobody has said which members of an undeclared event are personal, so of texts only their kind is kept. The sender has
the message; when the cause is mended it is sent again, under the same messageId.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from cultiva.contracts.anteroom import RefusedEvent
from cultiva.insight.events.message import UNREADABLE, Parcel, decode_object
from cultiva.insight.events.reasons import Reason, Refusal
from cultiva.kit.hashing import md5_hex
from cultiva.kit.masking import mask_text

MEMBERS_MAX = 50
"""Members of an object that are described."""
TEXT_MAX = 200
SPOKEN = ("type", "event", "timestamp", "sentAt", "originalTimestamp", "messageId")
"""Members whose texts are kept, with what looks personal masked."""


def refused_event(raw: bytes, refusal: Refusal, parcel: Parcel) -> RefusedEvent:
    """A refused message as it is kept."""
    if refusal.reason is Reason.ERASED:
        return _counted(refusal, parcel)
    said = _object(raw)
    body: dict[str, Any] = {"field": refusal.field, "allowed": refusal.allowed, "bytes": len(raw)}
    if said is not None:
        body["message"] = {_short(name): _shown(name, value) for name, value in list(said.items())[:MEMBERS_MAX]}
    given = {} if said is None else said
    return RefusedEvent(
        quarantine_id=md5_hex(f"{parcel.sender.name}\n{parcel.call}\n{raw.decode(errors='replace')}"),
        message_id=_text(given.get("messageId")),
        received=parcel.at,
        reason=refusal.reason.value,
        name=_text(given.get("event")) or _text(parcel.call) or _text(given.get("type")),
        sender=parcel.sender.name[:100],
        body=body,
    )


def _counted(refusal: Refusal, parcel: Parcel) -> RefusedEvent:
    """That there was one, and nothing else: not even a hash of it."""
    return RefusedEvent(uuid4().hex, "", parcel.at, refusal.reason.value, "", parcel.sender.name[:100], {})


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        return decode_object(raw)
    except UNREADABLE:
        return None


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {_short(inner): _kind(one) for inner, one in list(value.items())[:MEMBERS_MAX]}
    return _text(value) if name in SPOKEN and isinstance(value, str) else _kind(value)


def _kind(value: Any) -> Any:
    """What a value is; numbers and booleans of one are not said either, an amount is somebody's."""
    kinds = {bool: "boolean", int: "number", float: "number", str: "text", dict: "object", list: "list"}
    return kinds.get(type(value), "null")


def _short(name: str) -> str:
    return mask_text(_clean(name)[:63])


def _text(value: Any) -> str:
    return mask_text(_clean(value)[:TEXT_MAX]) if isinstance(value, str) else ""


def _clean(text: str) -> str:
    """Without what a database or a terminal does not take."""
    return "".join(one if one.isprintable() else "?" for one in text)
