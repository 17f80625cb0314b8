"""Users by the command line: passwords never as an argument, every act in the audit."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.commands import Printed, cultiva, done

from cultiva.execution.access.entering.passwords import HashCost
from cultiva.execution.access.roles import Role

PASSWORD = "four words of mine"


@pytest.fixture(scope="module")
def copied(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bank that these tests change."""
    return shutil.copytree(bank, tmp_path_factory.mktemp("users") / "workspace")


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashes at a cost that tests can pay."""
    monkeypatch.setattr(HashCost.__init__, "__defaults__", (1, 8, 1))
    yield


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def listed(bank: Path) -> dict[str, dict[str, object]]:
    return {row["login"]: row for row in done("user", "list", bank, "--json").data}


def create(bank: Path, login: str, roles: str, *more: object) -> Printed:
    return cultiva("user", "create", bank, "--login", login, "--name", "李伟", "--roles", roles, *more)


def test_a_user_is_made_changed_locked_and_let_in_again(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, f"{PASSWORD}\n")
    assert create(copied, "Li.Wei", "adviser", "--staff", "S-7", "--branches", "b1, b2").code == 0
    made = listed(copied)["Li.Wei"]
    assert (made["roles"], made["staff_id"], made["branches"], made["active"]) == ("adviser", "S-7", "b1 b2", True)
    done("user", "roles", copied, "li.wei", "--roles", "branch_manager,auditor", "--staff", "", "--region", "33")
    changed = listed(copied)["Li.Wei"]
    assert (changed["roles"], changed["staff_id"], changed["region"]) == ("auditor branch_manager", None, "33")
    done("user", "lock", copied, "LI.WEI")
    assert listed(copied)["Li.Wei"]["active"] is False
    done("user", "unlock", copied, "li.wei", "--by", "chief")
    assert listed(copied)["Li.Wei"]["active"] is True
    assert "no second factor" in done("user", "second-factor", copied, "li.wei", "--remove").out
    audited = done("audit", copied, "--json").out
    for action in ("user.created", "user.changed", "user.unlocked", "user.second_factor_removed"):
        assert action in audited
    assert PASSWORD not in audited and '"chief"' in audited


def test_a_password_comes_by_environment_or_stdin_and_must_be_safe(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "short\n")
    weak = create(copied, "wang.fang", "analyst")
    assert weak.code == 2 and "this password is not safe" in weak.err and "short" not in weak.err.replace("shorter", "")
    monkeypatch.setenv("CULTIVA_PASSWORD", PASSWORD)
    assert create(copied, "wang.fang", "analyst").code == 0
    assert create(copied, "WANG.FANG", "analyst").code == 4
    assert create(copied, "other", "king").code == 2
    assert create(copied, "by.sso", "analyst", "--no-password").code == 0
    assert listed(copied)["by.sso"]["password"] is False
    done("user", "password", copied, "by.sso")
    assert listed(copied)["by.sso"]["password"] is True
    assert cultiva("user", "lock", copied, "nobody").code == 3


def test_at_a_terminal_a_password_is_asked_for_twice(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    answers = [PASSWORD, "another one", PASSWORD, PASSWORD]
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("cultiva.cli.users.getpass", lambda prompt: answers.pop(0))
    assert "the two passwords differ" in create(copied, "he.jun", "auditor").err
    assert create(copied, "he.jun", "auditor").code == 0
    assert "may try again" in done("user", "unlock-address", copied, "10.1.2.3").out


def test_logins_for_a_demonstration_are_for_a_simulated_bank_only(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = cultiva("user", "demo", copied)
    assert refused.code == 5 and "demonstration" in refused.err
    (copied.parent / "bank").mkdir()
    (copied.parent / "bank" / "bank.json").write_text("{}")
    made = {row["login"]: row for row in done("user", "demo", copied, "--json").data}
    assert made["adviser"]["sees"] in {row["person"]["staff_id"] for row in done("staff", copied, "--json").data}
    assert {name.replace(".", "_") for name in made} == {role.value for role in Role}
    assert len({row["password"] for row in made.values()}) == len(made)
    users = listed(copied)
    assert users["adviser"]["staff_id"] == made["adviser"]["sees"]
    assert users["branch.manager"]["branches"] == users["adviser"]["branches"]
    monkeypatch.setenv("CULTIVA_PASSWORD", PASSWORD)
    again = json.loads(done("user", "demo", copied, "--json").out)
    assert {row["password"] for row in again} == {PASSWORD}
    assert len(listed(copied)) == len(users)
