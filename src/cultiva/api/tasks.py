"""Tasks: a person's list, a queue, taking a task up, logging what came of it, customers who come by."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime, Field

from cultiva.api.desk import Desk
from cultiva.api.guard import IdempotencyKey, OurDesk, Seeing, needs, router
from cultiva.api.masked import shown, text
from cultiva.api.money import to_minor
from cultiva.api.outcomes import ShortText
from cultiva.api.paging import PAGE_DEFAULT, Cursor, Limit, cut, read_cursor
from cultiva.api.shapes import Page, Shape
from cultiva.contracts.sight import Sight
from cultiva.execution.access.keys import Scope
from cultiva.execution.tasks.moving import Receiver
from cultiva.execution.tasks.records import Event, Listed, Logged, Task
from cultiva.execution.tasks.states import Action, Standing
from cultiva.kit.errors import CultivaError

LISTED_MAX = 10_000
"""How deep into a list pages go; who is so far down does not work on it today."""
routes = router("/tasks", "tasks")
arrivals = router("/arrivals", "tasks")
TaskId = Annotated[str, Path(max_length=40, description="Id of a task.", examples=["3f1c9a0b7d2e4c55"])]
StaffId = Annotated[str, Field(min_length=1, max_length=63, examples=["A0001"])]


class TaskShape(Shape):
    """Work for a person."""

    task_id: str
    kind: str
    role: str
    branch_id: str
    staff_id: str
    """Whose it is; empty: the role's queue."""
    customer_id: int
    strategy: str
    offer: str
    channel: str
    worth: float
    """Money; the more valuable task comes first."""
    reason: str
    script: str
    best_from: datetime | None
    best_to: datetime | None
    due: datetime
    standing: Standing
    result: str
    """The last result logged; empty: none."""
    attempts: int
    promised: datetime | None
    """Moment promised to the customer."""
    launch_id: str
    """The launch that wants it; empty: a person does."""


class ListedShape(Shape):
    """A task on somebody's list."""

    task: TaskShape
    place: int
    """1 first."""
    late: bool
    promised_now: bool
    """Whether a promised call is due now."""
    lies: str
    """own, queue, cover or offered."""
    customer_name: str
    """Masked unless the key has the scope `personal`."""
    fits_week: bool
    """Whether the person's week has room for it."""


class TaskEventShape(Shape):
    """One thing that happened to a task."""

    number: int
    at: datetime
    actor: str
    action: Action


class TaskStoryShape(Shape):
    """A task and what happened to it."""

    task: TaskShape
    history: list[TaskEventShape]
    names: dict[str, str]
    """Names of the people in it by staff id, as far as known; masked unless the key has the scope `personal`."""


class TakeUp(Shape):
    """Somebody takes a task up."""

    staff_id: StaffId
    """Who."""


class ResultReport(Shape):
    """What came of a task."""

    staff_id: StaffId
    """Who did it."""
    result: str = Field(min_length=1, max_length=40, examples=["reached"])
    """A result of the workbench."""
    remark: str = Field(default="", max_length=1000)
    """For the history."""
    call_at: AwareDatetime | None = None
    """For a result that promises a call: when."""
    amount: Decimal | None = Field(default=None, ge=0, max_digits=15, decimal_places=2)
    """Money, where the result has some."""


class Transfer(Shape):
    """A task goes to somebody else of the same work."""

    staff_id: StaffId
    """Who gives it away."""
    to: str = Field(default="", max_length=63)
    """Who gets it; empty: the queue."""
    remark: ShortText = ""


class HandOver(Shape):
    """A task is offered to another role or tier, which must accept it in time."""

    staff_id: StaffId
    """Who hands it over."""
    role: str = Field(min_length=1, max_length=63, examples=["wealth"])
    """A role of the workbench."""
    to: str = Field(default="", max_length=63)
    """A person of it; empty: its queue."""
    answer_by: AwareDatetime | None = None
    """Until when it must be accepted; left out: as the kind says."""
    remark: ShortText = ""


class Decline(Shape):
    """A hand-over goes back to where it came from."""

    staff_id: StaffId
    """Who declines it."""
    remark: ShortText = ""


class Arrival(Shape):
    """A customer came by."""

    customer: str = Field(min_length=1, max_length=200, examples=["51"])
    """A customer id, or SYSTEM:ID."""
    branch_id: str = Field(min_length=1, max_length=63, examples=["B0002"])


class ArrivalTasks(Shape):
    """What to talk about, now that the customer is here."""

    customer_id: int
    tasks: list[TaskShape]
    """All that are not at an end, the most valuable first."""


@routes.get("", **needs(Scope.TASKS, 404))
def tasks(  # noqa: PLR0913, PLR0917  (parameters of the query)
    desk: OurDesk,
    sight: Seeing,
    staff: Annotated[str | None, Query(max_length=63, description="Somebody's own list.")] = None,
    role: Annotated[str | None, Query(max_length=63, description="A role's queue.")] = None,
    branch: Annotated[str | None, Query(max_length=63, description="With `role`: of this branch.")] = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Page[ListedShape]:
    """Somebody's list or a role's queue, best first. Give either `staff` or `role`."""
    if (staff is None) == (role is None):
        raise CultivaError(
            "whose tasks?", code="api.whose_tasks", seen="both or neither", allowed="either `staff` or `role`"
        )
    query = ["tasks", staff, role, branch]
    begin = min(max(0, read_cursor(cursor, query, int) or 0), LISTED_MAX)
    most = begin + limit + 1
    if staff is not None:
        found = desk.tasks(sight).ranked(staff, desk.now(), limit=most)
    else:
        assert role is not None
        found = desk.tasks(sight).queue(role, desk.now(), branch=branch, limit=most)
    page, after = cut(found[begin:], limit, query, lambda one: one.place)
    after = after if most <= LISTED_MAX else None
    return Page[ListedShape](items=[_listed(one, may_see=sight.personal) for one in page], next_cursor=after)


@routes.get("/{task}", **needs(Scope.TASKS, 404))
def task(task: TaskId, desk: OurDesk, sight: Seeing) -> TaskStoryShape:
    """One task and what happened to it."""
    found = desk.tasks(sight).task(task)
    history = [_event(one) for one in desk.tasks(sight).history(task)]
    known = desk.tasks(sight).names({found.staff_id, *(one.actor for one in history)})
    names = {
        one: str(shown("name", name, personal=True, may_see=sight.personal)) for one, name in sorted(known.items())
    }
    return TaskStoryShape(task=_task(found, desk, sight), history=history, names=names)


@routes.post("/{task}/accept", **needs(Scope.TASKS, 404, once=True))
def accept(task: TaskId, taken: TakeUp, desk: OurDesk, sight: Seeing, _key: IdempotencyKey) -> TaskShape:
    """Take a task up; of two who try at once one gets it."""
    return _task(desk.tasks(sight).accept(task, taken.staff_id, desk.now()), desk, sight)


@routes.post("/{task}/result", **needs(Scope.TASKS, 404, once=True))
def result(task: TaskId, report: ResultReport, desk: OurDesk, sight: Seeing, key: IdempotencyKey) -> TaskShape:
    """Log what came of a task; plays that wait for it go on, review measures with it."""
    logged = Logged(
        result=report.result,
        remark=report.remark,
        call_at=report.call_at,
        amount=None if report.amount is None else to_minor(report.amount),
        key=key,
    )
    return _task(desk.tasks(sight).log(task, report.staff_id, logged, desk.now()), desk, sight)


@routes.post("/{task}/transfer", **needs(Scope.TASKS, 404, once=True))
def transfer(task: TaskId, given: Transfer, desk: OurDesk, sight: Seeing, _key: IdempotencyKey) -> TaskShape:
    """Give a task to somebody else of the same work, or back to the queue."""
    moved = desk.tasks(sight).transfer(task, given.staff_id, given.to, desk.now(), remark=given.remark)
    return _task(moved, desk, sight)


@routes.post("/{task}/hand-over", **needs(Scope.TASKS, 404, once=True))
def hand_over(task: TaskId, given: HandOver, desk: OurDesk, sight: Seeing, _key: IdempotencyKey) -> TaskShape:
    """Hand a task over to another role or tier; if nobody accepts it in time it goes to the branch manager."""
    receiver = Receiver(given.role, given.to, answer_by=given.answer_by)
    moved = desk.tasks(sight).hand_over(task, given.staff_id, receiver, desk.now(), remark=given.remark)
    return _task(moved, desk, sight)


@routes.post("/{task}/decline", **needs(Scope.TASKS, 404, once=True))
def decline(task: TaskId, said: Decline, desk: OurDesk, sight: Seeing, _key: IdempotencyKey) -> TaskShape:
    """Send a hand-over back to where it came from."""
    return _task(desk.tasks(sight).decline(task, said.staff_id, desk.now(), remark=said.remark), desk, sight)


@arrivals.post("", **needs(Scope.TASKS, 404, once=True))
def arrive(arrival: Arrival, desk: OurDesk, sight: Seeing, _key: IdempotencyKey) -> ArrivalTasks:
    """A customer came by: the counter gets the open tasks at once."""
    customer_id = desk.customer(arrival.customer, desk.day(None), sight).customer_id
    found = desk.tasks(sight).arrive(customer_id, arrival.branch_id, desk.now(), by="api")
    return ArrivalTasks(customer_id=customer_id, tasks=[_task(one, desk, sight) for one in found])


def _task(one: Task, desk: Desk, sight: Sight) -> TaskShape:
    """A task; for those who may not see personal data without the customer's name, which scripts are written with."""
    name = "" if sight.personal else desk.name_of(one.customer_id)
    return _shape(one, name, may_see=sight.personal)


def _shape(one: Task, name: str, *, may_see: bool) -> TaskShape:
    same = {member: getattr(one, member) for member in TaskShape.model_fields}
    said = {member: text(same[member], name, may_see=may_see) for member in ("reason", "script")}
    return TaskShape.model_validate({**same, **said})


def _listed(one: Listed, *, may_see: bool) -> ListedShape:
    return ListedShape(
        task=_shape(one.task, one.customer_name, may_see=may_see),
        place=one.place,
        late=one.late,
        promised_now=one.promised_now,
        lies=one.lies,
        customer_name=str(shown("name", one.customer_name, personal=True, may_see=may_see)),
        fits_week=one.fits_week,
    )


def _event(one: Event) -> TaskEventShape:
    return TaskEventShape(number=one.number, at=one.at, actor=one.actor, action=one.action)
