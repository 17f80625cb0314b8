"""Decisions for one customer over HTTP: ask what to propose now, and say what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cultiva.client.shapes import Shape
from cultiva.client.transport import Transport

BATCH = 200
"""Most customers in one request."""
Asked = Mapping[str, Any]
"""customer; placement or channel; n, reasons, context."""


class Proposal(Shape):
    """What is proposed."""

    strategy: str
    offer: str
    channel: str
    worth: float
    worth_by: str
    charge: float = 0.0
    touch_id: str = ""
    held_until: datetime | None = None
    cost: float = 0.0


class Reason(Shape):
    """Why a candidate was chosen or lost."""

    strategy: str
    offer: str
    fate: str
    text: str


class Answer(Shape):
    """The answer."""

    decision_id: str
    customer: int
    proposals: list[Proposal]
    neutral: bool = False
    content: str = ""
    degraded: list[str] = []
    reasons: list[Reason] | None = None


class Answers(Shape):
    """Several."""

    answers: list[Answer]


class Taken(Shape):
    """Reports were taken."""

    taken: int


class Decisions:
    """Asks for decisions.

    Args:
        api: Sends requests.
    """

    def __init__(self, api: Transport) -> None:
        self._api = api

    def one(self, asked: Asked) -> Answer:
        """What one customer gets now."""
        return Answer.model_validate_json(self._api.send("POST", "/v1/decide", body=dict(asked)))

    def several(self, asked: Sequence[Asked]) -> list[Answer]:
        """What some customers get now, in their order; up to `BATCH` at once."""
        body = {"asked": [dict(one) for one in asked]}
        return Answers.model_validate_json(self._api.send("POST", "/v1/decide/batch", body=body)).answers

    def report(self, reports: Sequence[Mapping[str, Any]]) -> int:
        """Says what became of proposals: decision, customer, strategy, offer, kind; placement and cost, or touch_id."""
        body = {"reports": [dict(one) for one in reports]}
        return Taken.model_validate_json(self._api.send("POST", "/v1/decide/reports", body=body)).taken
