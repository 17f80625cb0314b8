"""Launches in the console: what people see of them is what the store says, and what they do is kept by whom."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl
from tests.api.banks import NOW
from tests.console.desks import ConsoleUnderTest, Window

from cultiva.contracts.decision import Fate
from cultiva.execution.access.roles import Role
from cultiva.execution.dispatch.records import State as DeliveryState
from cultiva.execution.launching.launches import Launch, Person, State
from cultiva.execution.launching.service import Launches
from cultiva.execution.tables import DELIVERY
from cultiva.loop.campaigns import launches_of
from cultiva.loop.shows import read

JUDGE = Person("li")


def strategy_of(console: ConsoleUnderTest) -> str:
    """The strategy for which the plan has chosen most customers."""
    decisions = read(console.parts, "decisions", console.parts.newest_date())
    chosen = decisions.filter(pl.col("fate") == Fate.CHOSEN.value).group_by("strategy").agg(pl.len().alias("n"))
    return str(chosen.sort("n", "strategy", descending=[True, False])["strategy"][0])


def put_forward(console: ConsoleUnderTest) -> Launch:
    """The launch that somebody has put forward in these banks."""
    (found,) = desk(console).all()
    return desk(console).one(found.launch_id)


def desk(console: ConsoleUnderTest) -> Launches:
    return launches_of(console.parts)


def approved(console: ConsoleUnderTest) -> Launch:
    """A launch that everybody needed has said yes to."""
    found = put_forward(console)
    for person, role in ((JUDGE, "executive"), (Person("wang"), "compliance")):
        if desk(console).one(found.launch_id).state is State.SUBMITTED:
            desk(console).approve(found.launch_id, person, role, NOW, version=found.version)
    return desk(console).one(found.launch_id)


def delivery(launch: Launch, number: int, **more: object) -> Mapping[str, object]:
    return {
        "delivery_id": f"d{number:039d}", "touch_id": "", "launch_id": launch.launch_id, "step": "touch",
        "customer_id": number, "entry": 1, "channel": "sms", "provider": "sms_files", "address": "13800138000",
        "content": {}, "state": DeliveryState.SENT, "attempts": 1, "due": NOW, "lease": "", "reference": "",
        "problem": "", "evidence": [], "created": NOW, "changed": NOW, **more,
    }  # fmt: skip


def outbox(console: ConsoleUnderTest, *rows: Mapping[str, object]) -> None:
    with console.parts.store.database.writing() as connection:
        connection.execute(DELIVERY.insert(), [dict(row) for row in rows])


def act(window: Window, launch: Launch, name: str, remark: str = "") -> int:
    return window.post(f"/campaigns/{launch.launch_id}/acts/{name}", {"remark": remark}).status_code


def test_from_a_form_to_a_launch_that_its_author_cannot_approve(own_console: ConsoleUnderTest) -> None:
    window, name = own_console.as_role(Role.OPERATOR), strategy_of(own_console)
    assert f'value="{name}" selected' in window.text("/campaigns/new", strategy=name)
    made = window.post("/campaigns", {"strategy": name, "enrols": "once"})
    (launch,) = desk(own_console).all()
    assert made.headers["location"] == f"/campaigns/{launch.launch_id}"
    assert (launch.author, launch.state) == ("operator.en", State.SUBMITTED)
    page = window.text(f"/approvals/launches/{launch.launch_id}")
    assert "Your roles do not approve." in page and 'value="approve"' not in page
    assert "Test operator" in page, "people are known by login and called by name"
    line = desk(own_console).audit.lines(action="launch.submitted")[-1]
    assert line.entry.actor == "operator.en"
    told = own_console.as_role(Role.AUDITOR).text("/admin/audit", subject=line.entry.subject)
    assert "Test operator" in told and "operator.en" in told


def test_it_is_let_go_held_let_on_and_broken_off_with_a_reason(launched: ConsoleUnderTest) -> None:
    launch, window = approved(launched), launched.as_role(Role.OPERATOR)

    def state() -> State:
        return desk(launched).one(launch.launch_id).state

    assert act(window, launch, "launch") == 303 and state() is State.LIVE
    assert act(window, launch, "pause") == 422 and state() is State.LIVE
    assert act(window, launch, "pause", "rate is wrong") == 303 and state() is State.PAUSED
    assert act(window, launch, "resume") == 303 and state() is State.LIVE
    assert act(window, launch, "stop", "over") == 303 and state() is State.STOPPED
    assert act(window, launch, "resume") == 409
    said = [line.entry for line in desk(launched).audit.lines() if line.entry.subject == launch.subject]
    assert [one.action for one in said[-4:]] == [
        "launch.launched", "launch.paused", "launch.resumed", "launch.stopped",
    ]  # fmt: skip
    assert {one.actor for one in said[-4:]} == {"operator.en"} and said[-3].detail["remark"] == "rate is wrong"


def test_it_is_slowed_down_and_let_run(launched: ConsoleUnderTest) -> None:
    launch, window = put_forward(launched), launched.as_role(Role.OPERATOR)
    for given, expected in (("600", 600), ("", None)):
        window.post(f"/campaigns/{launch.launch_id}/throttle", {"per_minute": given})
        assert desk(launched).one(launch.launch_id).per_minute_max == expected
    assert window.post(f"/campaigns/{launch.launch_id}/throttle", {"per_minute": "many"}).status_code == 422


def test_messages_are_counted_by_state_and_problems_by_reason(launched: ConsoleUnderTest) -> None:
    launch = approved(launched)
    outbox(
        launched,
        *(delivery(launch, number) for number in range(3)),
        *(delivery(launch, number, state=DeliveryState.DELIVERED) for number in range(3, 8)),
        *(delivery(launch, number, state=DeliveryState.UNKNOWN, problem="line lost") for number in range(8, 10)),
        delivery(launch, 11, state=DeliveryState.FAILED, problem="no such number"),
    )
    text = launched.as_role(Role.ANALYST).text(f"/campaigns/{launch.launch_id}")
    row = re.search(r'<tr><th scope="row">Text message</th>(.*?)</tr>', text)
    assert row is not None and re.findall(r">(\d+)<", row[1]) == ["3", "5", "1", "2"]
    assert text.index("line lost") < text.index("no such number") and "/campaigns/unknown" in text
    assert "13800138000" not in text
    listed = launched.as_role(Role.ANALYST).text("/campaigns")
    assert re.search(r'<td class="number">8</td><td class="number bad">3</td>', listed)


def test_a_person_says_what_became_of_a_message(launched: ConsoleUnderTest) -> None:
    launch, window = approved(launched), launched.as_role(Role.OPERATOR)
    outbox(launched, delivery(launch, 5, state=DeliveryState.UNKNOWN, problem="line lost"))
    text = window.text("/campaigns/unknown")
    assert "line lost" in text and "13800138000" not in text
    found = window.post(f"/campaigns/letters/d{5:039d}", {"said": "arrived", "remark": "asked them"})
    assert found.status_code == 303 and "Every message" in window.text("/campaigns/unknown")
    again = window.post(f"/campaigns/letters/d{5:039d}", {"said": "arrived"})
    assert again.status_code == 409


def test_who_sees_no_customer_sees_no_single_message(launched: ConsoleUnderTest) -> None:
    launch = approved(launched)
    outbox(launched, delivery(launch, 5, state=DeliveryState.UNKNOWN, problem="line lost"))
    text = launched.as_role(Role.EXECUTIVE).text("/campaigns/unknown")
    assert "outside your sight" in text and f"d{5:039d}"[:12] not in text


def test_a_preview_is_masked_and_of_a_customer_in_sight(launched: ConsoleUnderTest) -> None:
    launch, window = approved(launched), launched.as_role(Role.OPERATOR)
    contents = [name for name in launch.body["contents"] if name in launched.parts.workspace.contents]
    customer = launch.explanation["samples"][0]["customer_id"]
    names = read(launched.parts, "customer", launched.parts.newest_date())
    name = names.filter(pl.col("customer_id") == customer)["name"][0]
    for content in contents:
        found = window.get(f"/campaigns/{launch.launch_id}/preview", part=True, content=content, customer=customer)
        assert found.status_code == 200 and "<pre" in found.text and name not in found.text
    unknown = window.get(f"/campaigns/{launch.launch_id}/preview", part=True, content="none", customer=customer)
    assert unknown.status_code == 404


def test_everything_is_stopped_and_lifted_by_a_second_person(launched: ConsoleUnderTest) -> None:
    first, second = launched.as_role(Role.OPERATOR), launched.as_role(Role.APPROVER)
    assert first.post("/halts", {"scope": "channel:smoke", "reason": "x"}).status_code == 404
    assert first.post("/halts", {"scope": "all", "reason": " "}).status_code == 422
    assert first.post("/halts", {"scope": "all", "reason": "wrong rate"}).status_code == 303
    assert "wrong rate" in second.text("/campaigns") and "You set it" in first.text("/halts")
    assert first.post("/halts/lift", {"scope": "all"}).status_code == 403
    assert list(desk(launched).halts()) == ["all"]
    assert second.post("/halts/lift", {"scope": "all", "reason": "mended"}).status_code == 303
    assert not desk(launched).halts()


def test_looking_changes_nothing(launched: ConsoleUnderTest) -> None:
    launch = approved(launched)
    before = len(list(desk(launched).audit.lines()))
    for role in (Role.OPERATOR, Role.APPROVER, Role.EXECUTIVE):
        window = launched.as_role(role)
        for path in (
            "/campaigns",
            f"/campaigns/{launch.launch_id}",
            f"/campaigns/{launch.launch_id}/clashes",
            "/halts",
        ):
            window.text(path)
    after = [line.entry.action for line in desk(launched).audit.lines()][before:]
    assert not [one for one in after if one.startswith(("launch.", "halt."))]
    assert desk(launched).one(launch.launch_id) == launch
