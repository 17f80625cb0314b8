"""Versions: people in flight stay on theirs, or are moved as was said before."""

from __future__ import annotations

import pytest
from tests.execution.plays.small import DAY, HOUR, START, enrolments, live, plays, recipients, rows

from cultiva.execution.plays.graph import Graph
from cultiva.execution.plays.world import World
from cultiva.execution.tables import DELIVERY, JOURNEY
from cultiva.kit.errors import CultivaError
from cultiva.store import Store

OLD = """
steps:
  - { name: app, send: {} }
  - { name: pause, wait: { days: 3 } }
  - { name: message, send: { channel: sms } }
"""
NEW = """
steps:
  - { name: hello, send: {} }
  - { name: pause, wait: { days: 1 } }
  - { name: lots, split: [{ share: 0.5, then: message }, { share: 0.5, then: app }] }
  - { name: message, send: { channel: sms }, next: end }
  - { name: app, send: {} }
"""


def test_a_graph_is_the_same_after_being_kept() -> None:
    from tests.execution.plays.small import graph

    one = graph(NEW)
    again = Graph.from_json(one.to_json())
    assert again == one and again.version == one.version != graph(OLD).version
    with pytest.raises(CultivaError, match="cannot be read"):
        Graph.from_json({"nodes": [{"kind": "dance"}]})


def test_people_in_flight_stay_on_their_version(store: Store) -> None:
    old, door = live(store, OLD), plays(store)
    recipients(store, range(1, 41))
    door.enrol(old, enrolments(range(1, 21)), START)
    door.advance(old, START, world=World())
    new = live(store, NEW)
    door.enrol(new, enrolments(range(21, 41)), START + HOUR)
    door.advance(new, START + HOUR, world=World())
    door.advance(new, START + 2 * DAY, world=World())
    standing = {(version, step, people) for version, step, _, _, people in door.standing(new)}
    assert standing == {(old.graph.version, "pause", 20), (new.graph.version, "end", 20)}
    door.advance(new, START + 3 * DAY, world=World())
    steps = [step for (step,) in rows(store.database, DELIVERY, "step")]
    assert steps.count("message") >= 20 and len(steps) == 80


def test_a_migration_says_who_goes_where_before_anybody_goes(store: Store) -> None:
    old, door = live(store, OLD), plays(store)
    recipients(store, range(1, 41))
    door.enrol(old, enrolments(range(1, 21)), START)
    door.advance(old, START, world=World())
    door.enrol(old, enrolments(range(21, 31)), START + HOUR)
    new = live(store, NEW)
    before = rows(store.database, JOURNEY, "customer_id", "version", "step", "due")
    plan = door.plan_migration(new)
    assert rows(store.database, JOURNEY, "customer_id", "version", "step", "due") == before
    assert [(one.step, one.to, one.people) for one in plan.passages] == [("app", "app", 10), ("pause", "pause", 20)]
    plan = door.plan_migration(new, {"app": "hello"})
    assert (plan.moving, plan.staying) == (30, 0)
    after = door.migrate(plan, START + 2 * HOUR)
    assert after.passages == ()
    assert door.migrate(plan, START + 2 * HOUR).passages == ()
    found = {(step, people) for version, step, _, _, people in door.standing(new) if version == new.graph.version}
    assert found == {("hello", 10), ("pause", 20)}
    # The wait is shorter now: it begins anew for those who wait.
    pause = new.graph.node("pause")
    assert pause is not None
    due = {due for _, step, due in rows(store.database, JOURNEY, "customer_id", "step", "due") if step == pause.number}
    assert due == {START + 2 * HOUR + DAY}
    door.advance(new, START + 2 * HOUR + DAY, world=World())
    steps = [step for (step,) in rows(store.database, DELIVERY, "step")]
    # Nobody gets a wave twice: half of those who had `app` came to `app` again.
    assert len(steps) == len(set(rows(store.database, DELIVERY, "customer_id", "step")))


def test_who_has_no_step_in_the_new_version_stays(store: Store) -> None:
    old, door = live(store, OLD), plays(store)
    recipients(store, range(1, 11))
    door.enrol(old, enrolments(range(1, 11)), START)
    door.advance(old, START, world=World())
    new = live(store, "steps: [{ name: other, send: {} }]")
    plan = door.plan_migration(new)
    assert [(one.step, one.to, one.people) for one in plan.passages] == [("pause", None, 10)] and plan.staying == 10
    assert door.migrate(plan, START + HOUR).staying == 10
    with pytest.raises(CultivaError, match="no such step"):
        door.plan_migration(new, {"pause": "othr"})
