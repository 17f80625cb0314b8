"""A check-up finds what is wrong with a set-up, and says so of each thing by itself."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.servers.stores import store, store_url

from cultiva.definitions.console import ConsoleSettings
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.packs import init_workspace
from cultiva.definitions.workspace import StoreSettings, Workspace
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import Audit
from cultiva.loop.doctor.findings import Finding, Standing
from cultiva.loop.doctor.service import check_up
from cultiva.loop.erasing.keys import OWN_FILE, VARIABLE, erasure_key
from cultiva.store import Store, open_store
from cultiva.store.migrate import HEAD

__all__ = ["store", "store_url"]
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEYS = {"CULTIVA_LINK_KEY": "k1:0123456789abcdef0123456789abcdef"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    target = tmp_path / "bank"
    init_workspace(target, "retail-bank")
    (target / ".cultiva").chmod(0o700)
    return target


def looked(root: Path, *, production: bool = False, environment: Mapping[str, str] = KEYS) -> dict[str, Finding]:
    return of(load_workspace(root, overrides={"data": str(root)}), production=production, environment=environment)


def of(workspace: Workspace, *, production: bool = False, environment: Mapping[str, str] = KEYS) -> dict[str, Finding]:
    found = check_up(workspace, AT, production=production, environment=environment)
    assert len({one.name for one in found}) == len(found), "each thing is said once"
    for one in found:
        assert one.seen and bool(one.do.zh and one.do.en) == (one.standing is not Standing.OK), one
    return {one.name: one for one in found}


def with_settings(root: Path, **settings: Any) -> Workspace:
    loaded = load_workspace(root, overrides={"data": str(root)})
    return replace(loaded, settings=loaded.settings.model_copy(update=settings))


def test_a_new_workspace_has_no_fault_until_it_is_to_serve_a_bank(root: Path) -> None:
    tried = looked(root)
    assert {name for name, one in tried.items() if one.standing is Standing.FAULT} <= {"machine.disk"}
    strict = looked(root, production=True)
    assert {"store.server", "console.key"} <= {name for name, one in strict.items() if one.standing is Standing.FAULT}


def test_looking_makes_no_tables(root: Path) -> None:
    assert looked(root)["store.migrated"].standing is Standing.WARN
    with sqlite3.connect(root / ".cultiva" / "store.db") as connection:
        assert connection.execute("select count(*) from sqlite_master").fetchone() == (0,)
    open_store("sqlite:///.cultiva/store.db", root).close()
    assert looked(root)["store.migrated"].seen == HEAD


def test_a_server_is_what_a_bank_uses_and_its_clock_is_compared(root: Path, store: Store) -> None:
    url = store.database.url.render_as_string(hide_password=False)
    found = of(with_settings(root, store=StoreSettings(url=url)), production=True)
    many = store.database.has_many_writers
    assert found["store.server"].standing is (Standing.OK if many else Standing.FAULT)
    assert found["store.clock"].standing is Standing.OK and ("s apart" in found["store.clock"].seen) == many
    assert found["audit.whole"].standing is Standing.OK


def test_a_store_that_does_not_answer_hides_nothing_else(root: Path) -> None:
    (root / ".cultiva" / "store.db").mkdir()
    found = looked(root)
    assert found["store"].standing is Standing.FAULT
    assert found["machine.python"].standing is Standing.OK and "console.cookie_secure" in found


def test_a_changed_line_of_the_audit_is_a_fault(root: Path) -> None:
    opened = open_store("sqlite:///.cultiva/store.db", root)
    Audit(opened.database).write(Entry(AT, "li", "halt.set", "halt:all"))
    opened.close()
    assert looked(root)["audit.whole"].standing is Standing.OK
    with sqlite3.connect(root / ".cultiva" / "store.db") as connection:
        connection.executescript("drop trigger audit_no_update; update audit set actor = 'wang'")
    assert looked(root)["audit.whole"].standing is Standing.FAULT


def mend_nothing(root: Path) -> None:
    del root


def written_password(root: Path) -> None:
    text = (root / "cultiva.toml").read_text()
    (root / "cultiva.toml").write_text(
        text.replace("sqlite:///.cultiva/store.db", "postgresql://li:geheim@127.0.0.1:1/db")
    )


def named_secret(root: Path) -> None:
    text = (root / "cultiva.toml").read_text()
    (root / "cultiva.toml").write_text(text.replace("[vars]", '[vars]\npassword = "${env:CORE_PASSWORD}"'))


@pytest.mark.parametrize(
    ("spoil", "name", "standing"),
    [
        (mend_nothing, "secrets.written", Standing.OK),
        (written_password, "secrets.written", Standing.FAULT),
        (mend_nothing, "secrets.there", Standing.OK),
        (named_secret, "secrets.there", Standing.WARN),
    ],
)
def test_secrets_are_named_and_there(root: Path, spoil: Callable[[Path], None], name: str, standing: Standing) -> None:
    spoil(root)
    found = looked(root)[name]
    assert found.standing is standing and "geheim" not in found.seen


def test_a_key_under_version_control_or_open_to_others_is_a_fault(root: Path) -> None:
    erasure_key(root, make=True)
    assert looked(root)["secrets.git"].standing is Standing.OK and "secrets.rights" not in looked(root)
    (root / OWN_FILE).chmod(0o644)
    assert looked(root)["secrets.rights"].standing is Standing.FAULT
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["git", "-C", root, "add", "-f", OWN_FILE], check=True)
    assert looked(root)["secrets.git"].standing is Standing.FAULT


def test_a_console_that_lets_people_in_easily_is_a_fault_for_a_bank(root: Path) -> None:
    loose = ConsoleSettings(cookie_secure=False, require_second_factor_for=("administrator",))
    found = of(with_settings(root, console=loose), production=True)
    assert found["console.cookie_secure"].standing is found["console.second_factor"].standing is Standing.FAULT
    assert "approver" in found["console.second_factor"].seen
    assert looked(root, environment={})["links.key"].standing is Standing.WARN


def test_the_key_of_tombstones_is_made_once_and_read_from_where_it_is_said_to_be(root: Path, tmp_path: Path) -> None:
    made = erasure_key(root, make=True)
    assert erasure_key(root, make=True) == made == erasure_key(root) and len(made) >= 32
    assert (root / OWN_FILE).stat().st_mode & 0o777 == 0o600
    assert erasure_key(root, environment={VARIABLE: "k" * 32}) == "k" * 32
    other = tmp_path / "key"
    other.write_text("f" * 40 + "\n")
    assert erasure_key(root, environment={"CULTIVA_ERASURE_KEY_FILE": str(other)}) == "f" * 40
    with pytest.raises(Exception, match="too short"):
        erasure_key(root, environment={VARIABLE: "short"})
    with pytest.raises(Exception, match="not there"):
        erasure_key(root, environment={"CULTIVA_ERASURE_KEY_FILE": str(tmp_path / "nothing")}, make=True)


def test_a_bank_that_has_not_run_for_days_is_told(root: Path) -> None:
    assert looked(root).get("days.newest") is None, "before the tables are made nothing is known of days"
    open_store("sqlite:///.cultiva/store.db", root).close()
    assert looked(root)["days.newest"].seen == "no run"
