"""Moving people on: waves, answers, exits, budgets, waits; and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np
import pytest
from sqlalchemy import Connection, insert, select, update
from tests.execution.plays.small import (
    DAY,
    HOUR,
    LAUNCH_ID,
    START,
    ZONE,
    enrolments,
    live,
    plays,
    recipients,
    rows,
    set_state,
    signal,
    where,
)

from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.plays.expressions import row_id
from cultiva.execution.plays.world import Enrolment, World
from cultiva.execution.tables import CONSENT_CHANGE, DELIVERY, GRANT, JOURNEY, STANDSTILL, TASK, TOUCH
from cultiva.execution.tasks.repository import events as history
from cultiva.execution.tasks.states import Action
from cultiva.store import Store

WAVES = """
steps:
  - { name: app, send: { channel: app } }
  - { name: answer, wait_for: { on: { clicked: thanks }, within: { business_days: 3 }, timeout: message } }
  - { name: message, send: { channel: sms } }
  - { name: second, wait_for: { on: { clicked: thanks }, within: { days: 2 }, timeout: call } }
  - { name: call, task: { channel: phone }, next: end }
  - { name: thanks, grant: { offer: gift } }
"""
ASKED = """
steps:
  - { name: call, task: { channel: phone } }
  - { name: answer, wait_for: { on: { clicked: end }, within: { days: 3 }, timeout: end } }
"""
IDS = range(1, 201)
LOTS = """
steps:
  - {name: pause, wait: {days: 2}}
  - {name: lots, split: [{share: 0.5, then: left}, {share: 0.5, then: right}]}
  - {name: left, wait: {days: 1}, next: end}
  - {name: right, wait: {days: 1}}
"""
PLAIN = World(carriers={"app": ("push", "apprise"), "sms": ("gate", "sms_http")})


def test_the_next_wave_goes_to_those_who_did_not_answer(store: Store) -> None:
    launch, door = live(store, WAVES), plays(store)
    recipients(store, IDS)
    assert door.enrol(launch, enrolments(IDS), START) == 200
    first = door.advance(launch, START, world=PLAIN)
    assert first.waves == {"app": 200} and first.steps == {"app": 200}
    signal(store, 7, "clicked", START + HOUR)
    second = door.advance(launch, START + 2 * HOUR, world=PLAIN)
    assert second.steps == {"answer": 1, "thanks": 1}
    assert where(store, launch)[7] == ("end", "done", "completed")
    third = door.advance(launch, START + 3 * DAY, world=PLAIN)
    assert third.waves == {"message": 199}
    done = door.advance(launch, START + 5 * DAY, world=PLAIN)
    assert done.waves == {"call": 199} and set(where(store, launch).values()) == {("end", "done", "completed")}
    kept = rows(store.database, DELIVERY, "step", "channel", "provider", "state")
    assert kept == [("app", "app", "push", "queued")] * 200 + [("message", "sms", "gate", "queued")] * 199
    assert rows(store.database, DELIVERY, "customer_id", "address")[:4] == [
        (1, "13800000001"), (1, "token-1"), (2, "13800000002"), (2, "token-2")
    ]  # fmt: skip
    assert len(rows(store.database, TASK, "task_id")) == 199
    assert rows(store.database, TASK, "kind", "role", "staff_id")[0] == ("phone", "adviser", "a0")
    assert rows(store.database, GRANT, "customer_id", "offer") == [(7, "gift")]


def test_done_twice_moves_nobody_twice(store: Store) -> None:
    launch, door = live(store, WAVES), plays(store)
    recipients(store, IDS)
    for _ in range(2):
        door.enrol(launch, enrolments(IDS), START)
    for day in range(6):
        door.advance(launch, START + day * DAY, world=PLAIN)
        before = rows(store.database, JOURNEY, "customer_id", "step", "since", "due")
        assert door.advance(launch, START + day * DAY, world=PLAIN).transitions == 0
        assert rows(store.database, JOURNEY, "customer_id", "step", "since", "due") == before
    assert len(rows(store.database, DELIVERY, "delivery_id")) == 400
    assert len(rows(store.database, TOUCH, "touch_id")) == 600


def test_who_is_paused_stands_still(store: Store) -> None:
    launch, door = live(store, WAVES), plays(store)
    recipients(store, IDS)
    door.enrol(launch, enrolments(IDS), START)
    set_state(store, "paused")
    assert door.advance(launch, START, world=PLAIN).transitions == 0
    set_state(store, "live")
    assert door.advance(launch, START, world=PLAIN).transitions == 200


@pytest.mark.parametrize("cause", ["converted", "opted_out", "word", "complaint", "standstill"])
def test_an_exit_calls_off_what_waits_wherever_somebody_is(store: Store, cause: str) -> None:
    launch, door = live(store, WAVES), plays(store)
    recipients(store, IDS)
    door.enrol(launch, enrolments(IDS), START)
    door.advance(launch, START, world=PLAIN)
    at, reason = START + HOUR, {"word": "opted_out", "standstill": "complaint"}.get(cause, cause)
    with store.database.writing() as connection:
        if cause == "word":
            row = {"change_id": "c", "customer_id": 7, "channel": "*", "granted": False, "at": at, "evidence": "e"}
            connection.execute(insert(CONSENT_CHANGE), [row])
        if cause == "standstill":
            connection.execute(insert(STANDSTILL), [{"customer_id": 7, "name": "open_complaint", "at": at}])
    if cause == reason:
        signal(store, 7, cause, at)
    assert door.advance(launch, at, world=PLAIN).exits == {reason: 1}
    assert where(store, launch)[7] == ("answer", "exited", reason)
    mine = row_id(LAUNCH_ID, "app", 7, 1)
    states = dict(rows(store.database, DELIVERY, "touch_id", "state"))
    assert [key for key, state in states.items() if state == "cancelled"] == [mine]
    assert dict(rows(store.database, TOUCH, "touch_id", "state"))[mine] == "released"
    assert door.advance(launch, START + 3 * DAY, world=PLAIN).waves == {"message": 199}


def test_an_exit_calls_off_tasks_and_their_history_says_why(store: Store) -> None:
    launch, door = live(store, ASKED), plays(store)
    recipients(store, IDS)
    door.enrol(launch, enrolments(IDS), START)
    door.advance(launch, START, world=PLAIN)
    for customer, name in ((7, "converted"), (8, "complaint")):
        signal(store, customer, name, START + HOUR)
    assert door.advance(launch, START + HOUR, world=PLAIN).exits == {"converted": 1, "complaint": 1}
    named = {row_id(LAUNCH_ID, "call", customer, 1): name for customer, name in ((7, "converted"), (8, "complaint"))}
    found = rows(store.database, TASK, "task_id", "state", "changes", "result")
    assert sorted(one for one in found if one[1] != "open") == [(key, "cancelled", 1, "") for key in sorted(named)]
    with store.database.reading() as connection:
        told = {one: history(connection, one) for one in sorted(named)}
    said = {key: [(one.number, one.actor, one.action, one.detail) for one in events] for key, events in told.items()}
    assert said == {key: [(1, "system", Action.CANCELLED, {"reason": name})] for key, name in named.items()}
    assert door.advance(launch, START + 2 * HOUR, world=PLAIN).exits == {}


def test_an_answer_to_another_launch_is_no_answer(store: Store) -> None:
    launch, door = live(store, WAVES), plays(store)
    recipients(store, IDS)
    door.enrol(launch, enrolments(IDS), START)
    door.advance(launch, START, world=PLAIN)
    signal(store, 7, "clicked", START + HOUR, touch_id=row_id("other", "app", 7, 1))
    signal(store, 8, "clicked", START + HOUR, touch_id=row_id(LAUNCH_ID, "app", 8, 1))
    assert door.advance(launch, START + 2 * HOUR, world=PLAIN).steps == {"answer": 1, "thanks": 1}


def test_an_answer_that_came_while_somebody_waited_elsewhere_counts(store: Store) -> None:
    play = """
steps:
  - { name: app, send: {} }
  - { name: pause, wait: { days: 2 } }
  - { name: answer, wait_for: { on: { clicked: end }, within: { days: 5 }, timeout: again } }
  - { name: again, send: { channel: sms } }
"""
    launch, door = live(store, play), plays(store)
    recipients(store, IDS)
    door.enrol(launch, enrolments(IDS), START)
    door.advance(launch, START, world=PLAIN)
    signal(store, 7, "clicked", START + HOUR)
    door.advance(launch, START + 2 * HOUR, world=PLAIN)
    assert where(store, launch)[7] == ("pause", "active", "")
    door.advance(launch, START + 2 * DAY, world=PLAIN)
    assert where(store, launch)[7] == ("end", "done", "completed")
    assert where(store, launch)[8] == ("answer", "active", "")


def test_a_refused_touch_is_tried_again_until_patience_ends(store: Store) -> None:
    asked: list[float] = []

    def reserve(_: Connection, requests: Sequence[TouchRequest], __: datetime) -> list[str]:
        asked.extend(one.worth for one in requests)
        return [one.touch_id for one in requests if one.customer_id % 2]

    play = """
patience_days: 2
steps:
  - { name: app, send: { refused: call } }
  - { name: over, end: { reason: sent } }
  - { name: call, task: { channel: phone } }
"""
    launch, door = live(store, play), plays(store)
    recipients(store, range(1, 11))
    people = [Enrolment(one, ZONE, "app", "deposit", float(one)) for one in range(1, 11)]
    door.enrol(launch, people, START)
    world = World(reserve=reserve, horizon=lambda zone, at: at)
    moves = door.advance(launch, START, world=world, batch=4)
    assert moves.waves == {"app": 5} and moves.refused == {"app": 5}
    assert sorted(asked) == [float(one) for one in range(1, 11)]
    assert door.advance(launch, START + HOUR, world=world).transitions == 0
    assert door.advance(launch, START + DAY, world=world).refused == {"app": 5}
    last = door.advance(launch, START + 2 * DAY, world=world)
    assert last.steps["app"] == 5 and where(store, launch)[2] == ("call", "active", "")
    assert where(store, launch)[1] == ("over", "done", "sent")


def test_who_must_not_be_reached_goes_on_without(store: Store) -> None:
    launch, door = live(store, WAVES), plays(store)
    recipients(store, IDS, channels=("sms",))
    door.enrol(launch, enrolments([*IDS, 999]), START)  # of 999 nothing is known
    moves = door.advance(launch, START, world=PLAIN)
    assert moves.closed == {"app": 201} and moves.waves == {}
    service = enrolments([1], offer="statement")
    other = live(store, None, launch_id="service")
    door.enrol(other, service, START)
    assert door.advance(other, START, world=PLAIN).waves == {"touch": 1}
    assert rows(store.database, TOUCH, "exempt") == [(True,)]


def test_a_strategy_without_a_play_is_one_touch_by_machine_or_person(store: Store) -> None:
    launch, door = live(store, None), plays(store)
    recipients(store, range(4))
    door.enrol(launch, [*enrolments([0, 1]), *enrolments([2, 3], channel="phone")], START)
    door.advance(launch, START, world=PLAIN)
    assert rows(store.database, DELIVERY, "customer_id", "channel") == [(0, "app"), (1, "app")]
    assert rows(store.database, TASK, "customer_id", "channel", "reason") == [
        (2, "phone", "{aum}"), (3, "phone", "{aum}")
    ]  # fmt: skip


def test_branches_read_rules_and_dates_are_waited_for(store: Store) -> None:
    play = """
exits: [{ name: moved, rule: gone }]
steps:
  - { name: rich, branch: [{ rule: aum > 5, then: due }], next: end }
  - { name: due, wait: { until_date: maturity, days_before: 2, at: "09:00" } }
  - { name: app, send: {} }
"""
    launch, door = live(store, play), plays(store)
    recipients(store, range(1, 7))
    door.enrol(launch, enrolments(range(1, 7)), START)
    gone: set[int] = set()

    def holds(rule: str, ids: np.ndarray) -> np.ndarray:
        return ids > 3 if rule == "aum > 5" else np.isin(ids, list(gone))

    def dates(_: str, ids: np.ndarray) -> np.ndarray:
        return np.where(ids == 4, np.datetime64("NaT"), np.datetime64("2026-03-10")).astype("datetime64[D]")

    world = World(holds=holds, dates=dates)
    assert door.advance(launch, START, world=world).waves == {"app": 1}  # customer 4 has no date
    assert {step for _, (step, state, _) in where(store, launch).items() if state == "active"} == {"due"}
    assert door.advance(launch, datetime(2026, 3, 8, 0, 59, tzinfo=UTC), world=world).transitions == 0
    gone.add(5)
    assert door.sweep(launch, START + DAY, world=world).exits == {"moved": 1}
    assert door.advance(launch, datetime(2026, 3, 8, 1, 0, tzinfo=UTC), world=world).waves == {"app": 1}
    assert where(store, launch)[5] == ("due", "exited", "moved") and where(store, launch)[6][1] == "done"


def test_quiet_hours_move_the_message_and_the_day_on_which_it_counts(store: Store) -> None:
    launch, door = live(store, None), plays(store)
    recipients(store, [1, 2])
    people = [*enrolments([1]), *enrolments([2], zone="America/New_York")]
    door.enrol(launch, people, START)
    late = {ZONE: START + 20 * HOUR, "America/New_York": START + HOUR}
    door.advance(launch, START, world=World(horizon=lambda zone, at: late[zone]))
    assert rows(store.database, DELIVERY, "customer_id", "due") == [(1, START + 20 * HOUR), (2, START + HOUR)]
    assert rows(store.database, TOUCH, "customer_id", "counts_on") == [(1, date(2026, 3, 3)), (2, date(2026, 3, 1))]


@pytest.mark.parametrize(
    ("reentry", "again", "later"), [("never", 0, 0), ("always", 1, 0), ("{ after_days: 9 }", 0, 1)]
)
def test_coming_again(store: Store, reentry: str, again: int, later: int) -> None:
    launch = live(store, f"{{ reentry: {reentry}, steps: [{{ name: app, send: {{}} }}] }}")
    door = plays(store)
    recipients(store, [1])
    assert door.enrol(launch, enrolments([1]), START) == 1
    assert door.enrol(launch, enrolments([1]), START) == 0
    door.advance(launch, START, world=PLAIN)
    assert door.enrol(launch, enrolments([1]), START + DAY) == again
    door.advance(launch, START + DAY, world=PLAIN)
    assert door.enrol(launch, enrolments([1]), START + 9 * DAY) == max(again, later)
    door.advance(launch, START + 9 * DAY, world=PLAIN)
    with store.database.reading() as connection:
        entries = list(connection.execute(select(JOURNEY.c.entry).order_by(JOURNEY.c.entry)).scalars())
    assert entries == [*range(1, 2 + (2 * again or later))]
    assert len(rows(store.database, DELIVERY, "delivery_id")) == len(entries)


def test_a_circle_comes_round_once_a_day(store: Store) -> None:
    play = (
        "steps: [{ name: look, branch: [{ rule: ready, then: app }] }, { name: rest, wait: { days: 1 }, next: look },"
    )
    launch, door = live(store, play + " { name: app, send: {} }]"), plays(store)
    recipients(store, [1])
    door.enrol(launch, enrolments([1]), START)
    ready = [False]
    world = World(holds=lambda rule, ids: np.full(len(ids), ready[0]))
    for day in range(3):
        assert door.advance(launch, START + day * DAY, world=world).steps["look"] == 1
    ready[0] = True
    assert door.advance(launch, START + 3 * DAY, world=world).waves == {"app": 1}


def test_whoever_is_brought_back_to_a_wave_gets_it_once(store: Store) -> None:
    """Rows that are there stay, and those who come for the first time beside them get theirs."""
    launch, door = live(store, WAVES), plays(store)
    recipients(store, [1, 2])
    door.enrol(launch, enrolments([1]), START)
    assert door.advance(launch, START, world=PLAIN).waves == {"app": 1}
    made = rows(store.database, DELIVERY, "delivery_id", "created")
    with store.database.writing() as connection:
        connection.execute(update(JOURNEY).values(step=launch.graph.start, due=START))
    door.enrol(launch, enrolments([2]), START + HOUR)
    assert door.advance(launch, START + HOUR, world=PLAIN).waves == {"app": 2}
    assert len(rows(store.database, TOUCH, "touch_id")) == len(rows(store.database, DELIVERY, "delivery_id")) == 2
    assert set(made) < set(rows(store.database, DELIVERY, "delivery_id", "created"))


def test_a_split_is_passed_in_the_same_change_and_counted(store: Store) -> None:
    launch, door = live(store, LOTS), plays(store)
    recipients(store, range(1, 41))
    door.enrol(launch, enrolments(range(1, 41)), START)
    moves = door.advance(launch, START + DAY, world=PLAIN)
    assert moves.transitions == 0
    moves = door.advance(launch, START + 2 * DAY, world=PLAIN)
    assert (moves.steps["pause"], moves.steps["lots"]) == (40, 40)
    assert {step for step, _, _ in where(store, launch).values()} == {"left", "right"}
