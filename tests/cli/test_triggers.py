"""Triggers on the command line: which there are, what events would bring about, when they fired and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.commands import cultiva, done

from cultiva.bootstrap import opened
from cultiva.contracts.moments import Moment
from cultiva.definitions.packs import init_workspace
from cultiva.execution.triggers.effects import Effects
from cultiva.execution.triggers.service import NOTHING, Triggers

AT = datetime(2026, 11, 23, 2, 3, tzinfo=UTC)
PROFILE = '{"age": 40, "collections_accounts": 0, "open_complaint": false}'
EVENTS = [
    {"event": "loan_started", "timestamp": "2026-11-23T10:03:00+08:00", "properties": {"amount": 80000}},
    {"event": "loan_started", "timestamp": "2026-11-23T10:05:00+08:00", "customer": 2, "properties": {"amount": 20000}},
    {"event": "loan_submitted", "timestamp": "2026-11-23T10:20:00+08:00", "customer": 2},
    {"event": "loan_submitted", "timestamp": "2026-11-23T10:09:00+08:00", "receivedAt": "2026-11-23T11:00:00+08:00"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    init_workspace(folder)
    return folder


def test_events_are_tried_without_a_trace(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in EVENTS))
    until = ("--until", "2026-11-23T18:00+08:00", "--profile", PROFILE)
    lines = done("triggers", "try", root, file, *until).out.splitlines()
    assert lines[0] == "2026-11-23 10:33:00  loan_application_broken_off  customer 1"
    assert any("true  event.amount >= 1000.0   [event.amount = 80000.0]" in line for line in lines)
    assert lines[-1].strip() == "withdrawn: what it waited for came in late"
    assert len([line for line in lines if line.startswith("2026")]) == 1
    before = done("triggers", "try", root, file, "--until", "2026-11-23T10:15", "--profile", PROFILE).out
    assert before.splitlines() == [
        "2026-11-23 10:33:00  loan_application_broken_off  customer 1 is waited for",
        "2026-11-23 10:35:00  loan_application_broken_off  customer 2 is waited for",
    ]
    assert not (root / ".cultiva" / "store.db").exists()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"event": "loan_begun", "timestamp": "2026-11-23T10:03:00+08:00"}', "unknown event 'loan_begun'"),
        ('{"event": "loan_started", "timestamp": "2026-11-23T10:03:00"}', "without a zone"),
        ('{"event": "loan_started"}', "timestamp"),
    ],
)
def test_an_event_that_cannot_be_read_is_named_with_its_line(root: Path, tmp_path: Path, line: str, why: str) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("\n" + line)
    refused = cultiva("triggers", "try", root, file, "--until", "2026-11-24")
    assert refused.code == 2 and "line 2" in refused.err and why in refused.err


def test_firings_are_listed_with_their_story(root: Path) -> None:
    with opened(root) as parts:
        triggers = Triggers(parts.workspace)
        one = Moment(
            message_id="m", customer_id=7, name="complaint_opened", at=AT, day=AT.date(), received=AT,
            properties={"topic": "fees"},
        )  # fmt: skip
        stepped = triggers.step(NOTHING, one, None, AT)
        Effects(parts.workspace, parts.store.database, triggers).carry_out(
            stepped.firings, [], AT + timedelta(minutes=1)
        )
    listed = {row["trigger"]: row for row in done("triggers", "list", root, "--json").data}
    assert listed["complaint_received"]["refused"] == 1 and listed["large_inflow"]["refused"] == 0
    assert listed["loan_application_broken_off"]["waits"] == "30 min without loan_submitted; 10 min of quiet"
    (found,) = done("triggers", "firings", root, "--json").data
    assert (found["customer_id"], found["state"], found["reason"]) == (7, "refused", "no_workbench")
    shown = done("triggers", "firings", root, "--customer", "7", "--why").out
    assert "2026-11-23 10:03:00" in shown and "event.topic = fees" in shown
    assert done("triggers", "firings", root, "--trigger", "large_inflow", "--json").data == []
    assert cultiva("triggers", "firings", root, "--trigger", "nobody").code != 0
