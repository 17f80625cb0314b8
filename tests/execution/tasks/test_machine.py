"""Whatever people do and in whatever order: tasks move only as the states say, and nothing is lost or heard twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, select
from tests.execution.tasks.bench import BENCH, CALENDAR, DAY, MONDAY, STAFF, draft

from cultiva.execution.tables import ABSENCE, SIGNAL, STAFF_MEMBER, TASK, TASK_EVENT
from cultiva.execution.tasks.hooks import Hooks
from cultiva.execution.tasks.moving import Following, Receiver
from cultiva.execution.tasks.records import Absence, Event, Logged, Task
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.tasks.states import ENDED, MOVES, Action, Standing
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store

PEOPLE = st.sampled_from([row.staff_id for row in STAFF])
CUSTOMERS = st.integers(1, 3)
SPANS = st.sampled_from([timedelta(minutes=20), timedelta(hours=5), timedelta(days=1), timedelta(days=3)])
EXPECTED = {ErrorKind.CONFLICT, ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND, ErrorKind.INVALID}
CONTACTS = {one.name for one in BENCH.results if one.contact}


class Machine(RuleBasedStateMachine):
    """People at work, and a clock."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        with self.store.database.writing() as connection:
            for table in (TASK, TASK_EVENT, SIGNAL, ABSENCE, STAFF_MEMBER):
                connection.execute(delete(table))
        self.confirmed: Counter[str] = Counter()
        self.released: Counter[str] = Counter()
        hooks = Hooks(
            confirm=lambda _connection, task, _at: self.confirmed.update([task.task_id]),
            release=lambda ids, _at: self.released.update(ids),
        )
        self.tasks = Tasks(self.store.database, BENCH, CALENDAR, hooks=hooks)
        self.tasks.staff(STAFF, DAY, MONDAY)
        self.at: datetime = MONDAY
        self.seen: dict[str, Task] = {}
        self.steps = 0

    def some(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.seen)))

    def tried(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except CultivaError as error:
            assert error.kind in EXPECTED, error

    @rule(customer=CUSTOMERS, kind=st.sampled_from(["call", "remote_call", "visit", "upgrade"]), over=st.booleans())
    def create(self, customer: int, kind: str, over: bool) -> None:
        self.steps += 1
        wanted = draft(customer, kind=kind, hands_over=over, step=str(self.steps), touch_id=f"t{self.steps}")
        self.seen.setdefault(self.tasks.create([wanted], self.at)[0], None)  # type: ignore[arg-type]

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), who=PEOPLE)
    def accept(self, data: st.DataObject, who: str) -> None:
        one = self.some(data)
        self.tried(lambda: self.tasks.accept(one, who, self.at))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), result=st.sampled_from([one.name for one in BENCH.results]))
    def log(self, data: st.DataObject, result: str) -> None:
        one = self.some(data)
        who = self.tasks.task(one).staff_id or "A2"
        call_at = self.at + timedelta(hours=2) if result == "call_back" else None
        self.tried(lambda: self.tasks.log(one, who, Logged(result, call_at=call_at), self.at))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), who=PEOPLE, to=st.one_of(st.just(""), PEOPLE))
    def transfer(self, data: st.DataObject, who: str, to: str) -> None:
        one = self.some(data)
        self.tried(lambda: self.tasks.transfer(one, who, to, self.at))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), who=PEOPLE, role=st.sampled_from([one.name for one in BENCH.roles]))
    def hand_over(self, data: st.DataObject, who: str, role: str) -> None:
        one = self.some(data)
        self.tried(lambda: self.tasks.hand_over(one, who, Receiver(role), self.at))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), who=PEOPLE)
    def decline(self, data: st.DataObject, who: str) -> None:
        one = self.some(data)
        self.tried(lambda: self.tasks.decline(one, who, self.at))

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def follow_up(self, data: st.DataObject) -> None:
        one = self.some(data)
        who = self.tasks.task(one).staff_id or "A2"
        self.tried(lambda: self.tasks.follow_up(one, who, Following("call"), self.at))

    @rule(customer=CUSTOMERS, branch=st.sampled_from(["B1", "B2"]))
    def arrive(self, customer: int, branch: str) -> None:
        self.tasks.arrive(customer, branch, self.at)

    @rule(span=SPANS)
    def wait(self, span: timedelta) -> None:
        self.at += span
        self.tasks.escalate(self.at, batch=2)

    @rule(customer=CUSTOMERS)
    def opt_out(self, customer: int) -> None:
        self.tasks.cancel("L", self.at, customer_ids=[customer], reason="opted_out")

    @rule(who=PEOPLE, cover=st.one_of(st.just(""), PEOPLE))
    def go_away(self, who: str, cover: str) -> None:
        today = CALENDAR.local_day(self.at, CALENDAR.zone)
        self.tried(lambda: self.tasks.absent(Absence(who, today, today + timedelta(days=2), cover)))

    @rule(gone=PEOPLE)
    def leave(self, gone: str) -> None:
        today = CALENDAR.local_day(self.at, CALENDAR.zone)
        self.tasks.staff([row for row in STAFF if row.staff_id != gone], today, self.at)

    @invariant()
    def tasks_move_only_as_the_states_say(self) -> None:
        with self.store.database.reading() as connection:
            ids = list(connection.scalars(select(TASK.c.task_id)))
        for task_id in ids:
            task, events = self.tasks.task(task_id), self.tasks.history(task_id)
            assert [one.number for one in events] == list(range(1, task.changes + 1))
            self.check_way(self.seen.get(task_id), task, events)
            self.check_shape(task, events)
            self.seen[task_id] = task

    def check_way(self, before: Task | None, task: Task, events: list[Event]) -> None:
        if before is None:
            possible = {Standing.QUEUED, Standing.ASSIGNED, Standing.OFFERED}
        else:
            possible = {before.standing}
            assert before.standing not in ENDED or replace(task, changes=before.changes) == before
        for event in events[before.changes if before is not None else 1 :]:
            possible = {after for one in possible for after in MOVES[event.action].get(one, ())}
        assert task.standing in possible

    def check_shape(self, task: Task, events: list[Event]) -> None:
        offered = task.standing is Standing.OFFERED
        assert offered == (task.answer_by is not None) == (task.sender_role != "")
        assert (task.standing is Standing.DONE) == any(one.action is Action.LOGGED for one in events)
        if task.standing is Standing.ACCEPTED:
            assert task.staff_id
        heard = sum(one.detail.get("result") in CONTACTS for one in events)
        assert self.confirmed[task.task_id] == (heard if task.kind != "paper" else 0)
        lost = task.standing in (Standing.CANCELLED, Standing.EXPIRED) or task.result in ("wrong_number", "no_answer")
        if task.touch_id:
            assert self.released[task.touch_id] == (task.standing in ENDED and lost)

    @invariant()
    def weeks_and_hands_are_not_overfilled(self) -> None:
        for person, load in self.tasks.people(self.at):
            assert person.contacts_max is None or load.contacts <= person.contacts_max
            assert person.in_hand_max is None or load.in_hand <= person.in_hand_max

    @invariant()
    def what_was_said_was_heard_once(self) -> None:
        with self.store.database.reading() as connection:
            heard = Counter(connection.scalars(select(SIGNAL.c.name).where(SIGNAL.c.source == "task")))
            said = [row.detail.get("result") for row in connection.execute(select(TASK_EVENT))]
        results = {one.name: one for one in BENCH.results}
        assert heard == Counter(name for result in said if result for name in results[str(result)].signals)


def test_whatever_people_do_tasks_keep_their_rules(store: Store) -> None:
    machine = type("Machine", (Machine,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=4 if store.database.engine.dialect.name == "postgresql" else 10,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
