"""Connections that are kept: reused, never shared, never carried into a child or on to another file."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.store.days import AT

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import open_store
from cultiva.store.connections import KEPT
from cultiva.store.database import Database

WRITE = text("INSERT INTO workspace_version (version, first_seen) VALUES (:version, :at)")


def write(database: Database, version: str) -> None:
    with database.writing() as connection:
        connection.execute(WRITE, {"version": version, "at": AT.replace(tzinfo=None)})


def versions(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(connection.scalars(text("SELECT version FROM workspace_version")))


def raw(database: Database) -> int:
    """Which connection of the driver is used."""
    with database.reading() as connection:
        return id(connection.connection.dbapi_connection)


def test_one_transaction_after_the_other_uses_one_connection(store_url: str, tmp_path: Path) -> None:
    database = open_store(store_url, tmp_path).database
    opened = database.engine.pool.status()
    assert len({raw(database) for _ in range(5)}) == 1
    assert database.engine.pool.status() == opened, "none was opened for it"
    database.close()


def test_transactions_at_once_have_a_connection_each_however_many_they_are(tmp_path: Path) -> None:
    database = open_store("sqlite:///store.db", tmp_path).database
    many = KEPT + 4
    together, seen = threading.Barrier(many, timeout=60), set[int]()

    def hold() -> None:
        with database.reading() as connection:
            seen.add(id(connection.connection.dbapi_connection))
            together.wait()

    threads = [threading.Thread(target=hold) for _ in range(many)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(seen) == many
    database.close()


def test_a_transaction_that_fails_leaves_nothing_behind_on_its_connection(store_url: str, tmp_path: Path) -> None:
    database = open_store(store_url, tmp_path).database
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute(WRITE, {"version": "undone", "at": AT.replace(tzinfo=None)})
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), database.reading() as connection:
        connection.execute(text("SELECT 1 FROM workspace_version"))
        raise ZeroDivisionError
    other = Database(store_url, tmp_path)
    write(other, "by another")  # waits for a minute if the lock were still held
    assert versions(database) == {"by another"}, "and what it reads is of now"
    other.close()
    database.close()


def test_a_child_opens_connections_of_its_own(store_url: str, tmp_path: Path) -> None:
    database = open_store(store_url, tmp_path).database
    mine = raw(database)
    child = os.fork()
    if child == 0:  # whatever happens here, it must not go on into the rest of the tests
        signal.alarm(60)
        code = 1
        try:
            write(database, "of the child")
            code = 0 if raw(database) != mine else 2
            database.close()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert raw(database) == mine, "the parent keeps its own"
    write(database, "of the parent")
    assert versions(database) == {"of the child", "of the parent"}
    database.close()


def test_a_file_that_was_put_in_the_place_of_the_store_is_the_store(tmp_path: Path) -> None:
    database = open_store("sqlite:///store.db", tmp_path).database
    write(database, "old")
    (tmp_path / "backup").mkdir()
    backup = open_store("sqlite:///store.db", tmp_path / "backup").database
    write(backup, "restored")
    backup.close()
    for name in ("store.db-wal", "store.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.move(tmp_path / "backup" / "store.db", tmp_path / "store.db")
    other = Database("sqlite:///store.db", tmp_path)
    write(other, "since")  # lies in the new file's log
    assert versions(database) == {"restored", "since"}
    write(database, "ours")
    assert versions(other) == {"restored", "since", "ours"}, "closing the old file has not taken the new one's log"
    other.close()
    database.close()


def test_a_store_that_was_removed_takes_nothing_more(tmp_path: Path) -> None:
    database = open_store("sqlite:///bank/store.db", tmp_path).database
    write(database, "old")
    shutil.rmtree(tmp_path / "bank")
    with pytest.raises(CultivaError) as caught:
        write(database, "into nothing")
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    database.close()
