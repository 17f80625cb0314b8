"""Looking at the queue at one moment: the same answers as one by one, and nothing is asked twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from tests.execution.tasks.bench import BENCH, CALENDAR, DAY, MONDAY, STAFF, draft

from cultiva.contracts.sight import Sight
from cultiva.execution.tasks.records import Absence, Logged, StaffRow
from cultiva.execution.tasks.service import Tasks
from cultiva.store import Store


@contextmanager
def asked(store: Store) -> Iterator[list[str]]:
    """What the store is asked meanwhile, transactions aside."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "begin")):
            found.append(statement)

    event.listen(store.database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(store.database.engine, "before_cursor_execute", note)


def of(tasks: Tasks, store: Store, staff_id: str) -> Tasks:
    """The queue as somebody sees it."""
    sight = Sight(advisers=frozenset({staff_id}))
    return Tasks(store.database, BENCH, CALENDAR, sight=sight, clock=lambda: MONDAY)


def test_an_opened_task_is_what_separate_questions_say(tasks: Tasks, store: Store) -> None:
    tasks.staff(
        [StaffRow(one.staff_id, one.branch_id, one.role, 50, f"Name {one.staff_id}") for one in STAFF], DAY, MONDAY
    )
    first, paper, _ = tasks.create([draft(17, worth=1.0), draft(17, kind="paper", worth=9.0), draft(18)], MONDAY)
    tasks.accept(first, "A1", MONDAY)
    tasks.log(first, "A1", Logged("no_answer"), MONDAY)
    mine = of(tasks, store, "A1")
    for task_id in (first, paper):
        found = mine.opened(task_id)
        assert found.task == mine.task(task_id)
        assert list(found.history) == mine.history(task_id)
        assert list(found.others) == [one for one in mine.of_customer(17, live=True) if one.task_id != task_id]
        assert found.names == mine.names({one.actor for one in found.history})
    assert mine.opened(first).names == {"A1": "Name A1"}
    assert [one.action.value for one in mine.opened(first).history] == ["created", "accepted", "tried"]


def test_a_task_at_its_end_is_opened_with_what_is_left_to_do(tasks: Tasks, store: Store) -> None:
    first, paper = tasks.create([draft(17), draft(17, kind="paper")], MONDAY)
    tasks.accept(first, "A1", MONDAY)
    tasks.log(first, "A1", Logged("refused"), MONDAY)
    mine = of(tasks, store, "A1")
    assert [one.task_id for one in mine.opened(first).others] == [paper]
    assert mine.opened(paper).others == ()


def test_a_list_with_its_first_task_takes_four_questions(tasks: Tasks, store: Store) -> None:
    """Who is away, who it is with the week's load, the list, the task."""
    task_id = tasks.create([draft(17), draft(18)], MONDAY)[0]
    mine = of(tasks, store, "A1")
    with asked(store) as questions, mine.looking() as looking:
        person, load = looking.person("A1", MONDAY)
        listed = looking.ranked("A1", MONDAY)
        opened = looking.opened(task_id)
    assert len(questions) == 4, questions
    assert (person, load, listed) == (*mine.person("A1", MONDAY), mine.ranked("A1", MONDAY))
    assert opened == mine.opened(task_id)


def test_who_looks_again_sees_who_has_gone_meanwhile(tasks: Tasks, store: Store) -> None:
    """What is known holds for one transaction: an absence that begins then counts at the next question."""
    tasks.create([draft(17)], MONDAY)
    cover = of(tasks, store, "A2")
    assert cover.ranked("A2", MONDAY) == []
    tasks.absent(Absence("A1", DAY, DAY, "A2"))
    assert [one.task.customer_id for one in cover.ranked("A2", MONDAY)] == [17]
    with cover.looking() as looking:
        assert looking.person("A2", MONDAY)[0].covers == {"A1"}


def test_loads_of_all_people_are_one_question(tasks: Tasks, store: Store) -> None:
    for task_id in tasks.create([draft(17), draft(18), draft(19, kind="paper")], MONDAY)[:2]:
        tasks.accept(task_id, "A1", MONDAY)
    with asked(store) as questions:
        found = tasks.people(MONDAY)
    assert len(questions) == 3, questions
    assert dict(found) == dict(tasks.person(one.staff_id, MONDAY) for one in STAFF)
    assert {person.staff_id: load.in_hand for person, load in found if load.in_hand} == {"A1": 2}
