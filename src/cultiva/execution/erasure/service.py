"""Erasure as far as the store goes: orders that survive a crash, tombstones, and holds that forbid both."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from cultiva.contracts.erased import Tombstone, Tombstones, key_name
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import write as audited
from cultiva.execution.erasure import repository
from cultiva.execution.erasure.people import Asked, Done, Hold, Order, People
from cultiva.execution.erasure.removal import repository as removal
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database, Write

BEGUN, DONE = "begun", "done"


class Erasures:
    """Orders to erase customers, and who may not be erased.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, asked: Asked, people: People, stones: Tombstones, at: datetime) -> Order:
        """Takes an order: from now on nobody brings these people back, and whoever resumes knows whom it is about.

        Args:
            asked: What was asked for.
            people: Who is erased.
            stones: What is kept of them, and its key.
            at: The present instant.

        Raises:
            CultivaError: forbidden, if somebody among them is held; a conflict, if tombstones have another key.
        """
        name = asked.name or secrets.token_hex(8)
        order = Order(name, BEGUN, asked.by, asked.reason, asked.customers, at, work=people.data())
        detail = {"reason": asked.reason, "customers": asked.customers}
        with self._database.writing() as connection:
            _refuse_held(repository.holds(connection, customers=people.customers, standing=asked.on))
            _refuse_other_key(repository.key_names(connection), stones.key)
            repository.put_order(connection, order)
            _bury(connection, stones, order.erasure_id)
            audited(connection, _entry(at, asked.by, "erasure.begun", order, detail))
        return order

    def refuse_held(self, people: People, on: date) -> None:
        """Refuses whom a hold forbids to erase.

        Raises:
            CultivaError: forbidden, with the holds.
        """
        with self._database.reading() as connection:
            _refuse_held(repository.holds(connection, customers=people.customers, standing=on))

    def unfinished(self) -> list[Order]:
        """Orders that were interrupted, the oldest first."""
        with self._database.reading() as connection:
            return repository.orders(connection, state=BEGUN)

    def all(self) -> list[Order]:
        """Every order, the oldest first."""
        with self._database.reading() as connection:
            return repository.orders(connection)

    def find(self, erasure_id: str) -> Order | None:
        """One order, if there is one of that id."""
        with self._database.reading() as connection:
            return repository.order_of(connection, erasure_id)

    def order(self, erasure_id: str) -> Order:
        """One order.

        Raises:
            CultivaError: if there is none.
        """
        found = self.find(erasure_id)
        if found is None:
            raise CultivaError(
                "there is no such erasure",
                code="erasure.not_found",
                kind=ErrorKind.NOT_FOUND,
                seen=erasure_id,
                allowed="the id of an erasure",
                hint="cultiva erasures WORKSPACE lists them",
            )
        return found

    def remove_rows(self, order: Order, people: People) -> None:
        """Removes or unlinks the rows of the store, a table at a time, each with its count."""
        for step in removal.removals().values():
            with self._database.writing() as connection:
                removal.carefully(connection)
                repository.count(connection, order.erasure_id, step(connection, people))

    def rows(self, people: People) -> dict[str, int]:
        """Rows of the store that bear the number of one of them, by table."""
        with self._database.reading() as connection:
            return removal.left(connection, people)

    def delivery_ids(self, people: People) -> list[str]:
        """Ids of their messages, by which files that providers were handed name them."""
        with self._database.reading() as connection:
            return removal.delivery_ids(connection, people)

    def stones_of(self, order: Order) -> dict[str, int]:
        """Tombstones of an order by kind."""
        with self._database.reading() as connection:
            mine = [
                one.kind for one, erasure_id, _ in repository.tombstones(connection) if erasure_id == order.erasure_id
            ]
        return dict(sorted(Counter(mine).items()))

    def overwrite(self) -> None:
        """Has the database let go of what was deleted: SQLite overwrites it in the file; PostgreSQL does by vacuum."""
        removal.overwrite(self._database)

    def counting(self, order: Order, rows: Sequence[Done]) -> Write:
        """Adds to what was done, to be made in somebody else's transaction."""
        return lambda connection: repository.count(connection, order.erasure_id, rows)

    def count(self, order: Order, rows: Sequence[Done]) -> None:
        """Adds to what was done, in a transaction of its own."""
        with self._database.writing() as connection:
            repository.count(connection, order.erasure_id, rows)

    def counts(self, order: Order) -> list[Done]:
        """What was done so far, by place."""
        with self._database.reading() as connection:
            return repository.counts(connection, order.erasure_id)

    def finish(self, order: Order, certificate: Mapping[str, Any], seal: str, at: datetime) -> Order:
        """Ends an order: its certificate is kept and sealed in the audit, and who it was about is forgotten."""
        done = replace(order, state=DONE, work={}, ended=at, certificate=dict(certificate), seal=seal)
        detail = {"certificate": seal, "rows": certificate["rows"], "customers": order.people}
        with self._database.writing() as connection:
            removal.carefully(connection)
            repository.put_order(connection, done)
            audited(connection, _entry(at, order.asked_by, "erasure.done", order, detail))
        removal.fold(self._database)
        return done

    def tombstones(self) -> frozenset[Tombstone]:
        """All of them."""
        with self._database.reading() as connection:
            return frozenset(one for one, _, _ in repository.tombstones(connection))

    def refuse_other_key(self, key: str) -> None:
        """Refuses a key that the tombstones were not made with: they would let everybody back in.

        Raises:
            CultivaError: a conflict.
        """
        with self._database.reading() as connection:
            _refuse_other_key(repository.key_names(connection), key)

    def follow(self, stones: Tombstones, at: datetime) -> None:
        """Adds tombstones of ids under which erased people came again; of whose erasure, is not known."""
        with self._database.writing() as connection:
            _bury(connection, stones, "")
            entry = Entry(at, "cultiva", "erasure.followed", "erasure:", {"tombstones": len(stones.rows)})
            audited(connection, entry)

    def hold(self, hold: Hold) -> None:
        """Forbids to erase a customer."""
        detail = {"reason": hold.reason, "until": hold.until}
        with self._database.writing() as connection:
            repository.put_hold(connection, hold)
            audited(connection, Entry(hold.placed, hold.placed_by, "hold.placed", f"hold:{hold.hold_id}", detail))

    def holds(self, *, standing: date | None = None, customers: Sequence[int] | None = None) -> list[Hold]:
        """Holds by the time they were placed; only those in force on a day if it is given."""
        with self._database.reading() as connection:
            return repository.holds(connection, customers=customers, standing=standing)

    def lift(self, hold_id: str, at: datetime, *, by: str, remark: str) -> Hold:
        """Ends a hold.

        Raises:
            CultivaError: if there is none, or it was lifted before.
        """
        with self._database.writing() as connection:
            found = repository.hold_of(connection, hold_id)
            if found is None or found.lifted is not None:
                raise _not_standing(hold_id, found)
            repository.lift(connection, hold_id, at, by=by, remark=remark)
            audited(connection, Entry(at, by, "hold.lifted", f"hold:{hold_id}", {"remark": remark}))
        return replace(found, lifted=at, lifted_by=by, remark=remark)


def _bury(connection: Any, stones: Tombstones, erasure_id: str) -> None:
    repository.put_tombstones(connection, stones.rows, erasure_id=erasure_id, key_name=key_name(stones.key))


def _entry(at: datetime, by: str, action: str, order: Order, detail: Mapping[str, Any]) -> Entry:
    return Entry(at, by, action, f"erasure:{order.erasure_id}", detail)


def _refuse_held(holds: Iterable[Hold]) -> None:
    found = list(holds)
    if found:
        shown = "; ".join(f"customer {one.customer_id}: {one.reason} (hold {one.hold_id})" for one in found[:10])
        raise CultivaError(
            "a legal hold forbids to erase",
            code="erasure.held",
            kind=ErrorKind.FORBIDDEN,
            seen=shown + (f"; and {len(found) - 10} more" if len(found) > 10 else ""),
            allowed="customers without a hold in force",
            hint="leave them out, or have the hold lifted: cultiva hold lift WORKSPACE HOLD",
        )


def _refuse_other_key(known: set[str], key: str) -> None:
    other = known - {key_name(key)}
    if other:
        raise CultivaError(
            "the erasure key is not the one that the tombstones were made with",
            code="erasure.other_key",
            kind=ErrorKind.CONFLICT,
            seen=f"key {key_name(key)[:8]}",
            allowed=f"key {', '.join(one[:8] for one in sorted(other))}",
            hint="put the former key back: with another one erased people would be taken in again",
        )


def _not_standing(hold_id: str, found: Hold | None) -> CultivaError:
    return CultivaError(
        "there is no such hold to lift",
        code="erasure.no_hold",
        kind=ErrorKind.NOT_FOUND if found is None else ErrorKind.CONFLICT,
        seen=hold_id if found is None else f"{hold_id}, lifted by {found.lifted_by}",
        allowed="a hold that was not lifted",
        hint="cultiva hold list WORKSPACE shows them",
    )
