"""A query on a bank's SQL database, staged as Parquet with every value as exact text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import isnan
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from cultiva.definitions.sources import Input
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.faults import broken
from cultiva.insight.sources.files import Window
from cultiva.kit.errors import CultivaError, ErrorKind

FETCH_ROWS = 50_000
"""Rows fetched and written at a time."""
_ENVIRONMENT = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_PARAMETERS = ("date", "since")


def stage_query(desk: Desk, source: Input, root: Path, window: Window) -> Path:
    """Runs an input's query and stages what it gives.

    In the query `:date` is the business date and `:since` the one published before it (1900-01-01 at first).

    Args:
        desk: Where the file is staged.
        source: An input with url and query.
        root: The workspace's folder; a relative SQLite path is relative to it.
        window: The business dates asked for.

    Raises:
        CultivaError: if the database cannot be reached (unavailable), or the query fails.
    """
    url = database_url(source, root)
    engine = _engine(source, url)
    try:
        with _connected(source, engine, url) as connection:
            return _staged(desk, source, connection, window)
    finally:
        engine.dispose()


def database_url(source: Input, root: Path) -> URL:
    """The address of an input's database, with secrets from the environment.

    Raises:
        Faults: if a variable of the environment is missing, or the address cannot be read.
    """
    text = source.url or ""
    for name in _ENVIRONMENT.findall(text):
        if name not in os.environ:
            raise broken(
                source.name,
                "no_environment",
                "an address needs a variable of the environment",
                seen="${env:" + name + "}",
                allowed="a variable that is set",
                hint=f"export {name}=...",
            )
    try:
        url = make_url(_ENVIRONMENT.sub(lambda match: os.environ[match[1]], text))
    except sa.exc.ArgumentError as error:
        raise broken(
            source.name,
            "bad_url",
            "the address of a database cannot be read",
            seen="(not shown: it may hold a password)",
            allowed="a SQLAlchemy URL",
            hint="write it like postgresql+psycopg://user@host/name",
        ) from error
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return url
    return _sqlite_url(source, url, root / str(url.database))


def tables_of(source: Input, root: Path) -> dict[str, str]:
    """The tables of an input's database: names, and how its SQL writes them.

    Raises:
        CultivaError: if the database cannot be reached.
    """
    url = database_url(source, root)
    engine = _engine(source, url)
    try:
        with _connected(source, engine, url) as connection:
            quote = engine.dialect.identifier_preparer.quote
            return {name: quote(name) for name in sorted(sa.inspect(connection).get_table_names())}
    finally:
        engine.dispose()


def _sqlite_url(source: Input, url: URL, path: Path) -> URL:
    if not path.is_file():
        raise broken(
            source.name,
            "missing_file",
            "the SQLite file of an input is missing",
            seen=path,
            allowed="a file that exists",
            hint="check the url in sources/, or wait for the delivery",
        )
    return url.set(database=str(path))


def _engine(source: Input, url: URL) -> Engine:
    try:
        return sa.create_engine(url, poolclass=sa.pool.NullPool)
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        raise broken(
            source.name,
            "no_driver",
            "no driver for a database is installed",
            seen=url.drivername,
            allowed="a SQLAlchemy dialect whose driver is installed",
            hint="install the driver beside cultiva, e.g. `pip install cultiva[postgres]`",
        ) from error


def _connected(source: Input, engine: Engine, url: URL) -> Connection:
    try:
        return engine.connect().execution_options(stream_results=True)
    except sa.exc.SQLAlchemyError as error:
        raise CultivaError(
            f"the database of input {source.name} cannot be reached",
            code="sources.database_down",
            kind=ErrorKind.UNAVAILABLE,
            seen=url.render_as_string(hide_password=True),
            allowed="a database that answers",
            hint="start it or mend the address and its credentials, then run again",
        ) from error


def _staged(desk: Desk, source: Input, connection: Connection, window: Window) -> Path:
    path = desk.new_path("parquet")
    try:
        result = connection.execute(*_statement(source, window))
        names = list(result.keys())
        schema = pa.schema([(name, pa.string()) for name in names])
        with pq.ParquetWriter(path, schema, compression="snappy") as writer:
            for rows in _batches(result):
                columns = [[_text(row[place]) for row in rows] for place in range(len(names))]
                writer.write_table(pa.table([pa.array(column, pa.string()) for column in columns], schema=schema))
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise broken(
            source.name,
            "query_failed",
            "the query of an input failed",
            seen=reason,
            allowed="a query that the database runs",
            hint="try the query in the database's own client; `:date` and `:since` are its only parameters",
        ) from error
    return path


def _statement(source: Input, window: Window) -> tuple[sa.TextClause, dict[str, date]]:
    text = sa.text(source.query or "")
    given = {"date": window.on, "since": max(window.after, date(1900, 1, 1))}
    used = {name: given[name] for name in _PARAMETERS if name in text.compile().params}
    return text.bindparams(*(sa.bindparam(name, type_=sa.Date) for name in used)), used


def _batches(result: sa.CursorResult[Any]) -> Iterator[Sequence[Any]]:
    while rows := result.fetchmany(FETCH_ROWS):
        yield rows


def _text(value: object) -> str | None:  # noqa: PLR0911 (one line for each type)
    """A value of a driver as exact text."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return _text_of_bytes(value)
    return repr(value) if isinstance(value, float) else str(value)


def _text_of_bytes(value: bytes) -> str:
    """Text as some drivers give it; what is no text, in hexadecimal digits."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()
