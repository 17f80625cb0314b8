"""Firings and what they feed, in the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, select, update

from cultiva.execution.tables import FIRING, JOURNEY, PLACEMENT_FEED
from cultiva.execution.triggers.records import FiringState
from cultiva.store.database import insert_missing, put

AT_A_TIME = 500
"""Ids in one statement."""
LOOKED_THROUGH = 20_000
"""Newest firings among which those of some customers are looked for."""
F = FIRING.c


def states(connection: Connection, ids: Sequence[str]) -> dict[str, FiringState]:
    """What came of firings that are known."""
    asked = select(F.firing_id, F.state)
    return {row.firing_id: FiringState(row.state) for some in _pieces(ids)
            for row in connection.execute(asked.where(F.firing_id.in_(some)))}  # fmt: skip


def begun(connection: Connection, customer_ids: Sequence[int]) -> list[tuple[str, int, str, datetime]]:
    """Trigger, customer, firing and due of everything that firings of some customers have begun."""
    asked = select(F.trigger, F.customer_id, F.firing_id, F.due).where(F.made_id != "")
    return [
        (row.trigger, row.customer_id, row.firing_id, row.due)
        for some in _pieces(customer_ids)
        for row in connection.execute(asked.where(F.customer_id.in_(some)))
    ]


def entered(connection: Connection, launch_id: str, customer_ids: Sequence[int]) -> dict[int, datetime]:
    """Customers who are in a launch's play now -> since when."""
    asked = select(JOURNEY.c.customer_id, JOURNEY.c.entered)
    mine = and_(JOURNEY.c.launch_id == launch_id, JOURNEY.c.state == "active")
    return {
        row.customer_id: row.entered
        for some in _pieces(customer_ids)
        for row in connection.execute(asked.where(mine, JOURNEY.c.customer_id.in_(some)))
    }


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes firings; one that is known stays as it is, unless it had been withdrawn: then it stands again."""
    insert_missing(connection, FIRING, rows)
    for row in rows:
        again = and_(F.firing_id == row["firing_id"], F.state == FiringState.WITHDRAWN)
        kept = update(FIRING).where(again)
        connection.execute(kept.where(F.made_id != "").values(state=FiringState.STARTED, reason=""))
        connection.execute(kept.where(F.made_id == "").values(state=row["state"], reason=row["reason"]))


def feed(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Feeds slots; a row that is there is written anew."""
    for row in rows:
        put(connection, PLACEMENT_FEED, row)


def one(connection: Connection, firing_id: str) -> Row[Any] | None:
    """A firing; held until the end of the transaction."""
    return connection.execute(select(FIRING).where(F.firing_id == firing_id).with_for_update()).one_or_none()


def withdraw(connection: Connection, firing_id: str, reason: str, *, begun: bool) -> None:
    """Notes that a firing should not have been.

    Args:
        connection: A writing transaction.
        firing_id: Of the firing.
        reason: Why.
        begun: Whether what it began stays.
    """
    values = {"state": FiringState.WITHDRAWN, "reason": reason, **({} if begun else {"made_id": ""})}
    connection.execute(update(FIRING).where(F.firing_id == firing_id).values(values))
    if not begun:
        connection.execute(delete(PLACEMENT_FEED).where(PLACEMENT_FEED.c.firing_id == firing_id))


def listed(
    connection: Connection,
    *,
    trigger: str | None = None,
    customer_id: int | None = None,
    limit: int = 50,
    among: Callable[[int], bool] | None = None,
) -> list[dict[str, Any]]:
    """Firings, the newest first.

    Args:
        connection: Of a transaction.
        trigger: Only of this one.
        customer_id: Only of this customer.
        limit: At most so many.
        among: Whether a customer's are wanted; None: all are. Looked for among the newest `LOOKED_THROUGH`.
    """
    most = limit if among is None else LOOKED_THROUGH
    asked = select(FIRING).order_by(F.fired.desc(), F.due.desc(), F.firing_id).limit(most)
    if trigger is not None:
        asked = asked.where(F.trigger == trigger)
    if customer_id is not None:
        asked = asked.where(F.customer_id == customer_id)
    rows = (dict(row._mapping) for row in connection.execute(asked))
    return list(islice((row for row in rows if among is None or among(row["customer_id"])), limit))


def counts(connection: Connection, since: datetime | None = None) -> dict[str, dict[str, int]]:
    """Trigger -> state -> firings, of all time or of those that fell due since an instant."""
    asked = select(F.trigger, F.state, func.count().label("firings")).group_by(F.trigger, F.state)
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(asked if since is None else asked.where(F.due >= since)):
        found.setdefault(row.trigger, {})[row.state] = row.firings
    return found


def due_between(connection: Connection, after: datetime, until: datetime) -> list[tuple[str, int, str]]:
    """Trigger, customer and message of firings that stand and fell due after one instant and up to another."""
    asked = select(F.trigger, F.customer_id, F.message_id).where(F.due > after, F.due <= until)
    standing = asked.where(F.state != FiringState.WITHDRAWN)
    return [(row.trigger, row.customer_id, row.message_id) for row in connection.execute(standing)]


def _pieces(ids: Iterable[Any]) -> Iterator[Collection[Any]]:
    unique = sorted(set(ids))
    for begin in range(0, len(unique), AT_A_TIME):
        yield unique[begin : begin + AT_A_TIME]
