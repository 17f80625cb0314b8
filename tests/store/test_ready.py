"""Connections for single questions: a few are kept, one for one asker at a time, none that is dead or another's."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from cultiva.store import Store, open_store
from cultiva.store.ready import READY, Ready


def number(connection: Any) -> int:
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT count(*) FROM workspace_version")
        return int(cursor.fetchone()[0])
    finally:
        cursor.close()


def one_of(ready: Ready) -> Any:
    """Which connection would be asked."""
    return ready.ask(lambda connection: connection)


def test_one_question_after_the_other_is_asked_over_one_connection(store: Store) -> None:
    ready = Ready(store.database.engine)
    found = {id(one_of(ready)) for _ in range(5)}
    assert len(found) == 1 and ready.kept == 1
    ready.close()
    assert ready.kept == 0 and ready.ask(number) == 0


def test_of_many_at_once_each_has_its_own_and_a_few_are_kept(store: Store) -> None:
    ready, many = Ready(store.database.engine), READY + 5
    together, seen = threading.Barrier(many, timeout=60), list[int]()

    def ask(connection: Any) -> None:
        together.wait()
        seen.append(id(connection))

    threads = [threading.Thread(target=ready.ask, args=(ask,)) for _ in range(many)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(seen)) == many and ready.kept == READY
    ready.close()


def test_a_kept_connection_that_has_died_is_not_seen_by_who_asks(store: Store) -> None:
    ready = Ready(store.database.engine)
    dead = one_of(ready)
    dead.close()
    assert ready.ask(number) == 0 and one_of(ready) is not dead
    ready.close()


def test_a_question_that_is_wrong_fails_and_keeps_no_connection(store: Store) -> None:
    ready, asked = Ready(store.database.engine), list[Any]()

    def wrong(connection: Any) -> None:
        asked.append(connection)
        connection.cursor().execute("SELECT 1 FROM nowhere")

    for times in (1, 2):
        with pytest.raises(Exception, match="nowhere"):
            ready.ask(wrong)
        assert len(asked) == times, "nothing was kept, so it was asked once"
    assert ready.kept == 0


def test_what_was_written_a_moment_ago_is_seen(store: Store) -> None:
    ready = Ready(store.database.engine)
    assert ready.ask(number) == 0
    with store.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO workspace_version (version, first_seen) VALUES ('a', '2026-01-01 00:00:00')"
        )
    assert ready.ask(number) == 1
    ready.close()


def test_a_child_neither_uses_nor_closes_what_its_parent_keeps(store: Store) -> None:
    ready = Ready(store.database.engine)
    mine = one_of(ready)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        code = 1
        try:
            code = 0 if ready.kept == 0 and one_of(ready) is not mine and ready.ask(number) == 0 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert one_of(ready) is mine and ready.ask(number) == 0
    ready.close()


def test_a_file_that_was_put_in_the_place_of_the_store_is_asked(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    database, backup = (open_store("sqlite:///store.db", place).database for place in (tmp_path, tmp_path / "backup"))
    ready = Ready(database.engine)
    assert ready.ask(number) == 0
    with backup.writing() as connection:
        connection.exec_driver_sql("INSERT INTO workspace_version (version, first_seen) VALUES ('b', '2026-01-01')")
    backup.close()
    for name in ("store.db-wal", "store.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.move(tmp_path / "backup" / "store.db", tmp_path / "store.db")
    assert ready.ask(number) == 1
    ready.close()
    database.close()
