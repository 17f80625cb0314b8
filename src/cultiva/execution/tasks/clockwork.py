"""What the clock does to tasks: a batch at a time, so that any number of processes may watch it together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection

from cultiva.execution.tasks import changes, repository
from cultiva.execution.tasks.changes import Bench, Change
from cultiva.execution.tasks.records import SYSTEM, Escalations, Task
from cultiva.execution.tasks.states import Action
from cultiva.store.database import Database

Ended = Callable[[Sequence[Change]], None]
"""Told of what was changed, after it was."""
_Make = Callable[[Task], Change]


def tick(database: Database, bench: Bench, told: Ended, at: datetime, *, batch: int) -> Escalations:
    """Everything whose time has come.

    Args:
        database: Where the tasks lie.
        bench: The workbench and the bank's time.
        told: Told of each batch of changes.
        at: The present moment.
        batch: Tasks per transaction.
    """
    counts = Counter[Action]()
    for late, make in _watches(bench, at):
        while done := _once(database, late, make, batch):
            told(done)
            counts.update(change.event.action for change in done)
    return Escalations(
        escalated=counts[Action.ESCALATED],
        passed_on=counts[Action.PASSED_ON],
        sent_back=counts[Action.SENT_BACK],
        expired=counts[Action.EXPIRED],
    )


def cancelled(
    connection: Connection, launch_id: str, customer_ids: Collection[int] | None, at: datetime, *, reason: str
) -> list[Change]:
    """Takes back the tasks of a launch that are not at an end.

    Args:
        connection: Of a writing transaction.
        launch_id: The launch.
        customer_ids: Only about these; None: all.
        at: The present moment.
        reason: For the history.
    """
    found = repository.some(connection, repository.launch_tasks(connection, launch_id, customer_ids))
    made = [changes.ended(task, Action.CANCELLED, by=SYSTEM, at=at, reason=reason) for task in found]
    repository.save_all(connection, made)
    return made


def _once(database: Database, late: ColumnElement[bool], make: _Make, batch: int) -> list[Change]:
    """One batch in one transaction; a look without a lock first, so that a quiet hour keeps no writer waiting."""
    with database.reading() as connection:
        if not repository.any_of(connection, late):
            return []
    with database.writing() as connection:
        made = [make(task) for task in repository.locked(connection, late, limit=batch)]
        repository.save_all(connection, made)
        return made


def _watches(bench: Bench, at: datetime) -> Iterator[tuple[ColumnElement[bool], _Make]]:
    """Pairs of what to look for and what becomes of it. Each change takes its task out of what is looked for."""
    for kind in bench.workbench.kinds:
        if kind.expires_days is not None:
            forgotten = repository.forgotten(kind.name, bench.time.ago(at, days=kind.expires_days))
            yield forgotten, lambda task: changes.ended(task, Action.EXPIRED, by=SYSTEM, at=at, reason="left lying")
    yield repository.proposed(), lambda task: changes.proposed(bench, task, at)
    yield repository.unanswered(at), lambda task: changes.unanswered(bench, task, at)
    for kind in bench.workbench.kinds:
        for number, step in reversed(list(enumerate(kind.escalation, start=1))):
            lying = repository.lying(
                kind.name, number, step.unless, bench.time.ago(at, days=step.business_days, hours=step.hours)
            )
            yield lying, lambda task, step=step, number=number: changes.escalated(task, step, number, at)  # type: ignore[misc]
