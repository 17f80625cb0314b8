"""What human work is made of: tasks, people, absences, and what is written of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from cultiva.execution.tasks.states import Action, Stage, Standing, State, standing_of

NOBODY = ""
"""Where a person's id stands: nobody, the role's queue."""
SYSTEM = "system"
"""The actor where no person acts."""


@dataclass(frozen=True)
class Draft:
    """A task as a play or a person asks for it; the workbench fills the rest."""

    kind: str
    """A kind of the workbench."""
    customer_id: int
    """Whom it is about."""
    branch_id: str
    """Whose queue it goes to, unless the role works for the whole bank."""
    adviser_id: str = NOBODY
    """The customer's own adviser."""
    role: str = ""
    """Who does it; empty: the role of the kind."""
    staff_id: str | None = None
    """Whose list it goes to; None: the adviser's where the role is personal, else the queue."""
    launch_id: str = ""
    """The launch that wants it; empty: a person does."""
    step: str = ""
    """The play's step."""
    entry: int = 1
    """Which time the customer goes through the play."""
    touch_id: str = ""
    """The use of the contact budget it stands for; empty: none."""
    strategy: str = ""
    """Why: the strategy's name."""
    offer: str = ""
    """What is proposed."""
    channel: str = ""
    """How the customer is reached."""
    worth: float = 0.0
    """Money; the more valuable task comes first."""
    reason: str = ""
    """Why this customer, with the facts filled in."""
    script: str = ""
    """What to say, with the facts filled in."""
    due: datetime | None = None
    """Until when; None: as the kind says."""
    best_from: datetime | None = None
    """When the customer is best reached; None: as the workbench says."""
    best_to: datetime | None = None
    """End of that time."""
    hands_over: bool = False
    """Whether the customer's adviser hands the customer over: it must be accepted in time, else it goes to the branch
    manager and from there to the adviser."""
    parent_id: str = ""
    """The task that it follows."""
    number: int = 1
    """Which of several equal ones, where that is meant."""


@dataclass(frozen=True)
class Task:
    """Work for a person."""

    task_id: str
    kind: str
    role: str
    """Whose queue it belongs to."""
    branch_id: str
    """Of the queue."""
    staff_id: str
    """Whose it is; empty: the role's queue."""
    customer_id: int
    launch_id: str
    step: str
    touch_id: str
    strategy: str
    offer: str
    channel: str
    worth: float
    """Money."""
    reason: str
    script: str
    best_from: datetime | None
    best_to: datetime | None
    due: datetime
    state: State
    result: str
    """The last result logged; empty: none."""
    escalated: int
    """Steps of the kind's escalation that were taken."""
    attempts: int
    """Tries without an answer."""
    promised: datetime | None
    """Moment promised to the customer."""
    offer_stage: Stage
    """How far a hand-over has got."""
    answer_by: datetime | None
    """When a hand-over must be accepted."""
    sender_id: str
    """Whose it was before the hand-over."""
    sender_role: str
    sender_branch: str
    parent_id: str
    changes: int
    """Events so far."""
    created: datetime
    changed: datetime

    @property
    def standing(self) -> Standing:
        """Where it stands."""
        return standing_of(self.state, self.staff_id, self.offer_stage)


@dataclass(frozen=True)
class Event:
    """One thing that happened to a task."""

    task_id: str
    number: int
    """1, 2 ... within the task."""
    at: datetime
    actor: str
    """Staff id, or `system`."""
    action: Action
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Opened:
    """A task with what whoever opens it sees beside it."""

    task: Task
    others: tuple[Task, ...]
    """What else is to be done about the customer, the most valuable first."""
    history: tuple[Event, ...]
    """What happened to the task, in order."""
    names: Mapping[str, str]
    """Staff id -> name of those who did it, as far as the bank's staff table has them."""


@dataclass(frozen=True)
class StaffRow:
    """Somebody who does tasks, as the bank's staff table says."""

    staff_id: str
    branch_id: str
    role: str
    """As the staff table calls it."""
    contacts_per_week_max: int
    name: str = ""
    """Empty: not known."""


@dataclass(frozen=True)
class Absence:
    """Somebody is away."""

    staff_id: str
    first_day: date
    last_day: date
    cover_id: str = NOBODY
    """Who stands in; empty: the role's queue."""


@dataclass(frozen=True)
class Person:
    """Somebody at work on a day, with what he or she may do."""

    staff_id: str
    branch_id: str
    roles: frozenset[str]
    """Roles of the workbench that he or she serves."""
    manages: bool = False
    """Whether he or she may move all tasks of the branch."""
    contacts_max: int | None = None
    """Most contacts a week; None: no limit."""
    in_hand_max: int | None = None
    """Most tasks accepted and not finished; None: no limit."""
    covers: frozenset[str] = frozenset()
    """Whose work he or she does today."""
    queued: frozenset[str] = frozenset()
    """Who is away without cover: their work lies in the queue today."""
    name: str = field(default="", repr=False)
    """Empty: not known."""


@dataclass(frozen=True)
class Load:
    """How much somebody has to do this week."""

    contacts: int
    """Contacts accepted and not finished, and those finished this week."""
    in_hand: int
    """Tasks accepted and not finished."""


@dataclass(frozen=True)
class Logged:
    """A result as it is logged."""

    result: str
    """A result of the workbench."""
    remark: str = ""
    """For the history; no part of what plays hear."""
    call_at: datetime | None = None
    """For a result that promises a call: when."""
    amount: int | None = None
    """Minor units, where the result has an amount."""
    key: str = ""
    """Names this very log, so that the same one sent twice counts once; empty: none."""


@dataclass(frozen=True)
class SignalRow:
    """What plays and the review hear of a task."""

    signal_id: str
    customer_id: int
    name: str
    at: datetime
    amount: int | None
    touch_id: str
    source: str
    detail: Mapping[str, object]


@dataclass(frozen=True)
class Listed:
    """A task on somebody's list."""

    task: Task
    place: int
    """1 first."""
    late: bool
    """Whether it is past due."""
    promised_now: bool
    """Whether a promised call is due now."""
    lies: str
    """own, queue, cover or offered."""
    customer_name: str
    """As the customer is called; empty: not known."""
    fits_week: bool
    """Whether the person's week has room for it."""


@dataclass(frozen=True)
class Escalations:
    """What one look at the clock brought about."""

    escalated: int = 0
    """Left lying beyond the service level."""
    passed_on: int = 0
    """Hand-overs that went to a branch manager."""
    sent_back: int = 0
    """Hand-overs that went back to their senders, and tasks that came back from the counter."""
    expired: int = 0
    """Given up."""
