"""Recording: every live decision is written down, in files that only grow, without anyone waiting for it.

A decision goes into a bounded queue; a thread of its own writes what has gathered, at the latest `FLUSH_MS` later, and
forces it to disk every `SYNC_SECONDS`. What a process that is killed may lose is what is in the queue: at most
`FLUSH_MS` of decisions; what a machine that loses power may lose: at most `SYNC_SECONDS`. A queue that is full takes
nothing more, and whoever decides says so and stays neutral: no decision without a record.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from cultiva.kit.clock import seconds

FOLDER = ".cultiva/live/decided"
"""Within the workspace: a folder per bank's day, in it a file per process and stretch."""
FLUSH_MS = 20
SYNC_SECONDS = 1.0
QUEUE_MAX = 20_000
"""Decisions that may wait; at a thousand a second, twenty seconds of a disk that does not answer."""
BLANK = b" "
"""Begins a line of somebody who was erased: the file may be open for writing, so it keeps its length."""
TOGETHER = 1000
"""Decisions in one write."""
SEGMENT_BYTES = 64 * 1024 * 1024
"""A file longer than this is followed by another one."""


class CandidateRecord(msgspec.Struct, array_like=True):
    """A candidate as it is written down."""

    strategy: str
    offer: str
    channel: str | None
    fate: str
    worth: float | None
    charge: float | None
    """None: nothing is left of what it takes."""
    decided_by: str | None
    decided_value: float | None
    assigned_share: float
    exposed: bool
    worth_by: str


class DecisionRecord(msgspec.Struct):
    """A live decision as it is written down: a line of JSON."""

    decision_id: str
    at: datetime
    on: date
    customer_id: int
    placement: str
    channel: str
    caller: str
    """Key that asked."""
    context: dict[str, Any]
    """What the caller said of the moment."""
    run: str
    """Business date of the profile and prices."""
    workspace_version: str
    models: tuple[str, ...]
    ranked_by: str
    degraded: tuple[str, ...]
    neutral: bool
    spent: dict[str, float]
    """What had been used of resources; with the time it gives the prices."""
    candidates: list[CandidateRecord]
    prices: str = ""
    """Version of the day's prices that it was charged; empty: the night's."""


class Recorder:
    """Writes decisions down, from any thread.

    Args:
        root: The workspace's folder.
        name: Of this process; no two at work have the same.
        most: Decisions that may wait.
    """

    def __init__(self, root: Path, name: str, *, most: int = QUEUE_MAX) -> None:
        self._folder, self._name, self._most = root / FOLDER, name, most
        self._queue: deque[DecisionRecord] = deque()
        self._wanted, self._ended, self._writing = threading.Event(), False, threading.Lock()
        self._files: dict[date, Any] = {}
        self._synced, self._number = seconds(), 0
        self.written = 0
        """Decisions written so far."""
        self.refused = 0
        """Decisions that found the queue full."""
        self.failed = ""
        """Why nothing can be written at present; empty: it can."""
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether nothing more is taken."""
        return len(self._queue) >= self._most

    def put(self, record: DecisionRecord) -> bool:
        """Takes a decision; False if the queue is full."""
        if self.full or self._ended:
            self.refused += 1
            return False
        self._queue.append(record)
        return True

    def flush(self) -> None:
        """Writes what waits and forces it to disk."""
        with self._writing:
            self._write()
            self._sync()

    def close(self) -> None:
        """Writes what waits and ends."""
        self._ended = True
        self._wanted.set()
        self._thread.join()
        self.flush()
        for file in self._files.values():
            file.close()

    def _work(self) -> None:
        while not self._ended:
            self._wanted.wait(FLUSH_MS / 1000)
            try:
                with self._writing:
                    self._write()
                    if seconds() - self._synced >= SYNC_SECONDS:
                        self._sync()
                self.failed = ""
            except OSError as error:  # the disk is full, or gone: what waits waits on, until the queue is full
                self.failed = str(error)

    def _write(self) -> None:
        """All that waits, as long as it is of one day at a time; a record leaves the queue when it is written."""
        while self._queue:
            first = self._queue[0].on
            some = [self._queue[place] for place in range(min(len(self._queue), TOGETHER))]  # others append meanwhile
            batch = list(takewhile(partial(_is_of, first), some))
            _append(self._file(first), b"\n".join([_ENCODER.encode(one) for one in batch]) + b"\n")
            for _ in batch:
                self._queue.popleft()
            self.written += len(batch)

    def _file(self, day: date) -> Any:
        file = self._files.get(day)
        if file is not None and file.tell() >= SEGMENT_BYTES:
            file.close()
            file = None
        if file is None:
            self._number += 1
            folder = self._folder / day.isoformat()
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{self._name}-{self._number:06}.jsonl"
            file = self._files[day] = path.open("ab", buffering=0)
        return file

    def _sync(self) -> None:
        for file in self._files.values():
            os.fsync(file.fileno())
        self._synced = seconds()


def _is_of(day: date, one: DecisionRecord) -> bool:
    return one.on == day


def _append(file: Any, data: bytes) -> None:
    """Writes all of it or nothing: a disk that becomes full takes a part and says so only then.

    Raises:
        OSError: if it cannot be written.
    """
    begin, left = file.tell(), memoryview(data)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        os.ftruncate(file.fileno(), begin)
        file.seek(begin)
        raise


_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(DecisionRecord)


def read_records(root: Path, day: date) -> Iterator[DecisionRecord]:
    """The decisions of a bank's day, file by file; the torn end of a file whose writer was killed is left out."""
    for path in sorted((root / FOLDER / day.isoformat()).glob("*.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n") and not line.startswith(BLANK):
                    yield _DECODER.decode(line)


def days_recorded(root: Path) -> list[date]:
    """Days of which there are decisions."""
    return sorted(date.fromisoformat(one.name) for one in (root / FOLDER).glob("????-??-??"))
