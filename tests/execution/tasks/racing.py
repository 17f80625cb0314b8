"""Processes that work on the same tasks at the same time."""

from __future__ import annotations

import os
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.execution.tasks.bench import BENCH, CALENDAR, MONDAY, later
from tests.store.racers import PROCESSES

from cultiva.execution.tasks.records import Logged
from cultiva.execution.tasks.service import Tasks
from cultiva.kit.errors import CultivaError
from cultiva.store import open_store

__all__ = ["PROCESSES"]


def accept_all(url: str, root: Path, together: Barrier, staff_id: str, ids: list[str]) -> None:
    """Tries to accept every task; leaves the number of those that it got, 200 for an error nobody expects."""
    store = open_store(url, root)
    tasks = Tasks(store.database, BENCH, CALENDAR)
    got = 0
    together.wait()
    for task_id in ids:
        try:
            got += tasks.accept(task_id, staff_id, MONDAY).changes == 2
        except CultivaError as error:
            if error.code not in ("task.taken", "task.week_full"):
                os._exit(200)
    os._exit(got)


def log_again(url: str, root: Path, together: Barrier, task_id: str) -> None:
    """Takes a task up and logs one result, as others do with the same click."""
    store = open_store(url, root)
    tasks = Tasks(store.database, BENCH, CALENDAR)
    together.wait()
    tasks.report(task_id, "A2", Logged("interested", key="click"), MONDAY)
    os._exit(0)


def watch(url: str, root: Path, together: Barrier) -> None:
    """Looks at the clock; leaves the number of tasks that it escalated."""
    store = open_store(url, root)
    tasks = Tasks(store.database, BENCH, CALENDAR)
    together.wait()
    os._exit(tasks.escalate(later(days=2), batch=7).escalated)
