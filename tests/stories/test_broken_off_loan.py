"""A week of real loan applications through the live path: who breaks off, when it is noticed, what is proposed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
import pytest
from sqlalchemy import select
from tests.stories.broken_off import FILE, applications, loan_bank, oracle, proposals, replay

from cultiva.execution.tables import FIRING, TASK
from cultiva.execution.triggers.counting import EVENTS, count_firings
from cultiva.store import open_store

pytestmark = pytest.mark.data

WEEK, END = datetime(2011, 10, 8, tzinfo=UTC), datetime(2011, 11, 20, tzinfo=UTC)
HOURS = 96
"""The worker looks every four days of the story: each day's profile rules are compiled anew."""


@dataclass(frozen=True)
class Told:
    """What happened to the applications of a week."""

    rows: pl.DataFrame
    firings: pl.DataFrame
    tasks: pl.DataFrame
    until: datetime
    proposals: pl.DataFrame
    """Of `broken_off.proposals`, for those that broke off."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    if not FILE.exists():
        pytest.skip(f"the public data sets are not at {FILE}")
    folder = tmp_path_factory.mktemp("loans")
    store, rows = open_store("sqlite:///store.db", folder), applications(before=WEEK, until=END)
    done = replay(store, folder, rows, loan_bank(), hours=HOURS)
    assert done.troubles == 0 and done.timers > 0
    with store.database.reading() as connection:
        found = [pl.DataFrame([row._asdict() for row in connection.execute(select(table))], infer_schema_length=None)
                 for table in (FIRING, TASK)]  # fmt: skip
    store.close()
    mine = found[0].filter(pl.col("trigger") == "application_broken_off")
    proposed = proposals(folder, loan_bank(), dict(mine.select("customer_id", "due").iter_rows()))
    return Told(rows, found[0], found[1], done.until, proposed)


def test_the_applications_that_break_off_are_found_to_the_second(told: Told) -> None:
    rows, firings = told.rows, told.firings
    mine = firings.filter(pl.col("trigger") == "application_broken_off")
    wanted = oracle(rows, told.until)
    assert wanted.height > 30
    assert mine.select(application="customer_id", due="due").sort("application").equals(wanted)


def test_the_night_counts_the_same_firings(told: Told) -> None:
    rows, firings = told.rows, told.firings
    events = rows.with_columns(
        customer_id="application", message_id=pl.format("bpi-{}", "number"), channel=pl.lit(""), context=pl.lit("{}"),
        properties=pl.struct("amount", application=pl.col("application").cast(pl.String)).map_elements(
            json.dumps, return_dtype=pl.String),
    ).select(list(EVENTS))  # fmt: skip
    counted = count_firings(events, loan_bank(), told.until)
    mine = firings.filter(pl.col("state") != "withdrawn").select("trigger", "customer_id", "message_id")
    assert not counted.left_out
    assert set(mine.iter_rows()) == set(counted.fired.select("trigger", "customer_id", "message_id").iter_rows())


def test_the_remote_bank_has_each_of_them_once_but_for_the_holdouts(told: Told) -> None:
    firings, tasks = told.firings, told.tasks
    started = firings.filter(pl.col("state") == "started")
    assert sorted(tasks["task_id"]) == sorted(started["made_id"])
    assert set(tasks["role"]) == {"remote"} and set(tasks["offer"]) == {"consumer_loan"}
    assert tasks["worth"].min() >= 40  # type: ignore[operator]
    refused = firings.filter(pl.col("state") == "refused")
    assert set(refused["reason"]) <= {"held_out", "held_out_global", "capped"}
    assert 0.02 < refused.height / firings.height < 0.35
    assert tasks["reason"].str.contains(r"^三天前预批 [0-9,]+ 元贷款|^[0-9,]+ 元贷款合同已寄出两周").all()


def test_decide_proposes_the_same_call_at_that_instant_and_leaves_the_same_alone(told: Told) -> None:
    firings = told.firings.filter(pl.col("trigger") == "application_broken_off")
    both = firings.join(told.proposals, left_on="customer_id", right_on="application")
    assert both.height == firings.height > 30
    for state, reason, call, first, slot in both.select(
        "state", "reason", "call_fate", "call_first", "slot_fate"
    ).iter_rows():
        expected = ("chosen", "loan_pick_up") if state == "started" else (reason, "")
        assert (call, first) == expected and slot == call
    worth = told.tasks.select("task_id", task="worth").join(both, left_on="task_id", right_on="made_id")
    assert worth.height == both.filter(pl.col("state") == "started").height > 25
    assert (worth["task"] - worth["call_worth"]).abs().max() < 0.01, "what lists rank by"  # type: ignore[operator]


def test_it_is_noticed_weeks_before_the_bank_closes_the_file(told: Told) -> None:
    rows, firings = told.rows, told.firings
    closed = rows.filter(pl.col("name") == "application_cancelled").select("application", closed="at")
    mine = firings.filter(pl.col("trigger") == "application_broken_off").join(
        closed, left_on="customer_id", right_on="application"
    )
    lead = (mine["closed"] - mine["due"]).dt.total_days()
    assert mine.height > 30 and lead.median() >= 14  # type: ignore[operator]
