"""What the API takes and gives, as its OpenAPI document says; a test compares the two."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

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


class Launch(Shape):
    """A strategy put forward, approved, and carried out."""

    launch_id: str
    strategy: str
    version: str
    business_date: date
    enrols: str
    state: str
    possible: list[str]
    author: str
    cost: Decimal
    per_minute_max: int | None
    created: datetime
    changed: datetime


class Judgement(Shape):
    """What a second person said."""

    approver: str
    role: str
    approved: bool
    remark: str
    at: datetime


class LaunchStory(Shape):
    """A launch with its explanation and what was said of it."""

    launch: Launch
    customers: int
    channels: list[str]
    offers: list[str]
    explanation: dict[str, Any]
    judgements: list[Judgement]


class Consequences(Shape):
    """What a stop of a launch would take back."""

    launch_id: str
    deliveries: int
    leaving: int
    tasks: int
    people: int


class TestSend(Shape):
    """A test message in the outbox."""

    __test__ = False

    delivery_id: str
    channel: str
    provider: str
    address: str


class Halt(Shape):
    """An emergency stop."""

    scope: str
    reason: str
    actor: str
    at: datetime


class Task(Shape):
    """Work for a person."""

    task_id: str
    kind: str
    role: str
    branch_id: str
    staff_id: str
    customer_id: int
    strategy: str
    offer: str
    channel: str
    worth: float
    reason: str
    script: str
    best_from: datetime | None
    best_to: datetime | None
    due: datetime
    standing: str
    result: str
    attempts: int
    promised: datetime | None
    launch_id: str


class Listed(Shape):
    """A task on somebody's list."""

    task: Task
    place: int
    late: bool
    promised_now: bool
    lies: str
    customer_name: str
    fits_week: bool


class TaskEvent(Shape):
    """One thing that happened to a task."""

    number: int
    at: datetime
    actor: str
    action: str


class TaskStory(Shape):
    """A task and what happened to it."""

    task: Task
    history: list[TaskEvent]
    names: dict[str, str]


class ResultReport(Shape):
    """What came of a task, to be logged."""

    staff_id: str
    result: str
    remark: str = ""
    call_at: datetime | None = None
    amount: Decimal | None = None


class Staff(Shape):
    """Somebody who does tasks, with this week's load."""

    staff_id: str
    name: str
    branch_id: str
    roles: list[str]
    manages: bool
    contacts: int
    contacts_max: int | None
    in_hand: int
    in_hand_max: int | None
    covers: list[str]


class Absence(Shape):
    """Somebody is away."""

    staff_id: str
    first_day: date
    last_day: date
    cover_id: str


class ArrivalTasks(Shape):
    """What to talk about with a customer who came by."""

    customer_id: int
    tasks: list[Task]


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
