from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from tests.store.racers import PROCESSES, open_together

import cultiva.execution.drafts.tables
import cultiva.execution.erasure.tables
import cultiva.execution.jobs.tables
import cultiva.execution.tables  # noqa: F401 -- its tables belong to the store too
from cultiva.kit.errors import CultivaError
from cultiva.store import migrate, open_store
from cultiva.store.database import Database
from cultiva.store.migrate import HEAD, bring_up, revision_of
from cultiva.store.tables import METADATA

PROJECT = Path(__file__).parents[2]


def test_migrations_lead_from_nothing_to_the_tables_as_written(store_url: str, tmp_path: Path) -> None:
    database = Database(store_url, tmp_path)
    bring_up(database)
    with database.reading() as connection:
        assert revision_of(connection) == HEAD
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        names = set(inspect(connection).get_table_names())
    assert names == {*METADATA.tables, "alembic_version"}
    database.close()


def test_every_constraint_of_the_migrated_tables_has_its_name(store_url: str, tmp_path: Path) -> None:
    database = Database(store_url, tmp_path)
    bring_up(database)
    with database.reading() as connection:
        seen = inspect(connection)
        for table in METADATA.sorted_tables:
            wanted = {str(one.name) for one in table.constraints}
            found = {
                *(str(one["name"]) for one in seen.get_check_constraints(table.name)),
                *(str(one["name"]) for one in seen.get_foreign_keys(table.name)),
                *(str(one["name"]) for one in seen.get_unique_constraints(table.name)),
                str(seen.get_pk_constraint(table.name)["name"]),
            }
            assert found == wanted, table.name
    database.close()


def test_head_is_the_newest_revision() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert scripts.get_current_head() == HEAD


def test_the_addresses_of_recipients_known_before_are_taken_over(store_url: str, tmp_path: Path) -> None:
    from alembic import command

    database = Database(store_url, tmp_path)
    known = {"zone": "UTC", "language": "zh", "name": "", "channels": "[]", "suppressed_by": "",
             "business_date": "2026-03-02"}  # fmt: skip
    rows = [
        {**known, "customer_id": 1, "phone": "138", "email": "", "handles": '{"wecom": "wm1", "app": ""}'},
        {**known, "customer_id": 2, "phone": "138", "email": "a@b.c", "handles": "{}"},
    ]
    with database.writing() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
        command.upgrade(config, "0004")
        names = ", ".join(rows[0])
        values = ", ".join(f":{name}" for name in rows[0])
        connection.execute(text(f"insert into recipient ({names}) values ({values})"), rows)
    bring_up(database)
    with database.reading() as connection:
        found = connection.execute(text("select customer_id, address, channel from recipient_address")).all()
    assert sorted(map(tuple, found)) == [(1, "138", "*"), (1, "wm1", "wecom"), (2, "138", "*"), (2, "a@b.c", "*")]
    database.close()


def test_many_may_open_a_new_store_at_once(store_url: str, tmp_path: Path) -> None:
    together = PROCESSES.Barrier(4)
    openers = [PROCESSES.Process(target=open_together, args=(store_url, tmp_path, together)) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
    assert [opener.exitcode for opener in openers] == [0, 0, 0, 0]


def test_a_store_written_by_a_newer_version_is_refused(store_url: str, tmp_path: Path) -> None:
    open_store(store_url, tmp_path).close()
    database = Database(store_url, tmp_path)
    with database.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(CultivaError) as caught:
        open_store(store_url, tmp_path)
    assert caught.value.code == "store.too_new"
    assert "9999" in str(caught.value.seen)
    database.close()


def test_a_migration_that_fails_leaves_nothing_behind(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import command

    real = command.upgrade

    def breaks(config: Config, revision: str) -> None:
        real(config, revision)
        raise RuntimeError("the power went")

    database = Database(store_url, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", breaks)
        with pytest.raises(RuntimeError, match="power"):
            bring_up(database)
    with database.reading() as connection:
        assert inspect(connection).get_table_names() == []
    bring_up(database)
    database.close()


def test_the_migrations_are_in_the_wheel(tmp_path: Path) -> None:
    """An installed Cultiva brings its store up without the repository."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "build", "--wheel", "--out-dir", str(tmp_path)]
    made = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        inside = {name for name in wheel.namelist() if name.startswith("cultiva/store/migrations/")}
    written = (PROJECT / "src" / "cultiva" / "store" / "migrations").rglob("*.[pm]*")
    assert inside == {f"{path.relative_to(PROJECT / 'src')}" for path in written if "__pycache__" not in path.parts}
