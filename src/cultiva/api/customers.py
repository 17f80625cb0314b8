"""Customers: who it is, every tag, what happened, what was decided and why, why in a segment."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Path, Query

from cultiva.api.desk import Desk
from cultiva.api.guard import OurDesk, Seeing, needs, router
from cultiva.api.masked import Value, shown, text
from cultiva.api.paging import PAGE_DEFAULT, Cursor, Limit, cut, read_cursor
from cultiva.api.shapes import Page, Shape
from cultiva.contracts.decision import Decision, Fate
from cultiva.contracts.sight import Sight
from cultiva.execution.access.keys import Scope
from cultiva.insight.track import TrackKind, TrackRow
from cultiva.loop import customers as loop_customers
from cultiva.loop import questions

routes = router("/customers", "customers")
CustomerName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        description="A customer id, or SYSTEM:ID as a source system calls the customer; merged ids are followed.",
        examples=["51"],
    ),
]
On = Annotated[
    date | None, Query(alias="date", description="Business date; the newest run up to it. Left out: the newest run.")
]


class CustomerShape(Shape):
    """Who a customer is."""

    customer_id: int
    """The stable id."""
    business_date: date
    """Of the run that says so."""
    notes: list[str]
    """What has become of the id that was given: merges and splits, oldest first."""
    facts: dict[str, Value]
    """The resolved party record."""
    stage: str | None
    """Lifecycle stage."""
    value_tier: str | None
    """Value tier."""
    segments: list[str]
    """The segments that the customer is in."""


class TagShape(Shape):
    """One tag of one customer."""

    name: str
    type: str
    """boolean, integer, number, money, text, date, timestamp or list."""
    label: str
    """In the workspace's language."""
    value: Value
    """null: not known."""
    personal: bool
    """Masked unless the key has the scope `personal`."""


class ProfileShape(Shape):
    """All tags of one customer."""

    customer_id: int
    business_date: date
    tags: list[TagShape]
    """In the order of the profile."""


class MomentShape(Shape):
    """One moment of a customer's track."""

    at: datetime
    """With the bank's time zone."""
    kind: TrackKind
    channel: str | None
    what: str
    """The event's name, the transaction's kind, strategy and offer, the survey."""
    amount: Decimal | None
    """Positive in the customer's favour."""
    detail: str


class DecisionShape(Shape):
    """What became of one candidate."""

    strategy: str
    offer: str
    channel: str | None
    """null: none was open."""
    fate: Fate
    sentence: str
    """Why, in one sentence, in the workspace's language."""
    worth: float | None
    """Effect less cost, money."""
    effect: float | None
    """Money that an exposure is expected to bring beyond what would have come anyway."""
    cost: float | None
    worth_by: str | None
    """Where the effect comes from: prior, learnt, or a model."""
    decided_by: str | None
    """The name that decided: a suppression, a winning strategy, a resource."""
    decided_value: float | None
    branch_id: str | None
    adviser_id: str | None
    reasons: list[str]
    """What moved the model's forecast most; with `explain=true`, where a model was asked."""


class DecisionsShape(Shape):
    """What was decided about a customer."""

    customer_id: int
    business_date: date
    decisions: list[DecisionShape]
    """Chosen first."""


class MembershipShape(Shape):
    """Whether a customer is in a segment, and why."""

    customer_id: int
    segment: str
    business_date: date
    member: bool
    why: list[str]
    """The rule clause by clause with the customer's values."""


@routes.get("/{customer}", **needs(Scope.CUSTOMERS, 404))
def customer(customer: CustomerName, desk: OurDesk, sight: Seeing, on: On = None) -> CustomerShape:
    """Who a customer is."""
    day = desk.day(on)
    meant = desk.customer(customer, day, sight)
    card = loop_customers.card(desk.parts, meant.customer_id, day, sight=sight)
    facts = {
        name: shown(name, value, personal=name in loop_customers.PERSONAL_FACTS, may_see=sight.personal)
        for name, value in card.facts.items()
    }
    return CustomerShape(
        customer_id=card.customer_id,
        business_date=day,
        notes=list(meant.notes),
        facts=facts,
        stage=card.stage,
        value_tier=card.value_tier,
        segments=list(card.segments),
    )


@routes.get("/{customer}/profile", **needs(Scope.CUSTOMERS, 404))
def profile(customer: CustomerName, desk: OurDesk, sight: Seeing, on: On = None) -> ProfileShape:
    """Every tag of a customer."""
    day, customer_id = _meant(desk, customer, on, sight)
    tags = [
        TagShape(
            name=one.name,
            type=one.type,
            label=one.label,
            value=shown(one.name, one.value, personal=one.personal, may_see=sight.personal),
            personal=one.personal,
        )
        for one in loop_customers.profile_of(desk.parts, customer_id, day, sight=sight)
    ]
    return ProfileShape(customer_id=customer_id, business_date=day, tags=tags)


@routes.get("/{customer}/track", **needs(Scope.CUSTOMERS, 404))
def track(
    customer: CustomerName,
    desk: OurDesk,
    sight: Seeing,
    on: On = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Page[MomentShape]:
    """Everything that a customer did and lived through, newest first."""
    day, customer_id = _meant(desk, customer, on, sight)
    query = ["track", customer_id, day.isoformat()]
    begin = read_cursor(cursor, query, int) or 0
    track = questions.track_rows(desk.parts, customer_id, day, sight=sight)
    rows = list(enumerate(reversed(track), start=1))
    page, after = cut(rows[max(0, begin) : max(0, begin) + limit + 1], limit, query, lambda row: row[0])
    return Page[MomentShape](items=[_moment(desk, one, may_see=sight.personal) for _, one in page], next_cursor=after)


@routes.get("/{customer}/decisions", **needs(Scope.CUSTOMERS, 404))
def decisions(
    customer: CustomerName,
    desk: OurDesk,
    sight: Seeing,
    on: On = None,
    explain: Annotated[bool, Query(description="Ask the models for their reasons; takes a moment.")] = False,
) -> DecisionsShape:
    """What was decided about a customer on a business date, and why."""
    day, customer_id = _meant(desk, customer, on, sight)
    if explain:
        with desk.engine() as parts:
            told = questions.decisions_of(parts, customer_id, day, sight=sight)
    else:
        told = questions.decisions_of(desk.parts, customer_id, day, sight=sight, reasons=False)
    found = [_decision(one, sentence, told) for one, sentence in told.decisions]
    return DecisionsShape(customer_id=customer_id, business_date=day, decisions=found)


@routes.get("/{customer}/segments/{segment}", **needs(Scope.CUSTOMERS, 404))
def membership(
    customer: CustomerName,
    segment: Annotated[str, Path(max_length=200, description="Name of a segment.", examples=["payroll"])],
    desk: OurDesk,
    sight: Seeing,
    on: On = None,
) -> MembershipShape:
    """Why a customer is in a segment or not."""
    day, customer_id = _meant(desk, customer, on, sight)
    with desk.engine() as parts:
        found = questions.membership(parts, customer_id, segment, day, sight=sight)
    return MembershipShape(
        customer_id=customer_id,
        segment=segment,
        business_date=day,
        member=found.member,
        why=[text(line, may_see=sight.personal) for line in found.explanation.lines()],
    )


def _meant(desk: Desk, name: str, on: date | None, sight: Sight) -> tuple[date, int]:
    day = desk.day(on)
    return day, desk.customer(name, day, sight).customer_id


def _moment(desk: Desk, one: TrackRow, *, may_see: bool) -> MomentShape:
    # What a customer wrote in a survey is personal as a whole; numbers of accounts are masked within other details.
    written = one.kind is TrackKind.SURVEY_ANSWER and not may_see
    detail = one.detail.split(": ")[0] if written else text(one.detail, may_see=may_see)
    return MomentShape(
        at=desk.local(one.at), kind=one.kind, channel=one.channel, what=one.what, amount=one.amount, detail=detail
    )


def _decision(one: Decision, sentence: str, told: questions.Told) -> DecisionShape:
    return DecisionShape(
        strategy=one.strategy,
        offer=one.offer,
        channel=one.channel,
        fate=one.fate,
        sentence=sentence,
        worth=one.worth,
        effect=one.effect,
        cost=one.cost,
        worth_by=one.worth_by,
        decided_by=one.decided_by,
        decided_value=one.decided_value,
        branch_id=one.branch_id,
        adviser_id=one.adviser_id,
        reasons=list(told.reasons.get(questions.proposal_key(one), ())),
    )
