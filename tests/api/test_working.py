"""Tasks and launches over the API, on both stores."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.api.banks import DATE, MASKED, NOW, Api

from cultiva.client import ApiProblem
from cultiva.client.shapes import ResultReport
from cultiva.execution.launching.launches import Person, Submission
from cultiva.execution.launching.service import Launches
from cultiva.execution.tasks.records import StaffRow
from cultiva.kit.clock import parse_business_date
from cultiva.loop.desk import Wish, desk, make_task

STAFF = ("R0001", "R0002")
DAY = parse_business_date(DATE)


def with_tasks(api: Api) -> list[str]:
    """Three tasks in the lobbies' queue, the most valuable first; two lobby managers where the first customer is."""
    people = [StaffRow(name, "B0002", "lobby_manager", 100) for name in STAFF]
    desk(api.parts).staff(people, DAY, NOW)
    wishes = [(51, 30.0), (52, 20.0), (53, 10.0)]
    made = [make_task(api.parts, who, Wish("visit", "call 13812345678", worth=worth), NOW) for who, worth in wishes]
    return [one.task_id for one in made]


def test_a_queue_is_read_page_by_page_masked_for_those_who_may_not_see_it(racing_api: Api) -> None:
    made = with_tasks(racing_api)
    found = list(racing_api.client().tasks(role="lobby", page=2))
    assert [one.task.task_id for one in found] == made
    assert [one.place for one in found] == [1, 2, 3]
    assert found[0].task.reason == "call 13812345678"
    masked = next(racing_api.client(MASKED).tasks(role="lobby"))
    assert masked.task.reason == "call 138******78"
    assert "*" in masked.customer_name
    with pytest.raises(ApiProblem) as caught:
        list(racing_api.client().tasks())
    assert caught.value.code == "api.whose_tasks"


def test_a_task_is_taken_up_by_one_and_its_result_is_logged_once(racing_api: Api) -> None:
    first, *_ = with_tasks(racing_api)
    client, bench = racing_api.client(), desk(racing_api.parts).workbench
    told = client.task(first).task
    kind = bench.kind(told.kind)
    assert kind is not None
    closing = next(one.name for one in bench.results_of(kind) if one.then == "close" and not one.amount)
    client.change_consent(51, told.channel, granted=False)
    with pytest.raises(ApiProblem) as caught:
        client.accept(first, STAFF[0])
    assert (caught.value.status, caught.value.code) == (403, "task.forbidden")
    client.change_consent(51, told.channel, granted=True, at=NOW + timedelta(minutes=1))
    taken = client.accept(first, STAFF[0])
    assert (taken.staff_id, taken.standing) == (STAFF[0], "accepted")
    with pytest.raises(ApiProblem) as caught:
        client.accept(first, STAFF[1])
    assert caught.value.status in (403, 409)
    report = ResultReport(staff_id=STAFF[0], result=closing, remark="all well")
    done = client.log_result(first, report, once="result-1")
    assert (done.standing, done.result) == ("done", closing)
    assert client.log_result(first, report, once="result-1") == done
    actions = [one.action for one in client.task(first).history]
    assert actions == ["created", "accepted", "logged"]


def test_a_customer_who_comes_by_has_something_to_talk_about(racing_api: Api) -> None:
    first, *_ = with_tasks(racing_api)
    found = racing_api.client().arrive(51, "B0002")
    assert [one.task_id for one in found.tasks] == [first]
    assert racing_api.client().arrive(54, "B0002").tasks == []


def submitted(api: Api, strategy: str = "car_owner_card") -> str:
    body = {"strategy": {"name": strategy}, "offers": {"card": {}}, "channels": {"sms": {}}}
    told = {"customers": 10, "sample": [{"phone": "13812345678"}]}
    one = Submission(strategy, "w1", DAY, "once", 12_345, body, told)
    launches = Launches(api.parts.store.database, api.parts.workspace.approval)
    return launches.submit(one, Person("Chen"), NOW).launch_id


def test_launches_are_shown_with_what_approvers_read(racing_api: Api) -> None:
    ids = {submitted(racing_api), submitted(racing_api, "payroll_day")}
    client = racing_api.client()
    assert {one.launch_id for one in client.launches(page=1)} == ids
    assert [one.strategy for one in client.launches(strategy="payroll_day")] == ["payroll_day"]
    assert list(client.launches(state="live")) == []
    found = client.launch(next(client.launches(strategy="car_owner_card")).launch_id)
    assert (found.launch.cost, found.launch.state, found.customers) == (Decimal("123.45"), "submitted", 10)
    assert found.explanation["sample"] == [{"phone": "138******78"}]
    assert "approve" in found.launch.possible


def test_a_launch_is_approved_let_go_held_and_stopped_and_the_audit_knows_by_whom(racing_api: Api) -> None:
    author, head, client = (racing_api.client(name=name) for name in ("Chen", "Li", "test"))
    put = author.submit("car_owner_card")
    assert (put.state, put.author, put.business_date) == ("submitted", "Chen", DAY)
    assert author.launch(put.launch_id).customers > 0
    with pytest.raises(ApiProblem) as caught:
        author.judge(put.launch_id, "approve", "executive")
    assert caught.value.status == 403
    assert head.judge(put.launch_id, "approve", "executive", remark="good").state == "approved"
    launch_id = put.launch_id
    assert client.act(launch_id, "launch").state == "live"
    assert client.act(launch_id, "pause", remark="check", once="p-1").state == "paused"
    assert client.act(launch_id, "pause", remark="check", once="p-1").state == "paused"
    with pytest.raises(ApiProblem) as caught:
        client.act(launch_id, "pause")
    assert (caught.value.status, caught.value.code) == (409, "launching.wrong_state")
    assert client.throttle(launch_id, 60).per_minute_max == 60
    assert client.act(launch_id, "stop").state == "stopped"
    lines = Launches(racing_api.parts.store.database).audit.lines(subject=f"launch:{launch_id}")
    assert [(line.entry.action, line.entry.actor) for line in lines] == [
        ("launch.submitted", "Chen"), ("launch.approved", "Li"), ("launch.launched", "test"),
        ("launch.paused", "test"), ("launch.throttled", "test"), ("launch.stopped", "test"),
    ]  # fmt: skip


def test_an_emergency_stop_is_set_and_shown(racing_api: Api) -> None:
    client = racing_api.client()
    assert client.halts() == []
    set_ = client.halt("channel:sms", "wrong text")
    assert [one.scope for one in client.halts()] == ["channel:sms"]
    assert (set_.actor, set_.at) == ("test", NOW)
    with pytest.raises(ApiProblem) as caught:
        client.halt("everything", "x")
    assert caught.value.status == 422
