"""The lines of the audit in the store: written one after the other, never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, insert, select, text, type_coerce

from cultiva.execution.audit.chain import NOTHING_BEFORE, Entry, Line, Sought, sealed
from cultiva.execution.tables import AUDIT

UNREADABLE = "unreadable"
"""Stands for details that are no JSON object any more."""
AT_A_TIME = 5_000
"""Lines fetched together while the whole audit is read."""


def append(connection: Connection, entry: Entry) -> Line:
    """Adds a line within the caller's transaction; the next writer waits until that ends, so numbers have no gaps."""
    _lock(connection)
    last = connection.execute(select(AUDIT.c.number, AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)).first()
    line = sealed(1 if last is None else last.number + 1, entry, NOTHING_BEFORE if last is None else last.hash)
    connection.execute(insert(AUDIT).values(_row(line)))
    return line


def every_line(connection: Connection) -> Iterator[Line]:
    """All lines by number, some at a time."""
    asked = _as_stored().order_by(AUDIT.c.number).execution_options(yield_per=AT_A_TIME)
    for row in connection.execute(asked):
        yield _line(row)


def newest(connection: Connection, sought: Sought, *, last: int) -> list[Line]:
    """The last lines that are sought, the oldest first."""
    asked = _as_stored().order_by(AUDIT.c.number.desc()).limit(last)
    if sought.actor is not None:
        asked = asked.where(AUDIT.c.actor == sought.actor)
    for column, value, ending in ((AUDIT.c.subject, sought.subject, ":"), (AUDIT.c.action, sought.action, ".")):
        if value is not None:
            kind = value.endswith(ending)
            asked = asked.where(column.startswith(value, autoescape=True) if kind else column == value)
    if sought.since is not None:
        asked = asked.where(AUDIT.c.at >= sought.since)
    if sought.until is not None:
        asked = asked.where(AUDIT.c.at < sought.until)
    return [_line(row) for row in connection.execute(asked)][::-1]


def _as_stored() -> Select[Any]:
    """Lines with `at` and `detail` as the store has them: a line that somebody has spoilt must be named, not fail."""
    raw = {name: type_coerce(AUDIT.c[name], Text).label(name) for name in ("at", "detail")}
    return select(*(raw.get(column.name, column) for column in AUDIT.columns))


def _lock(connection: Connection) -> None:
    """Queues up the writers; on SQLite the writing transaction itself has done so when it began."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("lock table audit in share row exclusive mode"))


def _row(line: Line) -> dict[str, Any]:
    entry = line.entry
    return {
        "number": line.number,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "previous": line.previous,
        "hash": line.hash,
    }


def _line(row: Row[Any]) -> Line:
    entry = Entry(_instant(row.at), row.actor, row.action, row.subject, _detail(row.detail))
    return Line(row.number, entry, row.previous, row.hash)


def _instant(stored: object) -> datetime:
    """PostgreSQL gives an instant, SQLite its text; what is neither is an instant that nothing was done at."""
    try:
        found = stored if isinstance(stored, datetime) else datetime.fromisoformat(str(stored))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _detail(stored: str) -> dict[str, Any]:
    try:
        found = json.loads(stored)
    except (ValueError, TypeError):
        found = None
    return found if isinstance(found, dict) else {UNREADABLE: str(stored)}


def last_of(connection: Connection, subject: str, action: str) -> Entry | None:
    """The last entry of an action on a subject."""
    mine = (AUDIT.c.subject == subject) & (AUDIT.c.action == action)
    row = connection.execute(_as_stored().where(mine).order_by(AUDIT.c.number.desc()).limit(1)).first()
    return None if row is None else _line(row).entry


def last_details(connection: Connection, kind: str, member: str) -> dict[str, Any]:
    """Subjects of a kind -> what the newest line that says something under `member` says there."""
    asked = _as_stored().where(AUDIT.c.subject.startswith(f"{kind}:", autoescape=True)).order_by(AUDIT.c.number)
    lines = map(_line, connection.execute(asked.execution_options(yield_per=AT_A_TIME)))
    return {line.entry.subject: line.entry.detail[member] for line in lines if member in line.entry.detail}
