"""10:03: a loan application is begun and not sent. The profile knows, the remote bank has a task, the night agrees."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.cli.commands import done

from cultiva import bootstrap
from cultiva.api.app import create_app
from cultiva.client import Client
from cultiva.contracts.moments import read_hot
from cultiva.execution.access.service import Access, KeyRequest
from cultiva.insight.live.row import LiveRow
from cultiva.insight.live.service import Live
from cultiva.loop import service
from cultiva.loop.desk import desk
from cultiva.loop.live.fired import compare_fired
from cultiva.loop.live.nightly import live_parts
from cultiva.loop.live.parity import parity
from cultiva.loop.live.worker import LiveWorker
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan

NIGHT, DAY = date(1994, 3, 30), date(1994, 3, 31)
TEN_PAST = datetime(1994, 3, 31, 2, 3, tzinfo=UTC)
"""Three minutes past ten in Shanghai."""
SECOND, HALF_HOUR = timedelta(seconds=1), timedelta(minutes=30)
SEGMENT = "loan_broken_off"
SETTINGS = '\n[live]\nenabled = true\n[events]\nsource_system = "app"\n'


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up bank whose first night is over and was published."""
    root = tmp_path_factory.mktemp("live") / "bank"
    done("init", root, "--customers", 300)
    with (root / "cultiva.toml").open("a") as settings:
        settings.write(SETTINGS)
    done("run", root, "--date", NIGHT)
    return root


def test_from_an_event_to_a_task_to_the_next_night(bank: Path) -> None:
    with bootstrap.opened(bank) as opened:
        at = [TEN_PAST]
        parts = replace(opened, clock=lambda: at[0])
        people = borrowers(parts)
        assert len(people) > 5
        begun, submitted = [one[0] for one in people], people[0][0]
        with TestClient(create_app(parts)) as http:
            client = client_of(parts, http)
            taken = client.events.send([started(user, TEN_PAST) for _, user in people])
            assert taken.new == len(people)
            at[0] += SECOND
            work(parts)
            assert {one for one in begun if knows(parts, one)} == set(begun)
            at[0] += HALF_HOUR / 2
            client.events.send([sent(people[0][1], at[0])])
            work(parts)
            assert tasks(parts) == {}
            at[0] = TEN_PAST + HALF_HOUR + SECOND
            work(parts)
            called = tasks(parts)
            assert called and set(called) <= set(begun) - {submitted}
            assert all("80,000" in reason for reason in called.values())
            answer = client.decide.one({"customer": begun[1], "placement": "app_home_banner"})
            assert not answer.neutral and answer.degraded == ["no_model"]  # nothing was trained in one night
    the_night_agrees(bank, len(people) + 1)


def borrowers(parts: Parts) -> list[tuple[int, str]]:
    """(customer, id in the app) of ten whom the trigger may be about."""
    profile = scan(parts.lake.files_current("profile", NIGHT))
    adult = (pl.col("age") >= 18) & (pl.col("age") <= 60) & (pl.col("collections_accounts") == 0)
    known = scan(parts.lake.files_current("identity_map", NIGHT)).filter(pl.col("source_system") == "app")
    calm = profile.filter(adult & ~pl.col("open_complaint").fill_null(value=False)).select("customer_id")
    found = calm.join(known, on="customer_id").unique("customer_id").sort("customer_id").head(10).collect()
    return list(found.select("customer_id", "source_id").iter_rows())


def client_of(parts: Parts, http: TestClient) -> Client:
    key = Access(parts.store.database).create(
        KeyRequest("app", ["events", "decide"], None, 1_000), by="test", at=TEN_PAST
    )
    return Client("", key.text, http=http, repeats=0)


def started(user: str, at: datetime) -> dict[str, Any]:
    """The app says that an application was begun."""
    said = {"product": "consumer_loan", "amount": 80_000}
    return {"type": "track", "event": "loan_started", "messageId": f"a-{user}", "userId": user,
            "timestamp": at.isoformat(), "properties": said}  # fmt: skip


def sent(user: str, at: datetime) -> dict[str, Any]:
    """The app says that it was sent after all."""
    return {**started(user, at), "event": "loan_submitted", "messageId": f"b-{user}"}


def work(parts: Parts) -> None:
    """A worker works until nothing is due."""
    with bootstrap.live(parts.workspace, clock=parts.clock) as (log, hot):
        worker = LiveWorker(parts, log, hot, "story")
        with closing(worker):
            while not worker.round(parts.clock()).idle:
                pass


def knows(parts: Parts, customer: int) -> bool:
    """Whether the live profile puts the customer among those who broke off."""
    live = Live(parts.workspace)
    with bootstrap.live(parts.workspace, clock=parts.clock) as (_, hot):
        row: LiveRow = live.row(read_hot(hot.get([customer])[0]).profile, parts.clock(), customer_id=customer)
    return live.segments(row)[SEGMENT]


def tasks(parts: Parts) -> dict[int, str]:
    """Customer -> reason of what waits at the remote bank."""
    waiting: Sequence[Any] = desk(parts).queue("remote", parts.clock(), limit=100)
    return {one.task.customer_id: one.task.reason for one in waiting}


def the_night_agrees(bank: Path, sent_events: int) -> None:
    """Every event is the night's, every tag is the live side's, every firing is counted alike."""
    with bootstrap.opened(bank) as opened:
        parts = replace(opened, clock=lambda: datetime(1994, 4, 1, 1, tzinfo=UTC))
        work(parts)
        service.run(parts, DAY)
        events = scan(parts.lake.files_current("event", DAY))
        assert (
            events.filter(pl.col("name").is_in(["loan_started", "loan_submitted"]))
            .filter(pl.col("at").dt.date() == DAY)
            .select(pl.len())
            .collect()
            .item()
            >= sent_events
        )
        fired = compare_fired(parts, DAY)
        assert fired.compared > 0 or fired.left_out
        assert fired.differences == 0
        work(parts)
        with live_parts(parts) as side:
            found = parity(parts, side, now=parts.clock(), sample=300)
        assert found.compared > 10_000 and found.differences == 0, found.shown
