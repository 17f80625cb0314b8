"""The log in a SQLite file. What was accepted is forced to disk; callers who come at once share one forcing."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cultiva.kit.clock import Clock, utc_now
from cultiva.stream.agreeing import agree
from cultiva.stream.files import LiveFile, microseconds
from cultiva.stream.port import Logged, Record, partition_of

SHIFT = 44
"""A row's number is its partition, and below these bits its position: a partition lies together in order."""
LETTING_GO = 5_000
"""Rows let go in one transaction, so that nobody who writes waits long."""
TABLES = (
    "create table if not exists record (id integer primary key, record_id text unique, customer_id integer not null,"
    " body blob not null, written integer not null)",
    "create table if not exists head (partition integer primary key, position integer not null)",
    "create table if not exists mark (partition integer not null, position integer not null, name text not null,"
    " primary key (partition, position), unique (partition, name)) without rowid",
    "create table if not exists agreed (name text primary key, value text not null) without rowid",
)
_KNOWN = "select record_id from record where record_id in (select value from json_each(?))"
_INSERT = "insert into record (id, record_id, customer_id, body, written) values (?, ?, ?, ?, ?)"
_HEAD = "insert into head (partition, position) values (?, ?) on conflict do update set position = excluded.position"
_READ = "select id, record_id, customer_id, body from record where id > ? and id < ? order by id limit ?"
_ERASE = "delete from record where record_id is not null and customer_id in (select value from json_each(?))"
_OLD = "delete from record where id in (select id from record where id > ? and id < ? order by id limit ?)"


@dataclass(eq=False)
class _Asked:
    """Records that one caller wants written."""

    records: Sequence[Record]
    new: list[bool] | None = None
    """The answer, as soon as there is one."""
    refused: Exception | None = None
    ready: threading.Event = field(default_factory=threading.Event)


class EmbeddedLog:
    """A log in one file, for any number of processes of one machine.

    Args:
        path: Where it lies.
        partitions: How many; it stays so.
        keep_days: How long a record can be read, and a second one of its name is known for one.
        clock: Says when a record was written.

    Raises:
        CultivaError: if the file cannot be used, or was made with another number of partitions.
    """

    def __init__(self, path: Path, *, partitions: int, keep_days: float, clock: Clock = utc_now) -> None:
        self.partitions = partitions
        self._keep, self._clock = timedelta(days=keep_days), clock
        self._file = LiveFile(path, TABLES, sync="FULL")
        agree(self._file, partitions)
        self._waiting: list[_Asked] = []
        self._queue, self._leading = threading.Lock(), threading.Lock()

    def append(self, records: Sequence[Record]) -> list[bool]:
        """Writes records down; for each whether it is new. Whoever comes first writes for all who wait."""
        asked = _Asked(records)
        with self._queue:
            self._waiting.append(asked)
        with self._leading:
            if not asked.ready.is_set():
                self._lead()
        if asked.refused is not None:
            raise asked.refused
        assert asked.new is not None
        return asked.new

    def read(self, partition: int, *, after: int, limit: int) -> list[Logged]:
        """Records of a partition in order, from the first one after a position."""
        base = partition << SHIFT
        with self._file.reading() as connection:
            rows = connection.execute(_READ, (base + after, base + (1 << SHIFT), limit)).fetchall()
        return [
            Logged(number - base, Record(name, customer, body))
            if name is not None
            else Logged(number - base, Record("", 0, b""), mark=body.decode())
            for number, name, customer, body in rows
        ]

    def end(self, partition: int) -> int:
        """The position of the last record; 0 if there is none."""
        with self._file.reading() as connection:
            found = connection.execute("select position from head where partition = ?", (partition,)).fetchone()
        return int(found[0]) if found else 0

    def mark(self, name: str) -> list[int]:
        """Writes a mark into every partition, once, and lets go of records that are older than they are kept."""
        with self._file.writing() as connection:
            there = dict(connection.execute("select partition, position from mark where name = ?", (name,)))
            if not there:
                heads, now = _heads(connection), microseconds(self._clock())
                there = {one: heads.get(one, 0) + 1 for one in range(self.partitions)}
                rows = [((one << SHIFT) + at, None, 0, name.encode(), now) for one, at in there.items()]
                connection.executemany(_INSERT, rows)
                connection.executemany(_HEAD, there.items())
                marks = [(one, at, name) for one, at in there.items()]
                connection.executemany("insert into mark (partition, position, name) values (?, ?, ?)", marks)
        self._let_go()
        return [there[one] for one in range(self.partitions)]

    def marks(self, partition: int) -> list[tuple[int, str]]:
        """(position, name) of the marks of a partition, in order."""
        statement = "select position, name from mark where partition = ? order by position"
        with self._file.reading() as connection:
            return connection.execute(statement, (partition,)).fetchall()

    def erase(self, customer_ids: Collection[int]) -> int:
        """Removes every record of some customers for good; how many."""
        with self._file.erasing() as connection:
            return connection.execute(_ERASE, (json.dumps(list(customer_ids)),)).rowcount

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _lead(self) -> None:
        with self._queue:
            group, self._waiting = self._waiting, []
        try:
            answers = self._write([record for asked in group for record in asked.records])
            taken = 0
            for asked in group:
                asked.new = answers[taken : taken + len(asked.records)]
                taken += len(asked.records)
        except Exception as error:  # everybody who waits is told
            for asked in group:
                asked.refused = error
        finally:
            for asked in group:
                asked.ready.set()

    def _write(self, records: Sequence[Record]) -> list[bool]:
        places = [partition_of(record.customer_id, self.partitions) << SHIFT for record in records]
        with self._file.writing() as connection:
            names = json.dumps([record.record_id for record in records])
            known = {name for (name,) in connection.execute(_KNOWN, (names,))}
            heads, now = {one << SHIFT: at for one, at in _heads(connection).items()}, microseconds(self._clock())
            rows, new = [], []
            for record, base in zip(records, places, strict=True):
                new.append(record.record_id not in known)
                if new[-1]:
                    known.add(record.record_id)
                    heads[base] = heads.get(base, 0) + 1
                    rows.append((base + heads[base], record.record_id, record.customer_id, record.body, now))
            if rows:
                connection.executemany(_INSERT, rows)
                connection.executemany(_HEAD, ((base >> SHIFT, at) for base, at in heads.items()))
        return new

    def _let_go(self) -> None:
        oldest = microseconds(self._clock() - self._keep)
        for partition in range(self.partitions):
            base = partition << SHIFT
            while self._let_go_of(_first_kept(self._file.reader(), base, oldest), base):
                continue

    def _let_go_of(self, kept: int, base: int) -> int:
        with self._file.writing() as connection:
            return connection.execute(_OLD, (base, kept, LETTING_GO)).rowcount


def _first_kept(connection: sqlite3.Connection, base: int, oldest: int) -> int:
    """Number of the first row of a partition that is not too old, by halving: rows lie in the order of writing."""
    find = "select id, written from record where id >= ? and id < ? order by id limit 1"
    low, high = base, base + (1 << SHIFT)
    while low < high:
        middle = (low + high) // 2
        found = connection.execute(find, (middle, base + (1 << SHIFT))).fetchone()
        if found is None or found[1] >= oldest:
            high = middle
        else:
            low = found[0] + 1
    return low


def _heads(connection: sqlite3.Connection) -> dict[int, int]:
    rows: Iterable[tuple[int, int]] = connection.execute("select partition, position from head")
    return dict(rows)
