from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.execution.tasks.bench import MONDAY, draft, later
from tests.execution.tasks.conftest import signals
from tests.execution.tasks.racing import PROCESSES, accept_all, log_again, watch

from cultiva.execution.tasks.service import Tasks
from cultiva.store import Store


def _race(target: Callable[..., None], *arguments: tuple[object, ...]) -> list[int]:
    """Runs a process per tuple of arguments, all at once; gives what each left."""
    together = PROCESSES.Barrier(len(arguments))
    racers = [PROCESSES.Process(target=target, args=(*one[:2], together, *one[2:])) for one in arguments]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    return [-1 if racer.exitcode is None else racer.exitcode for racer in racers]


def test_of_advisers_who_race_for_tasks_exactly_one_gets_each(
    tasks: Tasks, store: Store, store_url: str, tmp_path: Path
) -> None:
    ids = tasks.create(
        [draft(number, kind="remote_call", role="adviser", adviser_id="") for number in range(30)], MONDAY
    )
    got = _race(accept_all, *((store_url, tmp_path, staff_id, ids) for staff_id in ("A2", "A2", "A1", "A1")))
    assert (got[0], got[2]) == (got[1], got[3])  # two processes of one person share what that person got
    assert got[0] + got[2] == 30 and got[2] <= 3
    holders = [tasks.task(one).staff_id for one in ids]
    assert (holders.count("A2"), holders.count("A1")) == (got[0], got[2])
    assert all([event.action.value for event in tasks.history(one)] == ["created", "accepted"] for one in ids)


def test_two_processes_that_accept_for_one_person_do_not_overfill_the_week(
    tasks: Tasks, store: Store, store_url: str, tmp_path: Path
) -> None:
    ids = tasks.create([draft(number) for number in range(12)], MONDAY)
    halves = (ids[::2], ids[1::2])
    got = _race(accept_all, *((store_url, tmp_path, "A1", half) for half in halves))
    assert sum(got) == 3


def test_a_click_that_arrives_many_times_counts_once(
    tasks: Tasks, store: Store, store_url: str, tmp_path: Path
) -> None:
    (one,) = tasks.create([draft(adviser_id="A2")], MONDAY)
    assert _race(log_again, *((store_url, tmp_path, one) for _ in range(4))) == [0, 0, 0, 0]
    assert signals(store) == [(17, "interested"), (17, "reached")]
    assert [event.action.value for event in tasks.history(one)] == ["created", "accepted", "logged", "followed_up"]
    assert len(tasks.of_customer(17)) == 2  # and one follow-up


def test_those_who_watch_the_clock_together_escalate_each_task_once(
    tasks: Tasks, store: Store, store_url: str, tmp_path: Path
) -> None:
    ids = tasks.create([draft(number) for number in range(60)], MONDAY)
    done = _race(watch, *((store_url, tmp_path) for _ in range(3)))
    assert sum(done) + tasks.escalate(later(days=2)).escalated == 60
    assert all([event.action.value for event in tasks.history(one)] == ["created", "escalated"] for one in ids)
