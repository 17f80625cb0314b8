"""What the clock does to tasks: a batch at a time, so that any number of processes may watch it together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from cultiva.execution.tasks import changes, repository
from cultiva.execution.tasks.changes import Bench, Change
from cultiva.execution.tasks.records import SYSTEM, Escalations, Task
from cultiva.execution.tasks.states import Action
from cultiva.store.database import Database

Ended = Callable[[Sequence[Change]], None]
"""Told of what was changed, after it was."""
_Find = Callable[[Connection, int], list[Task]]
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
    for find, make in _watches(bench, at):
        while done := _once(database, find, make, batch):
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


def _once(database: Database, find: _Find, make: _Make, batch: int) -> list[Change]:
    """One batch in one transaction; a look without a lock first, so that a quiet hour keeps no writer waiting."""
    with database.reading() as connection:
        if not find(connection, 1):
            return []
    with database.writing() as connection:
        made = [make(task) for task in find(connection, batch)]
        repository.save_all(connection, made)
        return made


def _watches(bench: Bench, at: datetime) -> Iterator[tuple[_Find, _Make]]:
    """Pairs of what to look for and what becomes of it. Each change takes its task out of what is looked for."""
    for kind in bench.workbench.kinds:
        if kind.expires_days is not None:
            yield _expiry(kind.name, bench.time.ago(at, days=kind.expires_days), at)
    yield (
        lambda connection, limit: repository.proposed(connection, limit=limit),
        lambda task: changes.proposed(bench, task, at),
    )
    yield (
        lambda connection, limit: repository.unanswered(connection, at, limit=limit),
        lambda task: changes.unanswered(bench, task, at),
    )
    for kind in bench.workbench.kinds:
        for number, step in reversed(list(enumerate(kind.escalation, start=1))):
            before = bench.time.ago(at, days=step.business_days, hours=step.hours)
            find = _lying(kind.name, (number, step.unless), before)
            yield find, lambda task, step=step, number=number: changes.escalated(task, step, number, at)  # type: ignore[misc]


def _expiry(kind: str, before: datetime, at: datetime) -> tuple[_Find, _Make]:
    return (
        lambda connection, limit: repository.forgotten(connection, kind, before, limit=limit),
        lambda task: changes.ended(task, Action.EXPIRED, by=SYSTEM, at=at, reason="left lying"),
    )


def _lying(kind: str, step: tuple[int, str], before: datetime) -> _Find:
    return lambda connection, limit: repository.lying(connection, kind, step, before, limit=limit)
