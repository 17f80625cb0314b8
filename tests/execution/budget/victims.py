"""Processes that are killed between two statements of the budget."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

from sqlalchemy import event
from tests.execution.budget.asking import AT, ONE_A_DAY, ask

from cultiva.execution.budget.service import Budget
from cultiva.execution.budget.touches import TouchRequest
from cultiva.store.database import Database

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.execution.budget.victims", "psycopg"])
CUSTOMERS = 20


def cheap() -> list[TouchRequest]:
    """Reservations that are there before."""
    return [ask(f"cheap{customer}", customer, worth=1) for customer in range(CUSTOMERS)]


def dear() -> list[TouchRequest]:
    """Requests that push every second one out."""
    return [ask(f"dear{customer}", customer, worth=2) for customer in range(0, CUSTOMERS, 2)]


def reserve_and_die(url: str, root: Path, statements: int) -> None:
    """Reserves and is killed after so many statements; ends normally if there are fewer."""
    database = Database(url, root)
    _die_after(database, statements)
    Budget(database, [ONE_A_DAY]).reserve(None, dear(), AT)
    os._exit(0)


def confirm_and_die(url: str, root: Path, statements: int) -> None:
    """Confirms and is killed after so many statements; ends normally if there are fewer."""
    database = Database(url, root)
    _die_after(database, statements)
    Budget(database, [ONE_A_DAY]).confirm([one.touch_id for one in cheap()], AT)
    os._exit(0)


def _die_after(database: Database, statements: int) -> None:
    seen = 0

    @event.listens_for(database.engine, "after_cursor_execute")
    def count(*_given: object) -> None:
        nonlocal seen
        seen += 1
        if seen == statements:
            os.kill(os.getpid(), signal.SIGKILL)
