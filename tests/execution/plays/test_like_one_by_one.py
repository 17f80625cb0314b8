"""Set at a time is the same as one person after the other: random plays, people, answers and days."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select
from tests.execution.plays.small import DAYS, LAUNCH_ID, START, ZONE, graph, live, plays, recipients, rows, signal
from tests.execution.plays.walker import Walker

from cultiva.definitions.plays import (
    Arm,
    Ending,
    ExitRule,
    Grant,
    Play,
    PlayStep,
    Portion,
    Send,
    Span,
    Task,
    Wait,
    WaitFor,
)  # fmt: skip
from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.plays.expressions import opaque_id, row_id
from cultiva.execution.plays.world import Enrolment, World
from cultiva.execution.tables import (
    CONSENT_CHANGE,
    DELIVERY,
    GRANT,
    JOURNEY,
    LAUNCH,
    PLAY_EAR,
    PLAY_VERSION,
    RECIPIENT,
    SIGNAL,
    TASK,
    TASK_EVENT,
    TOUCH,
)  # fmt: skip
from cultiva.kit.hashing import draw
from cultiva.store import Store, open_store
from cultiva.store.database import insert_missing
from cultiva.store.tables import METADATA

NAMES = ("clicked", "replied", "converted", "opted_out", "loan_started")
ZONES = (ZONE, "America/New_York")
HOUR = timedelta(hours=1)
EMPTIED = (
    CONSENT_CHANGE, DELIVERY, GRANT, JOURNEY, LAUNCH, PLAY_EAR, PLAY_VERSION, RECIPIENT, SIGNAL,
    TASK, TASK_EVENT, TOUCH,
)  # fmt: skip
"""Where examples leave rows. All examples have one store and one launch, so the same task has the same id in each."""


@st.composite
def spans(pick: Any) -> Span:
    if pick(st.booleans()):
        return Span(business_days=pick(st.integers(1, 3)))
    return Span(hours=pick(st.integers(1, 60)))


@st.composite
def whole_plays(pick: Any) -> Play:
    """A play whose steps lead to later steps only."""
    count = pick(st.integers(1, 7))
    names = [f"s{index}" for index in range(count)]
    steps = []
    for index, name in enumerate(names):
        later = st.sampled_from([*names[index + 1 :], "end"])
        kind = pick(st.sampled_from(["send", "task", "wait", "wait_for", "branch", "split", "grant", "date", "end"]))
        follows = {} if kind in ("split", "end") else {"next": pick(st.none() | later)}
        steps.append(PlayStep(name=name, **_body(pick, kind, later), **follows))
    exits = pick(st.lists(st.sampled_from(["converted", "opted_out", "loan_started"]), unique=True))
    rule = [ExitRule(name="moved", rule="exit-rule")] if pick(st.booleans()) else []
    return Play(steps=tuple(steps), exits=(*exits, *rule), patience_days=pick(st.integers(0, 2)))


def _body(pick: Any, kind: str, later: Any) -> dict[str, Any]:  # noqa: PLR0911 -- a kind each
    refused = pick(st.none() | later)
    if kind == "send":
        return {"send": Send(channel=pick(st.sampled_from([None, "app", "sms"])), refused=refused)}
    if kind == "task":
        return {"task": Task(channel="phone", refused=refused)}
    if kind == "wait":
        weekday = Wait(until=pick(st.sampled_from(["monday", "friday"])), at=time(10))
        return {"wait": pick(st.one_of(st.just(weekday), spans().map(lambda one: Wait(**one.model_dump()))))}
    if kind == "date":
        return {"wait": Wait(until_date="maturity", days_before=pick(st.integers(0, 3)))}
    if kind == "wait_for":
        on = pick(st.dictionaries(st.sampled_from(NAMES), later, min_size=1, max_size=3))
        return {"wait_for": WaitFor(on=on, within=pick(spans()), timeout=pick(st.none() | later))}
    if kind == "branch":
        rules = pick(st.lists(st.sampled_from(["r1", "r2", "r3"]), min_size=1, max_size=2, unique=True))
        return {"branch": tuple(Arm(rule=rule, then=pick(later)) for rule in rules)}
    if kind == "split":
        share = pick(st.sampled_from([0.1, 0.5, 0.75]))
        return {"split": (Portion(share=share, then=pick(later)), Portion(share=1 - share, then=pick(later)))}
    return {"grant": Grant(offer="gift")} if kind == "grant" else {"end": Ending(reason="over")}


PEOPLE = st.lists(st.tuples(st.integers(1, 60), st.sampled_from(ZONES), st.sampled_from(["app", "phone"])),
                  min_size=1, max_size=12, unique_by=lambda one: one[0])  # fmt: skip
HAPPENING = st.lists(
    st.tuples(
        st.integers(1, 70),  # hours until then
        st.lists(st.tuples(st.integers(0, 11), st.sampled_from(NAMES), st.integers(0, 30)), max_size=4),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


def _chance(what: str, who: object, share: float) -> bool:
    return draw(f"test:{what}", str(who)) < share


def horizon(zone: str, at: datetime) -> datetime:
    """Quiet in the first half of the hours."""
    return at if at.hour >= 12 else at.replace(hour=12, minute=0)


def maturity(customer: int) -> date | None:
    return None if customer % 5 == 0 else (START + timedelta(days=customer % 9)).date()


def granted(touch_id: str, at: datetime) -> bool:
    return _chance("grant", f"{touch_id}{at:%d}", 0.6)


def reachable(customer: int, channel: str, offer: str) -> bool:
    return customer % 7 != 0 and not (channel == "sms" and customer % 3 == 0)


def _world() -> World:
    def reserve(connection: Connection, requests: Sequence[TouchRequest], at: datetime) -> list[str]:
        taken = [one for one in requests if granted(one.touch_id, at)]
        touches = [{**asdict(one), "state": "reserved", "changed": at} for one in taken]
        insert_missing(connection, TOUCH, touches)
        return [one.touch_id for one in taken]

    def holds(rule: str, ids: Any) -> Any:
        return np.array([_chance(rule, one, 0.4) for one in ids.tolist()], dtype=bool)

    def dates(_: str, ids: Any) -> Any:
        return np.array([maturity(one) or "NaT" for one in ids.tolist()], dtype="datetime64[D]")

    return World(horizon, holds, dates, reserve)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store("sqlite:///plays.db", tmp_path_factory.mktemp("plays"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(play=whole_plays(), people=PEOPLE, happening=HAPPENING)
def test_sets_go_where_each_would_have_gone(lasting: Store, play: Play, people: Any, happening: Any) -> None:
    _compare(lasting, play, people, happening)


def test_an_example_leaves_nothing_to_the_next_even_if_tasks_were_called_off(lasting: Store) -> None:
    steps = (PlayStep(name="s0", task=Task(channel="phone")), PlayStep(name="s1", wait=Wait(business_days=3)))
    play = Play(steps=steps, exits=("converted",), patience_days=2)
    people = [(customer, ZONE, "app") for customer in range(1, 7)]
    happening = [(30, []), (10, [(index, "converted", 1) for index in range(6)])]
    for _ in range(2):
        _compare(lasting, play, people, happening)
        assert "cancelled" in {state for (state,) in rows(lasting.database, TASK, "state")}
    with lasting.database.reading() as connection:
        full = {table.name for table in METADATA.sorted_tables if connection.execute(select(table).limit(1)).first()}
    assert full <= {table.name for table in EMPTIED}


@pytest.mark.postgres
def test_sets_go_where_each_would_have_gone_on_postgresql(postgres_url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(postgres_url, Path(folder))

        @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(play=whole_plays(), people=PEOPLE, happening=HAPPENING)
        def on_postgresql(play: Play, people: Any, happening: Any) -> None:
            _compare(store, play, people, happening)

        on_postgresql()
        store.close()


def _compare(store: Store, play: Play, people: Any, happening: Any) -> None:
    _empty(store)
    launch, door, world, at = live(store, graph(play)), plays(store), _world(), START
    for kind in (0, 1):
        known = [one for one, _, _ in people if one % 7 and (one % 3 == 0) == bool(kind)]
        recipients(store, known, channels=("app", "phone") if kind else ("app", "sms", "phone"))
    walker = Walker(LAUNCH_ID, launch.graph, DAYS, horizon, lambda rule, one: _chance(rule, one, 0.4),
                    lambda tag, one: maturity(one), granted, reachable)  # fmt: skip
    door.enrol(launch, [Enrolment(one, zone, channel, "deposit") for one, zone, channel in people], at)
    for one, zone, channel in people:
        walker.enrol(one, zone, channel, at)
    for hours, said in ((0, []), *happening):
        later = at + hours * HOUR
        for index, name, minutes in {(index % len(people), name): (index, name, m) for index, name, m in said}.values():
            when = later - timedelta(minutes=minutes)
            if (people[index % len(people)][0], name, when) not in walker.signals:
                signal(store, people[index % len(people)][0], name, when, late=later)
                walker.signals.append((people[index % len(people)][0], name, when))
        at = later
        door.advance(launch, at, world=world, batch=3)
        walker.advance(at)
        _same(store, walker)


def _same(store: Store, walker: Walker) -> None:
    columns = ("customer_id", "step", "state", "reason", "since", "wave", "due")
    wanted = sorted((p.customer, p.step, p.state, p.reason, p.since, p.wave, p.due) for p in walker.people.values())
    found = rows(store.database, JOURNEY, *columns)
    ended = [row for row in wanted if row[2] != "active"]
    assert [row[:5] for row in found] == [row[:5] for row in wanted]
    assert [row for row in found if row[2] == "active"] == [row for row in wanted if row not in ended]
    sent = {
        key: row for key, *row in rows(store.database, DELIVERY, "touch_id", "customer_id", "step", "channel", "state")
    }
    done = {key: row for key, *row in rows(store.database, TASK, "task_id", "customer_id", "step", "channel", "state")}
    assert sent == {key: list(row) for key, row in walker.deliveries.items()}
    assert done == {key: list(row) for key, row in walker.tasks.items()}
    assert dict(rows(store.database, TOUCH, "touch_id", "state")) == walker.touches
    assert {key for (key,) in rows(store.database, GRANT, "grant_id")} == walker.gifts


def _empty(store: Store) -> None:
    with store.database.writing() as connection:
        for table in EMPTIED:
            connection.execute(delete(table))


def test_ids_are_the_same_in_sql_and_in_python(lasting: Store) -> None:
    _empty(lasting)
    launch = live(lasting, None)
    recipients(lasting, [1, 2**62 + 5])
    people = [Enrolment(one, "UTC", "app", "deposit") for one in (1, 2**62 + 5)]
    plays(lasting).enrol(launch, people, datetime(2026, 1, 5, tzinfo=UTC))
    plays(lasting).advance(launch, datetime(2026, 1, 5, tzinfo=UTC), world=World())
    wanted = sorted(row_id(LAUNCH_ID, "touch", one, 1) for one in (1, 2**62 + 5))
    assert [key for (key,) in rows(lasting.database, TOUCH, "touch_id")] == wanted
    assert max(map(len, wanted)) <= 40
    assert set(rows(lasting.database, DELIVERY, "touch_id", "delivery_id")) == {(key, opaque_id(key)) for key in wanted}
