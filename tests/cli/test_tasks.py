"""The desk on a small generated bank: its staff table, tasks made by hand, and everything people do with them."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.cli.commands import cultiva, done
from tests.definitions.conftest import FILES
from tests.stories.workspaces import DAY, table

pytestmark = pytest.mark.xdist_group("cli")

AT = "1994-03-31T10:00"


@pytest.fixture(scope="module")
def desk(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bank whose people are known; tests of this module add tasks."""
    root = tmp_path_factory.mktemp("desk") / "mybank"
    shutil.copytree(bank, root)
    done("staff", root, "--refresh")
    return root


@pytest.fixture(scope="module")
def customer(desk: Path) -> dict[str, Any]:
    """Somebody who has an adviser, whom no suppression holds back and who may be called."""
    decisions = table(desk, "decisions", DAY)
    called = decisions.filter((pl.col("channel") == "phone") & (pl.col("fate") == "chosen"))
    row = called.filter(pl.col("adviser_id").is_not_null()).sort("customer_id").row(0, named=True)
    return dict(row)


def _add(desk: Path, customer: dict[str, Any], kind: str, **options: object) -> Any:
    more = [part for name, value in options.items() for part in (f"--{name}", value)]
    who = customer["customer_id"]
    return done("task", "add", desk, who, "--kind", kind, "--reason", "活钱多", "--at", AT, "--json", *more).data


def test_the_people_are_those_of_the_staff_table_with_their_weeks(desk: Path) -> None:
    told = done("staff", desk, "--json").data
    rows = {row["staff_id"]: row for row in table(desk, "staff", DAY).iter_rows(named=True)}
    assert {one["person"]["staff_id"] for one in told} == set(rows)
    for one in told:
        row = rows[one["person"]["staff_id"]]
        assert one["person"]["contacts_max"] == row["contacts_per_week_max"]
        assert one["person"]["name"] == row["name"][0] + "*" * (len(row["name"]) - 1)
    full = {row["name"] for row in rows.values()}
    page = done("staff", desk).out
    assert len(full) > len(rows) / 2 and not any(name in page for name in full)


def test_a_task_goes_through_a_day_and_is_counted_in_the_contact_budget(desk: Path, customer: dict[str, Any]) -> None:
    made = _add(desk, customer, "call", worth=120, script="您好")
    adviser, one = customer["adviser_id"], made["task_id"]
    assert (made["standing"], made["staff_id"], made["channel"]) == ("assigned", adviser, "phone")
    assert _add(desk, customer, "call")["task_id"] == one  # asked for twice, made once
    listed = done("tasks", desk, "--staff", adviser, "--at", AT, "--json").data
    assert [row["task_id"] for row in listed] == [one]
    page = done("tasks", desk, "--staff", adviser, "--at", AT).out
    assert "活钱多" in page and "待接受" in page and "1 项任务" in page
    done("task", "accept", desk, one, "--staff", adviser, "--at", AT)
    done("task", "call-back", desk, one, "1994-04-01T18:30", "--staff", adviser, "--at", "1994-03-31T11:00")
    said = done("task", "log", desk, one, "converted", "--amount", 500, "--staff", adviser, "--at", "1994-04-01T18:40")
    assert "已完成 (已成交)" in said.out
    shown = done("task", "show", desk, one, "--json").data
    assert [event["action"] for event in shown["history"]] == ["created", "accepted", "promised", "logged"]
    assert shown["history"][-1]["detail"]["amount"] == 50000
    assert "您好" in done("task", "show", desk, one).out
    touches = _rows(desk, "touch")
    assert [(row["customer_id"], row["channel"], row["state"]) for row in touches] == [
        (customer["customer_id"], "phone", "confirmed")
    ]
    heard = sorted(row["name"] for row in _rows(desk, "signal"))
    assert heard == ["converted", "reached", "reached"]


def test_a_hand_over_nobody_answers_comes_back(desk: Path, customer: dict[str, Any]) -> None:
    made = _add(desk, customer, "follow_up")
    one, adviser = made["task_id"], customer["adviser_id"]
    handed = done("task", "hand-over", desk, one, "--staff", adviser, "--role", "wealth_adviser", "--at", AT, "--json")
    assert (handed.data["standing"], handed.data["role"]) == ("offered", "wealth_adviser")
    queue = done("tasks", desk, "--role", "wealth_adviser", "--at", AT, "--json").data
    assert [(row["task_id"], row["lies"]) for row in queue] == [(one, "offered")]
    assert "passed on 1" in done("task", "escalate", desk, "--at", "1994-04-08T10:00").out
    assert "sent back 1" in done("task", "escalate", desk, "--at", "1994-04-15T10:00").out
    assert done("task", "show", desk, one, "--json").data["staff_id"] == adviser


def test_a_customer_who_comes_by_is_served_by_the_lobby(desk: Path, customer: dict[str, Any]) -> None:
    one = _add(desk, customer, "visit")["task_id"]
    told = done("arrive", desk, customer["customer_id"], "--branch", "B0001", "--at", AT, "--json").data
    assert one in {row["task_id"] for row in told}
    listed = done("tasks", desk, "--role", "lobby", "--branch", "B0001", "--at", AT, "--json").data
    assert (one, "counter") in {(row["task_id"], row["lies"]) for row in listed}


def test_absences_are_noted_listed_and_taken_back(desk: Path) -> None:
    done("absence", desk, "S00000", "--from", "1994-04-01", "--to", "1994-04-02", "--cover", "S00001")
    assert "S00001" in done("absence", desk).out
    assert cultiva("absence", desk, "S00000", "--from", "1994-04-02").code == 4
    done("absence", desk, "S00000", "--from", "1994-04-01", "--back")
    assert done("absence", desk, "--json").data == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["tasks", "{}"], 2),
        (["tasks", "{}", "--staff", "S99999"], 3),
        (["tasks", "{}", "--role", "advisor"], 3),
        (["task", "accept", "{}", "nothing", "--staff", "S00000"], 3),
        (["tasks", "{}", "--role", "adviser", "--at", "noon"], 2),
        (["absence", "{}", "S00000", "--from", "tomorrow"], 2),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(desk: Path, arguments: list[str], code: int) -> None:
    refused = cultiva(*[str(desk) if one == "{}" else one for one in arguments])
    assert refused.code == code
    assert "allowed" in refused.err


def test_a_workspace_without_a_workbench_has_no_desk(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    refused = cultiva("staff", tmp_path)
    assert refused.code == 3 and "workbench.yaml" in refused.err


def _rows(desk: Path, name: str) -> list[dict[str, Any]]:
    with sqlite3.connect(desk / ".cultiva" / "store.db") as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"select * from {name}")]
