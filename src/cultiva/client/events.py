"""Events over HTTP: messages of the Segment spec in batches, safe to repeat because every message has an id."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from cultiva.client.shapes import Shape
from cultiva.client.transport import Transport

CALLS = ("track", "identify", "page", "screen", "group", "alias")
"""What a message may say it is, in `type`."""
BATCH = 500
"""Messages in one request."""
Message = Mapping[str, Any]


class EventsTaken(Shape):
    """What became of messages."""

    success: bool
    new: int
    repeated: int
    quarantined: int
    waiting: int
    linked: int
    unwanted: int
    reasons: dict[str, int]


class RefusedCount(Shape):
    """So many messages were set aside for one reason."""

    reason: str
    name: str
    sender: str
    count: int
    newest: datetime


class EventCounts(Shape):
    """What has come in."""

    records: int
    waiting: dict[str, int]
    refused: list[RefusedCount]


class RefusedEvent(Shape):
    """A message that was set aside."""

    message_id: str
    received: datetime
    reason: str
    name: str
    sender: str
    body: dict[str, Any]


class RefusedEvents(Shape):
    """Messages set aside last."""

    items: list[RefusedEvent]


class Events:
    """Sends events, and asks what became of them.

    Args:
        api: Sends requests.
    """

    def __init__(self, api: Transport) -> None:
        self._api = api

    def send(self, messages: Iterable[Message]) -> EventsTaken:
        """Sends messages, some hundred at a time; returns when the last is durable.

        Each has a `type`, one of `CALLS`. One without a `messageId` is given one, so that a request that is repeated
        after a broken connection does not count twice.

        Raises:
            ApiProblem: if the API will not or cannot take them; those of earlier requests have been taken.
        """
        total = EventsTaken(success=True, new=0, repeated=0, quarantined=0, waiting=0, linked=0, unwanted=0, reasons={})
        for batch in _batches(messages):
            answered = self._api.send("POST", "/v1/batch", body={"batch": batch})
            total = _sum(total, EventsTaken.model_validate_json(answered))
        return total

    def send_one(self, message: Message) -> EventsTaken:
        """Sends one message."""
        return EventsTaken.model_validate_json(self._api.send("POST", "/v1/events", body=_named(message)))

    def counts(self, *, days: int | None = None) -> EventCounts:
        """What has come in, what waits, and what was set aside in the last days."""
        return EventCounts.model_validate_json(self._api.send("GET", "/v1/events/counts", query={"days": days}))

    def quarantine(self, *, reason: str | None = None, limit: int | None = None) -> list[RefusedEvent]:
        """What was set aside last, the newest first."""
        query = {"reason": reason, "limit": limit}
        return RefusedEvents.model_validate_json(self._api.send("GET", "/v1/events/quarantine", query=query)).items


def _named(message: Message) -> dict[str, Any]:
    return {"messageId": uuid.uuid4().hex, **message}


def _batches(messages: Iterable[Message]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for one in messages:
        batch.append(_named(one))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _sum(one: EventsTaken, other: EventsTaken) -> EventsTaken:
    names = ("new", "repeated", "quarantined", "waiting", "linked", "unwanted")
    counts = {name: getattr(one, name) + getattr(other, name) for name in names}
    every = {**one.reasons, **other.reasons}
    reasons = {name: one.reasons.get(name, 0) + other.reasons.get(name, 0) for name in every}
    return EventsTaken(success=True, reasons=reasons, **counts)
