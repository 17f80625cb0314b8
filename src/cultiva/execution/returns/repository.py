"""Reads what came back in a span of time, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from cultiva.execution.tables import DELIVERY, SIGNAL, TASK, TOUCH

Columns = Mapping[str, Sequence[Any]]
"""Name -> values, one per row."""


def carried_out(connection: Connection, after: datetime, until: datetime) -> Columns:
    """Touches confirmed in a span: touch_id, customer_id, at, channel, strategy, offer, wave, delivery, result.

    `delivery` is the state of the message and `result` that of the task, null where the touch had none.
    """
    tasks = _one_per_touch(TASK.c.touch_id, TASK.c.result.label("result")).subquery()
    messages = _one_per_touch(DELIVERY.c.touch_id, DELIVERY.c.state.label("delivery")).subquery()
    asked = (
        select(
            TOUCH.c.touch_id,
            TOUCH.c.customer_id,
            TOUCH.c.changed.label("at"),
            TOUCH.c.channel,
            TOUCH.c.strategy,
            TOUCH.c.offer,
            TOUCH.c.step.label("wave"),
            messages.c.delivery,
            tasks.c.result,
        )
        .join(messages, messages.c.touch_id == TOUCH.c.touch_id, isouter=True)
        .join(tasks, tasks.c.touch_id == TOUCH.c.touch_id, isouter=True)
        .where(and_(TOUCH.c.state == "confirmed", TOUCH.c.changed > after, TOUCH.c.changed <= until))
        .order_by(TOUCH.c.touch_id)
    )
    return _columns(connection, asked)


def signals(connection: Connection, after: datetime, until: datetime) -> Columns:
    """Signals received in a span: outcome_id, customer_id, at, name, amount (minor units)."""
    asked = (
        select(
            SIGNAL.c.signal_id.label("outcome_id"),
            SIGNAL.c.customer_id,
            SIGNAL.c.at,
            SIGNAL.c.name,
            SIGNAL.c.amount,
        )
        .where(and_(SIGNAL.c.received > after, SIGNAL.c.received <= until))
        .order_by(SIGNAL.c.signal_id)
    )
    return _columns(connection, asked)


def anything(connection: Connection) -> bool:
    """Whether anything was ever reserved or received."""
    return any(connection.execute(select(table).limit(1)).first() is not None for table in (TOUCH, SIGNAL))


def _one_per_touch(touch_id: Any, column: Any) -> Select[Any]:
    return select(touch_id, func.max(column).label(column.name)).where(touch_id != "").group_by(touch_id)


def _columns(connection: Connection, asked: Select[Any]) -> Columns:
    rows = connection.execute(asked).all()
    return {name: [row[place] for row in rows] for place, name in enumerate(asked.selected_columns.keys())}
