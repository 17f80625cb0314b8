"""Bad input ends in an error of four parts and an exit code that a shell script can tell apart; never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.commands import cultiva
from tests.servers.banks import DATE

pytestmark = pytest.mark.xdist_group("cli")

INVALID, NOT_FOUND, CONFLICT = 2, 3, 4


def demand_four_parts(err: str, *said: str) -> None:
    """Demands what failed, what was seen, what was allowed and what to do."""
    head, *rest = err.splitlines()
    assert head.startswith("error ")
    for part in ("seen", "allowed", "do"):
        assert any(line.strip().startswith(part) for line in rest), f"no '{part}' in:\n{err}"
    for text in said:
        assert text in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("plan", "--date", DATE),
        ("run", "--date", DATE),
        ("count", "true"),
        ("why", "1"),
        ("track", "1"),
        ("show", "run"),
    ],
    ids=lambda command: command[0],
)
def test_a_folder_that_is_no_workspace_is_refused(command: tuple[str, ...], tmp_path: Path) -> None:
    name, *rest = command
    printed = cultiva(name, tmp_path / "nowhere", *rest)
    assert printed.code in (INVALID, NOT_FOUND)
    assert printed.out == ""
    demand_four_parts(printed.err, "nowhere")
    assert not (tmp_path / "nowhere").exists(), "a refusal makes nothing"


@pytest.mark.parametrize(
    ("command", "text"), [("plan", "1994-02-30"), ("plan", "30.3.1994"), ("run", "tomorrow"), ("run", "")]
)
def test_a_bad_date_is_refused(command: str, text: str, fresh: Path) -> None:
    printed = cultiva(command, fresh, "--date", text)
    assert printed.code == INVALID
    demand_four_parts(printed.err, "YYYY-MM-DD")


@pytest.mark.parametrize(
    ("rule", "hint"),
    [("aun >= 50000", "aum"), ("aum >= 'much'", ""), ("aum >=", ""), ("segment('high_valu')", "high_value")],
)
def test_a_bad_rule_is_refused_with_its_place_and_the_nearest_name(rule: str, hint: str, bank: Path) -> None:
    printed = cultiva("count", bank, rule)
    assert printed.code == INVALID
    assert "^" in printed.err
    assert hint in printed.err
    assert "Traceback" not in printed.err


def test_values_that_are_no_json_object_are_refused() -> None:
    for values in ("{", "[1]", "last_login=1994-01-01"):
        printed = cultiva("try", "true", "--with", values)
        assert printed.code == INVALID
        demand_four_parts(printed.err, "JSON object")


def test_an_unknown_segment_is_not_found_and_the_nearest_is_named(bank: Path) -> None:
    printed = cultiva("why", bank, 1, "--segment", "high_valu")
    assert printed.code == NOT_FOUND
    demand_four_parts(printed.err, "high_valu", "did you mean 'high_value'?")


@pytest.mark.parametrize(
    ("command", "customer"), [("why", "999999999"), ("why", "core:nobody"), ("track", "nobody"), ("track", "-1")]
)
def test_an_unknown_customer_is_refused(command: str, customer: str, bank: Path) -> None:
    printed = cultiva(command, bank, "--", customer)
    assert printed.code in (INVALID, NOT_FOUND)
    assert printed.out == ""
    demand_four_parts(printed.err)


def test_an_unknown_sheet_is_not_found(bank: Path) -> None:
    printed = cultiva("show", bank, "gird")
    assert printed.code == NOT_FOUND
    demand_four_parts(printed.err, "gird", "grid")


def test_questions_before_the_first_run_say_what_to_do(fresh: Path) -> None:
    for command in (("count", fresh, "true"), ("show", fresh, "grid"), ("why", fresh, 1), ("track", fresh, 1)):
        printed = cultiva(*command)
        assert printed.code == NOT_FOUND
        demand_four_parts(printed.err, "cultiva run")


def test_a_date_before_the_first_run_is_not_found(bank: Path) -> None:
    printed = cultiva("count", bank, "true", "--date", "1993-01-01")
    assert printed.code == NOT_FOUND
    demand_four_parts(printed.err)


def test_a_folder_in_use_and_an_unknown_pack_are_refused(bank: Path, tmp_path: Path) -> None:
    assert cultiva("init", bank).code == CONFLICT
    printed = cultiva("init", tmp_path / "new", "--pack", "retail-bnak")
    assert printed.code == NOT_FOUND
    demand_four_parts(printed.err, "retail-bank")


def test_a_setting_without_a_value_is_refused(bank: Path) -> None:
    printed = cultiva("count", bank, "true", "--set", "data")
    assert printed.code == INVALID
    demand_four_parts(printed.err, "NAME=VALUE")


def test_a_workspace_with_faults_shows_all_of_them_with_their_places(fresh: Path) -> None:
    broken = fresh / "segments" / "broken.yaml"
    broken.write_text(
        "- name: one\n  label: { zh: 一, en: One }\n  owner: x\n  rule: aun > 1\n"
        "- name: two\n  label: { zh: 二, en: Two }\n  owner: x\n  rule: age > 'old'\n"
    )
    try:
        checked, as_json = cultiva("check", fresh), cultiva("check", fresh, "--json")
        ran = cultiva("run", fresh, "--date", DATE)
    finally:
        broken.unlink()
    assert (checked.code, as_json.code, ran.code) == (INVALID, INVALID, INVALID)
    for line in (4, 8):
        assert f"segments/broken.yaml:{line}" in checked.err
    assert [fault["line"] for fault in as_json.data["faults"] if not fault["warning"]] == [4, 8]
    assert as_json.data["ok"] is False


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    printed = cultiva("profile", tmp_path / "nothing.csv")
    assert printed.code in (INVALID, NOT_FOUND)
    demand_four_parts(printed.err, "nothing.csv")


def test_an_unknown_option_is_refused_by_the_shell_convention() -> None:
    printed = cultiva("count", "--nonsense")
    assert printed.code == INVALID
    assert "Traceback" not in printed.err
