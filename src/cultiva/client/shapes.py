"""What the API takes and gives, as its OpenAPI document says; a test compares the two."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")
Value = bool | int | float | str | list[str] | None
"""A tag's value; money is decimal text."""


class Shape(BaseModel):
    """A JSON object; members that a newer API adds are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Page(Shape, Generic[Item]):
    """Some of a list."""

    items: list[Item]
    next_cursor: str | None


class Customer(Shape):
    """Who a customer is."""

    customer_id: int
    business_date: date
    notes: list[str]
    facts: dict[str, Value]
    stage: str | None
    value_tier: str | None
    segments: list[str]


class Tag(Shape):
    """One tag of one customer."""

    name: str
    type: str
    label: str
    value: Value
    personal: bool


class Profile(Shape):
    """All tags of one customer."""

    customer_id: int
    business_date: date
    tags: list[Tag]


class Moment(Shape):
    """One moment of a customer's track."""

    at: datetime
    kind: str
    channel: str | None
    what: str
    amount: Decimal | None
    detail: str


class Decision(Shape):
    """What became of one candidate."""

    strategy: str
    offer: str
    channel: str | None
    fate: str
    sentence: str
    worth: float | None
    effect: float | None
    cost: float | None
    worth_by: str | None
    decided_by: str | None
    decided_value: float | None
    branch_id: str | None
    adviser_id: str | None
    reasons: list[str]


class Decisions(Shape):
    """What was decided about a customer."""

    customer_id: int
    business_date: date
    decisions: list[Decision]


class Membership(Shape):
    """Whether a customer is in a segment, and why."""

    customer_id: int
    segment: str
    business_date: date
    member: bool
    why: list[str]


class Segment(Shape):
    """A segment on a business date."""

    name: str
    label: str
    purpose: str
    customers: int
    share: float
    entered: int | None
    left: int | None
    words: str
    business_date: date


class Count(Shape):
    """How many customers a condition is true for."""

    rule: str
    count: int
    customers: int
    share: float
    business_date: date


class Strategy(Shape):
    """A strategy and its candidates."""

    name: str
    label: str
    active: bool
    audience: str
    metric: str
    offers: list[str]
    channels: list[str]
    holdout: float
    fates: dict[str, int]
    business_date: date | None


class Consent(Shape):
    """A word of consent on one channel."""

    channel: str
    granted: bool
    at: datetime
    evidence: str
    source: str


class Consents(Shape):
    """What a customer has allowed."""

    customer_id: int
    business_date: date
    purpose: str
    consents: list[Consent]


class OutcomeReport(Shape):
    """What a customer did, to be reported."""

    outcome_id: str
    customer: str
    name: str
    at: datetime
    amount: Decimal | None = None
    touch_id: str = ""
    detail: dict[str, str] = {}


class OutcomeTaken(Shape):
    """What became of one report."""

    outcome_id: str
    customer_id: int
    taken: str


class OutcomesTaken(Shape):
    """What became of several reports."""

    outcomes: list[OutcomeTaken]


class Ready(Shape):
    """Store and lake answer."""

    status: str
    store: str
    newest_date: date | None
    definitions: str
