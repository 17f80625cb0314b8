"""A SQLite file that many threads and processes use: readers never wait, writers queue up."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cultiva.kit.errors import CultivaError, ErrorKind

WAIT_SECONDS = 30.0
"""How long a writer waits for another process."""
PAGES_MAX = 8_000
"""Pages of the write-ahead log before it is written back: 32 MB."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class LiveFile:
    """One file: a connection for reading per thread, and one for writing that threads take turns with.

    Args:
        path: Where it lies; its folder is made.
        tables: The statements that make its tables if they are not there.
        sync: FULL: what is committed survives the death of the machine. NORMAL: it survives the death of the process;
            after that of the machine the file may be some commits younger, but whole.
    """

    def __init__(self, path: Path, tables: Sequence[str], *, sync: Literal["FULL", "NORMAL"]) -> None:
        self.path, self._sync = path, sync
        path.parent.mkdir(parents=True, exist_ok=True)
        self._local = threading.local()
        self._turn = threading.Lock()
        self._opened: list[sqlite3.Connection] = []
        with self._usable():
            self._writer = self._connect()
            self._writer.execute("pragma journal_mode = wal")
        with self.writing() as connection:
            for statement in tables:
                connection.execute(statement)

    def reader(self) -> sqlite3.Connection:
        """This thread's connection; a statement on it sees what had been committed when it began."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            with self._usable():
                found = self._local.connection = self._connect()
        return found

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, with errors in words."""
        with self._usable():
            yield self.reader()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection; all statements see the same moment."""
        with self.reading() as connection:
            connection.execute("begin")
            try:
                yield connection
            finally:
                connection.execute("rollback")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end, or undone if an error leaves it."""
        with self._turn, self._usable():
            self._writer.execute("begin immediate")
            try:
                yield self._writer
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise
            self._writer.execute("commit")

    @contextmanager
    def erasing(self) -> Iterator[sqlite3.Connection]:
        """As `writing`; what is deleted is overwritten in the file, and the log before it is folded in and emptied."""
        with self._turn, self._usable():
            self._writer.execute("pragma secure_delete = on")
        with self.writing() as connection:
            yield connection
        with self._turn, self._usable():
            self._writer.execute("pragma wal_checkpoint(truncate)").fetchall()

    def close(self) -> None:
        """Closes all connections."""
        with self._turn:
            while self._opened:
                self._opened.pop().close()

    def _connect(self) -> sqlite3.Connection:
        made = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        self._opened.append(made)
        made.execute(f"pragma synchronous = {self._sync}")
        made.execute(f"pragma wal_autocheckpoint = {PAGES_MAX}")
        made.execute("pragma cache_size = -65536")
        made.execute("pragma mmap_size = 1073741824")
        return made

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CultivaError(
                "the file of the live side cannot be used",
                code="stream.unavailable",
                kind=ErrorKind.UNAVAILABLE,
                seen=f"{self.path}: {error}",
                allowed="a SQLite file in a writable folder",
                hint="see [live] in cultiva.toml",
            ) from error


def microseconds(at: datetime) -> int:
    """An aware instant as whole microseconds since 1970, exactly.

    Examples:
        >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
        1000000
    """
    return (at - EPOCH) // MICROSECOND


def instant(count: int) -> datetime:
    """The instant of a count of microseconds.

    Examples:
        >>> instant(1_000_000).isoformat()
        '1970-01-01T00:00:01+00:00'
    """
    return EPOCH + timedelta(microseconds=count)
