"""Tasks and launches over the API, on both stores."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.api.banks import DATE, MASKED, NOW, Api, api_of, copy_of

from cultiva.client import ApiProblem
from cultiva.client.shapes import Absence, ResultReport
from cultiva.execution.launching.launches import Person, Submission
from cultiva.execution.launching.service import Launches
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tables import DELIVERY
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


def test_a_script_does_not_tell_the_name_to_those_who_may_not_know_it(racing_api: Api) -> None:
    with_tasks(racing_api)
    name = Recipients(racing_api.parts.store.database).of([51])[51].name
    task = make_task(racing_api.parts, 51, Wish("call", f"{name}, please call back", worth=1), NOW)
    masked = racing_api.client(MASKED).task(task.task_id).task
    assert name not in masked.reason and masked.reason.startswith(f"{name[0]}**")
    assert racing_api.client().task(task.task_id).task.reason.startswith(name)


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


def test_pages_go_on_where_they_were_when_a_launch_has_left_the_list(racing_api: Api) -> None:
    ids = sorted(submitted(racing_api, name) for name in ("car_owner_card", "payroll_day", "wealth_upgrade"))
    pages = racing_api.client().launches(state="submitted", page=1)
    seen = [next(pages).launch_id]
    racing_api.client(name="Li").judge(seen[0], "reject", "executive", remark="no")
    seen += [one.launch_id for one in pages]
    assert seen == ids


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
    assert client.consequences(launch_id).model_dump() == {
        "launch_id": launch_id, "deliveries": 0, "leaving": 0, "tasks": 0, "people": 0,
    }  # fmt: skip
    assert client.act(launch_id, "stop").state == "stopped"
    with pytest.raises(ApiProblem) as caught:
        client.consequences(launch_id)
    assert (caught.value.status, caught.value.code) == (409, "launching.wrong_state")
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
    for scope, status in (("everything", 422), ("channel:smss", 404), ("strategy:nothing", 404), ("channel:", 422)):
        with pytest.raises(ApiProblem) as caught:
            client.halt(scope, "x")
        assert caught.value.status == status, scope


def test_an_emergency_stop_is_lifted_by_another_and_the_audit_knows_both(racing_api: Api) -> None:
    chen, li = racing_api.client(name="Chen"), racing_api.client(name="Li")
    chen.halt("all", "wrong rate")
    with pytest.raises(ApiProblem) as caught:
        chen.lift("all")
    assert (caught.value.status, caught.value.code) == (403, "launching.second_person")
    assert li.lift("all", reason="mended", once="l-1").actor == "Chen"
    assert li.lift("all", reason="mended", once="l-1").actor == "Chen"  # the answer of the first, done once
    assert li.halts() == []
    with pytest.raises(ApiProblem) as caught:
        li.lift("all")
    assert caught.value.status == 404
    lines = Launches(racing_api.parts.store.database).audit.lines(subject="halt:all")
    assert [(line.entry.action, line.entry.actor) for line in lines] == [("halt.set", "Chen"), ("halt.lifted", "Li")]


def test_a_strategy_without_a_definition_can_be_halted_as_long_as_it_was_launched(racing_api: Api) -> None:
    submitted(racing_api, "withdrawn_since")
    assert racing_api.client().halt("strategy:withdrawn_since", "x").scope == "strategy:withdrawn_since"


def test_test_messages_go_to_the_testers_with_their_addresses_masked(bank: Path, tmp_path: Path) -> None:
    root = copy_of(bank, tmp_path / "bank")
    rules = root / "approval.yaml"
    testers = 'testers: [{ name: 李娜, addresses: { app: "13812345678", sms: "13812345678" } }] #'
    rules.write_text(rules.read_text("utf-8").replace("testers: [] #", testers), "utf-8")
    with api_of(root) as api:
        launch = api.client().submit("family_protection").launch_id
        whole = api.client().send_tests(launch)
        masked = api.client(MASKED).send_tests(launch, customer=51)
        with pytest.raises(ApiProblem) as caught:
            api.client().send_tests(launch, customer=987_654_321)
        assert caught.value.status == 404
        with api.parts.store.database.reading() as connection:
            rows = connection.execute(select(DELIVERY.c.delivery_id, DELIVERY.c.address, DELIVERY.c.customer_id)).all()
    assert whole and {one.address for one in whole} == {"13812345678"}
    assert [one.delivery_id for one in masked] == [one.delivery_id for one in whole]
    assert {one.address for one in masked} == {"138******78"}
    assert {tuple(row) for row in rows} == {(one.delivery_id, "13812345678", 0) for one in whole}


def test_a_hand_over_is_offered_and_may_be_declined(racing_api: Api) -> None:
    tasks = desk(racing_api.parts)
    tasks.staff([StaffRow("A1", "B0002", "adviser", 60, "王小芳"), StaffRow("W1", "B0002", "wealth_adviser", 40)], DAY,
                NOW)  # fmt: skip
    made = make_task(racing_api.parts, 51, Wish("call", "grown", staff_id="A1"), NOW).task_id
    client = racing_api.client()
    offered = client.hand_over(made, "A1", "wealth_adviser", "W1", answer_by=NOW + timedelta(days=2), once="h-1")
    assert (offered.standing, offered.staff_id, offered.role) == ("offered", "W1", "wealth_adviser")
    back = client.decline(made, "W1", remark="full")
    assert (back.staff_id, back.role) == ("A1", "adviser")
    story, masked = client.task(made), racing_api.client(MASKED).task(made)
    assert [one.action for one in story.history][-2:] == ["handed_over", "declined"]
    assert (story.names, masked.names) == ({"A1": "王小芳"}, {"A1": "王**"})
    with pytest.raises(ApiProblem) as caught:
        client.hand_over(made, "A1", "nobody")
    assert caught.value.status == 404


def test_people_and_absences_are_listed_and_who_is_away_is_covered(racing_api: Api) -> None:
    tasks = desk(racing_api.parts)
    people = [StaffRow(f"A{n}", f"B000{1 + n % 2}", "adviser", 60, "王小芳") for n in range(5)]
    tasks.staff([*people, StaffRow("L1", "B0001", "lobby_manager", 100)], DAY, NOW)
    client = racing_api.client()
    assert [one.staff_id for one in client.staff(page=2)] == ["A0", "A1", "A2", "A3", "A4", "L1"]
    assert [one.staff_id for one in client.staff(branch="B0001", role="adviser", page=1)] == ["A0", "A2", "A4"]
    assert {one.name for one in racing_api.client(MASKED).staff(role="adviser")} == {"王**"}
    with pytest.raises(ApiProblem) as caught:
        list(client.staff(role="nothing"))
    assert caught.value.status == 404
    today = NOW.date()
    wanted = Absence(staff_id="A0", first_day=today, last_day=today + timedelta(days=3), cover_id="A2")
    assert client.note_absence(wanted, once="a-1") == client.note_absence(wanted, once="a-1") == wanted
    assert client.absences(on=today) == [wanted] and client.absences(on=today - timedelta(days=1)) == []
    assert [one.covers for one in client.staff(branch="B0001", role="adviser")] == [[], ["A0"], []]
    with pytest.raises(ApiProblem) as caught:
        client.note_absence(wanted.model_copy(update={"first_day": today + timedelta(days=1)}))
    assert (caught.value.status, caught.value.code) == (409, "task.absence_overlaps")
    assert client.take_back_absence("A0", today) == []
    with pytest.raises(ApiProblem) as caught:
        client.take_back_absence("A0", today)
    assert caught.value.status == 404
    said = [line.entry.action for line in Launches(racing_api.parts.store.database).audit.lines(subject="staff:A0")]
    assert said == ["absence.noted", "absence.taken_back"]
