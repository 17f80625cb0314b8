"""Waiting events, refused events and visitors in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from cultiva.contracts.anteroom import USER, RefusedCount, RefusedEvent, VisitorLink, WaitingEvent
from cultiva.execution.tables import EVENT_QUARANTINE, EVENT_WAITING, VISITOR
from cultiva.store.database import insert_missing, insert_new, put_all

_BATCH = 500
"""Names in one statement."""
WAITING, REFUSED = EVENT_WAITING.c, EVENT_QUARANTINE.c


def put_links(connection: Connection, links: Sequence[VisitorLink]) -> None:
    """Writes who visitors are; the newest word counts, of two at once the one that sorts last."""
    newest: dict[str, VisitorLink] = {}
    for one in sorted(links, key=lambda link: (link.at, link.source_system, link.source_id)):
        newest[one.anonymous_id] = one
    known = {row.anonymous_id: row.at for row in _visitor_rows(connection, sorted(newest))}
    rows = [
        {"anonymous_id": name, "source_system": one.source_system, "source_id": one.source_id, "at": one.at}
        for name, one in sorted(newest.items())
        if name not in known or known[name] <= one.at
    ]
    put_all(connection, VISITOR, rows)


def visitors(connection: Connection, anonymous_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Who visitors are, as far as they have said it."""
    return {row.anonymous_id: (row.source_system, row.source_id) for row in _visitor_rows(connection, anonymous_ids)}


def visitors_of(connection: Connection, names: Collection[tuple[str, str]]) -> list[str]:
    """Anonymous ids of those who said that they are one of some (source system, source id)."""
    asked, ids, found = set(names), sorted({source_id for _, source_id in names}), []
    for start in range(0, len(ids), _BATCH):
        mine = select(VISITOR).where(VISITOR.c.source_id.in_(ids[start : start + _BATCH]))
        rows = connection.execute(mine)
        found += [row.anonymous_id for row in rows if (row.source_system, row.source_id) in asked]
    return sorted(found)


def _visitor_rows(connection: Connection, names: Sequence[str]) -> list[Any]:
    rows: list[Any] = []
    for start in range(0, len(names), _BATCH):
        asked = select(VISITOR).where(VISITOR.c.anonymous_id.in_(names[start : start + _BATCH]))
        rows += connection.execute(asked).all()
    return rows


def add_waiting(connection: Connection, events: Sequence[WaitingEvent]) -> list[str]:
    """Keeps events; message ids of the new ones."""
    first = {event.message_id: event for event in reversed(events)}
    rows = [  # in one order, or two who keep the same events would wait for each other
        {"message_id": name, "anonymous_id": one.who, "received": one.received, "body": one.body}
        for name, one in sorted(first.items())
    ]
    return [str(key) for (key,) in insert_new(connection, EVENT_WAITING, rows)]


def waiting(connection: Connection, who: Sequence[str], limit: int) -> list[WaitingEvent]:
    """Events that wait for some, the oldest first."""
    found: list[WaitingEvent] = []
    for start in range(0, len(who), _BATCH):
        mine = WAITING.anonymous_id.in_(who[start : start + _BATCH])
        asked = select(EVENT_WAITING).where(mine).order_by(WAITING.received, WAITING.message_id).limit(limit)
        found += [
            WaitingEvent(row.message_id, row.anonymous_id, row.received, row.body) for row in connection.execute(asked)
        ]
    return sorted(found, key=lambda one: (one.received, one.message_id))[:limit]


def waited_for(connection: Connection, after: str, limit: int) -> list[str]:
    """Names of those who are waited for."""
    asked = select(WAITING.anonymous_id).where(WAITING.anonymous_id > after).distinct()
    return list(connection.scalars(asked.order_by(WAITING.anonymous_id).limit(limit)))


def drop_waiting(connection: Connection, message_ids: Sequence[str]) -> None:
    """Forgets events that are in the log now."""
    for start in range(0, len(message_ids), _BATCH):
        mine = WAITING.message_id.in_(message_ids[start : start + _BATCH])
        connection.execute(delete(EVENT_WAITING).where(mine))


def waits(connection: Connection) -> dict[str, int]:
    """Events that wait: for users whom no run has seen, and for visitors."""
    of_users = WAITING.anonymous_id.startswith(USER, autoescape=True)
    every = connection.scalar(select(func.count()).select_from(EVENT_WAITING)) or 0
    users = connection.scalar(select(func.count()).select_from(EVENT_WAITING).where(of_users)) or 0
    return {"visitor": every - users, "user": users}


def add_refused(connection: Connection, events: Sequence[RefusedEvent]) -> None:
    """Sets events aside, each once."""
    names = ("quarantine_id", "message_id", "received", "reason", "name", "sender", "body")
    ordered = sorted({one.quarantine_id: one for one in reversed(events)}.values(), key=lambda one: one.quarantine_id)
    insert_missing(connection, EVENT_QUARANTINE, [{name: getattr(one, name) for name in names} for one in ordered])


def refused_counts(connection: Connection, since: datetime) -> list[RefusedCount]:
    """How many were set aside for what."""
    count, newest = func.count().label("rows"), func.max(REFUSED.received).label("newest")
    group = (REFUSED.reason, REFUSED.name, REFUSED.sender)
    asked = select(*group, count, newest).where(REFUSED.received >= since).group_by(*group)
    rows = connection.execute(asked.order_by(count.desc(), *group))
    return [RefusedCount(row.reason, row.name, row.sender, row.rows, row.newest) for row in rows]


def refused(connection: Connection, reason: str, limit: int) -> list[RefusedEvent]:
    """Those set aside last."""
    asked = select(EVENT_QUARANTINE).order_by(REFUSED.received.desc(), REFUSED.quarantine_id).limit(limit)
    rows = connection.execute(asked.where(REFUSED.reason == reason) if reason else asked)
    return [
        RefusedEvent(
            row.quarantine_id, row.message_id, row.received, row.reason, name=row.name, sender=row.sender, body=row.body
        )
        for row in rows
    ]


def expire(connection: Connection, waiting_before: datetime, refused_before: datetime) -> tuple[int, int]:
    """Drops what is too old; how many."""
    waited = connection.execute(delete(EVENT_WAITING).where(WAITING.received < waiting_before)).rowcount
    aside = connection.execute(delete(EVENT_QUARANTINE).where(REFUSED.received < refused_before)).rowcount
    return waited, aside
