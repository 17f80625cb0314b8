"""A person's rows in the store: removed, or, where the accounts need them, unlinked.

Every table with the number of a customer is dealt with, those too that will be added: what is not named here is
removed. One statement per table and some hundred ids; never one per customer.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, delete, exists, select, update

from cultiva.execution.erasure.people import Act, Done, People
from cultiva.execution.tables import (
    DELIVERY,
    EVENT_WAITING,
    GRANT,
    RECEIPT,
    RECIPIENT,
    REQUEST_KEY,
    TASK,
    TASK_EVENT,
    TOUCH,
    TOUCH_LOCK,
    VISITOR,
)
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database
from cultiva.store.tables import IDENTITY_CHANGE, IDENTITY_CHANGE_MEMBER, METADATA

AT_A_TIME = 500
"""Ids in one statement."""
CUSTOMER = "customer_id"
UNLINKED: Mapping[Table, Mapping[str, object]] = {
    DELIVERY: {
        "touch_id": "", "address": "", "content": {}, "reference": "", "problem": "", "evidence": {}, "lease": "",
    },
    GRANT: {},
}  # fmt: skip
"""Tables whose rows stay because money was spent on them, and what is emptied in them beside the ids."""
OPEN = ("queued", "sending")
"""Deliveries that have not gone out: they never will."""
_NUMBER = re.compile(r'"customer_id":\s*(\d+)')

Step = Callable[[Connection, People], list[Done]]


def removals() -> dict[str, Step]:
    """Every step by the place it is about, in an order in which none takes away what a later one looks up."""
    steps: dict[str, Step] = {
        "task_event": _task_events,
        "receipt": _receipts,
        "event_waiting": _waiting,
        "visitor": _visitors,
        "request_key": _answers,
        "identity_change": _identity_changes,
        "touch_lock": _locks,
    }
    steps |= {table.name: _unlinking(table) for table in UNLINKED}
    steps |= {table.name: _removing(table) for table in _with_customers() if table.name not in steps}
    return steps | {f"{table.name}.household_id": _homes(table) for table in (RECIPIENT, TOUCH)}


def named_places() -> set[str]:
    """Tables that are dealt with."""
    return {name.partition(".")[0] for name in removals()}


def left(connection: Connection, people: People) -> dict[str, int]:
    """Rows that still bear one of the numbers, by table: after an erasure none."""
    found = {}
    for table in _with_customers():
        column = table.c[CUSTOMER]
        rows = sum(
            len(connection.execute(select(column).where(column.in_(some))).all()) for some in _some(people.customers)
        )
        if rows:
            found[table.name] = rows
    return found


def delivery_ids(connection: Connection, people: People) -> list[str]:
    """Ids of messages to them."""
    return [
        str(name)
        for some in _some(people.customers)
        for name in connection.scalars(select(DELIVERY.c.delivery_id).where(DELIVERY.c.customer_id.in_(some)))
    ]


def carefully(connection: Connection) -> None:
    """Has SQLite overwrite what this connection deletes from now on."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("pragma secure_delete = on")


def overwrite(database: Database) -> None:
    """Writes the file of SQLite anew without what was ever deleted from it, and empties the log before it.

    Raises:
        CultivaError: if others use it all the time.
    """
    _on_file(database, "vacuum")
    fold(database)


def fold(database: Database) -> None:
    """Folds SQLite's log into the file and empties it."""
    _on_file(database, "pragma wal_checkpoint(truncate)")


def _on_file(database: Database, statement: str) -> None:
    if database.has_many_writers:
        return  # PostgreSQL's own vacuum does it
    with database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.rollback()
        try:
            raw.execute(statement).fetchall()
        except sqlite3.OperationalError as error:
            raise CultivaError(
                "the store is in use, so that what was deleted cannot be overwritten",
                code="erasure.store_busy",
                kind=ErrorKind.UNAVAILABLE,
                seen=f"{statement}: {error}",
                allowed="a store that nobody else writes to for a moment",
                hint="stop the workers, then cultiva erase WORKSPACE --resume",
            ) from error


def _with_customers() -> list[Table]:
    return [table for table in METADATA.sorted_tables if CUSTOMER in table.c]


def _removing(table: Table) -> Step:
    def step(connection: Connection, people: People) -> list[Done]:
        return _removed(connection, table, table.c[CUSTOMER], people.customers)

    return step


def _unlinking(table: Table) -> Step:
    """Rows get random ids and a random number below zero: each its own, so that they do not even belong together."""
    key = next(iter(table.primary_key))

    def step(connection: Connection, people: People) -> list[Done]:
        removed, unlinked = 0, 0
        for some in _some(people.customers):
            mine = table.c[CUSTOMER].in_(some)
            if "state" in table.c and table is DELIVERY:
                removed += connection.execute(delete(table).where(mine, table.c.state.in_(OPEN))).rowcount
            for (name,) in connection.execute(select(key).where(mine)).all():
                values = {**UNLINKED[table], key.name: secrets.token_hex(16), CUSTOMER: -secrets.randbelow(2**62) - 1}
                connection.execute(update(table).where(key == name).values(values))
                unlinked += 1
        place = _place(table.name)
        return [Done(place, Act.REMOVED, removed), Done(place, Act.UNLINKED, unlinked)]

    return step


def _task_events(connection: Connection, people: People) -> list[Done]:
    rows = 0
    for some in _some(people.customers):
        mine = exists().where(TASK.c.task_id == TASK_EVENT.c.task_id, TASK.c.customer_id.in_(some))
        rows += connection.execute(delete(TASK_EVENT).where(mine)).rowcount
    return [Done(_place("task_event"), Act.REMOVED, rows)]


def _receipts(connection: Connection, people: People) -> list[Done]:
    """Reports about their messages; and reports that were matched to none and bear their address."""
    rows = 0
    for some in _some(people.customers):
        mine = exists().where(DELIVERY.c.delivery_id == RECEIPT.c.delivery_id, DELIVERY.c.customer_id.in_(some))
        rows += connection.execute(delete(RECEIPT).where(mine)).rowcount
    addresses = {*people.phones, *people.emails}
    stray = select(RECEIPT.c.receipt_id, RECEIPT.c.body).where(RECEIPT.c.delivery_id == "")
    names = [row.receipt_id for row in connection.execute(stray) if row.body.get("address") in addresses]
    return [*_removed(connection, RECEIPT, RECEIPT.c.receipt_id, names), Done(_place("receipt"), Act.REMOVED, rows)]


def _waiting(connection: Connection, people: People) -> list[Done]:
    return _removed(connection, EVENT_WAITING, EVENT_WAITING.c.anonymous_id, people.waited_for)


def _visitors(connection: Connection, people: People) -> list[Done]:
    return _removed(connection, VISITOR, VISITOR.c.anonymous_id, people.visitors)


def _answers(connection: Connection, people: People) -> list[Done]:
    """Answers kept for repeated requests, if they tell of one of the customers."""
    asked, mine = set(people.customers), []
    for row in connection.execute(select(REQUEST_KEY).execution_options(yield_per=AT_A_TIME)):
        if not asked.isdisjoint(map(int, _NUMBER.findall(row.body))):
            mine.append((row.key_id, row.idempotency_key))
    for key_id, idempotency_key in mine:
        named = (REQUEST_KEY.c.key_id == key_id) & (REQUEST_KEY.c.idempotency_key == idempotency_key)
        connection.execute(delete(REQUEST_KEY).where(named))
    return [Done(_place("request_key"), Act.REMOVED, len(mine))]


def _identity_changes(connection: Connection, people: People) -> list[Done]:
    member = IDENTITY_CHANGE_MEMBER.c
    done = _removed(connection, IDENTITY_CHANGE_MEMBER, member.customer_id, people.customers)
    empty = ~exists().where(member.change_id == IDENTITY_CHANGE.c.change_id)
    rows = connection.execute(delete(IDENTITY_CHANGE).where(empty)).rowcount
    return [*done, Done(_place("identity_change"), Act.REMOVED, rows)]


def _locks(connection: Connection, people: People) -> list[Done]:
    return _removed(connection, TOUCH_LOCK, TOUCH_LOCK.c.key_id, people.customers)


def _homes(table: Table) -> Step:
    """Households are named by the smallest number in them; those who stay get another name for theirs."""

    def step(connection: Connection, people: People) -> list[Done]:
        rows = 0
        for old, new in people.homes:
            mine = update(table).where(table.c.household_id == old)
            rows += connection.execute(mine.values(household_id=new)).rowcount
        return [Done(_place(table.name), Act.MENDED, rows)]

    return step


def _removed(connection: Connection, table: Table, column: Column[Any], names: Sequence[object]) -> list[Done]:
    rows = sum(connection.execute(delete(table).where(column.in_(some))).rowcount for some in _some(names))
    return [Done(_place(table.name), Act.REMOVED, rows)]


def _place(name: str) -> str:
    return f"store/{name}"


def _some(names: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(names), AT_A_TIME):
        yield names[begin : begin + AT_A_TIME]
