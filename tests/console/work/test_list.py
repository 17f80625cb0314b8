"""The list says whom to speak to now, and shows nobody more of a customer than they may see."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import event
from tests.api.banks import NOW
from tests.console.work.shift import Shift

from cultiva.execution.access.doors import Doors
from cultiva.execution.access.roles import Role
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.records import Logged
from cultiva.kit.masking import mask_name
from cultiva.loop.customers import unmasking_of


def listed(text: str) -> list[str]:
    return re.findall(r'data-task="([^"]+)"', text)


def test_promised_calls_that_are_due_come_first_then_what_is_late_then_by_worth(shift: Shift) -> None:
    small, large = shift.task(0, worth=5.0), shift.task(1, worth=500.0)
    late = shift.task(2, worth=1.0, at=NOW - timedelta(days=20))
    promised, later = shift.task(3, worth=2.0), shift.task(4, worth=900.0)
    for task, moment in ((promised, NOW - timedelta(minutes=5)), (later, NOW + timedelta(days=1))):
        shift.tasks.accept(task, shift.staff_id, NOW - timedelta(hours=2))
        call = Logged("call_back", call_at=moment)
        shift.tasks.log(task, shift.staff_id, call, NOW - timedelta(hours=1))
    text = shift.window().text("/work")
    assert listed(text) == [promised, late, large, small, later]
    assert text.index("Now") < text.index("Overdue") < text.index("To do") < text.index("Later")
    assert f'data-open="{promised}"' in text  # the first one is open beside the list


def test_a_list_is_eight_questions_however_long_it_is(shift: Shift) -> None:
    """Session, run, person, absences, list, task, customer, unmasking; the first look asks for names too."""
    window, store = shift.window(), shift.console.parts.store
    asked: list[str] = []
    event.listen(store.database.engine, "before_cursor_execute", lambda _c, _cursor, said, *_rest: asked.append(said))
    for place in range(4):
        shift.task(place)
        window.text("/work")
        asked.clear()
        text = window.text("/work")
        assert len(listed(text)) == place + 1
        questions = [one for one in asked if not one.startswith("BEGIN")]
        assert len(questions) <= 8, questions


def test_who_did_not_answer_today_is_for_another_day(shift: Shift) -> None:
    tried, other = shift.task(0, worth=500.0), shift.task(1, worth=5.0)
    shift.tasks.accept(tried, shift.staff_id, NOW)
    shift.tasks.log(tried, shift.staff_id, Logged("no_answer"), NOW)
    assert listed(shift.window().text("/work")) == [other, tried]


def test_what_was_agreed_for_another_day_is_not_the_next_thing_to_do(shift: Shift) -> None:
    first, second = shift.task(0, worth=50.0), shift.task(1, worth=5.0)
    shift.tasks.accept(first, shift.staff_id, NOW)
    shift.tasks.log(first, shift.staff_id, Logged("interested"), NOW)
    text = shift.window().text("/work")
    assert listed(text)[0] == second and len(listed(text)) == 2 and f'data-open="{second}"' in text


def test_names_are_masked_in_the_list_the_script_and_the_facts(shift: Shift) -> None:
    task = shift.task(0)
    name = shift.customers[0][1]
    for address in ("/work", f"/work/tasks/{task}", f"/work/tasks/{task}/moves", "/work/week"):
        text = shift.window().text(address)
        assert name not in text and mask_name(name) in text
    assert f"请问是{mask_name(name)}吗" in shift.window().text(f"/work/tasks/{task}")


def test_who_has_said_why_sees_the_name_on_the_tasks_own_page_alone(shift: Shift) -> None:
    task, (customer_id, name) = shift.task(0), shift.customers[0]
    window, parts = shift.window(), shift.console.parts
    user = next(one.user for one in Doors(parts.store.database).listed() if one.user.login == window.login)
    unmasking_of(parts).open(user.user_id, user.name, customer_id, "calls back about the open task", NOW)
    text = window.text(f"/work/tasks/{task}")
    assert f"请问是{name}吗" in text and f'<h2 tabindex="-1">{name}</h2>' in text
    assert text.count(name) == 2  # the list beside it stays masked


def test_a_task_of_ones_own_shows_its_customer_whoever_else_looks_after_them(shift: Shift) -> None:
    remote = next(one for one, _ in shift.tasks.people(NOW, role="remote"))
    task = shift.task(0, kind="remote_call", staff_id=None, role="remote")
    window = shift.window(staff_id=remote.staff_id)
    text = window.text(f"/work/tasks/{task}")
    assert "The newest run does not know this customer" not in text and "Stage" in text
    assert f'href="/customers/{shift.customers[0][0]}"' not in text  # beyond the task there is no sight
    assert window.get(f"/customers/{shift.customers[0][0]}").status_code == 404
    window.post(f"/work/tasks/{task}/result", {"result": "reached", "seen": 1})
    after = window.text(f"/work/tasks/{task}")  # what one has done is remembered, the customer is not shown any more
    assert "Facts are shown while the task is open" in after and "Stage" not in after
    assert shift.customers[0][1] not in after and f"请问是{mask_name(shift.customers[0][1])}吗" in after


def test_who_does_not_want_to_be_called_is_said_before_anybody_calls(shift: Shift) -> None:
    ids = [one for one, _ in shift.customers]
    known = Recipients(shift.console.parts.store.database).of(ids)
    open_ones = [one for one in known.values() if "phone" in one.channels and one.phone and not one.suppressed_by]
    place = ids.index(open_ones[0].customer_id)
    open_one, closed_one = (shift.task(place, kind="call", channel=channel) for channel in ("phone", "nowhere"))
    texts = [shift.window().text(f"/work/tasks/{one}") for one in (open_one, closed_one)]
    assert "has not consented to this channel" in texts[1]
    assert "Do not contact" not in texts[0]
    answer = shift.window().post(f"/work/tasks/{closed_one}/result", {"result": "reached", "seen": 1}, part=True)
    assert "the customer may not be contacted now" in answer.text and shift.changes(closed_one) == 1


def test_a_task_at_another_branch_is_as_if_there_were_none(shift: Shift) -> None:
    task = shift.task(0)
    other, _ = shift.elsewhere()
    window = shift.window(staff_id=other)
    assert window.get(f"/work/tasks/{task}").status_code == 404
    form = {"result": "reached", "seen": shift.changes(task)}
    assert window.post(f"/work/tasks/{task}/result", form).status_code == 404
    assert listed(window.text("/work")) == [] and shift.changes(task) == 1


def test_looking_changes_nothing(shift: Shift) -> None:
    task = shift.task(0)
    for address in ("", f"/tasks/{task}", f"/tasks/{task}/moves", "/week", "/results"):
        shift.window().text(f"/work{address}")
    assert [one.number for one in shift.tasks.history(task)] == [1]


def test_who_is_in_no_staff_table_is_told_so(shift: Shift) -> None:
    window = shift.window(Role.BRANCH_MANAGER, branches=frozenset({shift.branch_id}))
    assert "Your user has no list of tasks" in window.text("/work")
    assert "Your user has no list of tasks" in window.text("/work/week")
    assert shift.branch_id in window.text("/work/branch")


def test_the_list_speaks_chinese(shift: Shift) -> None:
    shift.task(0)
    window = shift.console.as_role(Role.ADVISER, language="zh", staff_id=shift.staff_id)
    text = window.text("/work")
    assert "今日清单" in text and "登记结果" in text and "Today" not in text
