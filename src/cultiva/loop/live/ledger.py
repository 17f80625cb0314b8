"""Ledgers: a fingerprint per customer of what was published last, so that who has not changed is not even read.

A ledger holds only as long as the hot store has everything that it says. So it is taken away before the first record is
written and put back after the last; and with it goes a stamp into every partition of the hot store, written last. A hot
store that was emptied, restored or came back younger does not bear the stamp, and is published as a whole. The stamp
says too of which date everything is: a record that was left alone says only when it was written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import polars as pl

from cultiva.contracts.moments import HotRecord, is_nothing, read_hot, write_hot
from cultiva.kit.hashing import content_hash
from cultiva.stream.port import HotStore, partition_of

FOLDER = ".cultiva/live/published"
KEY, PRINT = "customer_id", "print"
KINDS = ("bases", "papers")
"""What is published; each has a ledger of its own."""
FORM = 1
"""Of what is published: another one makes every ledger void."""


@dataclass(frozen=True)
class Last:
    """What was published last."""

    on: date
    """Business date."""
    prints: pl.DataFrame
    """customer_id, print."""
    carried: tuple[int, ...]
    """Customers whose records may hold something that a later night has."""


class Ledger:
    """The ledger of one kind of what is published.

    Args:
        root: The workspace's folder.
        hot: Where records are kept.
        kind: One of `KINDS`.
        partitions: Of the hot store.
        meaning: What the content rests on beside the data, definitions above all; a ledger of another one is void.
    """

    def __init__(self, root: Path, hot: HotStore, kind: str, *, partitions: int, meaning: Sequence[Any]) -> None:
        self._folder, self._hot, self._kind = root / FOLDER, hot, kind
        self._meaning = content_hash([FORM, pl.__version__, partitions, *meaning])
        self._places = list(_places(KINDS.index(kind), partitions))
        self._begun: list[bytes] = []
        self._name = ""

    def last(self) -> Last | None:
        """What was published last; None if that is not known for sure."""
        said = _said(self._folder, self._kind)
        if said is None or said["meaning"] != self._meaning or not self._stamped(said["name"]):
            return None
        prints = pl.read_parquet(self._folder / f"{self._kind}-{said['name']}.parquet")
        return Last(date.fromisoformat(said["on"]), prints, tuple(said["carried"]))

    def begin(self) -> None:
        """Takes the ledger away: from now on records change."""
        (self._folder / f"{self._kind}.json").unlink(missing_ok=True)
        self._name = uuid4().hex
        seen = self._hot.get(self._places)
        stamp = _written(f"begun {self._name}", _agreed(seen))
        self._hot.put({place: (was, stamp) for place, was in zip(self._places, seen, strict=True)})
        self._begun = [stamp] * len(self._places)  # who begins at the same time is seen at the end

    def finish(self, prints: pl.DataFrame, on: date, *, carried: Collection[int] = ()) -> bool:
        """Puts a new ledger down; not if somebody else has begun meanwhile, for then nobody knows whose records stand.

        Args:
            prints: customer_id, print: of everybody, as published.
            on: The business date.
            carried: Customers whose records may hold something that a later night has.
        """
        done = _written(self._name, on)
        if self._hot.put({place: (was, done) for place, was in zip(self._places, self._begun, strict=True)}):
            return False
        self._folder.mkdir(parents=True, exist_ok=True)
        prints.select(KEY, PRINT).write_parquet(self._folder / f"{self._kind}-{self._name}.parquet")
        said = {"name": self._name, "on": on.isoformat(), "meaning": self._meaning, "carried": sorted(carried)}
        beside = self._folder / f"{self._kind}.json.new"
        beside.write_text(json.dumps(said))
        beside.rename(self._folder / f"{self._kind}.json")
        for old in self._folder.glob(f"{self._kind}-*.parquet"):
            if self._name not in old.name:
                old.unlink(missing_ok=True)
        return True

    def _stamped(self, name: str) -> bool:
        return all(found is not None and found.name == name for found in map(_read, self._hot.get(self._places)))


def changed(last: Last, now: pl.DataFrame) -> frozenset[int]:
    """Customers whose fingerprint is not what it was, new ones among them."""
    both = now.join(last.prints, on=KEY, how="left", suffix="_last")
    found = both.filter(pl.col(PRINT).ne_missing(pl.col(f"{PRINT}_last")))
    return frozenset(found[KEY].to_list())


def published_on(hot: HotStore, kind: str, *, partitions: int) -> date | None:
    """Business date of which everything of a kind in a hot store is at least; None if that is not known."""
    return _agreed(hot.get(list(_places(KINDS.index(kind), partitions))))


def print_of(*columns: pl.Expr) -> pl.Expr:
    """The fingerprint of a row: 64 bits, the same for the same values in every process of one version of Polars."""
    return pl.struct(*columns).hash(seed=FORM)


def _said(folder: Path, kind: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((folder / f"{kind}.json").read_bytes())
    except FileNotFoundError:
        return None
    return found


class _Stamp(msgspec.Struct, array_like=True):
    """What stands in a partition: by whom it was published, and of which date everything in it is."""

    name: str
    on: date | None


def _written(name: str, on: date | None) -> bytes:
    """A record in the place of nobody, read without harm by whoever reads records."""
    return write_hot(HotRecord(decisions=msgspec.Raw(msgspec.msgpack.encode(_Stamp(name, on)))))


def _read(state: bytes | None) -> _Stamp | None:
    if state is None or is_nothing(part := read_hot(state).decisions):
        return None
    return msgspec.msgpack.decode(part, type=_Stamp)


def _agreed(states: Sequence[bytes | None]) -> date | None:
    """The earliest date of the stamps; None if one is missing or has none."""
    days = [None if (found := _read(state)) is None else found.on for state in states]
    known = [day for day in days if day is not None]
    return min(known) if len(known) == len(days) else None


@lru_cache(maxsize=8)
def _places(which: int, partitions: int) -> tuple[int, ...]:
    """For each partition a number that is no customer's and lies in it, another one for each kind."""
    return tuple(next(_numbers(partition, which, partitions)) for partition in range(partitions))


def _numbers(partition: int, which: int, partitions: int) -> Iterator[int]:
    found = (-number for number in count(1) if partition_of(-number, partitions) == partition)
    for place, number in enumerate(found):
        if place >= which:
            yield number
