"""Every fault of every file is reported at once, and one fault does not cause others."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.definitions.conftest import Check

from cultiva.definitions.loading import check_workspace, load_workspace
from cultiva.kit.errors import CultivaError, ErrorKind, Faults


def test_faults_of_several_files_are_reported_together_in_order(check: Check) -> None:
    checked = check(
        ("cultiva.toml", 'name = "bank"', 'name = "bank"\ncurency = "CZK"'),
        ("tags/tags.yaml", "  type: money", "  type: mony"),
        ("tags/tags.yaml", "years_between(birth_date, today)", "years_between(birthdate, now)"),
        ("segments/segments.yaml", "age >= 18", "age >= 18 and nme = 'x'"),
        ("strategies/strategies.yaml", "offers: [deposit]", "offers: [depot]"),
        ("sources/core.yaml", "      source_id: id\n", ""),
    )
    assert checked.at() == [
        ("cultiva.toml:2:1", "definitions.unknown_field"),
        ("segments/segments.yaml:3:23", "rules.unknown_name"),
        ("sources/core.yaml:10:5", "definitions.unmapped_column"),
        ("strategies/strategies.yaml:7:12", "definitions.unknown_offer"),
        ("tags/tags.yaml:15:9", "definitions.value"),
        ("tags/tags.yaml:20:29", "rules.unknown_name"),
        ("tags/tags.yaml:20:40", "rules.unknown_name"),
    ]


def test_loading_raises_one_error_with_all_faults_and_no_warnings(check: Check) -> None:
    root = check(
        ("segments/segments.yaml", "age >= 18", "age >= 18 and age < 3 and nme = 'x'"),
        ("lifecycle.yaml", "rule: true", "rule: aum > 3"),
        ("tags/tags.yaml", "- name: branch_id", "- name: branch"),
    ).root
    with pytest.raises(Faults) as caught:
        load_workspace(root)
    assert [fault.code for fault in caught.value.faults] == ["definitions.last_stage", "rules.unknown_name"]
    assert str(caught.value).startswith(
        f"workspace {root} has 2 faults\n{root.as_posix()}/lifecycle.yaml:7:11: the last"
    )


def test_a_broken_tag_does_not_fault_the_rules_that_use_it(check: Check) -> None:
    checked = check(("tags/tags.yaml", "  expression: years_between(birth_date, today)", "  expresion: x"))
    assert checked.at() == [("tags/tags.yaml:20:3", "definitions.unknown_field")]


@pytest.mark.parametrize(
    ("file", "old"),
    [
        ("tags/tags.yaml", "- name: party_type"),
        ("value.yaml", "parameters:"),
        ("lifecycle.yaml", "stages:"),
        ("contact_policy.yaml", "channels:"),
        ("segments/segments.yaml", "- name: adults"),
        ("offers/offers.yaml", "- name: deposit"),
        ("events.yaml", "- name: loan_started"),
        ("sources/core.yaml", "inputs:"),
        ("strategies/strategies.yaml", "- name: grow"),
    ],
)
def test_a_file_that_is_no_yaml_gives_one_fault(check: Check, file: str, old: str) -> None:
    checked = check((file, old, f"x: [\n{old}"))
    assert [code for _, code in checked.at()] == ["definitions.syntax"]
    assert checked.faults[0].file.endswith(file)


@pytest.mark.parametrize("file", ["value.yaml", "lifecycle.yaml", "contact_policy.yaml", "sources/core.yaml"])
def test_a_required_file_that_is_missing_is_one_fault(check: Check, file: str) -> None:
    checked = check(files={file: None})
    assert checked.at() == [("cultiva.toml", "definitions.missing_file")]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("value.yaml", "of: comprehensive_value", "off: comprehensive_value"),
        ("lifecycle.yaml", "  - name: mature", "  - nam: mature"),
        ("contact_policy.yaml", "    kind: message", "    kind: massage"),
    ],
)
def test_a_broken_single_file_does_not_fault_what_refers_to_it(check: Check, file: str, old: str, new: str) -> None:
    checked = check((file, old, new))
    assert {fault.file.removeprefix(f"{checked.root.as_posix()}/") for fault in checked.faults} == {file}


def test_a_circle_among_tags_is_shown_as_a_path(check: Check) -> None:
    more = "".join(
        f"- name: {name}\n  label: {{ zh: 一, en: One }}\n  type: number\n  expression: {used} + aum\n"
        for name, used in (("one", "two"), ("two", "three"), ("three", "one"))
    )
    checked = check(("tags/tags.yaml", "- name: age", f"{more}- name: age"))
    fault = next(fault for fault in checked.faults if fault.code == "definitions.cycle")
    assert fault.message == "tags use each other in a circle: one -> two -> three -> one"
    assert fault.place().endswith("tags/tags.yaml:20:15")


def test_a_circle_among_segments_is_shown_as_a_path(check: Check) -> None:
    checked = check(("segments/segments.yaml", "age >= 18", "age >= 18 or segment('wealthy')"))
    assert checked.only().message == "segments use each other in a circle: adults -> wealthy -> adults"
    assert checked.only().place().endswith("segments/segments.yaml:3:9")


def test_a_table_without_a_source_is_noted_and_the_rest_works(check: Check) -> None:
    counted = """\
- name: opens
  label: { zh: 次数, en: Opens }
  type: integer
  aggregate: { table: event, function: count }
"""
    source = """\
inputs: [{ name: customers, file: x.csv }]
tables:
  - table: party
    name: core
    from: customers
    columns: { source_system: s, source_id: i, party_type: { value: person } }
"""
    checked = check(
        ("tags/tags.yaml", "- name: age", f"{counted}- name: age"),
        ("segments/segments.yaml", "age >= 18", "age >= 18 and opens > 1"),
        files={"sources/core.yaml": source},
    )
    assert checked.workspace is not None
    assert {fault.code for fault in checked.faults} == {"definitions.no_source"}
    assert all(fault.warning for fault in checked.faults)
    event = next(fault for fault in checked.faults if "table event" in fault.message)
    assert event.message == "no source feeds the table event: null or 0 are tag opens"


def test_a_workspace_without_customers_is_at_fault(check: Check) -> None:
    checked = check(("sources/core.yaml", "table: party", "table: branch"))
    assert "definitions.no_party" in {fault.code for fault in checked.faults}


def test_a_file_that_nothing_reads_is_a_warning(check: Check) -> None:
    checked = check(files={"segment/more.yaml": "[]\n", "tags/more.yml": "[]\n"})
    assert [code for _, code in checked.at()] == ["definitions.stray_file"] * 2
    assert checked.faults[0].hint == "did you mean 'segments/*.yaml'?"
    assert checked.workspace is not None


def test_a_folder_without_settings_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(CultivaError) as caught:
        check_workspace(tmp_path)
    assert caught.value.kind is ErrorKind.NOT_FOUND
    assert caught.value.code == "definitions.no_workspace"
