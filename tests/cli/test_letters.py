"""Messages in doubt are shown with their evidence, and a person decides."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert
from tests.cli.commands import cultiva, done

from cultiva.bootstrap import opened
from cultiva.definitions.packs import init_workspace
from cultiva.execution.tables import DELIVERY

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    init_workspace(folder)
    row = {
        "delivery_id": "d-1", "touch_id": "", "launch_id": "", "step": "message", "customer_id": 7, "entry": 1,
        "channel": "sms", "provider": "sms_files", "address": "13812345678", "content": {"text": "hello"},
        "state": "unknown", "attempts": 1, "due": AT, "lease": "", "reference": "", "problem": "connection lost",
        "evidence": [{"at": "2026-03-02T09:00:00", "kind": "lost", "said": "after the message had gone", "by": "w1"}],
        "created": AT, "changed": AT,
    }  # fmt: skip
    with opened(folder) as parts, parts.store.database.writing() as connection:
        connection.execute(insert(DELIVERY).values(row))
    return folder


def test_a_message_in_doubt_is_shown_masked_with_its_evidence(root: Path) -> None:
    shown = done("letters", root).out
    assert "after the message had gone" in shown
    assert "138******78" in shown and "13812345678" not in shown
    assert done("letters", root, "--dead", "--json").data == []


def test_what_a_person_decides_is_done_and_audited(root: Path) -> None:
    assert (
        "sent" in done("resolve", root, "d-1", "--as", "arrived", "--by", "Li", "--remark", "the provider says so").out
    )
    assert done("letters", root, "--json").data == []
    lines = str(done("audit", root, "--json").data)
    assert "delivery.resolved" in lines and "Li" in lines


def test_a_decision_that_there_is_not_is_refused(root: Path) -> None:
    assert cultiva("resolve", root, "d-1", "--as", "maybe").code == 2
    assert cultiva("resolve", root, "d-2", "--as", "arrived").code == 3
