"""What people do with a task is done once, says what comes next, and is refused in words."""

from __future__ import annotations

from datetime import timedelta

from tests.api.banks import NOW
from tests.console.work.shift import Shift

from cultiva.execution.tasks.states import Action, Standing


def test_a_result_is_one_click_and_leads_to_the_next_task(shift: Shift) -> None:
    first, second = shift.task(0, worth=50.0), shift.task(1, worth=5.0)
    form = {"result": "interested", "seen": 1, "remark": "wants a brochure"}
    answer = shift.window().post(f"/work/tasks/{first}/result", form, part=True)
    assert answer.status_code == 200 and answer.headers["hx-push-url"] == f"/work/tasks/{second}"
    assert "Written down." in answer.text and f'data-open="{second}"' in answer.text
    done = shift.tasks.task(first)
    assert (done.standing, done.result, done.staff_id) == (Standing.DONE, "interested", shift.staff_id)


def test_the_same_form_sent_twice_counts_once(shift: Shift) -> None:
    task = shift.task(0)
    form = {"result": "interested", "seen": 1}
    for _ in range(3):
        assert shift.window().post(f"/work/tasks/{task}/result", form).status_code == 303
    actions = [one.action for one in shift.tasks.history(task)]
    assert actions.count(Action.LOGGED) == 1 and actions.count(Action.FOLLOWED_UP) == 1
    assert len(shift.tasks.of_customer(shift.customers[0][0], live=True)) == 1  # one follow-up


def test_no_answer_twice_on_one_look_is_one_try_and_on_two_looks_two(shift: Shift) -> None:
    task = shift.task(0)
    for _ in range(2):
        shift.window().post(f"/work/tasks/{task}/result", {"result": "no_answer", "seen": 1})
    assert shift.tasks.task(task).attempts == 1
    shift.window().post(f"/work/tasks/{task}/result", {"result": "no_answer", "seen": shift.changes(task)})
    assert shift.tasks.task(task).attempts == 2


def test_a_call_back_is_promised_in_the_banks_time(shift: Shift) -> None:
    task = shift.task(0)
    form = {"result": "call_back", "seen": 1, "call_at": "2026-11-24T10:30"}
    shift.window().post(f"/work/tasks/{task}/result", form)
    promised = shift.tasks.task(task).promised
    assert promised is not None and promised.isoformat() == "2026-11-24T02:30:00+00:00"
    assert "10:30" in shift.window().text("/work/week")


def test_a_refusal_is_said_above_the_task_and_nothing_is_logged(shift: Shift) -> None:
    task = shift.task(0)
    form = {"result": "call_back", "seen": 1, "call_at": "2026-11-20T10:30"}
    answer = shift.window().post(f"/work/tasks/{task}/result", form, part=True)
    assert "the customer cannot be called in the past" in answer.text and f'data-open="{task}"' in answer.text
    assert shift.window().post(f"/work/tasks/{task}/result", form).status_code == 422
    assert shift.tasks.task(task).promised is None


def test_an_amount_is_money_and_belongs_to_the_result_that_has_one(shift: Shift) -> None:
    sold, other, bad = shift.task(0), shift.task(1), shift.task(2)
    window = shift.window()
    window.post(f"/work/tasks/{sold}/result", {"result": "converted", "seen": 1, "amount": "50,000.5"})
    window.post(f"/work/tasks/{other}/result", {"result": "reached", "seen": 1, "amount": "7"})
    amounts = [shift.tasks.history(one)[-1].detail.get("amount") for one in (sold, other)]
    assert amounts == [5_000_050, None] and shift.tasks.task(other).standing is Standing.DONE
    answer = window.post(f"/work/tasks/{bad}/result", {"result": "converted", "seen": 1, "amount": "much"}, part=True)
    assert "the amount cannot be read" in answer.text and shift.changes(bad) == 1


def test_a_follow_up_is_made_once_by_whoever_has_the_task(shift: Shift) -> None:
    task = shift.task(0)
    window, address = shift.window(), f"/work/tasks/{task}/follow-up"
    early = window.post(address, {"kind": "follow_up", "seen": 1, "days": 2}, part=True)
    assert "the task has not been accepted" in early.text
    window.post(f"/work/tasks/{task}/accept")
    form = {"kind": "follow_up", "seen": shift.changes(task), "days": 2, "reason": "brings the papers"}
    for _ in range(2):
        assert window.post(address, form).status_code == 303
    made = [one for one in shift.tasks.of_customer(shift.customers[0][0], live=True) if one.task_id != task]
    assert [one.reason for one in made] == ["brings the papers"]


def test_a_task_is_passed_on_or_handed_over_and_comes_back_declined(shift: Shift) -> None:
    task, over = shift.task(0), shift.task(1)
    window, colleague = shift.window(), shift.colleagues()[0]
    for _ in range(2):
        answer = window.post(f"/work/tasks/{task}/transfer", {"to": colleague, "seen": 1, "remark": "speaks Hakka"})
        assert answer.status_code == 303
    assert shift.tasks.task(task).staff_id == colleague and shift.changes(task) == 2
    window.post(f"/work/tasks/{over}/hand-over", {"role": "lobby", "seen": 1})
    assert shift.tasks.task(over).standing is Standing.OFFERED
    lobby = next(one for one, _ in shift.tasks.people(NOW, branch=shift.branch_id, role="lobby"))
    receiver = shift.window(staff_id=lobby.staff_id)
    assert "It was handed over to you" in receiver.text(f"/work/tasks/{over}")
    receiver.post(f"/work/tasks/{over}/decline", {"seen": shift.changes(over)})
    back = shift.tasks.task(over)
    assert (back.standing, back.staff_id) == (Standing.ASSIGNED, shift.staff_id)


def test_who_was_quicker_has_it(shift: Shift) -> None:
    task = shift.task(0, staff_id="", kind="call")
    colleague = shift.colleagues()[0]
    shift.tasks.transfer(task, shift.staff_id, colleague, NOW)
    shift.tasks.accept(task, colleague, NOW + timedelta(minutes=1))
    answer = shift.window().post(f"/work/tasks/{task}/result", {"result": "reached", "seen": 1}, part=True)
    assert "somebody else has the task" in answer.text and shift.tasks.task(task).staff_id == colleague
