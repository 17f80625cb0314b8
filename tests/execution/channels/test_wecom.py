"""WeCom: tasks, employees' confirmation, results, reminders, the platform's limits, every way of misbehaving."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.execution.channels.conftest import Open, Start
from tests.simulators.process import Simulator

from cultiva.contracts.delivery import Message, Reminding, Sent
from cultiva.execution.channels.wecom import provider as platform
from cultiva.execution.channels.wecom import tasks
from cultiva.execution.channels.wecom.provider import Wecom
from cultiva.execution.channels.wecom.tasks import groups_of, may_remind, problem_of, task_of

Make = Callable[..., Wecom]
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def wecom(opened: Open, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("WECOM_SECRET", "secret")

    def made(server: Simulator | None, timeout: float = 5, **more: Any) -> Wecom:
        own = {"corp_id": "ww1", "secret": "${env:WECOM_SECRET}", "results_every_seconds": 0, **more}
        url = server.http if server else "http://127.0.0.1:9"
        found = opened("wecom", url, wecom=own, timeout_seconds=timeout)
        assert isinstance(found, Wecom)
        return found

    return made


def _message(key: str, customer: str = "", said: str = "您好", sender: str = "zhang", **content: str) -> Message:
    return Message(key, customer or f"wm-{key}", {"text": said, **content}, {"sender": sender})


def test_the_same_words_of_an_employee_are_one_task(start: Start, wecom: Make) -> None:
    server = start("wecom")
    batch = [*(_message(f"a{n}") for n in range(5)), _message("b", said="王女士"), _message("c", sender="li")]
    receipts = {one.key: one for one in wecom(server).send(batch)}
    assert {one.sent for one in receipts.values()} == {Sent.ACCEPTED}
    assert len({entry["task"] for entry in server.accepted()}) == 3
    task = {entry["key"]: entry["task"] for entry in server.accepted()}
    assert all(one.reference == f"{task[f'wm-{key}']}/wm-{key}" for key, one in receipts.items())
    body = next(entry["body"] for entry in server.accepted() if entry["key"] == "wm-c")
    assert body == {
        "chat_type": "single",
        "external_userid": ["wm-c"],
        "sender": "li",
        "allow_select": False,
        "text": {"content": "您好"},
    }


def test_results_come_when_the_employee_has_confirmed(start: Start, wecom: Make) -> None:
    server = start("wecom", "--quota", "1")
    provider = wecom(server)
    receipts = provider.send([_message(f"k{n}") for n in range(5)])
    again = provider.send([_message("again", "wm-k0", said="另一句")])
    assert provider.poll() == [], "nobody has confirmed"
    server.post("/confirm", {"userid": "zhang"})
    fates = {(one.reference, one.kind): one.detail.get("why", "") for one in wecom(server).poll()}
    assert {(one.reference, "delivered") for one in receipts} < set(fates)
    assert fates[again[0].reference, "failed"] == "over the customer's quota"
    assert (again[0].reference, "confirmed") in fates
    assert len(provider.poll()) == len(fates)
    assert provider.poll() == [], "what has been told is not told again"


def test_customer_groups_and_moments(start: Start, wecom: Make) -> None:
    server = start("wecom")
    groups = wecom(server, mode="group")
    (receipt,) = groups.send([_message("g", "wr-1", url="https://bank.example/x", title="一句")])
    body = server.accepted()[0]["body"]
    assert (body["chat_type"], body["chat_id_list"]) == ("group", ["wr-1"])
    assert body["attachments"] == [{"msgtype": "link", "link": {"title": "一句", "url": "https://bank.example/x"}}]
    moments = wecom(server, mode="moments")
    (moment,) = moments.send([Message("m", "zhang", {"text": "您好"}, {"sender": "zhang", "tags": "et1,et2"})])
    assert server.accepted()[1]["body"]["visible_range"] == {
        "sender_list": {"user_list": ["zhang"]},
        "external_contact_list": {"tag_list": ["et1", "et2"]},
    }
    assert moments.poll() == []
    server.post("/confirm", {"userid": "zhang"})
    assert [(one.kind, one.reference) for one in moments.poll()] == [("confirmed", moment.reference)]
    assert {one.reference for one in groups.poll()} == {receipt.reference}


@pytest.mark.parametrize(
    ("mood", "sent", "arrived"),
    [
        ("refuse", Sent.REFUSED, 0),
        ("busy", Sent.LATER, 0),
        ("drop_before", Sent.UNKNOWN, 0),
        ("drop_after", Sent.UNKNOWN, 1),
    ],
)
def test_every_misbehaviour_has_its_receipt(start: Start, wecom: Make, mood: str, sent: Sent, arrived: int) -> None:
    server = start("wecom", **{mood: 1})
    provider = wecom(server)
    (receipt,) = provider.send([_message("k")])
    assert (receipt.sent, len(server.accepted())) == (sent, arrived)
    assert receipt.retry_after == (60 if mood == "busy" else None)
    assert not provider.traceable
    assert not provider.repeats_safely
    assert provider.look_up(["k"])[0].sent is Sent.UNKNOWN


def test_silence_and_absence(start: Start, wecom: Make) -> None:
    assert wecom(None).send([_message("k")])[0].sent is Sent.LATER
    server = start("wecom", slow=1, slow_seconds=3)
    assert wecom(server, timeout=1).send([_message("k")])[0].sent is Sent.UNKNOWN


def test_a_customer_of_somebody_else_is_refused_alone(start: Start, wecom: Make) -> None:
    server = start("wecom")
    receipts = {one.key: one.sent for one in wecom(server).send([_message("a"), _message("b", "stranger-1")])}
    assert receipts == {"a": Sent.ACCEPTED, "b": Sent.REFUSED}


def test_a_token_is_kept_and_renewed_when_it_is_taken_away(
    start: Start, wecom: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start("wecom")
    provider = wecom(server)
    for number in range(4):
        assert provider.send([_message(f"k{number}")])[0].sent is Sent.ACCEPTED
    assert _token_calls(server) == 1
    server.post("/revoke", {})
    assert provider.send([_message("k9")])[0].sent is Sent.ACCEPTED
    assert _token_calls(server) == 2
    monkeypatch.setenv("WECOM_SECRET", "wrong")
    (receipt,) = wecom(server).send([_message("k10")])
    assert receipt.sent is Sent.LATER
    assert "wrong" not in receipt.problem


def test_an_employee_is_reminded_three_times_in_a_day(start: Start, wecom: Make) -> None:
    server = start("wecom")
    provider = wecom(server)
    (receipt,) = provider.send([_message("k")])
    sents = [provider.remind(receipt.reference).sent for _ in range(4)]
    assert sents == [Sent.ACCEPTED] * 3 + [Sent.LATER]
    assert wecom(server).remind(receipt.reference).sent is Sent.LATER, "the platform counts too"


def test_what_an_employee_has_not_confirmed_in_time_is_overdue(start: Start, opened: Open, wecom: Make) -> None:
    server = start("wecom")
    begin = datetime.now(UTC)
    sender = wecom(server)
    receipts = [sender.send([_message("a")])[0], sender.send([_message("b", sender="li")])[0]]
    first, second = (one.reference.partition("/")[0] for one in receipts)
    now = [begin]
    own = {"corp_id": "ww1", "secret": "${env:WECOM_SECRET}", "results_every_seconds": 0, "remind_after_hours": 4,
           "reminders_max": 2}  # fmt: skip
    provider = opened("wecom", server.http, wecom=own, clock=lambda: now[0])
    assert isinstance(provider, Wecom) and isinstance(provider, Reminding)

    def overdue(hours: float) -> list[tuple[str, int]]:
        now[0] = begin + timedelta(hours=hours)
        provider.poll()
        return [(one.task, one.number) for one in provider.overdue()]

    assert overdue(3.9) == []
    assert sorted(overdue(4.1)) == sorted([(first, 1), (second, 1)])
    server.post("/confirm", {"userid": "zhang"})
    assert overdue(8.1) == [(second, 2)]
    assert overdue(80) == [(second, 2)], "no more than twice"
    silent = wecom(server)
    silent.poll()
    assert silent.overdue() == [], "nobody wants reminders"


@given(st.lists(st.integers(0, 72 * 60), max_size=12), st.integers(0, 72 * 60))
def test_reminders_are_counted_over_any_24_hours(minutes: list[int], now: int) -> None:
    earlier = [NOW + timedelta(minutes=one) for one in minutes]
    counted = sum(now - 24 * 60 < one <= now for one in minutes)
    assert may_remind(earlier, NOW + timedelta(minutes=now)) == (counted < 3)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (_message("k", attachments=json.dumps([{"msgtype": "image", "image": {"media_id": "m"}}] * 10)), "10 attach"),
        (_message("k", attachments="{"), "not JSON"),
        (_message("k", attachments='["x"]'), "not a list of objects"),
        (_message("k", said="深" * 1334), "4002 bytes"),
        (_message("k", said=""), "nothing to say"),
        (_message("k", sender=""), "no employee"),
        (_message("k", url="https://bank.example/" + "x" * 2028), "a link of 2049 bytes"),
    ],
)
def test_what_the_platform_never_takes_is_refused_before(wecom: Make, message: Message, problem: str) -> None:
    (receipt,) = wecom(None).send([message])
    assert receipt.sent is Sent.REFUSED
    assert problem in receipt.problem


def test_a_moment_has_pictures_or_one_video_or_one_link(wecom: Make) -> None:
    image, video = ({"msgtype": kind, kind: {"media_id": "m"}} for kind in ("image", "video"))
    cases: list[tuple[list[Any], bool]] = [
        ([image] * 9, True),
        ([video], True),
        ([video, video], False),
        ([image, video], False),
    ]
    for attachments, fine in cases:
        task = task_of(_message("k", attachments=json.dumps(attachments)))
        assert (problem_of(task, "zhang", moment=True) == "") is fine
        assert problem_of(task, "wm") == "", "a message to customers may mix them"
    (refused,) = wecom(None, mode="moments").send([_message("k", attachments=json.dumps([image, video]))])
    assert refused.sent is Sent.REFUSED


def test_a_moments_link_has_a_cover_and_a_shorter_title() -> None:
    link = json.loads(task_of(_message("k", url="https://b.example", title="字" * 50, cover="media")).attachments)
    assert link == [{"msgtype": "link", "link": {"title": "字" * 21, "url": "https://b.example", "media_id": "media"}}]


def test_customer_groups_come_two_thousand_to_a_task(
    start: Start, wecom: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (tasks.GROUPS_MAX, tasks.CUSTOMERS_MAX) == (2000, 10_000)
    monkeypatch.setattr(platform, "GROUPS_MAX", 3)
    server = start("wecom")
    wecom(server, mode="group").send([_message(str(number), f"wr-{number}") for number in range(4)])
    sizes = {entry["task"]: len(entry["body"]["chat_id_list"]) for entry in server.accepted()}
    assert sorted(sizes.values()) == [1, 3]


def test_nine_attachments_and_4000_bytes_are_taken() -> None:
    nine = json.dumps([{"msgtype": "image", "image": {"media_id": "m"}}] * 9)
    assert problem_of(task_of(_message("k", said="深" * 1333 + "x", attachments=nine)), "wm") == ""


@example([(one, "x") for one in "abcabcd"])
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["x", "y"])), max_size=30))
def test_every_message_is_in_one_task_and_a_customer_once_in_each(pairs: list[tuple[str, str]]) -> None:
    messages = [_message(str(number), customer, said) for number, (customer, said) in enumerate(pairs)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "CUSTOMERS_MAX", 3)
        groups = groups_of(messages)
    assert sorted(one.key for _, members in groups for one in members) == sorted(one.key for one in messages)
    for task, members in groups:
        assert len(members) <= 3
        assert len({one.address for one in members}) == len(members)
        assert {task_of(one) for one in members} == {task}


def _token_calls(server: Simulator) -> int:
    with urllib.request.urlopen(f"{server.http}/token_calls") as answer:
        return int(json.loads(answer.read())["count"])
