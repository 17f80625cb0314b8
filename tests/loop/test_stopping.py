"""What the stop of a launch takes back is told before, done with it, and found by workers if its process has died."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.cli.commands import cultiva, done
from tests.execution.budget.asking import ask
from tests.execution.launching.launched import AT, AUTHOR, LI, submission

from cultiva.bootstrap import opened
from cultiva.definitions.packs import init_workspace
from cultiva.execution.budget.service import Budget
from cultiva.execution.launching.launches import State, Waiting
from cultiva.execution.tables import DELIVERY, TOUCH
from cultiva.execution.tasks.records import Draft
from cultiva.kit.errors import CultivaError
from cultiva.loop.campaigns import launches_of
from cultiva.loop.desk import desk
from cultiva.loop.parts import Parts
from cultiva.loop.stopping import forgotten, stop, would_stop

TOUCHES = {"queued": "t1", "sending": "t2", "task": "t3"}


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    init_workspace(tmp_path / "bank")
    with opened(tmp_path / "bank") as found:
        yield found


@pytest.fixture
def launch(parts: Parts) -> str:
    """A live launch with a message that is queued, one that is with its provider, one that is sent, and a task."""
    launches = launches_of(parts)
    name = launches.submit(submission(), AUTHOR, AT).launch_id
    launches.approve(name, LI, "executive", AT)
    launches.go_live(name, AUTHOR, AT)
    asked = [ask(touch, number, launch_id=name) for number, touch in enumerate(TOUCHES.values(), start=1)]
    Budget.of(parts.store.database, parts.workspace.policy).reserve(None, asked, AT)
    with parts.store.database.writing() as connection:
        for number, state in enumerate(("queued", "sending", "sent"), start=1):
            connection.execute(insert(DELIVERY).values(delivery(name, number, state)))
    draft = Draft(kind="call", customer_id=3, branch_id="B1", launch_id=name, step="call", touch_id="t3", reason="x")
    desk(parts).create([draft], AT)
    return name


def delivery(launch: str, number: int, state: str) -> dict[str, Any]:
    return {
        "delivery_id": f"d{number}", "touch_id": TOUCHES.get(state, ""), "launch_id": launch, "step": "message",
        "customer_id": number, "entry": 1, "channel": "sms", "provider": "sms_files", "address": "13812345678",
        "content": {}, "state": state, "attempts": 0, "due": AT, "lease": "w" if state == "sending" else "",
        "leased_until": AT + timedelta(minutes=1) if state == "sending" else None, "reference": "", "problem": "",
        "evidence": [], "created": AT, "changed": AT,
    }  # fmt: skip


def states(parts: Parts, table: Any, key: str) -> dict[str, str]:
    with parts.store.database.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(select(table.c[key], table.c.state))}


WAITING = Waiting(deliveries=1, leaving=1, tasks=1, people=0)


def test_before_a_stop_its_consequences_are_told_and_nothing_changes(parts: Parts, launch: str) -> None:
    assert would_stop(parts, launch)[1] == WAITING
    shown = done("stop", parts.root, launch, "--by", "Li", "--dry-run")
    assert "1" in shown.out and "停止后将撤回" in shown.out
    assert launches_of(parts).one(launch).state is State.LIVE
    assert states(parts, DELIVERY, "delivery_id") == {"d1": "queued", "d2": "sending", "d3": "sent"}


def test_a_stop_takes_back_what_is_queued_and_open_and_the_room_it_held(parts: Parts, launch: str) -> None:
    told = done("stop", parts.root, launch, "--by", "Li", "--json").data
    assert told["state"] == "stopped" and told["consequences"] == vars(WAITING)
    assert states(parts, DELIVERY, "delivery_id") == {"d1": "cancelled", "d2": "sending", "d3": "sent"}
    assert states(parts, TOUCH, "touch_id") == {"t1": "released", "t2": "reserved", "t3": "released"}
    assert [task.state.value for task in desk(parts).of_customer(3)] == ["cancelled"]
    last = launches_of(parts).audit.lines(subject=f"launch:{launch}")[-1].entry
    assert last.action == "launch.stopped" and last.detail["consequences"] == vars(WAITING)
    again = cultiva("stop", parts.root, launch, "--dry-run")
    assert again.code == 4 and "stopped" in again.err


def test_tasks_left_by_a_stop_whose_process_died_are_taken_back_by_a_worker(parts: Parts, launch: str) -> None:
    launches, tasks = launches_of(parts), desk(parts)
    launches.stop(launch, LI, AT)
    assert [task.state.value for task in tasks.of_customer(3)] == ["open"]
    assert forgotten(launches, tasks, AT + timedelta(minutes=1)) == 1
    assert forgotten(launches, tasks, AT + timedelta(minutes=1)) == 0
    assert [task.state.value for task in tasks.of_customer(3)] == ["cancelled"]


def test_what_is_over_cannot_be_stopped_again(parts: Parts, launch: str) -> None:
    stop(parts, launch, LI, AT)
    with pytest.raises(CultivaError, match="stopped"):
        stop(parts, launch, LI, AT)
