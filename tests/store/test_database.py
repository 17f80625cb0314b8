from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Text, literal, select, text
from sqlalchemy.exc import IntegrityError
from tests.store.days import AT, DAY

from cultiva.execution.tables import STANDSTILL
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import open_store
from cultiva.store.columns import JsonText
from cultiva.store.database import Database, insert_missing, put
from cultiva.store.tables import RUN_STEP, SNAPSHOT_POINTER


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/bank", "store.db", "oracle://x", ""]
)
def test_an_address_that_is_no_store_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(CultivaError) as caught:
        open_store(url, tmp_path)
    assert caught.value.code == "store.bad_url"


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(CultivaError) as caught:
        open_store("postgresql://bank:geheim@127.0.0.1:1/bank", tmp_path)
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert "127.0.0.1:1" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("this is not a database, and long enough to be taken for one" * 20)
    with pytest.raises(CultivaError) as caught:
        open_store("sqlite:///store.db", tmp_path)
    assert caught.value.kind is ErrorKind.UNAVAILABLE


def test_a_relative_file_lies_in_the_workspace_and_an_absolute_one_where_it_says(tmp_path: Path) -> None:
    open_store("sqlite:///.cultiva/store.db", tmp_path / "bank").close()
    open_store(f"sqlite:///{tmp_path}/elsewhere.db", tmp_path / "bank").close()
    assert (tmp_path / "bank" / ".cultiva" / "store.db").is_file()
    assert (tmp_path / "elsewhere.db").is_file()


def test_sqlite_forces_every_commit_to_disk_and_keeps_foreign_keys(tmp_path: Path) -> None:
    database = Database("sqlite:///store.db", tmp_path)
    with database.reading() as connection:
        pragmas = {
            name: connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    full = 2
    assert pragmas == {"journal_mode": "wal", "synchronous": full, "foreign_keys": 1}


def test_foreign_keys_and_checks_hold(store_url: str, tmp_path: Path) -> None:
    open_store(store_url, tmp_path).close()
    database = Database(store_url, tmp_path)
    pointer = {"table_name": "profile", "business_date": DAY, "path": "nowhere"}
    with pytest.raises(IntegrityError), database.writing() as connection:
        put(connection, SNAPSHOT_POINTER, pointer)
    step = {"run_id": "none", "name": "s", "position": 1, "state": "sleeping", "started": AT, "attempts": 1}
    with pytest.raises(IntegrityError), database.writing() as connection:
        put(connection, RUN_STEP, step | {"detail": {}, "error": ""})
    database.close()


def test_an_instant_without_a_zone_is_refused(store_url: str, tmp_path: Path) -> None:
    from cultiva.store import Store

    opened: Store = open_store(store_url, tmp_path)
    with pytest.raises(Exception, match="without a zone"):
        opened.registry.record("v1", [], at=AT.replace(tzinfo=None))
    opened.close()


def test_a_nul_in_a_text_breaks_no_statement_and_is_seen(store_url: str, tmp_path: Path) -> None:
    """PostgreSQL keeps no text with one; alone, among others, in a list, in JSON."""
    store = open_store(store_url, tmp_path)
    database = store.database
    with database.writing() as connection:
        said = literal("a\x00b", Text)
        assert connection.execute(select(said)).scalar_one() == "a\N{REPLACEMENT CHARACTER}b"
        assert connection.execute(select(literal(1)).where(said.in_(["x", "a\x00b"]))).scalar_one() == 1
        kept = connection.execute(select(literal({"k\x00": ["\x00", "\\u0000", 1]}, JsonText))).scalar_one()
    assert kept == {"k\N{REPLACEMENT CHARACTER}": ["\N{REPLACEMENT CHARACTER}", "\\u0000", 1]}
    many = [{"customer_id": number, "name": f"s\x00{number}", "at": AT} for number in (1, 2)]
    with database.writing() as connection:
        insert_missing(connection, STANDSTILL, many)
    with database.reading() as connection:
        found = connection.scalars(select(STANDSTILL.c.name).order_by(STANDSTILL.c.name)).all()
    assert found == ["s\N{REPLACEMENT CHARACTER}1", "s\N{REPLACEMENT CHARACTER}2"]
    store.close()
