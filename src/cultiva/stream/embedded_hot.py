"""The hot store in a SQLite file: states, positions, timers and owners change together in one transaction.

It is not forced to disk at every commit: after the death of the machine it may be some commits younger, positions and
states together, and what is missing is read from the log again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cultiva.stream.agreeing import agree
from cultiva.stream.files import LiveFile, instant, microseconds
from cultiva.stream.ownership import Held, share
from cultiva.stream.port import Change, Fenced, Overtaken, Owned, Timer

TABLES = (
    "create table if not exists state (customer_id integer primary key, body blob not null)",
    "create table if not exists timer (customer_id integer not null, name text not null, partition integer not null,"
    " due integer not null, body blob not null, primary key (customer_id, name)) without rowid",
    "create index if not exists timer_due on timer (partition, due, customer_id, name)",
    "create table if not exists place (partition integer primary key, owner text not null default '',"
    " fence integer not null default 0, until integer not null default 0, position integer not null default 0)",
    "create table if not exists worker (name text primary key, until integer not null) without rowid",
    "create table if not exists agreed (name text primary key, value text not null) without rowid",
)
_ONE = "select body from state where customer_id = ?"
_MANY = "select customer_id, body from state where customer_id in (select value from json_each(?))"
_KEEP = "insert into state (customer_id, body) values (?, ?) on conflict do update set body = excluded.body"
_SET = (
    "insert into timer (customer_id, name, partition, due, body) values (?, ?, ?, ?, ?)"
    " on conflict do update set due = excluded.due, body = excluded.body"
)
_DROP = "delete from timer where customer_id = ? and name = ?"
_DUE = (
    "select customer_id, name, due, body from timer where partition = ? and due <= ?"
    " order by due, customer_id, name limit ?"
)
_ERASE = tuple(
    f"delete from {table} where customer_id in (select value from json_each(?))"  # noqa: S608
    for table in ("state", "timer")
)
_OWN = "update place set owner = ?, fence = ?, until = ? where partition = ?"


class EmbeddedHotStore:
    """A hot store in one file, for any number of processes of one machine.

    Args:
        path: Where it lies.
        partitions: How many; it stays so.

    Raises:
        CultivaError: if the file cannot be used, or was made with another number of partitions.
    """

    def __init__(self, path: Path, *, partitions: int) -> None:
        self._file = LiveFile(path, TABLES, sync="NORMAL")
        agree(self._file, partitions)
        with self._file.writing() as connection:
            places = [(one,) for one in range(partitions)]
            connection.executemany("insert or ignore into place (partition) values (?)", places)

    def get(self, customer_ids: Sequence[int]) -> list[bytes | None]:
        """States in the order asked for; None where there is none."""
        with self._file.reading() as connection:
            if len(customer_ids) == 1:
                found = connection.execute(_ONE, (customer_ids[0],)).fetchone()
                return [found[0] if found else None]
            states = _states(connection, customer_ids)
        return [states.get(customer) for customer in customer_ids]

    def look(self, owned: Owned, customer_ids: Sequence[int], *, after: int) -> list[bytes | None]:
        """States as they are at a position, for its owner."""
        with self._file.snapshot() as connection:
            _refuse_stale(connection, owned.partition, owned.fence, after)
            states = _states(connection, customer_ids)
        return [states.get(customer) for customer in customer_ids]

    def position(self, partition: int) -> int:
        """The last record that the states take account of; 0 at the beginning."""
        with self._file.reading() as connection:
            found = connection.execute("select position from place where partition = ?", (partition,)).fetchone()
        return int(found[0])

    def commit(self, change: Change) -> None:
        """Makes a change visible in one transaction, or refuses it."""
        with self._file.writing() as connection:
            _refuse_stale(connection, change.partition, change.fence, change.after)
            if changed := _changed(connection, change.seen):
                raise Overtaken(sorted(changed))
            connection.executemany(_KEEP, change.states.items())
            connection.executemany(_DROP, change.drop_timers)
            connection.executemany(_SET, (_row(change.partition, timer) for timer in change.set_timers))
            place = (change.position, change.partition)
            connection.execute("update place set position = ? where partition = ?", place)

    def due(self, partition: int, until: datetime, *, limit: int) -> list[Timer]:
        """Timers that are due, the earliest first."""
        with self._file.reading() as connection:
            rows = connection.execute(_DUE, (partition, microseconds(until), limit)).fetchall()
        return [Timer(customer, name, instant(due), body) for customer, name, due, body in rows]

    def attend(self, worker: str, at: datetime, lease: timedelta) -> list[str]:
        """Says that a worker is there for so long; the names of all that are, in order."""
        with self._file.writing() as connection:
            connection.execute("delete from worker where until <= ?", (microseconds(at),))
            connection.execute("insert or replace into worker values (?, ?)", (worker, microseconds(at + lease)))
            return [name for (name,) in connection.execute("select name from worker order by name")]

    def claim(self, worker: str, at: datetime, lease: timedelta, *, wanted: int) -> list[Owned]:
        """Renews what the worker owns and takes free or abandoned partitions until it has so many; gives up others."""
        with self._file.writing() as connection:
            rows = connection.execute("select partition, owner, fence, until from place order by partition")
            held = [Held(partition, owner, fence, instant(until)) for partition, owner, fence, until in rows]
            kept, given_up = share(held, worker, at, lease=lease, wanted=wanted)
            left = [("", one.fence, 0, one.partition) for one in given_up]
            mine = [(worker, one.fence, microseconds(one.until), one.partition) for one in kept]
            connection.executemany(_OWN, left + mine)
        return kept

    def release(self, worker: str) -> None:
        """Gives up everything the worker owns, and its place among those that are there."""
        with self._file.writing() as connection:
            connection.execute("update place set owner = '', until = 0 where owner = ?", (worker,))
            connection.execute("delete from worker where name = ?", (worker,))

    def put(self, states: Mapping[int, tuple[bytes | None, bytes]]) -> list[int]:
        """Replaces states that are still what they were: customer -> (seen, new). Returns those that had changed."""
        with self._file.writing() as connection:
            changed = _changed(connection, {customer: seen for customer, (seen, _) in states.items()})
            keep = [(customer, new) for customer, (_, new) in states.items() if customer not in changed]
            connection.executemany(_KEEP, keep)
        return [customer for customer in states if customer in changed]

    def erase(self, customer_ids: Collection[int]) -> int:
        """Removes states and timers of some customers for good; how many of both."""
        asked = (json.dumps(list(customer_ids)),)
        with self._file.erasing() as connection:
            return sum(connection.execute(statement, asked).rowcount for statement in _ERASE)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _refuse_stale(connection: sqlite3.Connection, partition: int, fence: int, after: int | None) -> None:
    place = "select fence, position from place where partition = ?"
    there, position = connection.execute(place, (partition,)).fetchone()
    if there != fence:
        raise Fenced(f"partition {partition} has fence {there}, not {fence}")
    if after is not None and position != after:
        raise Fenced(f"partition {partition} stands at {position}, not at {after}")


def _changed(connection: sqlite3.Connection, seen: Mapping[int, bytes | None]) -> set[int]:
    """Whose state is not what was seen."""
    states = _states(connection, seen)
    return {customer for customer, body in seen.items() if states.get(customer) != body}


def _states(connection: sqlite3.Connection, customer_ids: Iterable[int]) -> dict[int, bytes]:
    return dict(connection.execute(_MANY, (json.dumps(list(customer_ids)),)).fetchall())


def _row(partition: int, timer: Timer) -> tuple[int, str, int, int, bytes]:
    return timer.customer_id, timer.name, partition, microseconds(timer.due), timer.body
