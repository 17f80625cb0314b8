"""Events: other systems say what customers do, as the Segment spec has it. Taken means durable."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from cultiva.api.desk import desk_of
from cultiva.api.errors import answer, plain_problem, problems
from cultiva.api.guard import _BEARER, SCOPE, OurDesk, needs, router
from cultiva.api.hot import HotGate, HotPath, Refused, hot_answer
from cultiva.api.shapes import Shape
from cultiva.execution.access.keys import Scope
from cultiva.insight.events.message import (
    BATCH_BYTES_MAX,
    BATCH_MAX,
    MESSAGE_BYTES_MAX,
    UNREADABLE,
    Batch,
    Parcel,
    Sender,
    decode_batch,
    decode_key,
    decode_object,
)
from cultiva.insight.events.reading import CALLS

DAYS_DEFAULT = 7


class EventsTaken(Shape):
    """What became of messages; whatever is counted here is durable."""

    success: bool
    """Always true: what could not be taken is a problem."""
    new: int = Field(ge=0)
    """In the log now."""
    repeated: int = Field(ge=0)
    """Taken before: the same messageId."""
    quarantined: int = Field(ge=0)
    """Set aside; see `reasons`, and GET /v1/events/quarantine."""
    waiting: int = Field(ge=0)
    """Kept until it is known whose they are."""
    linked: int = Field(ge=0)
    """Said who a visitor is; counted beside the others."""
    unwanted: int = Field(ge=0)
    """Said nothing that the bank has declared: traits, groups."""
    reasons: dict[str, int]
    """Reason -> how many were set aside."""


class RefusedCountShape(Shape):
    """So many messages were set aside for one reason."""

    reason: str
    name: str
    """The event as its sender calls it."""
    sender: str
    """Name of the key."""
    count: int
    newest: datetime


class EventCountsShape(Shape):
    """What has come in."""

    records: int
    """Positions used in the log; a run's mark takes one in each partition."""
    waiting: dict[str, int]
    """`visitor`: of people who have not said who they are; `user`: of people whom no run has seen."""
    refused: list[RefusedCountShape]
    """Most first."""


class RefusedEventShape(Shape):
    """A message that was set aside: its shape and what was wrong, without personal data."""

    message_id: str
    received: datetime
    reason: str
    name: str
    sender: str
    body: dict[str, Any]
    """`field` and `allowed`: what was wrong. `message`: its members, texts and numbers by their kind only."""


class RefusedEventsShape(Shape):
    """Messages set aside last, the newest first."""

    items: list[RefusedEventShape]


async def _single(request: Request, body: bytes, gate: HotGate) -> Response:
    return await _take(request, gate, [_object(request, body)], call=request.url.path.rpartition("/")[2])


async def _several(request: Request, body: bytes, gate: HotGate) -> Response:
    return await _take_batch(request, gate, _batch(request, body))


async def _either(request: Request, body: bytes, gate: HotGate) -> Response:
    """A batch if it has a member of that name, else one message, which says its call itself."""
    if b'"batch"' in body and "batch" in _members(request, body):
        return await _several(request, body, gate)
    return await _take(request, gate, [_object(request, body)])


async def _take_batch(request: Request, gate: HotGate, batch: Batch) -> Response:
    if len(batch.batch) > BATCH_MAX:
        raise _refused(request, "batch", f"{len(batch.batch)} messages", f"up to {BATCH_MAX}")
    key = await gate.admit(request, Scope.EVENTS, text=batch.write_key)
    context = bytes(batch.context)
    around = None if context == b"null" else _members(request, context)
    parcel = Parcel(
        batch.batch, Sender(key.name), gate.desk.now(), sent_at=_zoned(request, batch.sent_at), context=around
    )
    return _told(await gate.desk.taking.take(parcel))


async def _take(request: Request, gate: HotGate, messages: list[bytes], *, call: str = "") -> Response:
    text = "" if "authorization" in request.headers else _key_in(messages[0])
    key = await gate.admit(request, Scope.EVENTS, text=text)
    return _told(await gate.desk.taking.take(Parcel(messages, Sender(key.name), gate.desk.now(), call=call)))


def _key_in(message: bytes) -> str:
    try:
        return decode_key(message).write_key
    except msgspec.ValidationError:  # it is no text
        return ""


_encode = msgspec.json.Encoder().encode


def _told(accepted: Any) -> Response:
    told = {
        "success": True,
        **{name: getattr(accepted, name) for name in EventsTaken.model_fields if name != "success"},
    }
    return Response(_encode(told), media_type="application/json")


def _object(request: Request, body: bytes) -> bytes:
    """The body, if it is a JSON object at all; what stands in it is judged when it is taken."""
    try:
        decode_key(body)
    except msgspec.ValidationError as error:
        if "at `$" in str(error):
            return body  # an object whose key is no text
        raise _refused(request, "", "JSON, but no object", "a JSON object") from None
    except UNREADABLE:
        raise _refused(request, "", f"{len(body)} bytes that are no JSON", "a JSON object in UTF-8") from None
    return body


def _members(request: Request, body: bytes) -> dict[str, Any]:
    try:
        return decode_object(body)
    except UNREADABLE:
        return _slowly(request, body)


def _batch(request: Request, body: bytes) -> Batch:
    try:
        return decode_batch(body)
    except msgspec.ValidationError as error:
        raise _refused(request, "batch", str(error)[:120], '{"batch": [message, ...]}') from None
    except UNREADABLE:
        members = _slowly(request, body)
    messages = members.get("batch")
    if not isinstance(messages, list):
        raise _refused(request, "batch", "no list", '{"batch": [message, ...]}')
    around = _batch(request, json.dumps({**members, "batch": []}).encode())
    around.batch = [msgspec.Raw(json.dumps(one).encode()) for one in messages]
    return around


def _slowly(request: Request, body: bytes) -> dict[str, Any]:
    """An object that the quick reader has refused: half a character in one message must not hold up the others."""
    try:
        found = json.loads(body)
        whole = json.dumps({name: value for name, value in found.items() if name != "batch"})
        decode_object(whole.encode())  # what is not in a message has to be in order
    except (ValueError, RecursionError, AttributeError):
        raise _refused(request, "", f"{len(body)} bytes that are no JSON", "a JSON object in UTF-8") from None
    assert isinstance(found, dict)
    return found


def _zoned(request: Request, at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise _refused(request, "sentAt", "a time without its zone", "ISO 8601 with its zone")
    return at


def _refused(request: Request, place: str, seen: str, allowed: str) -> Refused:
    what = f"{place} cannot be read" if place else "the body cannot be read"
    return Refused(answer(request, plain_problem(422, "api.bad_body", what, seen=seen, allowed=allowed)))


_ANY = {"type": "object", "additionalProperties": True}
_MESSAGE = {
    "type": "object",
    "description": "A message of the Segment spec; members that are not named are not looked at.",
    "properties": {
        "type": {"type": "string", "enum": list(CALLS), "description": "What is said; left out if the path says it."},
        "event": {"type": "string", "description": "Name of the event, as events.yaml declares it."},
        "messageId": {
            "type": "string",
            "maxLength": 200,
            "description": "Unique over all senders; a repeat counts once.",
        },
        "userId": {
            "type": "string",
            "maxLength": 200,
            "description": "The customer's id in the sender's source system.",
        },
        "anonymousId": {
            "type": "string",
            "maxLength": 190,
            "description": "Of a visitor who has not said who they are.",
        },
        "previousId": {"type": "string", "maxLength": 190, "description": "In alias: the visitor who `userId` was."},
        "timestamp": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened, by the sender's clock.",
        },
        "sentAt": {"type": "string", "format": "date-time", "description": "When it was sent, by the same clock."},
        "properties": {**_ANY, "description": "Only declared ones are kept, in their declared types."},
        "context": {
            **_ANY,
            "description": "Only allowed members are kept; `source_system`, `channel` and `page` are read.",
        },
    },
    "examples": [
        {
            "type": "track",
            "event": "loan_started",
            "messageId": "5f0c8b1e-7a55-4c1b-9d1e-0c7f5d9f3b11",
            "userId": "P000051",
            "timestamp": "2026-11-23T10:03:00+08:00",
            "properties": {"product": "personal_loan", "amount": 50000},
        }
    ],
}
_BATCH = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {"type": "array", "items": _MESSAGE, "maxItems": BATCH_MAX},
        "sentAt": {"type": "string", "format": "date-time"},
        "context": {**_ANY, "description": "Laid under the context of each message."},
    },
}
hot_routes = APIRouter(prefix="/v1", tags=["events"], dependencies=[Depends(_BEARER)])
PATHS = {
    "/v1/events": HotPath(Scope.EVENTS, BATCH_BYTES_MAX, _either),
    "/v1/batch": HotPath(Scope.EVENTS, BATCH_BYTES_MAX, _several),
    **{f"/v1/{call}": HotPath(Scope.EVENTS, 2 * MESSAGE_BYTES_MAX, _single) for call in CALLS},
}
"""Paths that are answered before the framework."""


def _document(path: str, schema: dict[str, Any], about: str) -> None:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}

    async def send(request: Request) -> Response:
        """As before the framework, if it is reached through it."""
        return await hot_answer(request, PATHS[f"/v1{path}"], HotGate(desk_of(request)))

    hot_routes.add_api_route(
        path,
        send,
        methods=["POST"],
        name=path.strip("/"),
        response_model=EventsTaken,
        summary=about.partition(".")[0],
        description=about,
        responses=problems(409, 413),
        openapi_extra={SCOPE: Scope.EVENTS.value, "requestBody": body},
    )


_document("/events", {"anyOf": [_BATCH, _MESSAGE]}, "Send one message or a batch. Answered when it is durable.")
_document("/batch", _BATCH, "Send a batch of messages. Answered when it is durable, as far as each can be taken.")
for _call in CALLS:
    _document(f"/{_call}", _MESSAGE, f"Send one message of the call `{_call}`. Answered when it is durable.")

routes = router("/events", "events")


@routes.get("/counts", **needs(Scope.EVENTS, 409))
def counts(desk: OurDesk, days: Annotated[int, Query(ge=1, le=366)] = DAYS_DEFAULT) -> EventCountsShape:
    """Count what has come in, what waits, and what was set aside in the last days."""
    found = desk.door.counted(desk.now() - timedelta(days=days))
    refused = [
        RefusedCountShape(reason=one.reason, name=one.name, sender=one.sender, count=one.count, newest=one.newest)
        for one in found.refused
    ]
    return EventCountsShape(records=found.records, waiting=dict(found.waiting), refused=refused)


@routes.get("/quarantine", **needs(Scope.EVENTS, 409))
def quarantine(
    desk: OurDesk,
    reason: Annotated[str, Query(max_length=63)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> RefusedEventsShape:
    """Show what was set aside last: the shape of each message and what was wrong with it, no personal data."""
    found = desk.door.anteroom.refused(reason=reason, limit=limit)
    return RefusedEventsShape(
        items=[
            RefusedEventShape(
                message_id=one.message_id, received=one.received, reason=one.reason,
                name=one.name, sender=one.sender, body=dict(one.body),
            )
            for one in found
        ]
    )  # fmt: skip
