"""The contact budget in the store: every statement is about a whole batch.

Locks are always taken in this order, each kind sorted by its key, so that two transactions never wait for each other:
rows of `touch_lock` (PostgreSQL; SQLite has one writer at a time), then touches, then deliveries and tasks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    String,
    Text,
    any_,
    func,
    literal,
    select,
    update,
)

from cultiva.execution.budget.touches import Touch, TouchRequest, TouchState
from cultiva.execution.tables import DELIVERY, TASK, TOUCH, TOUCH_LOCK
from cultiva.execution.tasks.ending import repository as ending

_COLUMNS = (*(TOUCH.c[one.name] for one in fields(TouchRequest)), TOUCH.c.state)
LIVE = (TouchState.RESERVED.value, TouchState.CONFIRMED.value)
"""States that take room."""


def lock(connection: Connection, keys: Collection[int]) -> None:
    """Makes everybody else who decides on these customers and households wait until the transaction ends.

    Rows that are missing are made first, in order; then all are locked, in order. A transaction that locks has all its
    rows, so it waits for nobody who still makes some; the two halves cannot wait for each other in a circle.
    """
    if not keys or not locks_rows(connection):
        return
    from sqlalchemy.dialects import postgresql

    wanted = func.unnest(literal(sorted(keys), ARRAY(BigInteger))).table_valued("key_id").render_derived()
    ordered = select(wanted.c.key_id).order_by(wanted.c.key_id)
    made = postgresql.insert(TOUCH_LOCK).from_select(["key_id"], ordered).on_conflict_do_nothing()
    connection.execute(made)
    found = select(TOUCH_LOCK.c.key_id).where(_among(connection, TOUCH_LOCK.c.key_id, keys))
    connection.execute(found.order_by(TOUCH_LOCK.c.key_id).with_for_update()).all()


def locks_rows(connection: Connection) -> bool:
    """Whether transactions write side by side, so that rows have to be locked; SQLite has one writer at a time."""
    return connection.dialect.name == "postgresql"


def by_id(connection: Connection, touch_ids: Collection[str], *, locked: bool = False) -> dict[str, Touch]:
    """The touches of these ids that the budget knows; locked, nobody else changes them until the transaction ends."""
    asked = select(*_COLUMNS).where(_among(connection, TOUCH.c.touch_id, touch_ids)).order_by(TOUCH.c.touch_id)
    found = connection.execute(asked.with_for_update() if locked else asked)
    return {row.touch_id: _touch(row) for row in found}


def counted(
    connection: Connection, *, customers: Collection[int], homes: Collection[int], days: tuple[date, date]
) -> list[Touch]:
    """Touches that count against caps, of customers or of whole households, in days from first to last.

    Reservations that have run out are among them, as long as nobody has marked them.
    """
    rows: dict[str, Row[Any]] = {}
    for column, keys in ((TOUCH.c.customer_id, customers), (TOUCH.c.household_id, homes)):
        if keys:
            asked = select(*_COLUMNS).where(_among(connection, column, keys), TOUCH.c.counts_on.between(*days))
            rows |= {
                row.touch_id: row for row in connection.execute(asked.where(TOUCH.c.state.in_(LIVE), ~TOUCH.c.exempt))
            }
    return [_touch(row) for row in rows.values()]


def put(connection: Connection, touches: Sequence[Touch], at: datetime) -> None:
    """Writes touches, over those with the same ids."""
    if not touches:
        return
    rows = [_row(touch, at) for touch in touches]
    written = _insert(connection, rows)
    rest = {name: written.excluded[name] for name in rows[0] if name != "touch_id"}
    again = written.on_conflict_do_update(index_elements=["touch_id"], set_=rest)
    connection.execute(again) if locks_rows(connection) else connection.execute(again, rows)


def change(
    connection: Connection,
    touch_ids: Collection[str],
    state: TouchState,
    at: datetime,
    *,
    only: Collection[TouchState],
) -> set[str]:
    """Gives touches another state.

    Args:
        connection: A writing transaction.
        touch_ids: Which touches.
        state: Their new state.
        at: The present instant.
        only: Touches in another state than these stay as they are.

    Returns:
        Those that were changed.
    """
    if not touch_ids:
        return set()
    mine = _among(connection, TOUCH.c.touch_id, touch_ids) & TOUCH.c.state.in_([one.value for one in only])
    locked = select(TOUCH.c.touch_id).where(mine).order_by(TOUCH.c.touch_id).with_for_update()
    found = set(connection.execute(locked).scalars())
    changed = update(TOUCH).where(_among(connection, TOUCH.c.touch_id, found))
    connection.execute(changed.values(state=state.value, changed=at))
    return found


def confirm(connection: Connection, days: Mapping[str, date], at: datetime) -> None:
    """Confirms reservations, each on the day on which it counts now."""
    for day in sorted(set(days.values())):
        mine = _among(connection, TOUCH.c.touch_id, sorted(one for one in days if days[one] == day))
        written = update(TOUCH).where(mine, TOUCH.c.state == TouchState.RESERVED.value)
        connection.execute(written.values(state=TouchState.CONFIRMED.value, counts_on=day, changed=at))


def overdue(connection: Connection, at: datetime, most: int) -> list[str]:
    """Reservations that have run out and that nobody is at work on, the oldest first; they are locked."""
    mine = (TOUCH.c.state == TouchState.RESERVED.value) & (TOUCH.c.expires <= at)
    found = select(TOUCH.c.touch_id).where(mine).order_by(TOUCH.c.expires).limit(most)
    return list(connection.execute(found.with_for_update(skip_locked=True)).scalars())


def cancel_work(connection: Connection, touch_ids: Collection[str], at: datetime, reason: str) -> None:
    """Cancels deliveries that still wait and tasks that nobody has accepted, of touches that have lost their room."""
    if not touch_ids:
        return
    waiting = _among(connection, DELIVERY.c.touch_id, touch_ids) & (DELIVERY.c.state == "queued")
    connection.execute(update(DELIVERY).where(waiting).values(state="cancelled", problem=reason, changed=at))
    untouched = _among(connection, TASK.c.touch_id, touch_ids) & (TASK.c.state == "open")
    ending.call_off(connection, untouched, reason=reason, at=at)


def _among(connection: Connection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether a column is one of the values, however many they are: they travel as one parameter."""
    if locks_rows(connection):
        return column == any_(literal(sorted(values), ARRAY(_whole(column))))
    listed = func.json_each(json.dumps(sorted(values))).table_valued("value")
    return column.in_(select(listed.c.value))


def _insert(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Any:
    """On PostgreSQL one statement with an array per column; SQLite, in the same process, takes row after row."""
    if not locks_rows(connection):
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(TOUCH)
    from sqlalchemy.dialects import postgresql

    names = list(rows[0])
    arrays = [literal([row[name] for row in rows], ARRAY(_whole(TOUCH.c[name]))) for name in names]
    listed = (
        func.unnest(*arrays).table_valued(*(Column(name, _whole(TOUCH.c[name])) for name in names)).render_derived()
    )
    return postgresql.insert(TOUCH).from_select(names, select(*(listed.c[name] for name in names)))


def _whole(column: Column[Any]) -> Any:
    """A column's type; of texts without a length, as a cast to one would cut them in silence."""
    return Text() if isinstance(column.type, String) else column.type


def _row(touch: Touch, at: datetime) -> dict[str, Any]:
    asked = touch.request
    return {
        "touch_id": asked.touch_id,
        "customer_id": int(asked.customer_id),
        "household_id": int(asked.home),
        "channel": asked.channel,
        "offer": asked.offer,
        "strategy": asked.strategy,
        "launch_id": asked.launch_id,
        "step": asked.step,
        "worth": float(asked.worth),
        "counts_on": asked.counts_on,
        "exempt": bool(asked.exempt),
        "state": touch.state.value,
        "expires": asked.expires,
        "changed": at,
    }


def _touch(row: Row[Any]) -> Touch:
    *asked, state = tuple(row)
    return Touch(TouchRequest(*asked), TouchState(state))
