"""`workbench.yaml`: roles, kinds of task, results."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.definitions.conftest import Check

from cultiva.definitions.loading import check_workspace, load_workspace
from cultiva.definitions.packs import init_workspace
from cultiva.definitions.schema import json_schemas
from cultiva.kit.errors import Fault


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init_workspace(tmp_path / "bank", "retail-bank")
    return tmp_path / "bank"


def faults_after(root: Path, old: str, new: str) -> list[Fault]:
    """What is wrong once a text of the pack's workbench is another."""
    path = root / "workbench.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    _, faults = check_workspace(root)
    return faults


def test_the_pack_has_work_for_everybody_and_a_kind_for_every_human_channel(root: Path) -> None:
    workspace, faults = check_workspace(root)
    assert workspace is not None and faults == []
    bench = workspace.workbench
    assert bench is not None
    human = [channel.name for channel in workspace.policy.channels if channel.kind == "human"]
    assert {name: kind.name for name in human if (kind := bench.kind_for(name))} == {
        "phone": "call",
        "wecom": "message_by_hand",
        "branch": "visit",
    }
    assert bench.roles_of("lobby_manager") == {"lobby"}
    assert bench.manager() == bench.role("manager") and bench.counter() == bench.role("lobby")


def test_a_workspace_without_the_file_has_no_human_work(root: Path, check: Check) -> None:
    assert ("workbench", "workbench") in load_workspace(root).hashes
    small = check().workspace
    assert small is not None and small.workbench is None
    assert ("workbench", "workbench") not in small.hashes


@pytest.mark.parametrize(
    ("old", "new", "code", "seen"),
    [
        ("role: remote", "role: remot", "unknown_role", "remot"),
        ("to: manager", "to: boss", "unknown_role", "boss"),
        ("channels: [phone]", "channels: [sms]", "unknown_human_channel", "sms"),
        ("kind: follow_up,", "kind: folow_up,", "unknown_kind_of_task", "folow_up"),
        ("- name: teller", "- name: lobby", "duplicate_name", "lobby"),
        ("channels: [wecom]", "channels: [phone]", "channel_served_twice", "phone"),
        ("    due_days: 1\n", "    due_days: 1\n    results: [no_answer]\n", "task_end", "no_answer"),
        ("    manages: true\n", "    manages: true\n    whole_bank: true\n", "manager_branch", ""),
    ],
)
def test_what_cannot_be_is_a_fault_at_its_place(root: Path, old: str, new: str, code: str, seen: str) -> None:
    found = [one for one in faults_after(root, old, new) if not one.warning]
    assert [(one.code, one.seen) for one in found] == [(f"definitions.{code}", seen)]
    assert found[0].file.endswith("workbench.yaml") and found[0].line > 1


def test_hours_that_end_before_they_start_are_a_fault(root: Path) -> None:
    (found,) = faults_after(root, '{ start: "09:00", end: "20:00" }', '{ start: "20:00", end: "09:00" }')
    assert "20:00 to 09:00" in found.message


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("    manages: true\n", "", "no_manager"),
        ("    channels: [branch]\n", "", "channel_not_served"),
    ],
)
def test_what_is_doubtful_is_a_warning(root: Path, old: str, new: str, code: str) -> None:
    found = faults_after(root, old, new)
    assert [(one.code, one.warning) for one in found] == [(f"definitions.{code}", True)]


def test_an_editor_knows_the_file() -> None:
    properties = json_schemas()["workbench"]["properties"]
    assert {"roles", "kinds", "results", "counter_minutes"} <= set(properties)
