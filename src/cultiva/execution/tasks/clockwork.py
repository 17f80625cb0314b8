"""What the clock does to tasks: a batch at a time, so that any number of processes may watch it together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import Connection

from cultiva.execution.tasks import changes, repository
from cultiva.execution.tasks.changes import Bench, Change
from cultiva.execution.tasks.records import SYSTEM, Escalations, Task
from cultiva.execution.tasks.states import Action
from cultiva.store.database import Database

Save = Callable[[Connection, Change], Task]
"""Writes a change with all that belongs to it."""
_Find = Callable[[Connection, int], list[Task]]
_Make = Callable[[Task], Change]


def tick(database: Database, bench: Bench, save: Save, at: datetime, *, batch: int) -> Escalations:
    """Everything whose time has come.

    Args:
        database: Where the tasks lie.
        bench: The workbench and the bank's time.
        save: Writes a change.
        at: The present moment.
        batch: Tasks per transaction.
    """
    counts = dict.fromkeys((Action.ESCALATED, Action.PASSED_ON, Action.SENT_BACK, Action.EXPIRED), 0)
    for find, make in _watches(bench, at):
        while done := _once(database, find, make, save, batch):
            for action in done:
                counts[action] += 1
    return Escalations(
        escalated=counts[Action.ESCALATED],
        passed_on=counts[Action.PASSED_ON],
        sent_back=counts[Action.SENT_BACK],
        expired=counts[Action.EXPIRED],
    )


def _once(database: Database, find: _Find, make: _Make, save: Save, batch: int) -> list[Action]:
    """One batch in one transaction; a look without a lock first, so that a quiet hour keeps no writer waiting."""
    with database.reading() as connection:
        if not find(connection, 1):
            return []
    with database.writing() as connection:
        made = [make(task) for task in find(connection, batch)]
        for change in made:
            save(connection, change)
        return [change.event.action for change in made]


def _watches(bench: Bench, at: datetime) -> Iterator[tuple[_Find, _Make]]:
    """Pairs of what to look for and what becomes of it. Each change takes its task out of what is looked for."""
    for kind in bench.workbench.kinds:
        if kind.expires_days is not None:
            yield _expiry(kind.name, bench.time.ago(at, days=kind.expires_days), at)
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
