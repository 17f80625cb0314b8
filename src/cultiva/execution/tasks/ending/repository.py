"""Calling tasks off in the store, a set at a time, each with its line in the history."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, update

from cultiva.execution.tables import TASK, TASK_EVENT
from cultiva.kit.hashing import content_hash

SYSTEM, CANCELLED = "system", "cancelled"


def call_off(connection: Connection, who: ColumnElement[bool], *, reason: str, at: datetime) -> int:
    """Cancels the tasks of which a condition holds.

    Args:
        connection: The transaction in which what they were for has gone.
        who: Over tasks, only open or accepted ones.
        reason: Why, for whoever looks at a task's history.
        at: Now.

    Returns:
        How many.
    """
    ended = {"state": CANCELLED, "changed": at, "changes": TASK.c.changes + 1}
    called = update(TASK).where(who).values(ended).returning(TASK.c.task_id, TASK.c.changes)
    events = [
        {
            "event_id": content_hash([row.task_id, row.changes]),
            "task_id": row.task_id,
            "number": row.changes,
            "at": at,
            "actor": SYSTEM,
            "action": CANCELLED,
            "detail": {"reason": reason},
        }
        for row in connection.execute(called)
    ]
    if events:
        connection.execute(insert(TASK_EVENT), events)
    return len(events)
