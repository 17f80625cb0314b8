"""Tasks, their events, people and absences in the store; the only file of this room with SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from cultiva.contracts.sight import Sight
from cultiva.execution.tables import ABSENCE, RECIPIENT, SIGNAL, STAFF_MEMBER, TASK, TASK_EVENT
from cultiva.execution.tasks.changes import Change
from cultiva.execution.tasks.records import NOBODY, Absence, Event, Load, Opened, SignalRow, StaffRow, Task
from cultiva.execution.tasks.states import Action, Stage, State
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import content_hash
from cultiva.store.database import insert_missing, put, put_all

PIECE = 500
"""Ids in one statement; SQLite takes a limited number of variables."""
_FIELDS = tuple(field.name for field in fields(Task))
_MOVING = (
    *("role", "branch_id", "staff_id", "best_from", "best_to", "due", "state", "result", "escalated", "attempts"),
    *("promised", "offer_stage", "answer_by", "sender_id", "sender_role", "sender_branch", "changes", "changed"),
)
"""Columns that actions change; reason and script belong to whoever fills the facts in."""
_LIVE = (State.OPEN.value, State.ACCEPTED.value)
Shown = ColumnElement[bool]
"""A condition over tasks: which of them whoever asks is shown."""
EVERY_TASK: Shown = true()


def add(connection: Connection, tasks: Sequence[Task]) -> None:
    """Writes new tasks, each with its first event; those that are there already stay as they are."""
    insert_missing(connection, TASK, [{**_row(task), "worded": 1} for task in tasks])  # their texts are as given
    events = [Event(task.task_id, 1, task.created, "system", Action.CREATED) for task in tasks]
    insert_missing(connection, TASK_EVENT, [_event_row(event) for event in events])


def save(connection: Connection, change: Change) -> Task:
    """Writes a change with its event and signals; gives the task as it is then.

    Raises:
        CultivaError: if somebody else has changed the task since it was read.
    """
    after = {name: value for name, value in _row(change.after).items() if name in _MOVING}
    mine = (TASK.c.task_id == change.before.task_id) & (TASK.c.changes == change.before.changes)
    if connection.execute(update(TASK).where(mine).values(**after)).rowcount != 1:
        raise CultivaError(
            "somebody else has just changed the task",
            code="task.changed",
            kind=ErrorKind.CONFLICT,
            seen=change.before.task_id,
            allowed="one change at a time",
            hint="look at it again",
        )
    connection.execute(insert(TASK_EVENT).values(**_event_row(change.event)))
    signal(connection, change.signals, at=change.event.at)
    return change.after


def save_all(connection: Connection, made: Sequence[Change]) -> None:
    """Writes changes that bring no signals, of tasks that this transaction has locked, a statement per table."""
    if not made:
        return
    assert not any(change.signals for change in made), "what people say is written one by one"
    to: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _MOVING}
    statement = update(TASK).where(TASK.c.task_id == bindparam("the_task")).values(to)
    rows = [{f"new_{name}": value for name, value in _row(change.after).items() if name in _MOVING} for change in made]
    ids = [{"the_task": change.after.task_id} for change in made]
    connection.execute(statement, [row | one for row, one in zip(rows, ids, strict=True)])
    connection.execute(insert(TASK_EVENT), [_event_row(change.event) for change in made])


def signal(connection: Connection, rows: Sequence[SignalRow], *, at: datetime) -> int:
    """Writes what plays and the review hear, each once; gives the number of those that were not known."""
    ids = [row.signal_id for row in rows]
    known = connection.scalar(select(func.count()).where(SIGNAL.c.signal_id.in_(ids))) if ids else 0
    insert_missing(connection, SIGNAL, [{**asdict(row), "detail": dict(row.detail), "received": at} for row in rows])
    return len(ids) - (known or 0)


def one(connection: Connection, task_id: str, shown: Shown = EVERY_TASK, *, lock: bool = False) -> Task | None:
    """A task among those that are shown; with `lock` nobody else changes it until the transaction ends."""
    query = select(TASK).where(TASK.c.task_id == task_id, shown)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return _task(row) if row is not None else None


def some(connection: Connection, task_ids: Collection[str]) -> list[Task]:
    """Those tasks that are not at an end, locked."""
    found: list[Task] = []
    ids = sorted(task_ids)
    for start in range(0, len(ids), PIECE):
        piece = TASK.c.task_id.in_(ids[start : start + PIECE]) & TASK.c.state.in_(_LIVE)
        found += locked(connection, piece, limit=PIECE, wait=True)
    return found


def of_customer(
    connection: Connection, customer_id: int, shown: Shown = EVERY_TASK, *, live: bool, lock: bool = False
) -> list[Task]:
    """Tasks about a customer, the most valuable first.

    Args:
        connection: Of a transaction.
        customer_id: Whom.
        shown: Which tasks are shown at all.
        live: Only those that are not at an end.
        lock: Whether nobody else may change them until the transaction ends.
    """
    query = select(TASK).where(TASK.c.customer_id == customer_id, shown)
    query = query.where(TASK.c.state.in_(_LIVE)) if live else query
    if lock:  # everybody locks in the order of ids, so that nobody waits for somebody who waits
        return [_task(row) for row in connection.execute(query.order_by(TASK.c.task_id).with_for_update())]
    return [_task(row) for row in connection.execute(query.order_by(TASK.c.worth.desc(), TASK.c.task_id))]


def launch_tasks(connection: Connection, launch_id: str, customer_ids: Collection[int] | None) -> list[str]:
    """Ids of the tasks of a launch that are not at an end, of those customers if given."""
    query = select(TASK.c.task_id).where((TASK.c.launch_id == launch_id) & TASK.c.state.in_(_LIVE))
    if customer_ids is None:
        return list(connection.scalars(query))
    ids = sorted(customer_ids)
    found: list[str] = []
    for start in range(0, len(ids), PIECE):
        found += connection.scalars(query.where(TASK.c.customer_id.in_(ids[start : start + PIECE])))
    return found


class Reach:
    """Which tasks a list shows: those on lists of people, and those in queues.

    Args:
        people: Staff ids whose lists are shown.
        roles: Roles whose queues are shown; with whether each has one queue for the whole bank.
        branch: Branch of the queues that are a branch's own; None: all.
        queued: Staff ids of those whose work lies in the queue.
    """

    def __init__(
        self, people: Collection[str], roles: Mapping[str, bool], branch: str | None, queued: Collection[str] = ()
    ) -> None:
        self.people = sorted(people)
        self.roles = dict(roles)
        self.branch = branch
        self.queued = sorted({NOBODY, *queued})

    def condition(self) -> ColumnElement[bool]:
        """As a condition over tasks."""
        lists = TASK.c.staff_id.in_(self.people)
        queues: list[ColumnElement[bool]] = [lists]
        lying = or_(
            and_(TASK.c.staff_id.in_(self.queued), TASK.c.state == State.OPEN.value),
            and_(TASK.c.staff_id.in_([one for one in self.queued if one]), TASK.c.state == State.ACCEPTED.value),
        )
        for role, whole_bank in sorted(self.roles.items()):
            here = and_(TASK.c.role == role, lying)
            queues.append(here if whole_bank or self.branch is None else and_(here, TASK.c.branch_id == self.branch))
        return and_(TASK.c.state.in_(_LIVE), or_(*queues))


def ranked(
    connection: Connection, reach: Reach, at: datetime, shown: Shown = EVERY_TASK, *, limit: int
) -> list[tuple[Task, str]]:
    """Tasks in the order in which they should be done, with the customers' names.

    Promised calls whose moment has come are first, promised calls still to come last, all else by worth.

    Args:
        connection: Of a transaction.
        reach: Which.
        at: The present moment.
        shown: Which tasks are shown at all.
        limit: At most so many.
    """
    counter = TASK.c.offer_stage == Stage.COUNTER.value
    band = case(
        (counter, 0), (TASK.c.promised.is_(None), 2), (TASK.c.promised <= at, 1), else_=3
    )  # the customer stands there
    name = func.coalesce(RECIPIENT.c.name, "").label("customer_name")
    query = (
        select(TASK, name)
        .outerjoin(RECIPIENT, RECIPIENT.c.customer_id == TASK.c.customer_id)
        .where(reach.condition(), shown)
        .order_by(band, TASK.c.worth.desc(), TASK.c.due, TASK.c.task_id)
        .limit(limit)
    )
    return [(_task(row), row.customer_name) for row in connection.execute(query)]


def in_sight(sight: Sight, reaches: Collection[Reach] = ()) -> Shown:
    """The tasks that a sight shows: its customers are seen, or the task lies with its people or at its branches.

    Args:
        sight: Of whoever asks.
        reaches: What lies with its people beyond their own lists: queues that they serve, work of those they cover.
    """
    if sight.whole_bank:
        return EVERY_TASK
    branches, advisers = sorted(sight.branches), sorted(sight.advisers)
    known = RECIPIENT.alias("known")  # a list joins the customers' names from the same table
    whose = or_(known.c.branch_id.in_(branches), known.c.adviser_id.in_(advisers))
    about = select(known.c.customer_id).where(known.c.customer_id == TASK.c.customer_id, whose).exists()
    theirs = or_(TASK.c.staff_id.in_(advisers), TASK.c.branch_id.in_(branches))
    return or_(about, theirs, *(reach.condition() for reach in reaches))


def unanswered(at: datetime) -> ColumnElement[bool]:
    """Offers whose deadline is over."""
    return (TASK.c.state == State.OPEN.value) & (TASK.c.offer_stage != 0) & (TASK.c.answer_by <= at)


def proposed() -> ColumnElement[bool]:
    """Hand-overs that plays have put into a queue and that have no deadline yet."""
    waiting = (TASK.c.state == State.OPEN.value) & (TASK.c.offer_stage == 0)
    return waiting & ((TASK.c.sender_id != NOBODY) | (TASK.c.sender_branch != ""))


def lying(kind: str, number: int, unless: str, before: datetime) -> ColumnElement[bool]:
    """Tasks beyond a step of the service level.

    Args:
        kind: Kind of task.
        number: Number of the step, from 1.
        unless: What the step asks for: accepted or done.
        before: Moment by which they lay where they lie, or were due.
    """
    late = (TASK.c.kind == kind) & (TASK.c.escalated < number) & (TASK.c.offer_stage == 0)
    if unless == "accepted":
        return late & (TASK.c.state == State.OPEN.value) & (TASK.c.changed <= before)
    return late & TASK.c.state.in_(_LIVE) & (TASK.c.due <= before)


def forgotten(kind: str, before: datetime) -> ColumnElement[bool]:
    """Tasks of a kind that were due before a moment and are not at an end."""
    return (TASK.c.kind == kind) & TASK.c.state.in_(_LIVE) & (TASK.c.due <= before)


def orphans() -> ColumnElement[bool]:
    """Tasks on lists of people who are not there any more."""
    gone = TASK.c.staff_id.not_in(select(STAFF_MEMBER.c.staff_id)) & (TASK.c.staff_id != NOBODY)
    return gone & TASK.c.state.in_(_LIVE)


def any_of(connection: Connection, where: ColumnElement[bool]) -> bool:
    """Whether there is such a task."""
    return connection.execute(select(TASK.c.task_id).where(where).limit(1)).first() is not None


def locked(connection: Connection, where: ColumnElement[bool], *, limit: int, wait: bool = False) -> list[Task]:
    """Such tasks, locked in a writing transaction; those that another process works on are left out, or waited for."""
    query = select(TASK).where(where).order_by(TASK.c.task_id).limit(limit).with_for_update(skip_locked=not wait)
    return [_task(row) for row in connection.execute(query)]


def events(connection: Connection, task_id: str) -> list[Event]:
    """What happened to a task, in order."""
    query = select(TASK_EVENT).where(TASK_EVENT.c.task_id == task_id).order_by(TASK_EVENT.c.number, TASK_EVENT.c.at)
    return [_event(row) for row in connection.execute(query)]


def opened(connection: Connection, task_id: str, shown: Shown = EVERY_TASK) -> Opened | None:
    """A task, what happened to it and what else is to be done about its customer, in one question.

    Args:
        connection: Of a transaction.
        task_id: Which.
        shown: Which tasks are shown at all.

    Returns:
        None: it is not among those that are shown.
    """
    the_one = TASK.c.task_id == task_id
    customer = select(TASK.c.customer_id).where(TASK.c.task_id == task_id).correlate(None).scalar_subquery()
    others = (TASK.c.customer_id == customer) & TASK.c.state.in_(_LIVE)
    said = (getattr(TASK_EVENT.c, name) for name in ("number", "at", "actor", "action", "detail"))
    query = (
        select(TASK, *said, STAFF_MEMBER.c.name.label("actor_name"))
        .outerjoin(TASK_EVENT, (TASK_EVENT.c.task_id == TASK.c.task_id) & the_one)
        .outerjoin(STAFF_MEMBER, STAFF_MEMBER.c.staff_id == TASK_EVENT.c.actor)
        .where(or_(the_one, others), shown)
        .order_by(TASK.c.worth.desc(), TASK.c.task_id, TASK_EVENT.c.number, TASK_EVENT.c.at)
    )
    rows = connection.execute(query).all()
    mine = [row for row in rows if row.task_id == task_id]
    if not mine:
        return None
    return Opened(
        task=_task(mine[0]),
        others=tuple(_task(row) for row in rows if row.task_id != task_id),
        history=tuple(_event(row) for row in mine if row.number is not None),
        names={row.actor: row.actor_name for row in mine if row.actor_name},
    )


def loads(
    connection: Connection, staff_ids: Collection[str], contact_kinds: Collection[str], since: datetime
) -> dict[str, Load]:
    """What people have to do, by staff id; whoever has nothing is not in it."""
    found: dict[str, Load] = {}
    ids = sorted(staff_ids)
    for start in range(0, len(ids), PIECE):
        mine = TASK.c.staff_id.in_(ids[start : start + PIECE])
        query = select(TASK.c.staff_id, *_loaded(contact_kinds, since)).where(mine).group_by(TASK.c.staff_id)
        found.update((row.staff_id, Load(int(row.contacts), int(row.held))) for row in connection.execute(query))
    return found


def at_work(
    connection: Connection, staff_id: str, contact_kinds: Collection[str], since: datetime
) -> tuple[StaffRow, Load] | None:
    """Somebody who does tasks, with what they have to do, in one question; None: nobody has that id."""
    query = (
        select(STAFF_MEMBER, *_loaded(contact_kinds, since))
        .outerjoin(TASK, TASK.c.staff_id == STAFF_MEMBER.c.staff_id)
        .where(STAFF_MEMBER.c.staff_id == staff_id)
        .group_by(STAFF_MEMBER.c.staff_id)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (_staff_row(row), Load(int(row.contacts), int(row.held)))


def _loaded(contact_kinds: Collection[str], since: datetime) -> tuple[ColumnElement[int], ColumnElement[int]]:
    in_hand = TASK.c.state == State.ACCEPTED.value
    done = (TASK.c.state == State.DONE.value) & (TASK.c.changed >= since)
    contact = TASK.c.kind.in_(sorted(contact_kinds))
    contacts = func.coalesce(func.sum(case((contact & or_(in_hand, done), 1), else_=0)), 0)
    held = func.coalesce(func.sum(case((in_hand, 1), else_=0)), 0)
    return contacts.label("contacts"), held.label("held")


def finished(
    connection: Connection, staff_ids: Collection[str], since: datetime, shown: Shown = EVERY_TASK
) -> dict[str, dict[tuple[str, str], int]]:
    """Tasks that people have finished since a moment: staff id -> (kind, result) -> how many."""
    found: dict[str, dict[tuple[str, str], int]] = {}
    ids = sorted(staff_ids)
    for start in range(0, len(ids), PIECE):
        mine = TASK.c.staff_id.in_(ids[start : start + PIECE]) & (TASK.c.state == State.DONE.value)
        by = (TASK.c.staff_id, TASK.c.kind, TASK.c.result)
        query = select(*by, func.count().label("n")).where(mine, TASK.c.changed >= since, shown).group_by(*by)
        for row in connection.execute(query):
            found.setdefault(row.staff_id, {})[row.kind, row.result] = row.n
    return found


def staff(connection: Connection, staff_id: str | None = None, *, lock: bool = False) -> list[StaffRow]:
    """People who do tasks; one of them, locked if wanted, or all."""
    query = select(STAFF_MEMBER).order_by(STAFF_MEMBER.c.staff_id)
    query = query.where(STAFF_MEMBER.c.staff_id == staff_id) if staff_id is not None else query
    rows = connection.execute(query.with_for_update() if lock else query)
    return [_staff_row(row) for row in rows]


def _staff_row(row: Row[Any]) -> StaffRow:
    return StaffRow(row.staff_id, row.branch_id, row.role, row.contacts_per_week_max, row.name)


def counts(connection: Connection) -> dict[tuple[str, State], int]:
    """Tasks by kind and state."""
    both = (TASK.c.state, TASK.c.kind)  # in the order of an index
    rows = connection.execute(select(*both, func.count()).group_by(*both))
    return {(kind, State(state)): count for state, kind, count in rows}


def staff_names(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Names of some people, as far as they are known."""
    found: dict[str, str] = {}
    every = sorted(ids)
    for start in range(0, len(every), PIECE):
        mine = STAFF_MEMBER.c.staff_id.in_(every[start : start + PIECE]) & (STAFF_MEMBER.c.name != "")
        rows = connection.execute(select(STAFF_MEMBER.c.staff_id, STAFF_MEMBER.c.name).where(mine))
        found.update((row.staff_id, row.name) for row in rows)
    return found


def put_staff(connection: Connection, rows: Iterable[StaffRow], business_date: date) -> bool:
    """Makes the table of people what the bank's staff table says; False if a newer day is there already."""
    newest = connection.scalar(select(func.max(STAFF_MEMBER.c.business_date)))
    if newest is not None and newest > business_date:
        return False
    put_all(connection, STAFF_MEMBER, [{**asdict(row), "business_date": business_date} for row in rows])
    connection.execute(delete(STAFF_MEMBER).where(STAFF_MEMBER.c.business_date < business_date))
    return True


def absences(connection: Connection, *, on: date | None = None, staff_id: str | None = None) -> list[Absence]:
    """Who is away: on a day, or all absences; of one person, or of everybody."""
    query = select(ABSENCE).order_by(ABSENCE.c.first_day, ABSENCE.c.staff_id)
    if on is not None:
        query = query.where((ABSENCE.c.first_day <= on) & (ABSENCE.c.last_day >= on))
    if staff_id is not None:
        query = query.where(ABSENCE.c.staff_id == staff_id)
    return [Absence(row.staff_id, row.first_day, row.last_day, row.cover_id) for row in connection.execute(query)]


def put_absence(connection: Connection, absence: Absence) -> None:
    """Writes an absence, in place of the one that begins on the same day."""
    put(connection, ABSENCE, asdict(absence))


def drop_absence(connection: Connection, staff_id: str, first_day: date) -> bool:
    """Takes an absence back; False if there is none."""
    mine = (ABSENCE.c.staff_id == staff_id) & (ABSENCE.c.first_day == first_day)
    return connection.execute(delete(ABSENCE).where(mine)).rowcount > 0


def _row(task: Task) -> dict[str, Any]:
    found = {name: getattr(task, name) for name in _FIELDS}
    return {**found, "state": task.state.value, "offer_stage": int(task.offer_stage)}


def _task(row: Row[Any]) -> Task:
    found = {name: getattr(row, name) for name in _FIELDS}
    return Task(**{**found, "state": State(row.state), "offer_stage": Stage(row.offer_stage)})


def _event(row: Row[Any]) -> Event:
    return Event(row.task_id, row.number, row.at, row.actor, Action(row.action), row.detail)


def _event_row(event: Event) -> dict[str, Any]:
    event_id = content_hash([event.task_id, event.number])
    return {
        "event_id": event_id,
        "task_id": event.task_id,
        "number": event.number,
        "at": event.at,
        "actor": event.actor,
        "action": event.action.value,
        "detail": dict(event.detail),
    }
