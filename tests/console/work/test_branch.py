"""Who manages a branch sees its people's load, moves its tasks and says who is away; results are honest."""

from __future__ import annotations

from tests.api.banks import NOW
from tests.console.desks import Window
from tests.console.work.shift import Shift

from cultiva.execution.access.roles import Role
from cultiva.execution.tasks.records import Absence, Logged
from cultiva.loop.adviser_lift import lifts


def head(shift: Shift) -> Window:
    """The branch manager, who is in no staff table."""
    return shift.window(Role.BRANCH_MANAGER, branches=frozenset({shift.branch_id}))


def test_load_queues_and_lists_are_those_of_the_branch(shift: Shift) -> None:
    own, queued = shift.task(0), shift.task(1, staff_id="")
    shift.tasks.accept(own, shift.staff_id, NOW)
    text = head(shift).text("/work/branch", person=shift.staff_id)
    for staff_id in (shift.staff_id, *shift.colleagues()):
        assert f'<span class="quiet">{staff_id}</span>' in text
    assert shift.elsewhere()[0] not in text
    assert f"/work/branch/tasks/{own}/assign" in text and f"/work/branch/tasks/{queued}/assign" in text
    assert head(shift).get("/work/branch", branch=shift.elsewhere()[1]).status_code == 403


def test_a_task_is_given_to_somebody_of_the_branch_once(shift: Shift) -> None:
    task, colleague = shift.task(0), shift.colleagues()[0]
    form = {"to": colleague, "seen": 1, "here": shift.branch_id, "remark": "holiday"}
    for _ in range(2):
        answer = head(shift).post(f"/work/branch/tasks/{task}/assign", form)
        assert answer.headers["location"] == f"/work/branch?branch={shift.branch_id}"
    assert shift.tasks.task(task).staff_id == colleague and shift.changes(task) == 2
    last = shift.tasks.history(task)[-1]
    assert last.actor.startswith("user branch_manager") and last.detail["remark"] == "holiday"


def test_tasks_and_people_elsewhere_are_not_moved(shift: Shift) -> None:
    task = shift.task(0)
    other, there = shift.elsewhere()
    to_other = head(shift).post(f"/work/branch/tasks/{task}/assign", {"to": other, "seen": 1})
    stranger = shift.window(Role.BRANCH_MANAGER, branches=frozenset({there}))
    from_other = stranger.post(f"/work/branch/tasks/{task}/assign", {"to": other, "seen": 1})
    away = head(shift).post("/work/branch/absences", {"staff_id": other, "first": "2026-11-24", "last": "2026-11-24"})
    assert {to_other.status_code, from_other.status_code, away.status_code} == {404}
    assert shift.changes(task) == 1 and shift.tasks.absences() == []


def test_an_address_from_a_form_leads_nowhere_else(shift: Shift) -> None:
    form = {"to": "", "seen": 1, "here": "x&next=//evil.example/"}
    answer = head(shift).post(f"/work/branch/tasks/{shift.task(0)}/assign", form)
    assert answer.headers["location"] == "/work/branch?branch=xnextevil.example"


def test_somebody_is_away_and_the_cover_sees_the_work(shift: Shift) -> None:
    task, cover = shift.task(0), shift.colleagues()[0]
    form = {"staff_id": shift.staff_id, "first": "2026-11-23", "last": "2026-11-24", "cover": cover}
    assert head(shift).post("/work/branch/absences", form).status_code == 303
    assert "away until 2026-11-24" in head(shift).text("/work/branch")
    assert task in shift.window(staff_id=cover).text("/work")
    head(shift).post("/work/branch/absences/back", {"staff_id": shift.staff_id, "first": "2026-11-23"})
    assert shift.tasks.absences() == [] and task not in shift.window(staff_id=cover).text("/work")


def test_an_adviser_does_not_manage(shift: Shift) -> None:
    task = shift.task(0)
    assert shift.window().get("/work/branch").status_code == 403
    answer = shift.window().post(f"/work/branch/tasks/{task}/assign", {"to": "", "seen": 1})
    assert answer.status_code == 403 and shift.changes(task) == 1


def test_the_week_has_due_tasks_promised_calls_and_absences(shift: Shift) -> None:
    task = shift.task(0)
    due = shift.tasks.task(task).due
    shift.tasks.absent(Absence(shift.staff_id, due.date(), due.date(), shift.colleagues()[0]))
    text = shift.window().text("/work/week")
    day = text.split(f'aria-label="{due.date()}"')[1].split("</section>")[0]
    assert f"/work/tasks/{task}" in day and shift.staff_id in day
    elsewhere = text.replace(day, "")
    assert f"/work/tasks/{task}" not in elsewhere
    assert f"/work/tasks/{task}" not in shift.window().text("/work/week", **{"from": "2026-12-14"})


def test_own_results_are_counted_and_no_lift_is_claimed_from_too_few(shift: Shift) -> None:
    for place, result in enumerate(("reached", "reached", "refused")):
        task = shift.task(place)
        shift.tasks.accept(task, shift.staff_id, NOW)
        shift.tasks.log(task, shift.staff_id, Logged(result), NOW)
    text = shift.window().text("/work/results", days=30)
    assert text.count('<td class="number">2</td><td class="number">66.7%</td>') == 1
    assert text.count('<td class="number">1</td><td class="number">33.3%</td>') == 1
    found = lifts(shift.console.parts, shift.console.parts.newest_date())
    assert found.bank.effect is None  # of the first night nobody has results yet
    assert "too few to say" in text and "no judgement of your work" in text
