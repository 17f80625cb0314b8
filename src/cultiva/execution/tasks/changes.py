"""What each action makes of a task: pure, from before to after, with what is to be written beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from cultiva.definitions.workbench import Escalation, FollowUp, Result, TaskKind, Workbench
from cultiva.execution.tasks.records import NOBODY, SYSTEM, Event, Logged, Person, SignalRow, Task
from cultiva.execution.tasks.states import Action, Stage, State, require_move
from cultiva.execution.tasks.timing import WorkingTime
from cultiva.kit.errors import CultivaError
from cultiva.kit.hashing import content_hash

SOURCE = "task"
"""`signal.source` of what people log."""


@dataclass(frozen=True)
class Change:
    """A task after an action, and what is written with it."""

    before: Task
    after: Task
    event: Event
    signals: tuple[SignalRow, ...] = ()
    """Heard by plays and the review."""
    touch: Literal["", "confirm", "release"] = ""
    """What becomes of the use of the contact budget."""
    follow_up: FollowUp | None = None
    """A task that comes of it."""


@dataclass(frozen=True)
class Bench:
    """What changes are made by: the workbench and the bank's time."""

    workbench: Workbench
    time: WorkingTime
    fallback: TaskKind = field(init=False)

    def __post_init__(self) -> None:
        # A kind that has gone from the workbench while tasks of it were open: they can still be finished.
        object.__setattr__(self, "fallback", self.workbench.kinds[0].model_copy(update={"escalation": ()}))

    def kind(self, task: Task) -> TaskKind:
        """The kind of a task."""
        return self.workbench.kind(task.kind) or self.fallback


def changed(task: Task, action: Action, *, by: str, at: datetime, detail: Mapping[str, object], **to: Any) -> Change:
    """The change that an action makes.

    Args:
        task: Before.
        action: What happens.
        by: Staff id, or `system`.
        at: When.
        detail: For the history.
        **to: Fields of the task after.

    Raises:
        CultivaError: if the action is not possible now.
    """
    after = replace(task, **{"changed": at, **to, "changes": task.changes + 1})
    require_move(task.standing, action, after.standing)
    return Change(task, after, Event(task.task_id, after.changes, at, by, action, detail))


AT_HOME: Mapping[str, object] = {
    "offer_stage": Stage.NONE,
    "answer_by": None,
    "sender_id": NOBODY,
    "sender_role": "",
    "sender_branch": "",
}
"""Fields of a task that is offered to nobody."""


def remarked(change: Change, remark: str) -> Change:
    """The same change with what the person said about it."""
    detail = {**change.event.detail, "remark": remark} if remark else change.event.detail
    return replace(change, event=replace(change.event, detail=detail))


def accepted(task: Task, person: Person, at: datetime) -> Change:
    """Somebody takes it up, for an own list or for somebody who is away."""
    away = task.staff_id not in (NOBODY, person.staff_id)
    action = Action.TAKEN_OVER if away else Action.ACCEPTED
    detail: dict[str, object] = {"instead_of": task.staff_id} if away else {}
    if task.offer_stage is not Stage.NONE:
        detail["from"] = task.sender_id or task.sender_role
    to = {**AT_HOME, "state": State.ACCEPTED, "staff_id": person.staff_id}
    return changed(task, action, by=person.staff_id, at=at, detail=detail, **to)


@dataclass(frozen=True)
class Place:
    """Where a task is to lie."""

    role: str
    branch_id: str
    staff_id: str = NOBODY
    """Whose list; empty: the role's queue."""


def transferred(task: Task, to: Place, *, by: str, at: datetime) -> Change:
    """Given to somebody else, or to the queue."""
    detail = {"from": task.staff_id, "to": to.staff_id, "role": to.role, "branch": to.branch_id}
    where = {"staff_id": to.staff_id, "role": to.role, "branch_id": to.branch_id}
    return changed(task, Action.TRANSFERRED, by=by, at=at, detail=detail, **AT_HOME, **where, state=State.OPEN)


def handed_over(bench: Bench, task: Task, to: Place, answer_by: datetime, *, by: str, at: datetime) -> Change:
    """Offered to another role or person; the time to do it begins when it is accepted at the latest.

    Args:
        bench: The workbench and the bank's time.
        task: Before.
        to: Where it goes.
        answer_by: Deadline for accepting.
        by: Who hands it over; it comes back there.
        at: When.
    """
    detail = {"to": to.staff_id or to.role, "role": to.role, "branch": to.branch_id, "answer_by": answer_by.isoformat()}
    sender = {"sender_id": by, "sender_role": task.role, "sender_branch": task.branch_id}
    where = {"role": to.role, "branch_id": to.branch_id, "staff_id": to.staff_id, "state": State.OPEN}
    due = max(task.due, bench.time.due_of(bench.kind(task), answer_by))
    more = {"offer_stage": Stage.RECEIVER, "answer_by": answer_by, "due": due, "escalated": 0}
    return changed(task, Action.HANDED_OVER, by=by, at=at, detail=detail, **sender, **where, **more)


def proposed(bench: Bench, task: Task, at: datetime) -> Change:
    """A hand-over that a play has put into a queue gets its deadline, counted from when it was made.

    It comes back to the adviser whom the play has named, as any other hand-over.
    """
    kind = bench.kind(task)
    answer_by = bench.time.due(task.created, kind.answer_days, kind.due_time)
    to = Place(task.role, task.branch_id, task.staff_id)
    change = handed_over(bench, task, to, answer_by, by=SYSTEM, at=at)
    own = replace(change.after, sender_id=task.sender_id, sender_branch=task.sender_branch)
    return replace(change, after=replace(own, sender_role=own_role(bench, kind)))


def own_role(bench: Bench, kind: TaskKind) -> str:
    """The role of customers' own advisers; without one the role of the kind."""
    return next((role.name for role in bench.workbench.roles if role.personal), kind.role)


def sent_back(bench: Bench, task: Task, action: Action, *, by: str, at: datetime) -> Change:
    """An offer goes back to where it was: declined, or not accepted in time."""
    detail = {"from": task.staff_id or task.role, "to": task.sender_id or task.sender_role}
    where = {"role": task.sender_role, "branch_id": task.sender_branch, "staff_id": task.sender_id}
    own = task.offer_stage is Stage.COUNTER  # half an hour at the counter moves no deadline
    due = task.due if own else max(task.due, bench.time.due_of(bench.kind(task), at))
    to = {**AT_HOME, **where, "state": State.OPEN, "due": due}
    return changed(task, action, by=by, at=at, detail=detail, **to)


def unanswered(bench: Bench, task: Task, at: datetime) -> Change:
    """An offer whose deadline is over: from the receiver to the branch manager, from there back to the sender."""
    manager = bench.workbench.manager()
    if task.offer_stage is not Stage.RECEIVER or manager is None:
        return sent_back(bench, task, Action.SENT_BACK, by=SYSTEM, at=at)
    answer_by = bench.time.due(at, bench.workbench.manager_days, bench.kind(task).due_time)
    detail = {"from": task.staff_id or task.role, "to": manager.name, "answer_by": answer_by.isoformat()}
    where = {"role": manager.name, "staff_id": NOBODY, "offer_stage": Stage.MANAGER, "answer_by": answer_by}
    return changed(task, Action.PASSED_ON, by=SYSTEM, at=at, detail=detail, **where)


def arrived(bench: Bench, task: Task, branch: str, *, by: str, at: datetime) -> Change:
    """The customer came by: what lies open goes to the counter for a while, the rest is only noted."""
    counter = bench.workbench.counter()
    if counter is None or task.state is not State.OPEN or task.offer_stage is not Stage.NONE:
        return changed(task, Action.NOTED_ARRIVAL, by=by, at=at, detail={"branch": branch})
    answer_by = at + timedelta(minutes=bench.workbench.counter_minutes)
    sender = {"sender_id": task.staff_id, "sender_role": task.role, "sender_branch": task.branch_id}
    where = {"role": counter.name, "branch_id": branch, "staff_id": NOBODY}
    offer = {"offer_stage": Stage.COUNTER, "answer_by": answer_by}
    detail = {"branch": branch, "answer_by": answer_by.isoformat()}
    return changed(task, Action.ARRIVED, by=by, at=at, detail=detail, **sender, **where, **offer)


def logged(bench: Bench, task: Task, person: Person, log: Logged, at: datetime) -> Change:
    """What came of it; the result says what follows.

    Raises:
        CultivaError: if the moment or the amount does not fit the result.
    """
    kind, result = bench.kind(task), _result(bench.workbench, task, log.result)
    _require_fitting(result, log, at)
    ends = result.then == "close" or (result.then == "try_again" and task.attempts + 1 >= kind.attempts_max)
    if ends:
        change = _closed(task, person, log, at)
    elif result.then == "call_back":
        assert log.call_at is not None, "required above"
        due = log.call_at + timedelta(minutes=bench.workbench.call_back_minutes)
        to = {"promised": log.call_at, "best_from": log.call_at, "best_to": due, "due": due, "escalated": 0}
        detail = _detail(log) | {"call_at": log.call_at.isoformat()}
        change = changed(task, Action.PROMISED, by=person.staff_id, at=at, detail=detail, result=log.result, **to)
    else:
        change = _tried(bench, task, person, log, at)
    touch: Literal["", "confirm", "release"] = "release" if ends and task.touch_id else ""
    if result.contact and kind.contact:  # a follow-up without a touch of its own is a contact all the same
        touch = "confirm"
    signals = _signals(change, result, log, at)
    return replace(change, signals=signals, touch=touch, follow_up=result.follow_up if ends else None)


def _tried(bench: Bench, task: Task, person: Person, log: Logged, at: datetime) -> Change:
    kind = bench.kind(task)
    hours = kind.best_hours or bench.workbench.best_hours
    best_from, best_to = bench.time.best(hours, at, days=kind.next_try_days)
    to = {"attempts": task.attempts + 1, "best_from": best_from, "best_to": best_to, "promised": None}
    due = max(task.due, best_to)
    detail = _detail(log) | {"attempt": task.attempts + 1, "again": best_from.isoformat()}
    return changed(task, Action.TRIED, by=person.staff_id, at=at, detail=detail, result=log.result, due=due, **to)


def _closed(task: Task, person: Person, log: Logged, at: datetime) -> Change:
    to = {"state": State.DONE, "result": log.result}
    return changed(task, Action.LOGGED, by=person.staff_id, at=at, detail=_detail(log), **to)


def _detail(log: Logged) -> dict[str, object]:
    found: dict[str, object] = {"result": log.result, "remark": log.remark, "key": log.key}
    return found if log.amount is None else found | {"amount": log.amount}


def _signals(change: Change, result: Result, log: Logged, at: datetime) -> tuple[SignalRow, ...]:
    task, number = change.after, change.event.number
    detail = {"task": task.task_id, "kind": task.kind, "result": log.result, "staff": change.event.actor}
    detail |= {"strategy": task.strategy, "offer": task.offer, "channel": task.channel}
    return tuple(
        SignalRow(
            signal_id=content_hash([SOURCE, task.task_id, number, name]),
            customer_id=task.customer_id,
            name=name,
            at=at,
            amount=log.amount if result.amount else None,
            touch_id=task.touch_id,
            source=SOURCE,
            detail=detail,
        )
        for name in result.signals
    )


def _result(workbench: Workbench, task: Task, name: str) -> Result:
    from cultiva.execution.tasks.rights import unknown

    kind = workbench.kind(task.kind)
    possible = workbench.results_of(kind) if kind else workbench.results
    found = next((one for one in possible if one.name == name), None)
    if found is None:
        raise unknown("result", name, [one.name for one in possible])
    return found


def _require_fitting(result: Result, log: Logged, at: datetime) -> None:
    if (result.then == "call_back") != (log.call_at is not None):
        wanted = "the moment of the call" if result.then == "call_back" else "no moment: only a call back has one"
        raise CultivaError(
            "the result and the moment do not fit",
            code="task.call_at",
            seen=f"{result.name}, {log.call_at.isoformat() if log.call_at else 'no moment'}",
            allowed=wanted,
            hint="give the moment with the result that promises a call",
        )
    if log.call_at is not None and log.call_at <= at:
        raise CultivaError(
            "the customer cannot be called in the past",
            code="task.past",
            seen=log.call_at.isoformat(),
            allowed=f"after {at.isoformat()}",
            hint="check day and time zone",
        )
    if log.amount is not None and (log.amount < 0 or not result.amount):
        raise CultivaError(
            "the result has no such amount",
            code="task.amount",
            seen=log.amount,
            allowed="0 or more, in minor units, with a result that has an amount",
            hint=f"{result.name} has {'an amount' if result.amount else 'none'}",
        )


def escalated(task: Task, step: Escalation, number: int, at: datetime) -> Change:
    """Left lying: to the queue of the step's role, or of its own.

    Args:
        task: Before.
        step: The step of the kind's escalation.
        number: Its number, from 1.
        at: When.
    """
    role = step.to or task.role
    detail = {"step": number, "unless": step.unless, "from": task.staff_id or task.role, "to": role}
    to = {"state": State.OPEN, "role": role, "staff_id": NOBODY, "escalated": number}
    return changed(task, Action.ESCALATED, by=SYSTEM, at=at, detail=detail, **to)


def ended(task: Task, action: Action, *, by: str, at: datetime, reason: str) -> Change:
    """Cancelled or expired: what was kept of the contact budget for it is given back."""
    state = State.EXPIRED if action is Action.EXPIRED else State.CANCELLED
    change = changed(task, action, by=by, at=at, detail={"reason": reason}, **{**AT_HOME, "state": state})
    return replace(change, touch="release" if task.touch_id else "")


def returned(task: Task, at: datetime) -> Change:
    """Whoever had it has left: to the queue; an offer goes on to whoever else may accept it."""
    detail = {"from": task.staff_id}
    return changed(task, Action.RETURNED, by=SYSTEM, at=at, detail=detail, state=State.OPEN, staff_id=NOBODY)
