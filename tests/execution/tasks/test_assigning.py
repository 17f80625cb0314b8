"""Whoever manages branches moves their tasks between their people, nobody else's; what people finished is counted."""

from __future__ import annotations

import pytest
from tests.execution.tasks.bench import BENCH, CALENDAR, MONDAY, draft, later

from cultiva.contracts.sight import Sight
from cultiva.execution.tasks.records import Logged
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.tasks.states import Action, Standing
from cultiva.kit.errors import CultivaError
from cultiva.store import Store


def seen_by(store: Store, *branches: str) -> Tasks:
    sight = Sight(branches=frozenset(branches))
    return Tasks(store.database, BENCH, CALENDAR, sight=sight, clock=lambda: MONDAY)


def test_who_manages_a_branch_moves_its_tasks_without_being_in_the_staff_table(tasks: Tasks, store: Store) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    tasks.accept(one, "A1", MONDAY)
    mine = seen_by(store, "B1")
    moved = mine.assign(one, "A2", later(minutes=1), by="user head", remark="A1 is ill")
    assert (moved.staff_id, moved.standing) == ("A2", Standing.ASSIGNED)
    last = mine.history(one)[-1]
    assert (last.actor, last.action, last.detail["remark"]) == ("user head", Action.TRANSFERRED, "A1 is ill")
    queued = mine.assign(one, "", later(minutes=2), by="user head")
    assert (queued.staff_id, queued.standing, queued.role) == ("", Standing.QUEUED, "adviser")


def test_nobody_moves_tasks_of_another_branch_or_to_its_people(tasks: Tasks, store: Store) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    with pytest.raises(CultivaError) as other_task:
        seen_by(store, "B2").assign(one, "A3", later(minutes=1), by="user head")
    with pytest.raises(CultivaError) as other_person:
        seen_by(store, "B1").assign(one, "A3", later(minutes=1), by="user head")
    assert (other_task.value.code, other_person.value.code) == ("task.unknown_task", "task.unknown_person")
    assert "A2" not in other_person.value.allowed  # people are not listed to whoever guesses
    assert tasks.task(one).changes == 1


def test_an_assigned_task_still_needs_somebody_of_its_work(tasks: Tasks, store: Store) -> None:
    (one,) = tasks.create([draft(kind="visit")], MONDAY)
    moved = seen_by(store, "B1").assign(one, "A1", later(minutes=1), by="user head")  # a manager may choose
    assert (moved.role, moved.staff_id) == ("adviser", "A1")
    with pytest.raises(CultivaError) as unknown:
        seen_by(store, "B1").assign(one, "nobody", later(minutes=2), by="user head")
    assert unknown.value.code == "task.unknown_person"


def test_what_people_have_finished_is_counted_since_a_moment_and_within_sight(tasks: Tasks, store: Store) -> None:
    first, second, third = tasks.create([draft(one, adviser_id="A2") for one in (17, 18, 19)], MONDAY)
    for name, result, hour in ((first, "reached", 1), (second, "refused", 2), (third, "no_answer", 3)):
        tasks.accept(name, "A2", later(hours=hour))
        tasks.log(name, "A2", Logged(result), later(hours=hour, minutes=5))
    every = tasks.finished(["A2", "A3"], MONDAY)
    assert every == {"A2": {("call", "reached"): 1, ("call", "refused"): 1}}  # who did not answer is tried again
    assert tasks.finished(["A2"], later(hours=2)) == {"A2": {("call", "refused"): 1}}
    assert seen_by(store, "B2").finished(["A2"], MONDAY) == {}
