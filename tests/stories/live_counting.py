"""A load whose outcome is known in advance, the handler that counts it, and who is compared with what should be there.

Customers take turns; each begins with an event that sets a timer, half of them take it back in the end. Every tenth
event of a customer is a firing, and so is a timer that rings.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from cultiva.stream import HotStore, Log, Logged, Record, Timer
from cultiva.stream.working import Handled

EVERY = 10
"""Events of a customer between firings."""
PATIENCE = timedelta(hours=12)
"""After so long without the last event, the timer rings: long after the load is over."""


class Told(msgspec.Struct, array_like=True):
    """The body of a record."""

    number: int
    """The how manieth event of the customer, from 1."""
    amount: int
    last: bool


class Counts(msgspec.Struct, array_like=True):
    """A customer's state."""

    count: int = 0
    total: int = 0
    number: int = 0
    """Of the last event."""
    disorder: int = 0
    """Events that did not come right after the one before."""


@dataclass(frozen=True)
class Load:
    """Events of customers 1, 2, ... in turn."""

    messages: int
    customers: int

    def records(self, first: int, count: int) -> list[Record]:
        """Some of them."""
        return [self._record(index) for index in range(first, min(first + count, self.messages))]

    def of(self, customer: int) -> int:
        """How many events a customer has."""
        return (self.messages - customer) // self.customers + 1

    def total(self, customer: int) -> int:
        """The sum of a customer's amounts."""
        return sum(self._amount(customer, number) for number in range(1, self.of(customer) + 1))

    @staticmethod
    def takes_back(customer: int) -> bool:
        """Whether the last event drops the timer."""
        return bool(customer % 2)

    def _record(self, index: int) -> Record:
        customer, number = index % self.customers + 1, index // self.customers + 1
        told = Told(number, self._amount(customer, number), number == self.of(customer))
        return Record(f"m-{index}", customer, msgspec.msgpack.encode(told))

    @staticmethod
    def _amount(customer: int, number: int) -> int:
        return (customer * 31 + number * 17) % 1_000 + 1


class Counting:
    """A handler that counts, and notes firings in a file.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._file.execute("pragma journal_mode = wal")
        self._file.execute(
            "create table if not exists firing (id text primary key, customer integer, kind text) without rowid"
        )

    def handle(
        self, batch: Sequence[Logged], states: Mapping[int, bytes | None], *, label: str, at: datetime
    ) -> Handled:
        """Counts; see the module."""
        counts = {customer: _counts(state) for customer, state in states.items()}
        timers, drops, firings = [], [], []
        for one in batch:
            if one.mark:
                continue
            customer, told = one.record.customer_id, msgspec.msgpack.decode(one.record.body, type=Told)
            state = counts[customer]
            state.disorder += told.number != state.number + 1
            state.count, state.total, state.number = state.count + 1, state.total + told.amount, told.number
            if told.number == 1:
                timers.append(Timer(customer, "unfinished", at + PATIENCE, one.record.record_id.encode()))
            if told.last and Load.takes_back(customer):
                drops.append((customer, "unfinished"))
            if state.count % EVERY == 0:
                firings.append((f"every:{customer}:{one.record.record_id}", customer, f"every {state.count}"))
        kept = {customer: msgspec.msgpack.encode(state) for customer, state in counts.items()}
        # One that is set and taken back in the same batch must not be set: what is dropped is dropped first.
        timers = [one for one in timers if (one.customer_id, one.name) not in set(drops)]
        return Handled(kept, timers, drops, firings)

    def ring(self, timers: Sequence[Timer], states: Mapping[int, bytes | None], *, at: datetime) -> Handled:
        """A firing for every timer."""
        return Handled(firings=[(f"ring:{one.customer_id}:{one.body!r}", one.customer_id, "ring") for one in timers])

    def carry_out(self, firings: Sequence[Any], *, at: datetime) -> None:
        """Notes firings; one of a known id is not noted again."""
        self._file.execute("begin immediate")
        self._file.executemany("insert or ignore into firing values (?, ?, ?)", firings)
        self._file.execute("commit")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


@dataclass
class Found:
    """What there was in the end, beside what should have been."""

    lost: int = 0
    """Events that no state has counted."""
    doubled: int = 0
    """Events counted more than once."""
    wrong_totals: int = 0
    """Customers whose sum is wrong."""
    disorder: int = 0
    """Events counted out of their order."""
    lost_in_log: int = 0
    doubled_in_log: int = 0
    firings: int = 0
    """Different ones."""
    fired_twice: int = 0
    """For which there are two ids."""
    not_fired: int = 0
    fired_wrongly: int = 0
    """That should not be there at all."""
    examples: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """All of them."""
        return sum(value for name, value in vars(self).items() if name not in {"firings", "examples"})


def compare(load: Load, log: Log, hot: HotStore, path: Path) -> Found:
    """Counts what is missing and what is too much."""
    found = Found()
    people = range(1, load.customers + 1)
    for customer, state in zip(people, hot.get(list(people)), strict=True):
        counts, expected = _counts(state), load.of(customer)
        found.lost += max(0, expected - counts.count)
        found.doubled += max(0, counts.count - expected)
        found.wrong_totals += counts.total != load.total(customer)
        found.disorder += counts.disorder
    _compare_log(load, log, found)
    with closing(sqlite3.connect(path)) as file:
        rows = Counter(file.execute("select customer, kind from firing").fetchall())
    expected_rows = {(one, f"every {nth}") for one in people for nth in range(EVERY, load.of(one) + 1, EVERY)}
    expected_rows |= {(one, "ring") for one in people if not load.takes_back(one)}
    found.firings = len(rows)
    found.fired_twice = sum(count - 1 for count in rows.values())
    found.not_fired, found.fired_wrongly = len(expected_rows - rows.keys()), len(rows.keys() - expected_rows)
    found.examples = [str(one) for one in sorted(expected_rows ^ rows.keys())[:3]]
    return found


def _compare_log(load: Load, log: Log, found: Found) -> None:
    names: Counter[str] = Counter()
    for partition in range(log.partitions):
        after = 0
        while some := log.read(partition, after=after, limit=5_000):
            names.update(one.record.record_id for one in some if not one.mark)
            after = some[-1].position
    found.lost_in_log = load.messages - len(names)
    found.doubled_in_log = sum(names.values()) - len(names)


def _counts(state: bytes | None) -> Counts:
    return msgspec.msgpack.decode(state, type=Counts) if state else Counts()
