"""A small bank's days by sets and event by event: equal, in every time zone, on every engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import pytest
from tests.insight.bank import Deliveries, deliveries, smallbank, write

from cultiva.contracts.moments import Moment
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.groups.memberships import find_members
from cultiva.insight.live.night import bases, write_night
from cultiva.insight.live.program import Freshness
from cultiva.insight.live.records import Held, write_held
from cultiva.insight.live.service import Live
from cultiva.insight.profile.inputs import ProfileInputs
from cultiva.insight.profile.service import make_profile

NEXT = timedelta(days=1)
AUTUMN = date(1994, 10, 29)
"""In New York an hour comes twice on the thirtieth."""
PROPERTIES: list[dict[str, Any]] = [
    {"amount": 1200.5, "product": "car", "online": True},
    {"amount": 0.1, "product": "car", "online": False, "steps": 4},
    {"amount": 0.2, "product": "车", "online": True, "due": "1994-10-31"},
    {"product": "car"},
    {},
]


def at_zone(zone: str) -> Workspace:
    settings = smallbank().settings.model_copy(update={"timezone": zone})
    return replace(smallbank(), settings=settings)


def moments(draw: Random, on: date, zone: ZoneInfo, customers: int) -> list[Moment]:
    """Events that come in on a day: at its ends, in the hour that comes twice, and late."""
    found = []
    for number in range(60):
        day = on - timedelta(days=draw.choice([0, 0, 0, 1, 7]))
        local = datetime.combine(
            day, time(draw.choice([0, 1, 23]), draw.choice([0, 59]), 59, draw.choice([0, 999_999]))
        )
        at = local.replace(tzinfo=zone, fold=draw.choice([0, 1])).astimezone(UTC)
        customer = draw.randrange(1, customers + 1)
        found.append(
            Moment(
                message_id=f"{on}-{number}",
                customer_id=customer,
                name=draw.choice(["loan_started", "app_opened", "other"]),
                at=at,
                day=at.astimezone(zone).date(),
                received=at,
                source_system="core",
                source_id=f"P{customer:05d}",
                channel=draw.choice(["app", "web", ""]),
                properties=draw.choice(PROPERTIES),
            )
        )
    return found


def with_events(bank: Deliveries, came_in: list[Moment], zone: ZoneInfo) -> Deliveries:
    rows = [
        {
            "source_system": one.source_system,
            "source_id": one.source_id,
            "event_id": one.message_id,
            "at": one.at.astimezone(zone).replace(tzinfo=None),
            "name": one.name,
            "channel": one.channel or None,
            "properties": json.dumps(one.properties, ensure_ascii=False),
        }
        for one in came_in
    ]
    return replace(bank, events=[*bank.events, *rows])


def stages_of(folder: Path, target: Path) -> list[Path]:
    """The profile of a day as the day before knew it, which its next one reads."""
    frame = pl.read_parquet(part_files([folder]))
    write_arrow(frame.select("customer_id", "stage").to_arrow(), target)
    return [target]


def night_of(engine: Engine, inputs: ProfileInputs, workspace: Workspace, on: date, folder: Path) -> pl.DataFrame:
    make_profile(engine, inputs, workspace, on, folder)
    return pl.read_parquet(part_files([folder])).sort("customer_id")


def segments_of(engine: Engine, folder: Path, workspace: Workspace, on: date) -> Mapping[str, Any]:
    return find_members(GroupDay(engine, [folder], workspace, on)).segments


@pytest.mark.parametrize("zone_name", ["America/New_York", "Asia/Shanghai"])
def test_days_are_the_same_event_by_event(duckdb_engine: Engine, zone_name: str, tmp_path: Path) -> None:
    live_through(duckdb_engine, zone_name, tmp_path, days=2)


@pytest.mark.spark
def test_a_day_is_the_same_on_a_cluster(spark_engine: Engine, tmp_path: Path) -> None:
    live_through(spark_engine, "America/New_York", tmp_path, days=1)


def live_through(engine: Engine, zone_name: str, tmp_path: Path, *, days: int) -> None:
    """Night by night, and event by event between."""
    zone, workspace, customers, draw = ZoneInfo(zone_name), at_zone(zone_name), 40, Random(3)
    live, bank, on = Live(workspace), deliveries(customers, on=AUTUMN), AUTUMN
    previous: list[Path] = []
    states: dict[int, Held] = {}
    for number in range(days + 1):
        root = tmp_path / f"{number}"
        came_in = moments(draw, on, zone, customers) if number else []
        label = (on - NEXT).isoformat()
        by_customer: dict[int, list[Moment]] = {}
        for one in came_in:
            by_customer.setdefault(one.customer_id, []).append(one)
        for customer, own in by_customer.items():
            folded = live.fold(write_held(states[customer]), own, label)
            states[customer] = msgspec.msgpack.decode(folded, type=Held)
        bank = with_events(bank, came_in, zone)
        inputs = write(bank, root, previous=previous, scores={1: 0.25})
        profile = night_of(engine, inputs, workspace, on, root / "profile")
        if number:
            check(live, states, profile, segments_of(engine, root / "profile", workspace, on), on)
        previous = stages_of(root / "profile", root / "stages")
        night = write_night(engine, replace(inputs, previous=previous), live.program, on + NEXT, root / "night")
        made = {customer: base for batch in bases(night, live.program) for customer, base in batch.items()}
        states = {customer: Held(on.isoformat(), on.toordinal(), base) for customer, base in made.items()}
        assert len(states) == customers
        on += NEXT


def check(live: Live, states: Mapping[int, Held], profile: pl.DataFrame, members: Mapping[str, Any], on: date) -> None:
    assert Freshness.NIGHTLY not in live.freshness.values()
    moved = 0
    for night in profile.to_dicts():
        row = live.row_on(states[night["customer_id"]], on, customer_id=night["customer_id"])
        for name, cell in night.items():
            if name.startswith("balance") or name == "customer_id":
                continue
            assert row[name] == (float(cell) if isinstance(cell, Decimal) else cell), (name, row.held)
        for name, found in members.items():
            assert row.in_segment(name) == (night["customer_id"] in found), name
        moved += row["logins"] > 0
    assert moved > 5
