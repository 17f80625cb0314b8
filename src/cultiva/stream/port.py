"""What the live side asks of its log and its hot store. An adapter each: embedded (SQLite), distributed (NATS, Redis).

Customers are split into partitions by a hash of their number. One worker owns a partition at a time; it holds a fence,
a number that grows with every change of owner. What it has made of a batch of records becomes visible together with
the position up to which it has read, or not at all: a record is counted once, whoever dies when.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cultiva.kit.hashing import md5_hex

PARTITIONS = 16
"""Partitions unless said otherwise; more workers than that find nothing to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """Something to be written to the log."""

    record_id: str
    """The sender's own name for it, e.g. a messageId; a second one of that name is not taken."""
    customer_id: int
    """Whom it is about: it goes to that customer's partition."""
    body: bytes
    """Opaque to the log."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A record in the log."""

    position: int
    """Place within its partition, from 1, without an order between partitions."""
    record: Record
    mark: str = ""
    """Name of the mark that stands here instead of a record about a customer."""


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to be looked at later."""

    customer_id: int
    name: str
    """Unique within a customer; setting it again moves it."""
    due: datetime
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Owned:
    """The right to a partition."""

    partition: int
    fence: int
    """Grows with every change of owner; what is committed with an older one is refused."""
    until: datetime


@dataclass(frozen=True)
class Change:
    """What a worker made of a batch: visible as a whole or not at all."""

    partition: int
    fence: int
    position: int
    """The last record that it takes account of."""
    states: Mapping[int, bytes] = field(default_factory=dict)
    """Customer -> state."""
    set_timers: Sequence[Timer] = ()
    drop_timers: Sequence[tuple[int, str]] = ()
    """(customer, name) of timers that are not wanted any more or have been dealt with; dropped before any is set."""
    after: int | None = None
    """The position that the worker began from; if the store has another by now, the change is refused. None: any.

    A store that was killed may come back a second younger: then what was read between must be read again.
    """
    seen: Mapping[int, bytes | None] = field(default_factory=dict)
    """Customer -> the state that the new one was made from; if somebody has `put` another since, it is refused."""


class Log(Protocol):
    """The log of what came in. What `append` has returned for is durable."""

    partitions: int

    def append(self, records: Sequence[Record]) -> list[bool]:
        """Writes records down; for each whether it is new."""

    def read(self, partition: int, *, after: int, limit: int) -> list[Logged]:
        """Records of a partition in order, from the first one after a position."""

    def end(self, partition: int) -> int:
        """The position of the last record; 0 if there is none."""

    def mark(self, name: str) -> list[int]:
        """Writes a mark of that name into every partition, once; its position in each.

        The night's run marks the log: what stands before the mark is in its tables, what stands after it is not.
        """

    def marks(self, partition: int) -> list[tuple[int, str]]:
        """(position, name) of the marks of a partition, in order."""

    def erase(self, customer_ids: Collection[int]) -> int:
        """Removes every record of some customers for good; how many. The positions of the others stay."""

    def close(self) -> None:
        """Gives back what it holds."""


class HotStore(Protocol):
    """States of customers, positions, timers and owners."""

    def get(self, customer_ids: Sequence[int]) -> list[bytes | None]:
        """States in the order asked for; None where there is none."""

    def look(self, owned: Owned, customer_ids: Sequence[int], *, after: int) -> list[bytes | None]:
        """States as they are at a position, for its owner: what is made of them may be carried out.

        Args:
            owned: The partition.
            customer_ids: Of that partition.
            after: Where the partition stands, as far as its owner knows.

        Raises:
            Fenced: if another worker owns it by now, or it stands elsewhere.
        """

    def position(self, partition: int) -> int:
        """The last record that the states take account of; 0 at the beginning."""

    def commit(self, change: Change) -> None:
        """Makes a change visible.

        Raises:
            Fenced: if another worker owns the partition by now, or its position has changed; nothing is changed.
            Overtaken: if a state is not what was seen; nothing is changed.
        """

    def due(self, partition: int, until: datetime, *, limit: int) -> list[Timer]:
        """Timers that are due, the earliest first."""

    def attend(self, worker: str, at: datetime, lease: timedelta) -> list[str]:
        """Says that a worker is there for so long; the names of all that are, in order."""

    def claim(self, worker: str, at: datetime, lease: timedelta, *, wanted: int) -> list[Owned]:
        """Renews what the worker owns and takes free or abandoned partitions until it has so many; gives up others."""

    def release(self, worker: str) -> None:
        """Gives up everything the worker owns, and its place among those that are there."""

    def put(self, states: Mapping[int, tuple[bytes | None, bytes]]) -> list[int]:
        """Replaces states that are still what they were: customer -> (seen, new). Returns those that had changed."""

    def erase(self, customer_ids: Collection[int]) -> int:
        """Removes states and timers of some customers for good; how many of both.

        A worker that is about to commit one of them is `Overtaken` and finds nothing when it looks again.
        """

    def close(self) -> None:
        """Gives back what it holds."""


class Fenced(RuntimeError):
    """The partition belongs to another worker by now, or stands elsewhere: begin anew from what the store says."""


class Overtaken(RuntimeError):
    """States were replaced while a change was being made: read them again and make it anew.

    Args:
        customers: Whose.
    """

    def __init__(self, customers: Sequence[int]) -> None:
        self.customers = tuple(customers)
        super().__init__(f"{len(self.customers)} states have changed meanwhile")


def partition_of(customer_id: int, partitions: int) -> int:
    """The partition of a customer, the same on every machine."""
    return int(md5_hex(f"partition:{customer_id}")[:8], 16) % partitions
