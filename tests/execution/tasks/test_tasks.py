from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, update
from tests.execution.tasks.bench import BENCH, CALENDAR, DAY, MONDAY, STAFF, draft, later
from tests.execution.tasks.conftest import Budget, signals

from cultiva.execution.tables import TASK, TASK_EVENT
from cultiva.execution.tasks.moving import Following, Receiver
from cultiva.execution.tasks.records import Absence, Escalations, Logged, StaffRow
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.tasks.states import Action, Stage, Standing
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store


def actions(tasks: Tasks, task_id: str) -> list[str]:
    return [one.action.value for one in tasks.history(task_id)]


def refused(code: str, kind: ErrorKind) -> pytest.RaisesExc[CultivaError]:
    return pytest.RaisesExc(CultivaError, check=lambda error: error.code == code and error.kind is kind)


def test_a_draft_becomes_a_task_once_on_the_advisers_list_with_deadline_and_best_time(tasks: Tasks) -> None:
    (one,) = tasks.create([draft(reason="活钱 5 万", script="您好")], MONDAY)
    assert tasks.create([draft(reason="changed")], later(hours=1)) == [one]
    task = tasks.task(one)
    assert (task.standing, task.staff_id, task.reason, task.script) == (Standing.ASSIGNED, "A1", "活钱 5 万", "您好")
    assert task.due == datetime(2026, 11, 26, 10, 0, tzinfo=UTC)  # Thursday, 18:00
    assert (task.best_from, task.best_to) == (MONDAY, later(hours=7))
    assert actions(tasks, one) == ["created"]


def test_a_task_of_an_adviser_who_is_not_there_lies_in_the_queue(tasks: Tasks) -> None:
    (one,) = tasks.create([draft(adviser_id="gone")], MONDAY)
    assert tasks.task(one).standing is Standing.QUEUED
    assert [found.task.task_id for found in tasks.ranked("A2", MONDAY)] == [one]


def test_a_kind_that_the_workbench_lacks_is_refused_by_name(tasks: Tasks) -> None:
    with refused("task.unknown_kind_of_task", ErrorKind.NOT_FOUND) as caught:
        tasks.create([draft(kind="cal")], MONDAY)
    assert "'call'" in caught.value.hint


def test_a_list_is_ranked_by_worth_with_promises_that_are_due_first_and_later_ones_last(tasks: Tasks) -> None:
    ids = tasks.create([draft(number, worth=float(number)) for number in (1, 2, 3, 4)], MONDAY)
    for task_id, hours in ((ids[0], 1), (ids[3], 30)):
        tasks.accept(task_id, "A1", MONDAY)
        tasks.call_back(task_id, "A1", later(hours=hours), MONDAY)
    now = tasks.ranked("A1", later(hours=2))
    assert [one.task.customer_id for one in now] == [1, 3, 2, 4]
    assert [one.promised_now for one in now] == [True, False, False, False]
    assert [one.place for one in now] == [1, 2, 3, 4]
    assert [one.fits_week for one in now] == [True, True, False, True]  # 2 in hand of 3 a week


def test_queues_are_of_a_branch_but_that_of_the_remote_bank_is_one(tasks: Tasks) -> None:
    drafts = [draft(1, adviser_id=""), draft(2, adviser_id="", branch_id="B2"), draft(3, kind="remote_call")]
    tasks.create(drafts, MONDAY)

    def seen(staff_id: str) -> set[int]:
        return {one.task.customer_id for one in tasks.ranked(staff_id, MONDAY)}

    assert (seen("A2"), seen("A3"), seen("R1"), seen("M1")) == ({1}, {2}, {3}, set())
    assert {one.task.customer_id for one in tasks.queue("adviser", MONDAY)} == {1, 2}
    assert {one.task.customer_id for one in tasks.queue("adviser", MONDAY, branch="B2")} == {2}
    assert {one.task.customer_id for one in tasks.queue("remote", MONDAY, branch="B2")} == {3}


def test_only_one_gets_a_task_and_asking_again_changes_nothing(tasks: Tasks) -> None:
    (one,) = tasks.create([draft(adviser_id="")], MONDAY)
    assert tasks.accept(one, "A1", MONDAY).staff_id == "A1"
    with refused("task.taken", ErrorKind.CONFLICT):
        tasks.accept(one, "A2", MONDAY)
    assert tasks.accept(one, "A1", later(hours=1)).changes == 2
    assert actions(tasks, one) == ["created", "accepted"]


@pytest.mark.parametrize("staff_id", ["A2", "A3", "W1"])
def test_nobody_takes_what_is_on_anothers_list_or_anothers_work(tasks: Tasks, staff_id: str) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    with refused("task.not_yours", ErrorKind.FORBIDDEN):
        tasks.accept(one, staff_id, MONDAY)


def test_a_week_has_room_for_so_many_contacts_and_the_next_week_again(tasks: Tasks) -> None:
    ids = tasks.create([draft(number) for number in range(5)], MONDAY)
    for task_id in ids[:3]:
        tasks.accept(task_id, "A1", MONDAY)
        tasks.log(task_id, "A1", Logged("refused"), MONDAY)
    with refused("task.week_full", ErrorKind.CONFLICT):
        tasks.accept(ids[3], "A1", later(days=6))
    (paper,) = tasks.create([draft(9, kind="paper")], MONDAY)
    assert tasks.accept(paper, "A1", MONDAY).standing is Standing.ACCEPTED  # no contact
    assert tasks.accept(ids[3], "A1", later(days=7)).standing is Standing.ACCEPTED


def test_hands_hold_so_many_tasks_at_once(tasks: Tasks) -> None:
    ids = tasks.create([draft(number, kind="remote_call") for number in range(3)], MONDAY)
    for task_id in ids[:2]:
        tasks.accept(task_id, "R1", MONDAY)
    with refused("task.hands_full", ErrorKind.CONFLICT):
        tasks.accept(ids[2], "R1", MONDAY)
    tasks.log(ids[0], "R1", Logged("refused"), MONDAY)
    tasks.accept(ids[2], "R1", MONDAY)


def test_a_customer_who_withdrew_consent_is_not_called(tasks: Tasks, budget: Budget) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    budget.closed.add(17)
    with refused("task.forbidden", ErrorKind.FORBIDDEN):
        tasks.accept(one, "A1", MONDAY)


def test_a_result_is_heard_once_and_a_contact_confirms_the_touch(tasks: Tasks, budget: Budget, store: Store) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    tasks.accept(one, "A1", MONDAY)
    for _ in range(2):
        done = tasks.log(one, "A1", Logged("converted", amount=500_00, key="k1"), later(minutes=5))
    assert (done.standing, done.result) == (Standing.DONE, "converted")
    assert signals(store) == [(17, "converted"), (17, "reached")]
    assert (budget.confirmed, budget.released) == (["t17"], [])
    assert actions(tasks, one) == ["created", "accepted", "logged"]


def test_a_result_needs_the_task_accepted_and_its_own_particulars(tasks: Tasks) -> None:
    (one, other) = tasks.create([draft(), draft(3, kind="remote_call")], MONDAY)
    with refused("task.not_accepted", ErrorKind.CONFLICT):
        tasks.log(one, "A1", Logged("reached"), MONDAY)
    tasks.accept(one, "A1", MONDAY)
    for wrong in (
        Logged("call_back"),
        Logged("reached", call_at=later(hours=1)),
        Logged("call_back", call_at=later(hours=-1)),
        Logged("reached", amount=5),
        Logged("converted", amount=-5),
    ):
        with pytest.raises(CultivaError):
            tasks.log(one, "A1", wrong, MONDAY)
    tasks.accept(other, "R1", MONDAY)
    with refused("task.unknown_result", ErrorKind.NOT_FOUND):
        tasks.log(other, "R1", Logged("converted"), MONDAY)
    with refused("task.taken", ErrorKind.CONFLICT):
        tasks.log(one, "A2", Logged("reached"), MONDAY)
    assert actions(tasks, one) == ["created", "accepted"]


def test_a_report_takes_the_task_up_and_writes_its_result_in_one_go(tasks: Tasks, budget: Budget, store: Store) -> None:
    one, other = tasks.create([draft(), draft(18)], MONDAY)
    tasks.accept(other, "A1", MONDAY)
    for task_id in (one, one, other):
        tasks.report(task_id, "A1", Logged("reached", key=f"k{task_id}"), later(minutes=5))
    for task_id in (one, other):
        assert actions(tasks, task_id) == ["created", "accepted", "logged"]
    assert (budget.confirmed, signals(store)) == (["t17", "t18"], [(17, "reached"), (18, "reached")])


def test_a_report_that_arrives_again_does_not_take_the_task_up_again(tasks: Tasks) -> None:
    """A try in vain leaves the task with whoever it is; passed on meanwhile, it stays with the other one."""
    (one,) = tasks.create([draft()], MONDAY)
    tasks.report(one, "A1", Logged("no_answer", key="1"), MONDAY)
    tasks.transfer(one, "A1", "A2", MONDAY)
    before = tasks.task(one)
    tasks.report(one, "A1", Logged("no_answer", key="1"), MONDAY)
    assert tasks.task(one) == before
    with refused("task.not_yours", ErrorKind.FORBIDDEN):
        tasks.report(one, "A1", Logged("no_answer", key="2"), MONDAY)


def test_a_report_that_is_refused_leaves_the_task_as_it_was(tasks: Tasks, budget: Budget) -> None:
    ids = tasks.create([draft(number) for number in range(20, 25)], MONDAY)
    with pytest.raises(CultivaError):
        tasks.report(ids[0], "A1", Logged("call_back"), MONDAY)  # without a moment
    budget.closed.add(21)
    with refused("task.forbidden", ErrorKind.FORBIDDEN):
        tasks.report(ids[1], "A1", Logged("reached"), MONDAY)
    with refused("task.not_yours", ErrorKind.FORBIDDEN):
        tasks.report(ids[2], "A3", Logged("reached"), MONDAY)
    for task_id in (ids[0], ids[2], ids[3]):
        tasks.report(task_id, "A1", Logged("reached"), MONDAY)
    with refused("task.week_full", ErrorKind.CONFLICT):
        tasks.report(ids[4], "A1", Logged("reached"), MONDAY)
    for task_id in (ids[1], ids[4]):
        assert actions(tasks, task_id) == ["created"]
    assert budget.confirmed == ["t20", "t22", "t23"]


def test_without_an_answer_it_is_tried_again_and_then_given_up(tasks: Tasks, budget: Budget, store: Store) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    tasks.accept(one, "A1", MONDAY)
    first = tasks.log(one, "A1", Logged("no_answer", key="1"), MONDAY)
    assert (first.standing, first.attempts) == (Standing.ACCEPTED, 1)
    assert first.best_from == later(days=1)
    assert tasks.log(one, "A1", Logged("no_answer", key="1"), MONDAY) == first  # the same click twice
    last = tasks.log(one, "A1", Logged("no_answer", key="2"), later(days=1))
    assert last.standing is Standing.DONE
    assert (budget.confirmed, budget.released, signals(store)) == ([], ["t17"], [])


def test_interest_makes_a_follow_up_on_the_same_list(tasks: Tasks, store: Store) -> None:
    (one,) = tasks.create([draft(reason="why", script="what")], MONDAY)
    tasks.accept(one, "A1", MONDAY)
    tasks.log(one, "A1", Logged("interested"), MONDAY)
    (follow,) = tasks.of_customer(17, live=True)
    assert (follow.kind, follow.parent_id, follow.staff_id, follow.touch_id) == ("paper", one, "A1", "")
    assert (follow.reason, follow.due) == ("why", datetime(2026, 11, 25, 10, 0, tzinfo=UTC))
    assert actions(tasks, one)[-2:] == ["logged", "followed_up"]
    more = tasks.follow_up(one, "A1", Following("call", reason="asked for it"), later(hours=1))
    assert more.task_id not in (one, follow.task_id) and more.reason == "asked for it"
    assert signals(store) == [(17, "interested"), (17, "reached")]


def test_a_promise_moves_the_deadline_to_the_promised_hour(tasks: Tasks, budget: Budget) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    tasks.accept(one, "A1", MONDAY)
    kept = tasks.call_back(one, "A1", later(days=5, hours=3), MONDAY, remark="after work")
    assert (kept.standing, kept.promised, kept.due) == (
        Standing.ACCEPTED,
        later(days=5, hours=3),
        later(days=5, hours=4),
    )
    assert budget.confirmed == ["t17"]
    assert tasks.history(one)[-1].detail["remark"] == "after work"


def test_a_task_goes_to_a_colleague_or_back_to_the_queue(tasks: Tasks) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    with refused("task.not_yours", ErrorKind.FORBIDDEN):
        tasks.transfer(one, "A2", "A2", MONDAY)
    with refused("task.wrong_role", ErrorKind.FORBIDDEN):
        tasks.transfer(one, "A1", "W1", MONDAY)
    assert tasks.transfer(one, "A1", "A2", MONDAY).standing is Standing.ASSIGNED
    tasks.accept(one, "A2", MONDAY)
    moved = tasks.transfer(one, "M1", "", MONDAY, remark="ill")  # the manager may take it out of somebody's hands
    assert (moved.standing, moved.role, moved.branch_id) == (Standing.QUEUED, "adviser", "B1")
    assert actions(tasks, one) == ["created", "transferred", "accepted", "transferred"]


def test_a_hand_over_that_nobody_accepts_goes_to_the_manager_and_back_to_the_sender(tasks: Tasks) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    tasks.accept(one, "A1", MONDAY)
    offered = tasks.hand_over(one, "A1", Receiver("wealth", "W1"), MONDAY, remark="has grown")
    assert (offered.standing, offered.role, offered.staff_id) == (Standing.OFFERED, "wealth", "W1")
    assert offered.answer_by == datetime(2026, 11, 25, 10, 0, tzinfo=UTC)  # Wednesday, 18:00
    assert [found.lies for found in tasks.ranked("W1", MONDAY)] == ["offered"]
    assert tasks.escalate(offered.answer_by - timedelta(seconds=1)).passed_on == 0
    assert tasks.escalate(offered.answer_by).passed_on == 1
    at_manager = tasks.task(one)
    assert (at_manager.role, at_manager.offer_stage) == ("manager", Stage.MANAGER)
    with refused("task.not_yours", ErrorKind.FORBIDDEN):
        tasks.accept(one, "W1", offered.answer_by)
    assert at_manager.answer_by is not None
    assert tasks.escalate(at_manager.answer_by).sent_back == 1
    back = tasks.task(one)
    assert (back.standing, back.staff_id, back.role, back.answer_by) == (Standing.ASSIGNED, "A1", "adviser", None)
    assert back.due >= datetime(2026, 12, 1, 10, 0, tzinfo=UTC)  # its time begins anew
    assert tasks.escalate(at_manager.answer_by).escalated == 0
    assert actions(tasks, one)[2:] == ["handed_over", "passed_on", "sent_back"]


def test_a_hand_over_is_accepted_declined_or_given_to_somebody_by_the_manager(tasks: Tasks) -> None:
    ids = tasks.create([draft(number) for number in (1, 2, 3)], MONDAY)
    for task_id in ids:
        tasks.hand_over(task_id, "A1", Receiver("wealth"), MONDAY)
    taken = tasks.accept(ids[0], "W1", later(hours=1))
    assert (taken.standing, taken.role, taken.sender_id) == (Standing.ACCEPTED, "wealth", "")
    declined = tasks.decline(ids[1], "W1", later(hours=1), remark="not yet")
    assert (declined.standing, declined.staff_id, declined.role) == (Standing.ASSIGNED, "A1", "adviser")
    tasks.escalate(later(days=3))
    given = tasks.transfer(ids[2], "M1", "W1", later(days=3))
    assert (given.standing, given.role, given.staff_id) == (Standing.ASSIGNED, "wealth", "W1")
    with refused("task.not_now", ErrorKind.CONFLICT):
        tasks.decline(ids[2], "W1", later(days=3))


def test_a_play_hands_a_customer_over_in_the_name_of_the_adviser(tasks: Tasks) -> None:
    (one,) = tasks.create([draft(kind="upgrade", hands_over=True)], MONDAY)
    task = tasks.task(one)
    assert (task.standing, task.role, task.sender_id) == (Standing.OFFERED, "wealth", "A1")
    assert tasks.escalate(later(days=30)).passed_on == 1
    assert tasks.escalate(later(days=60)).sent_back == 1
    assert tasks.task(one).staff_id == "A1"


def test_a_hand_over_that_a_play_has_queued_gets_its_deadline_from_the_clock(tasks: Tasks, store: Store) -> None:
    (one,) = tasks.create([draft(kind="upgrade", adviser_id="")], MONDAY)
    sender = {"sender_id": "A1", "sender_branch": "B1", "changes": 0}  # as plays write it
    with store.database.writing() as connection:
        connection.execute(update(TASK).where(TASK.c.task_id == one).values(**sender))
        connection.execute(delete(TASK_EVENT))
    assert tasks.escalate(later(hours=1)) == Escalations()
    offered = tasks.task(one)
    assert (offered.standing, offered.sender_id, offered.sender_role) == (Standing.OFFERED, "A1", "adviser")
    assert offered.answer_by == datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
    assert tasks.escalate(later(days=3)).passed_on == 1
    assert tasks.escalate(later(days=6)).sent_back == 1
    assert (tasks.task(one).staff_id, tasks.task(one).role) == ("A1", "adviser")
    assert tasks.escalate(later(days=6)) == Escalations()


def test_a_hand_over_needs_a_receiver_of_that_role_and_a_deadline_ahead(tasks: Tasks) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    with refused("task.wrong_role", ErrorKind.FORBIDDEN):
        tasks.hand_over(one, "A1", Receiver("wealth", "A2"), MONDAY)
    with refused("task.unknown_role", ErrorKind.NOT_FOUND):
        tasks.hand_over(one, "A1", Receiver("weath"), MONDAY)
    with refused("task.past", ErrorKind.INVALID):
        tasks.hand_over(one, "A1", Receiver("wealth", answer_by=MONDAY), MONDAY)
    assert actions(tasks, one) == ["created"]


def test_what_is_left_lying_goes_to_the_queue_then_to_the_manager_then_expires(tasks: Tasks, budget: Budget) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    assert tasks.escalate(later(days=2) - timedelta(seconds=1)).escalated == 0
    assert tasks.escalate(later(days=2)).escalated == 1
    assert (tasks.task(one).standing, tasks.task(one).escalated) == (Standing.QUEUED, 1)
    assert tasks.escalate(later(days=2)).escalated == 0  # once
    late = tasks.task(one).due + timedelta(days=1)  # Friday, 18:00
    assert tasks.escalate(late).escalated == 1
    assert tasks.task(one).role == "manager"
    assert tasks.escalate(later(days=16)).expired == 0  # ten business days after it was due: a Thursday
    assert tasks.escalate(later(days=18)).expired == 1
    assert tasks.task(one).standing is Standing.EXPIRED
    assert budget.released == ["t17"]
    assert actions(tasks, one) == ["created", "escalated", "escalated", "expired"]


def test_an_accepted_task_skips_the_step_of_those_that_nobody_accepted(tasks: Tasks) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    tasks.accept(one, "A1", MONDAY)
    assert tasks.escalate(later(days=3)).escalated == 0
    assert tasks.escalate(later(days=4, hours=9)).escalated == 1
    assert (tasks.task(one).role, tasks.task(one).escalated) == ("manager", 2)


def test_many_are_escalated_in_batches(tasks: Tasks) -> None:
    tasks.create([draft(number) for number in range(25)], MONDAY)
    assert tasks.escalate(later(days=2), batch=10).escalated == 25


def test_who_is_away_is_covered_and_the_cover_may_take_over_what_is_in_hand(tasks: Tasks) -> None:
    ids = tasks.create([draft(number) for number in (1, 2)], MONDAY)
    tasks.accept(ids[0], "A1", MONDAY)
    tasks.absent(Absence("A1", DAY + timedelta(days=1), DAY + timedelta(days=2), "A2"))
    assert tasks.ranked("A2", MONDAY) == []
    tomorrow = later(days=1)
    assert {(one.task.customer_id, one.lies) for one in tasks.ranked("A2", tomorrow)} == {(1, "cover"), (2, "cover")}
    taken = tasks.accept(ids[0], "A2", tomorrow)
    assert (taken.staff_id, actions(tasks, ids[0])[-1]) == ("A2", "taken_over")
    with refused("task.not_yours", ErrorKind.FORBIDDEN):
        tasks.accept(ids[1], "A2", later(days=3))  # A1 is back


def test_covers_are_followed_along_the_chain_and_without_one_it_is_the_queue(tasks: Tasks) -> None:
    tasks.create([draft()], MONDAY)
    tasks.absent(Absence("A1", DAY, DAY, "A3"))
    assert len(tasks.ranked("A3", MONDAY)) == 1  # of another branch, but named
    tasks.absent(Absence("A3", DAY, DAY))
    assert len(tasks.ranked("A3", MONDAY)) == 0
    assert len(tasks.ranked("A2", MONDAY)) == 1  # the queue of the task's branch
    assert len(tasks.queue("adviser", MONDAY, branch="B1")) == 1
    assert tasks.back("A3", DAY) and not tasks.back("A3", DAY)


@pytest.mark.parametrize(
    ("absence", "code"),
    [
        (Absence("A1", DAY, date(2026, 11, 20)), "task.bad_absence"),
        (Absence("A1", DAY, DAY, "A1"), "task.bad_absence"),
        (Absence("A1", DAY, DAY, "A9"), "task.unknown_person"),
        (Absence("A1", date(2026, 12, 2), date(2026, 12, 3)), "task.absence_overlaps"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(tasks: Tasks, absence: Absence, code: str) -> None:
    tasks.absent(Absence("A1", date(2026, 12, 1), date(2026, 12, 2)))
    with pytest.raises(CultivaError) as caught:
        tasks.absent(absence)
    assert caught.value.code == code
    assert len(tasks.absences()) == 1


def test_a_customer_who_comes_by_finds_the_tasks_at_the_counter_at_once(tasks: Tasks, store: Store) -> None:
    ids = tasks.create([draft(), draft(step="2"), draft(kind="remote_call"), draft(18)], MONDAY)
    tasks.accept(ids[1], "A1", MONDAY)
    found = tasks.arrive(17, "B2", MONDAY, by="L2")
    assert {one.task_id for one in found} == set(ids[:3])
    counter = tasks.ranked("L2", MONDAY)
    assert [(one.task.task_id, one.lies) for one in counter] == [(ids[0], "counter")]
    assert actions(tasks, ids[1])[-1] == "noted_arrival"  # A1 is at it
    assert actions(tasks, ids[2]) == ["created"]  # can only be done by telephone
    assert tasks.arrive(17, "B2", MONDAY + timedelta(seconds=10)) == tasks.of_customer(17, live=True)
    assert signals(store) == [(17, "arrived")]
    assert tasks.accept(ids[0], "L2", later(minutes=1)).role == "lobby"
    tasks.log(ids[0], "L2", Logged("converted", amount=1), later(minutes=9))
    assert (17, "converted") in signals(store)


def test_what_nobody_did_at_the_counter_goes_back_to_where_it_was(tasks: Tasks) -> None:
    (one,) = tasks.create([draft()], MONDAY)
    before = tasks.task(one)
    tasks.arrive(17, "B1", MONDAY)
    assert tasks.escalate(later(minutes=29)).sent_back == 0
    assert tasks.escalate(later(minutes=30)).sent_back == 1
    back = tasks.task(one)
    assert (back.staff_id, back.role, back.branch_id, back.due) == ("A1", "adviser", "B1", before.due)


def test_a_launch_takes_its_tasks_back_and_what_is_done_stays(tasks: Tasks, budget: Budget) -> None:
    ids = tasks.create([draft(1), draft(2), draft(3), draft(4, launch_id="other")], MONDAY)
    tasks.accept(ids[0], "A1", MONDAY)
    tasks.log(ids[0], "A1", Logged("refused"), MONDAY)
    assert tasks.cancel("L", MONDAY, customer_ids=[2], reason="opted_out") == 1
    assert tasks.history(ids[1])[-1].detail == {"reason": "opted_out"}
    assert tasks.cancel("L", MONDAY) == 1
    assert [tasks.task(one).standing.value for one in ids] == ["done", "cancelled", "cancelled", "assigned"]
    assert budget.released == ["t2", "t3"]
    with refused("task.ended", ErrorKind.CONFLICT):
        tasks.accept(ids[1], "A1", MONDAY)


def test_the_tasks_of_who_has_left_go_back_to_the_queue_and_an_old_table_changes_nothing(tasks: Tasks) -> None:
    ids = tasks.create([draft(1), draft(2)], MONDAY)
    tasks.accept(ids[0], "A1", MONDAY)
    tomorrow = DAY + timedelta(days=1)
    assert tasks.staff([], tomorrow, later(days=1)) == 0
    assert tasks.staff([row for row in STAFF if row.staff_id != "A1"], tomorrow, later(days=1)) == 2
    assert [tasks.task(one).standing for one in ids] == [Standing.QUEUED, Standing.QUEUED]
    assert tasks.staff(STAFF, DAY, later(days=1)) == 0
    with refused("task.unknown_person", ErrorKind.NOT_FOUND):
        tasks.ranked("A1", later(days=1))
    promoted = [StaffRow("A2", "B1", "branch_manager", 5)]
    tasks.staff(promoted, tomorrow + timedelta(days=1), later(days=2))
    assert [(person.staff_id, person.manages) for person, _ in tasks.people(later(days=2))] == [("A2", True)]


def test_a_kind_that_has_gone_from_the_workbench_can_still_be_finished(tasks: Tasks, store: Store) -> None:
    (one,) = tasks.create([draft(kind="paper")], MONDAY)
    kinds = tuple(kind for kind in BENCH.kinds if kind.name != "paper")
    newer = Tasks(store.database, BENCH.model_copy(update={"kinds": kinds}), CALENDAR)
    newer.escalate(later(days=100))
    newer.accept(one, "A1", MONDAY)
    assert newer.log(one, "A1", Logged("reached"), MONDAY).standing is Standing.DONE


def test_a_change_on_an_old_view_of_a_task_is_refused(tasks: Tasks, store: Store) -> None:
    from cultiva.execution.tasks import repository
    from cultiva.execution.tasks.changes import ended

    (one,) = tasks.create([draft()], MONDAY)
    seen = tasks.task(one)
    tasks.accept(one, "A1", MONDAY)
    stale = ended(replace(seen), Action.CANCELLED, by="M1", at=MONDAY, reason="")
    with refused("task.changed", ErrorKind.CONFLICT), store.database.writing() as connection:
        repository.save(connection, stale)
