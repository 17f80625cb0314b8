"""Connections to a database that are kept between transactions: whose they are, and when one is not used again.

Opening a SQLite file, telling it how to write and closing it again costs more than a small transaction does: the last
one to close a file folds its log into it. So connections are kept, a few per process, and handed from one transaction
to the next, never to two at once. Whoever comes when all are in use gets one more, so nobody waits for a connection
while holding another.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, Pool, QueuePool, create_engine, event
from sqlalchemy.exc import InvalidatePoolError, NoSuchModuleError

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.columns import has_nul, printable

WAIT_SECONDS = 60
"""How long a writer of SQLite waits for another one."""
KEPT = 8
"""Connections that one process keeps."""
LOG_PAGES = 4_000
"""SQLite folds its log into the file when it has so many pages (16 MiB): what is written often is folded in once."""
CACHE_KIB = 16 * 1024
"""Memory of SQLite per connection, at most."""
_ENGINES: WeakSet[Engine] = WeakSet()
_OF_THE_PARENT: list[Pool] = []
"""In a child: the pools of the process that it was forked from, never used and never closed."""


def open_engine(url: URL) -> Engine:
    """An engine that keeps its connections.

    Args:
        url: Of SQLite or PostgreSQL.

    Raises:
        CultivaError: if the driver is missing.
    """
    engine = _open_sqlite(url) if url.get_backend_name() == "sqlite" else _open_postgres(url)
    event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
    _ENGINES.add(engine)
    return engine


def _open_sqlite(url: URL) -> Engine:
    how = {"timeout": WAIT_SECONDS, "check_same_thread": False}  # one thread at a time, not always the same one
    engine = create_engine(
        url,
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=KEPT,
        max_overflow=-1,
        pool_use_lifo=True,
        connect_args=how,
    )
    path = Path(str(url.database))
    event.listen(engine, "connect", lambda connection, record: _prepare_sqlite(connection, record, path))
    event.listen(engine, "checkout", lambda _, record, __: _still_there(record, path))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgres(url: URL) -> Engine:
    try:
        return create_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_size=KEPT, max_overflow=-1, pool_use_lifo=True
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise CultivaError(
            "the driver of PostgreSQL is missing",
            code="store.no_driver",
            kind=ErrorKind.UNAVAILABLE,
            seen=url.drivername,
            allowed="psycopg 3",
            hint="pip install 'cultiva[postgres]'",
        ) from error


def _prepare_sqlite(connection: Any, record: Any, path: Path) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; `_begin_sqlite` does
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"wal_autocheckpoint = {LOG_PAGES}",
        f"cache_size = -{CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("sha256_hex", 1, _sha256_hex, deterministic=True)  # PostgreSQL has one of its own
    record.info["file"] = identity(path)


def _sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _still_there(record: Any, path: Path) -> None:
    """Refuses a connection to a file that is not there any more: nobody would ever read what is written through it.

    Whoever puts another file there, a backup say, means that one. SQLite sees at closing that its file has gone, and
    leaves the log of the new one alone.

    Raises:
        InvalidatePoolError: which has every connection opened anew.
    """
    if record.info.get("file") != identity(path):
        raise InvalidatePoolError


def identity(path: Path) -> tuple[int, int] | None:
    """Which file it is; None: there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _without_nul(
    _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """Texts as every store can keep them: PostgreSQL refuses one with a NUL, and with it the statement of everybody.

    All values pass here on their way in. A NUL becomes the sign that stands for what cannot be shown.
    """
    return statement, printable(parameters) if has_nul(parameters) else parameters


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _forget() -> None:
    """A child opens connections of its own. It does not close its parent's either: that would speak for the parent."""
    for engine in list(_ENGINES):
        _OF_THE_PARENT.append(engine.pool)
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_forget)
