"""Settings, what the command line sets instead, and `${name}` in sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.definitions.conftest import Check


def files_of(check: Check, **options: object) -> dict[str, str | None]:
    workspace = check(**options).workspace
    assert workspace is not None
    return {found.name: found.file for found in workspace.sources.inputs}


def test_variables_of_the_file_fill_sources(check: Check) -> None:
    assert files_of(check)["accounts"] == "data/accounts.csv"


def test_a_variable_given_on_the_command_line_wins_and_starts_where_it_was_typed(check: Check) -> None:
    found = files_of(check, overrides={"data": "../elsewhere"}, typed_in=Path("/home/me"))
    assert found["accounts"] == "/home/me/../elsewhere/accounts.csv"


def test_an_absolute_path_given_on_the_command_line_stays(check: Check) -> None:
    assert files_of(check, overrides={"data": "/srv/data"})["accounts"] == "/srv/data/accounts.csv"


def test_secrets_are_left_for_the_moment_of_use(check: Check) -> None:
    database = "url: '${env:BANK_URL}'\n    query: select * from ${data}.account"
    checked = check(("sources/core.yaml", "file: ${data}/accounts.csv", database))
    assert checked.faults == []
    assert checked.workspace is not None
    found = checked.workspace.sources.inputs[1]
    assert (found.url, found.query) == ("${env:BANK_URL}", "select * from data.account")


def test_a_dotted_name_sets_a_setting(check: Check) -> None:
    workspace = check(overrides={"engine.name": "spark", "engine.threads": "2", "language": "en"}).workspace
    assert workspace is not None
    assert (workspace.settings.engine.name, workspace.settings.engine.threads) == ("spark", 2)
    assert workspace.settings.language == "en"


@pytest.mark.parametrize(("name", "code"), [("engine.nam", "unknown_field"), ("dta", "unknown_variable")])
def test_an_override_that_nothing_knows_is_a_fault(check: Check, name: str, code: str) -> None:
    checked = check(overrides={name: "x"})
    assert [fault.code for fault in checked.faults] == [f"definitions.{code}"]
    assert checked.faults[0].hint in ("did you mean 'name'?", "did you mean 'data'?")


def test_variables_do_not_change_the_version_of_the_definitions(check: Check) -> None:
    here, there = check().workspace, check(overrides={"data": "/srv"}).workspace
    assert here is not None and there is not None
    assert here.version == there.version
