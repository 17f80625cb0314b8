"""Which tasks are shown: those of customers in sight, and those lying with people or branches in sight."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from tests.execution.tasks.bench import BENCH, CALENDAR, DAY, MONDAY, STAFF, draft, later

from cultiva.contracts.sight import EVERYBODY, NOBODY, Sight
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.records import Absence, Logged
from cultiva.execution.tasks.service import Tasks
from cultiva.kit.errors import CultivaError
from cultiva.store import Store

OF_A1, OF_B2 = 1, 2
"""A customer of A1 at B1; a customer of A3 at B2."""
REMOTE, QUEUED = 3, 4
"""A customer of A3 at B2 on the remote bank's queue; a customer of B1 in the queue of B1, nobody's adviser."""


def sight(*, branches: str = "", advisers: str = "") -> Sight:
    return Sight(branches=frozenset(branches.split()), advisers=frozenset(advisers.split()))


class Town:
    """The queue, and the same queue as others see it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.all = self.seen_by(EVERYBODY)
        self.all.staff(STAFF, DAY, MONDAY)
        homes = {OF_A1: ("B1", "A1"), OF_B2: ("B2", "A3"), REMOTE: ("B2", "A3"), QUEUED: ("B1", None)}
        Recipients(store.database).put(
            [Recipient(who, "UTC", "en", branch_id=home, adviser_id=whose) for who, (home, whose) in homes.items()]
        )
        drafts = [
            draft(OF_A1),
            draft(OF_B2, branch_id="B2", adviser_id="A3"),
            draft(REMOTE, kind="remote_call", branch_id="B2", adviser_id="A3"),
            draft(QUEUED, adviser_id=""),
        ]
        self.ids = dict(zip((OF_A1, OF_B2, REMOTE, QUEUED), self.all.create(drafts, MONDAY), strict=True))

    def seen_by(self, who: Sight) -> Tasks:
        return Tasks(self.store.database, BENCH, CALENDAR, sight=who, clock=lambda: MONDAY)

    def shown(self, who: Sight) -> set[int]:
        """Customers whose task is shown, asked in every way."""
        tasks = self.seen_by(who)
        one_by_one = {customer for customer, task_id in self.ids.items() if _is_there(tasks, task_id)}
        assert one_by_one == {customer for customer in self.ids if tasks.of_customer(customer)}
        assert one_by_one == {customer for customer, task_id in self.ids.items() if tasks.history(task_id)}
        with tasks.looking() as looking:
            assert one_by_one == {customer for customer, task_id in self.ids.items() if _opens(looking, task_id)}
        return one_by_one


def _is_there(tasks: Tasks, task_id: str) -> bool:
    try:
        return tasks.task(task_id).task_id == task_id
    except CultivaError as error:
        assert error.code == "task.unknown_task"
        return False


def _opens(tasks: Tasks, task_id: str) -> bool:
    try:
        return tasks.opened(task_id).task == tasks.task(task_id)
    except CultivaError as error:
        assert error.code == "task.unknown_task"
        return False


@pytest.fixture
def town(store: Store) -> Town:
    return Town(store)


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        (EVERYBODY, {OF_A1, OF_B2, REMOTE, QUEUED}),
        (NOBODY, set()),
        (sight(branches="B1"), {OF_A1, QUEUED}),
        (sight(branches="B2"), {OF_B2, REMOTE}),
        (sight(branches="B1 B2"), {OF_A1, OF_B2, REMOTE, QUEUED}),
        (sight(branches="B7"), set()),
        (sight(advisers="A1"), {OF_A1, QUEUED}),
        (sight(advisers="A3"), {OF_B2, REMOTE}),
        (sight(advisers="R1"), {REMOTE}),
        (sight(advisers="L1"), set()),
        (sight(advisers="nobody"), set()),
        (sight(branches="B2", advisers="A1"), {OF_A1, OF_B2, REMOTE, QUEUED}),
    ],
)
def test_a_task_is_seen_by_who_sees_the_customer_or_does_the_work(town: Town, who: Sight, shown: set[int]) -> None:
    assert town.shown(who) == shown


def test_lists_hold_what_is_in_sight(town: Town) -> None:
    branch = town.seen_by(sight(branches="B1"))
    assert {one.task.customer_id for one in branch.queue("adviser", MONDAY)} == {QUEUED}
    assert branch.queue("remote", MONDAY) == []
    assert [one.task.customer_id for one in branch.ranked("A3", MONDAY)] == []
    assert {one.task.customer_id for one in branch.ranked("A1", MONDAY)} == {OF_A1, QUEUED}
    mine = town.seen_by(sight(advisers="R1"))
    assert [one.task.customer_id for one in mine.ranked("R1", MONDAY)] == [REMOTE]


def test_work_of_a_colleague_who_is_away_is_seen_by_who_stands_in(town: Town) -> None:
    cover = sight(advisers="A2")
    assert town.shown(cover) == {QUEUED}
    town.all.absent(Absence("A1", DAY, date(2026, 11, 24), "A2"))
    assert town.shown(cover) == {OF_A1, QUEUED}
    assert town.all.back("A1", DAY)
    assert town.shown(cover) == {QUEUED}


def test_nothing_can_be_done_to_a_task_out_of_sight_and_nothing_is_said_of_it(town: Town) -> None:
    tasks, task_id = town.seen_by(sight(branches="B1")), town.ids[OF_B2]
    before = town.all.task(task_id)
    acts: tuple[Callable[[str], object], ...] = (
        lambda name: tasks.accept(name, "A3", MONDAY),
        lambda name: tasks.log(name, "A3", Logged("reached"), MONDAY),
        lambda name: tasks.call_back(name, "A3", later(hours=1), MONDAY),
        lambda name: tasks.transfer(name, "A3", "", MONDAY),
        lambda name: tasks.decline(name, "A3", MONDAY),
    )
    for act in acts:
        told = []
        for name in (task_id, "f00dfeedf00dfeed"):
            with pytest.raises(CultivaError) as caught:
                act(name)
            told.append((caught.value.code, str(caught.value).replace(name, "#")))
        assert told[0] == told[1]
        assert told[0][0] == "task.unknown_task"
    assert town.all.task(task_id) == before


def test_only_people_in_sight_are_sent_away(town: Town) -> None:
    """Whoever covers somebody sees the work: so absences of people elsewhere would open what is out of sight."""
    adviser = town.seen_by(sight(advisers="A1"))
    with pytest.raises(CultivaError) as caught:
        adviser.absent(Absence("A3", DAY, DAY, "A1"))
    assert caught.value.code == "task.unknown_person"
    assert town.all.absences() == []
    town.all.absent(Absence("A3", DAY, DAY, "A1"))
    assert adviser.back("A3", DAY) is False
    assert len(town.all.absences()) == 1
    adviser.absent(Absence("A1", DAY, DAY, ""))
    assert adviser.back("A1", DAY) is True


def test_whoever_is_worked_for_is_looked_up_again_every_night(town: Town) -> None:
    """Else a customer who has changed advisers would be seen by the former one through the task."""
    recipients = Recipients(town.store.database)
    assert recipients.in_flight() == [OF_A1, OF_B2, REMOTE, QUEUED]
    town.all.cancel("L", MONDAY, customer_ids=[OF_B2, QUEUED])
    assert recipients.in_flight() == [OF_A1, REMOTE]
    recipients.put([Recipient(OF_A1, "UTC", "en", branch_id="B1", adviser_id="A2")])
    assert _is_there(town.seen_by(sight(advisers="A2")), town.ids[OF_A1])


def test_a_customer_of_whom_nothing_is_known_is_seen_with_the_bank_s_sight_alone(town: Town) -> None:
    (task_id,) = town.all.create([draft(99, branch_id="B9", adviser_id="", kind="visit")], MONDAY)
    assert not _is_there(town.seen_by(sight(branches="B1", advisers="A1")), task_id)
    assert _is_there(town.all, task_id)
    assert _is_there(town.seen_by(sight(branches="B9")), task_id)  # it lies at that branch
