"""Firings of a day, counted by day and by night: equal, and every one that is missing or too many is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import delete
from tests.execution.triggers.streams import Live, after, bank, event, moment, pack, trigger

from cultiva.contracts.moments import Moment
from cultiva.execution.tables import FIRING
from cultiva.execution.triggers.effects import Effects
from cultiva.execution.triggers.service import Triggers
from cultiva.loop.live.fired import compared, counted_form
from cultiva.store import Store, open_store

DAY = date(2026, 11, 2)
SAID = [
    trigger("waits", "a", then_not={"event": "b", "within": {"minutes": 30}}),
    trigger("rests", "a", when="event.amount > 1", again_after={"hours": 2}),
    trigger("reads_profile", "a", when="aum > 0"),
    trigger("reads_context", "a", when="context.app_version = '9'"),
]
EVENTS = [event("a", amount="number").model_copy(update={"context": ("app.version",)}), event("b")]
WORKSPACE = bank(pack(), EVENTS, SAID)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store("sqlite:///store.db", tmp_path)
    yield opened
    opened.close()


def lake_rows(moments: list[Moment]) -> pl.DataFrame:
    """The events as the lake keeps them: the bank's local time."""
    rows = [
        (one.message_id, one.customer_id, one.at + timedelta(hours=8), one.name, None, json.dumps(dict(one.properties)))
        for one in moments
    ]
    names = ["event_id", "customer_id", "at", "name", "channel", "properties"]
    frame = pl.DataFrame(rows, schema=names, orient="row", schema_overrides={"channel": pl.String})
    return frame.with_columns(pl.col("at").dt.replace_time_zone(None))


def lived(store: Store) -> pl.DataFrame:
    """A day of events, some late, lived through and carried out; the events as they are counted."""
    moments = [
        moment("a" if number % 3 else "b", after(number * 3), customer=number % 5, message=f"m{number}",
               received=after(number * 3 + (200 if number % 4 == 0 else 0)), amount=float(number % 4))
        for number in range(200)
    ]  # fmt: skip
    triggers = Triggers(WORKSPACE)
    live, effects = (
        Live(triggers, {number: {"aum": 1.0} for number in range(5)}),
        Effects(WORKSPACE, store.database, triggers),
    )
    live.replay(moments, datetime(2026, 11, 2, 16, tzinfo=UTC) + timedelta(hours=8))
    effects.carry_out(live.firings, live.withdrawals, after(2_000))
    return counted_form(lake_rows(moments), "Asia/Shanghai")


def test_a_day_counted_both_ways_is_the_same(store: Store) -> None:
    found = compared(WORKSPACE, store.database, lived(store), DAY)
    assert found.differences == 0 and found.compared > 30
    assert found.left_out == ("reads_context", "reads_profile")


def test_a_firing_that_is_missing_or_too_many_is_told(store: Store) -> None:
    events = lived(store)
    endless = compared(WORKSPACE, store.database, events.filter(pl.col("name") != "b"), DAY)
    assert set(endless.only_night) == {"waits"} and not endless.only_live
    with store.database.writing() as connection:
        connection.execute(delete(FIRING).where(FIRING.c.trigger == "waits"))
    found = compared(WORKSPACE, store.database, events, DAY)
    assert set(found.only_night) == {"waits"} and not found.only_live
