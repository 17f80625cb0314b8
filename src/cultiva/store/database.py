"""One database, SQLite or PostgreSQL: how it is opened, and what a transaction is.

A committed transaction survives the death of the process and of the machine: SQLite writes with a log (WAL) that is
forced to disk at every commit, PostgreSQL does so by default. Writers of SQLite queue up (`BEGIN IMMEDIATE`) rather
than failing half-way; readers never wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, ColumnElement, Connection, FromClause, Table, literal, make_url, select
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, OperationalError

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.connections import open_engine

_OUTSIDE = (OperationalError, DatabaseError)
"""Errors of the database's surroundings; the others are faults of ours. `DatabaseError` itself: not a database file."""
_Written = TypeVar("_Written")
Write = Callable[[Connection], None]
"""A change that a repository has prepared, to be made within someone else's transaction."""


class Database:
    """The door to one database.

    Args:
        url: SQLAlchemy URL; a relative SQLite path is relative to `root`.
        root: The workspace's folder.

    Raises:
        CultivaError: if the URL is not one, or its driver is missing.
    """

    def __init__(self, url: str, root: Path) -> None:
        self.url = _resolve(url, root)
        self.engine = open_engine(self.url)

    @property
    def shown(self) -> str:
        """The address without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, all of it at one moment."""
        with self._reachable(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="REPEATABLE READ") if self._is_postgres else connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed at the end, or undone if an error leaves it."""
        with self._reachable(), self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    @property
    def has_many_writers(self) -> bool:
        """Whether several transactions may write at the same time; SQLite lets one in after the other."""
        return self._is_postgres

    def clock(self) -> datetime | None:
        """The present instant as the server has it, in UTC; None: there is no server, so it is ours."""
        if not self._is_postgres:
            return None
        with self.reading() as connection:
            found: datetime = connection.exec_driver_sql("select clock_timestamp()").scalar_one()
        return found.astimezone(UTC)

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()

    @property
    def _is_postgres(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if type(error) not in _OUTSIDE:
                raise
            raise CultivaError(
                "the store cannot be used",
                code="store.unavailable",
                kind=ErrorKind.UNAVAILABLE,
                seen=f"{self.shown}: {str(error.orig).strip()}",
                allowed="a SQLite file in a writable folder, or a PostgreSQL server that answers",
                hint="see [store] in cultiva.toml",
            ) from error


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows whose primary key is not there yet and leaves the others as they are."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))


def insert_selected(connection: Connection, table: Table, values: Mapping[str, Any], source: FromClause) -> None:
    """Inserts a row for each of a source's, computed in the database; a row whose key is there stays as it is.

    Args:
        connection: A writing transaction.
        table: Where to.
        values: Column -> expression over the source.
        source: Where from.
    """
    hopefully(
        connection, lambda new: connection.execute(rows_from(connection, table, values, source, all_new=new)).rowcount
    )


def hopefully(connection: Connection, write: Callable[[bool], _Written]) -> _Written:
    """Writes as if no row were there yet, and once more with care if one is.

    PostgreSQL takes half as long again for a row that might be there: it is looked for first, and written in two steps.

    Args:
        connection: A writing transaction.
        write: Told whether all rows may be taken for new.
    """
    if connection.dialect.name != "postgresql":
        return write(False)
    try:
        with connection.begin_nested():
            return write(True)
    except IntegrityError:
        return write(False)


def rows_from(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any],
    source: FromClause,
    only: ColumnElement[bool] | None = None,
    *,
    all_new: bool = False,
) -> Any:
    """The statement that inserts a row for each of a source's for which `only` holds; see `hopefully` for `all_new`."""
    # SQLite: without a condition `ON CONFLICT` would be read as the join's
    rows = select(*values.values()).select_from(source).where(literal(True) if only is None else only)
    made = _insert(connection, table).from_select(list(values), rows, include_defaults=False)
    return made if all_new else made.on_conflict_do_nothing()


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Inserts the rows whose primary key is not there yet; the primary keys of those. Of two who race, one gets it."""
    if not rows:
        return []
    written = _insert(connection, table).on_conflict_do_nothing().returning(*table.primary_key)
    return [tuple(row) for row in connection.execute(written, list(rows))]


def put(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Inserts a row, or replaces the one with the same primary key."""
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in row.items() if name not in keys}
    written = _insert(connection, table).values(**row)
    connection.execute(written.on_conflict_do_update(index_elements=keys, set_=rest))


def put_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, unless_newer: str = "") -> None:
    """Inserts rows, or replaces those with the same primary keys; every row has the same columns.

    Args:
        connection: In a writing transaction.
        table: Where.
        rows: By column.
        unless_newer: A column; a row that has more in it than the one that would replace it stays.
    """
    if not rows:
        return
    written = _insert(connection, table)
    rest = {name: written.excluded[name] for name in rows[0] if name not in table.primary_key.columns}
    where = table.c[unless_newer] <= written.excluded[unless_newer] if unless_newer else None
    keys = list(table.primary_key)
    connection.execute(written.on_conflict_do_update(index_elements=keys, set_=rest, where=where), list(rows))


def _insert(connection: Connection, table: Table) -> Any:
    """The dialect's own insert, which knows what to do about a key that is there; a dialect is loaded when used."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def _resolve(url: str, root: Path) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _bad_url(url.partition("://")[0]) from error
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise _bad_url(parsed.drivername)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise _bad_url("a database in memory, which would forget everything")
        path = root / str(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        return parsed.set(drivername="sqlite", database=str(path))
    return parsed


def _bad_url(seen: str) -> CultivaError:
    return CultivaError(
        "not an address of a store",
        code="store.bad_url",
        seen=seen,
        allowed="sqlite:///path/to/store.db or postgresql://user:password@host/database",
        hint="see [store] url in cultiva.toml",
    )
