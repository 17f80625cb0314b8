"""Orders, tombstones and holds in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from cultiva.contracts.erased import Tombstone
from cultiva.execution.erasure.people import Act, Done, Hold, Order, merged
from cultiva.execution.erasure.tables import ERASURE, ERASURE_COUNT, LEGAL_HOLD, TOMBSTONE
from cultiva.store.database import insert_missing, put, put_all

AT_A_TIME = 500
"""Ids in one statement."""


def put_order(connection: Connection, order: Order) -> None:
    """Writes an order over what is there of it."""
    put(connection, ERASURE, {name: getattr(order, name) for name in ERASURE.columns.keys()})  # noqa: SIM118


def orders(connection: Connection, *, state: str | None = None) -> list[Order]:
    """Orders by the time they were given."""
    asked = select(ERASURE).order_by(ERASURE.c.begun, ERASURE.c.erasure_id)
    rows = connection.execute(asked if state is None else asked.where(ERASURE.c.state == state))
    return [Order(**row._asdict()) for row in rows]


def order_of(connection: Connection, erasure_id: str) -> Order | None:
    """An order; None if there is none."""
    row = connection.execute(select(ERASURE).where(ERASURE.c.erasure_id == erasure_id)).one_or_none()
    return None if row is None else Order(**row._asdict())


def count(connection: Connection, erasure_id: str, rows: Sequence[Done]) -> None:
    """Adds to what was done; in the transaction that does it, so that nothing is counted twice or lost."""
    mine = ERASURE_COUNT.c.erasure_id == erasure_id
    known = {(row.place, row.act): row.rows for row in connection.execute(select(ERASURE_COUNT).where(mine))}
    put_all(
        connection,
        ERASURE_COUNT,
        [
            {
                "erasure_id": erasure_id,
                "place": one.place,
                "act": one.act.value,
                "rows": known.get((one.place, one.act.value), 0) + one.rows,
            }
            for one in merged(rows)
        ],
    )


def counts(connection: Connection, erasure_id: str) -> list[Done]:
    """What was done so far, by place."""
    asked = select(ERASURE_COUNT).where(ERASURE_COUNT.c.erasure_id == erasure_id)
    rows = connection.execute(asked.order_by(ERASURE_COUNT.c.place, ERASURE_COUNT.c.act))
    return [Done(row.place, Act(row.act), row.rows) for row in rows]


def put_tombstones(connection: Connection, stones: Iterable[Tombstone], *, erasure_id: str, key_name: str) -> None:
    """Keeps tombstones; one that is there stays."""
    rows = [
        {"kind": one.kind, "digest": one.digest, "against": one.against, "erasure_id": erasure_id, "key_name": key_name}
        for one in sorted(stones)
    ]
    insert_missing(connection, TOMBSTONE, rows)


def tombstones(connection: Connection) -> list[tuple[Tombstone, str, str]]:
    """(tombstone, its erasure, name of the key it was made with)."""
    rows = connection.execute(select(TOMBSTONE).order_by(TOMBSTONE.c.kind, TOMBSTONE.c.digest, TOMBSTONE.c.against))
    return [(Tombstone(row.kind, row.digest, row.against), row.erasure_id, row.key_name) for row in rows]


def key_names(connection: Connection) -> set[str]:
    """Names of the keys with which tombstones were made."""
    return set(connection.scalars(select(TOMBSTONE.c.key_name).distinct()))


def put_hold(connection: Connection, hold: Hold) -> None:
    """Places a hold; one that is there stays."""
    insert_missing(connection, LEGAL_HOLD, [{name: getattr(hold, name) for name in LEGAL_HOLD.columns.keys()}])  # noqa: SIM118


def hold_of(connection: Connection, hold_id: str) -> Hold | None:
    """A hold; None if there is none."""
    row = connection.execute(select(LEGAL_HOLD).where(LEGAL_HOLD.c.hold_id == hold_id)).one_or_none()
    return None if row is None else _hold(row)


def lift(connection: Connection, hold_id: str, at: datetime, *, by: str, remark: str) -> None:
    """Ends a hold."""
    mine = update(LEGAL_HOLD).where(LEGAL_HOLD.c.hold_id == hold_id)
    connection.execute(mine.values(lifted=at, lifted_by=by, remark=remark))


def holds(
    connection: Connection, *, customers: Sequence[int] | None = None, standing: date | None = None
) -> list[Hold]:
    """Holds by the time they were placed.

    Args:
        connection: Reading.
        customers: Only of these; None: all.
        standing: Only those in force on this day; None: all.
    """
    asked = select(LEGAL_HOLD)
    parts = (
        [None] if customers is None else [customers[at : at + AT_A_TIME] for at in range(0, len(customers), AT_A_TIME)]
    )
    found = [
        _hold(row)
        for some in parts
        for row in connection.execute(asked if some is None else asked.where(LEGAL_HOLD.c.customer_id.in_(some)))
    ]
    kept = [one for one in found if standing is None or one.stands(standing)]
    return sorted(kept, key=lambda one: (one.placed, one.hold_id))


def _hold(row: Row[Any]) -> Hold:
    return Hold(**row._asdict())
