"""Outcomes: other systems report what customers did; plays that wait for it go on, review measures with it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from cultiva.api.desk import Desk
from cultiva.api.guard import Caller, IdempotencyKey, OurDesk, needs, router
from cultiva.api.money import to_minor
from cultiva.api.shapes import Shape
from cultiva.execution.access.keys import ApiKey, Scope
from cultiva.execution.answers.outcome import ID_CHARACTERS_MAX, Outcome
from cultiva.execution.answers.service import Taken

BATCH_MAX = 1000
"""Outcomes in one request."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
ShortText = Annotated[str, StringConstraints(max_length=200)]
routes = router("/outcomes", "outcomes")


class OutcomeReport(Shape):
    """What a customer did."""

    outcome_id: str = Field(min_length=1, max_length=ID_CHARACTERS_MAX, examples=["crm-2026-000017"])
    """The reporter's own id; a repeated one counts once."""
    customer: str = Field(min_length=1, max_length=200, examples=["51"])
    """A customer id, or SYSTEM:ID."""
    name: Name = Field(examples=["converted"])
    """Past tense: converted, replied, refused, opted_out, or one of the bank's own."""
    at: AwareDatetime = Field(examples=["2026-11-23T10:00:00+08:00"])
    """When, with its zone."""
    amount: Decimal | None = Field(default=None, max_digits=15, decimal_places=2, examples=["12000.00"])
    """Money, if there is some in it."""
    touch_id: str = Field(default="", max_length=40)
    """The touch that it answers; empty: none of ours."""
    detail: dict[Name, ShortText] = Field(default={}, max_length=20)
    """What else is known; no personal data."""


class OutcomeTaken(Shape):
    """What became of one report."""

    outcome_id: str
    customer_id: int
    taken: Taken
    """new, or known: reported before with the same content."""


class OutcomeBatch(Shape):
    """Several outcomes; all are taken or none."""

    outcomes: list[OutcomeReport] = Field(min_length=1, max_length=BATCH_MAX)


class OutcomesTaken(Shape):
    """What became of several reports, in their order."""

    outcomes: list[OutcomeTaken]


@routes.post("", status_code=201, **needs(Scope.OUTCOMES, 404, once=True))
def report(outcome: OutcomeReport, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> OutcomeTaken:
    """Report one outcome."""
    return _take(desk, [outcome], caller)[0]


@routes.post("/batch", status_code=201, **needs(Scope.OUTCOMES, 404, once=True))
def report_batch(batch: OutcomeBatch, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> OutcomesTaken:
    """Report up to 1,000 outcomes; all are taken or none."""
    return OutcomesTaken(outcomes=_take(desk, batch.outcomes, caller))


def _take(desk: Desk, reports: list[OutcomeReport], caller: ApiKey) -> list[OutcomeTaken]:
    day = desk.day(None)
    outcomes = [_outcome(desk, one, caller, day) for one in reports]
    taken = desk.answers.take(outcomes, at=desk.now())
    return [
        OutcomeTaken(outcome_id=one.outcome_id, customer_id=one.customer_id, taken=what)
        for one, what in zip(outcomes, taken, strict=True)
    ]


def _outcome(desk: Desk, one: OutcomeReport, caller: ApiKey, day: date) -> Outcome:
    return Outcome(
        outcome_id=one.outcome_id,
        customer_id=desk.customer(one.customer, day, caller.sight).customer_id,
        name=one.name,
        at=one.at,
        source=f"api:{caller.name}"[:63],
        amount_minor=None if one.amount is None else to_minor(one.amount),
        touch_id=one.touch_id,
        detail=one.detail,
    )
