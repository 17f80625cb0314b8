"""An SMS gateway over HTTP: templated requests, answers of any make, every way of misbehaving."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any

import pytest
from tests.execution.channels.conftest import Open, Start, text
from tests.simulators.process import Simulator

from cultiva.contracts.delivery import Message, Provider, Sent
from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError


def _open(opened: Open, server: Simulator, timeout: float = 5, **gateway: Any) -> Provider:
    return opened("sms_http", f"{server.http}/messages", sms_http=gateway, timeout_seconds=timeout)


def test_a_request_is_made_of_the_template(start: Start, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMS_TOKEN", "t-1")
    server = start("sms_http", "--token", "t-1")
    body = {"to": "{address}", "parts": [{"text": "{content.text}", "n": 1}], "tag": "{extra.tag}{extra.none}"}
    provider = _open(opened, server, headers={"Authorization": "Bearer ${env:SMS_TOKEN}"}, body=body)
    message = Message("k1", "13800000001", {"text": "{key} ${env:SMS_TOKEN} 您好"}, {"tag": "a"})
    (receipt,) = provider.send([message])
    (entry,) = server.accepted()
    assert (receipt.sent, receipt.reference, entry["key"]) == (Sent.ACCEPTED, entry["reference"], "k1")
    assert entry["body"] == {
        "to": "13800000001",
        "parts": [{"text": "{key} ${env:SMS_TOKEN} 您好", "n": 1}],  # a customer's text asks for nothing
        "tag": "a",
    }


def test_a_wrong_token_keeps_the_message_for_later(start: Start, opened: Open) -> None:
    server = start("sms_http", "--token", "t-1")
    (receipt,) = _open(opened, server).send([text()])
    assert (receipt.sent, server.accepted()) == (Sent.LATER, [])


@pytest.mark.parametrize(
    ("mood", "sent", "arrived"),
    [
        ("refuse", Sent.REFUSED, 0),
        ("busy", Sent.LATER, 0),
        ("drop_before", Sent.UNKNOWN, 0),
        ("drop_after", Sent.UNKNOWN, 1),
        ("duplicate", Sent.ACCEPTED, 1),
    ],
)
def test_every_misbehaviour_has_its_receipt(start: Start, opened: Open, mood: str, sent: Sent, arrived: int) -> None:
    server = start("sms_http", **{mood: 1})
    provider = _open(opened, server, look_up_url=f"{server.http}/messages/{{key}}", idempotent=True)
    (receipt,) = provider.send([text()])
    assert (receipt.sent, len(server.accepted())) == (sent, arrived)
    assert receipt.retry_after == (2.0 if mood == "busy" else None)
    assert provider.look_up(["k1"])[0].sent is (Sent.ACCEPTED if arrived else Sent.ABSENT)
    server.misbehave()
    assert provider.send([text()])[0].sent is Sent.ACCEPTED
    assert len(server.accepted()) == 1, "the key was honoured"


def test_a_gateway_that_forgets_keys_doubles_and_says_so(start: Start, opened: Open) -> None:
    server = start("sms_http", idempotent=False, look_up=False)
    provider = _open(opened, server, look_up_url=f"{server.http}/messages/{{key}}")
    provider.send([text()])
    provider.send([text()])
    assert len(server.accepted()) == 2
    assert not provider.repeats_safely
    assert provider.look_up(["k1"])[0].sent is Sent.UNKNOWN
    assert not _open(opened, server).traceable


def test_a_slow_gateway_costs_each_message_its_time_and_a_batch_little_more(start: Start, opened: Open) -> None:
    server = start("sms_http", slow=1, slow_seconds=3)
    provider = _open(opened, server, timeout=0.5)
    begun = seconds()
    receipts = provider.send([text(f"k{n}") for n in range(16)])
    assert {one.sent for one in receipts} == {Sent.UNKNOWN}
    assert seconds() - begun < 2, "they waited together"


def test_a_gateway_that_is_gone_has_surely_taken_nothing(opened: Open) -> None:
    provider = opened("sms_http", "http://127.0.0.1:9/messages")
    assert {one.sent for one in provider.send([text("a"), text("b")])} == {Sent.LATER}


def test_receipts_belong_to_their_messages_whatever_the_order(start: Start, opened: Open) -> None:
    server = start("sms_http", slow=0.3, slow_seconds=0.1, refuse=0.3, salt="order")
    receipts = _open(opened, server).send([text(f"k{n}", f"1380000{n:04}") for n in range(200)])
    accepted = {entry["key"]: entry["reference"] for entry in server.accepted()}
    assert len(receipts) == 200
    assert 0 < len(accepted) < 200
    for receipt in receipts:
        assert (receipt.sent is Sent.ACCEPTED) == (receipt.key in accepted)
        assert receipt.reference == accepted.get(receipt.key, "")


@pytest.mark.parametrize(
    ("code", "sent"), [("0", Sent.ACCEPTED), ("7", Sent.REFUSED), ("8", Sent.LATER), ("99", Sent.UNKNOWN)]
)
def test_a_gateway_that_always_says_200_is_read_by_its_code(start: Start, opened: Open, code: str, sent: Sent) -> None:
    server = start("sms_http", "--answer", f'{{"code": {code}, "data": {{"id": "g-1"}}}}')
    verdicts = {"path": "code", "accepted": ["0"], "refused": ["7"], "later": ["8"]}
    (receipt,) = _open(opened, server, verdicts=verdicts, reference="data.id").send([text()])
    assert receipt.sent is sent
    assert receipt.reference == ("g-1" if sent is Sent.ACCEPTED else "")


def test_reports_are_fetched_once_each_and_late_ones_later(start: Start, opened: Open) -> None:
    server = start("sms_http", report_seconds=0.4)
    fields = {"kinds": {"delivered": "delivered", "MO": "replied"}}
    provider = _open(opened, server, reports_url=f"{server.http}/reports?after={{cursor}}", reports=fields)
    provider.send([text()])
    assert provider.poll() == []
    begun = seconds()
    while not (reports := provider.poll()):
        assert seconds() - begun < 5
    assert [(one.key, one.kind) for one in reports] == [("k1", "delivered")]
    server.tell(kind="MO", address="13800000001")
    assert [one.kind for one in provider.poll()] == ["replied"]


def test_a_missing_secret_is_named_when_the_provider_is_opened(start: Start, opened: Open) -> None:
    with pytest.raises(CultivaError, match="secret") as error:
        opened("sms_http", "https://sms.example/", sms_http={"headers": {"X-Token": "${env:NO_SUCH_TOKEN}"}})
    assert error.value.seen == "${env:NO_SUCH_TOKEN}"


def test_a_server_that_drips_its_answer_is_left_when_the_time_is_over(opened: Open) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        connections = [listener.accept()[0] for _ in range(2)]
        with suppress(OSError):
            while not over.wait(0.1):
                for connection in connections:
                    connection.sendall(b"H")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    provider = opened("sms_http", f"http://127.0.0.1:{listener.getsockname()[1]}/messages", timeout_seconds=1)
    begun = seconds()
    receipts = provider.send([text("a"), text("b")])
    taken = seconds() - begun
    over.set()
    listener.close()
    assert {one.sent for one in receipts} == {Sent.UNKNOWN}
    assert taken < 5
