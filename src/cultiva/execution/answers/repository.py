"""Reported outcomes in the store, as signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from cultiva.execution.answers.linked import Linked
from cultiva.execution.answers.outcome import Outcome
from cultiva.execution.tables import DELIVERY, SIGNAL
from cultiva.store.database import insert_missing

AT_A_TIME = 500
"""Ids in one statement."""
_REPORTED_AS = "outcome_id"
"""Member of a signal's detail that keeps the reporter's own id."""


def known(connection: Connection, ids: Sequence[str]) -> dict[str, Outcome]:
    """Those of the signals that are there, by signal id."""
    found: dict[str, Outcome] = {}
    for begin in range(0, len(ids), AT_A_TIME):
        asked = select(SIGNAL).where(SIGNAL.c.signal_id.in_(ids[begin : begin + AT_A_TIME]))
        found |= {row.signal_id: _outcome(row) for row in connection.execute(asked)}
    return found


def add(connection: Connection, outcomes: Mapping[str, Outcome], received: datetime) -> None:
    """Writes outcomes as signals; those that are there stay as they are."""
    insert_missing(connection, SIGNAL, [_row(name, one, received) for name, one in sorted(outcomes.items())])


def linked(connection: Connection, delivery_id: str) -> Linked | None:
    """The message of a link; None if there is none of that id."""
    row = connection.execute(select(DELIVERY).where(DELIVERY.c.delivery_id == delivery_id)).one_or_none()
    if row is None:
        return None
    return Linked(row.delivery_id, row.customer_id, row.provider, row.channel, str(row.content.get("target", "")))


def _row(signal_id: str, one: Outcome, received: datetime) -> dict[str, Any]:
    return {
        "signal_id": signal_id,
        "customer_id": one.customer_id,
        "name": one.name,
        "at": one.at,
        "amount": one.amount_minor,
        "touch_id": one.touch_id,
        "source": one.source,
        "detail": {**one.detail, _REPORTED_AS: one.outcome_id},
        "received": received,
    }


def _outcome(row: Row[Any]) -> Outcome:
    detail = dict(row.detail)
    outcome_id = detail.pop(_REPORTED_AS, "")
    return Outcome(outcome_id, row.customer_id, row.name, row.at, row.source, row.amount, row.touch_id, detail)
