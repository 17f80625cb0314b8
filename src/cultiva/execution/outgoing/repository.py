"""Enrolments, the touches behind deliveries, and tasks whose facts are not filled in yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection, and_, bindparam, select, update

from cultiva.execution.tables import DELIVERY, ENROLMENT, TASK, TOUCH
from cultiva.store.database import insert_missing, put

AT_A_TIME = 500
"""Ids in one statement."""
TESTER = 0
"""Stands for the customer where a message goes to one of the bank's own people."""


@dataclass(frozen=True)
class TouchFacts:
    """What a touch is about."""

    strategy: str
    offer: str


@dataclass(frozen=True)
class PlainTask:
    """A task as a play leaves it: nothing is filled in."""

    task_id: str
    customer_id: int
    strategy: str
    offer: str
    channel: str
    reason: str
    """With `{tag}` where facts go."""
    script: str
    """Name of a content; empty: whichever fits."""
    launch_id: str


@dataclass(frozen=True)
class Trial:
    """A message to one of the bank's own people, as a customer would get it."""

    delivery_id: str
    channel: str
    provider: str
    address: str
    content: Mapping[str, str]
    """Rendered, with everything personal masked."""


def begin_enrolment(connection: Connection, launch_id: str, day: date, at: datetime) -> tuple[datetime, bool]:
    """When a day's customers enter a launch's play, and whether all of them have."""
    insert_missing(connection, ENROLMENT, [{"launch_id": launch_id, "business_date": day, "begun": at}])
    mine = and_(ENROLMENT.c.launch_id == launch_id, ENROLMENT.c.business_date == day)
    found = connection.execute(select(ENROLMENT).where(mine)).one()
    return found.begun, found.people is not None


def end_enrolment(connection: Connection, launch_id: str, day: date, people: int) -> None:
    """All customers of a day have entered."""
    mine = and_(ENROLMENT.c.launch_id == launch_id, ENROLMENT.c.business_date == day)
    connection.execute(update(ENROLMENT).where(mine).values(people=people))


def touch_facts(connection: Connection, ids: Sequence[str]) -> dict[str, TouchFacts]:
    """What touches are about, by id."""
    asked = select(TOUCH.c.touch_id, TOUCH.c.strategy, TOUCH.c.offer)
    found = {}
    for some in _chunks(ids):
        for row in connection.execute(asked.where(TOUCH.c.touch_id.in_(some))):
            found[row.touch_id] = TouchFacts(row.strategy, row.offer)
    return found


def plain_tasks(connection: Connection, limit: int) -> list[PlainTask]:
    """Tasks of launches that wait for their facts, oldest first."""
    waiting = and_(TASK.c.worded == 0, TASK.c.launch_id != "", TASK.c.state.in_(["open", "accepted"]))
    columns = [TASK.c[name] for name in PlainTask.__dataclass_fields__]
    asked = select(*columns).where(waiting).order_by(TASK.c.created, TASK.c.task_id).limit(limit)
    return [PlainTask(**row._asdict()) for row in connection.execute(asked)]


def word_tasks(connection: Connection, worded: Mapping[str, tuple[str, str]]) -> None:
    """Fills facts in: task -> reason and script; done twice it changes nothing."""
    rows = [{"key": name, "told": reason, "said": script} for name, (reason, script) in worded.items()]
    if rows:
        mine = and_(TASK.c.task_id == bindparam("key"), TASK.c.worded == 0)
        values = {"reason": bindparam("told"), "script": bindparam("said"), "worded": 1}
        connection.execute(update(TASK).where(mine).values(values), rows)


def put_trials(connection: Connection, trials: Sequence[Trial], at: datetime) -> None:
    """Puts test messages into the outbox; one that is there goes again."""
    for one in trials:
        row = {
            **asdict(one), "touch_id": "", "launch_id": "", "step": one.delivery_id, "customer_id": TESTER, "entry": 1,
            "content": dict(one.content), "state": "queued", "attempts": 0, "due": at, "expires": None, "lease": "",
            "leased_until": None, "reference": "", "problem": "", "evidence": [], "created": at, "changed": at,
        }  # fmt: skip
        put(connection, DELIVERY, row)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(ids), AT_A_TIME):
        yield ids[begin : begin + AT_A_TIME]
