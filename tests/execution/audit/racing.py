"""Processes that write the audit at the same time."""

from __future__ import annotations

from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import write
from cultiva.store import open_store

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


class Undone(Exception):
    """Leaves a transaction that is to be undone."""


def write_some(url: str, root: Path, together: Barrier, actor: str, lines: int) -> None:
    """Writes lines, every third one in a transaction that is undone in the end."""
    store = open_store(url, root)
    together.wait()
    for number in range(lines):
        try:
            with store.database.writing() as connection:
                write(connection, Entry(AT, actor, "thing.done", f"thing:{number}", {"n": number}))
                if number % 3 == 2:
                    raise Undone
        except Undone:
            continue
    store.close()
