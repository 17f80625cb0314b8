"""E-mail over real sockets: what the relay gets, and what every way of misbehaving ends as."""

from __future__ import annotations

import base64
import email
import email.policy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.execution.channels.conftest import Open, Start, mail
from tests.simulators.process import Simulator
from tests.simulators.smtp import CERTIFICATE

from cultiva.contracts.delivery import Message, Provider, Sent
from cultiva.kit.errors import CultivaError

LINK = f"https://bank.example/u/{'0123456789abcdef' * 12}"
"""As long as signed links are."""
SERVERS = ((), ("--quick",))


def _open(opened: Open, server: Simulator, timeout: float = 5, **smtp: Any) -> Provider:
    section = {"sender": "The Bank <bank@example.org>", "starttls": False, **smtp}
    return opened("smtp", f"smtp://127.0.0.1:{server.port}", smtp=section, timeout_seconds=timeout)


@pytest.mark.parametrize("options", SERVERS)
def test_a_mail_arrives_once_with_its_key_and_its_way_out(start: Start, opened: Open, options: tuple[str, ...]) -> None:
    server = start("smtp", *options)
    provider = _open(opened, server, unsubscribe_mail="stop@example.org")
    message = mail(html="<p>您好</p>", unsubscribe=LINK)
    receipts = provider.send([message, mail("k2", "wang@example.com")])
    assert [receipt.sent for receipt in receipts] == [Sent.ACCEPTED] * 2
    first, second = server.accepted()
    assert (first["key"], first["address"], first["reference"]) == ("k1", "fang@example.com", receipts[0].reference)
    assert second["key"] == "k2"
    got = email.message_from_string(first["content"], policy=email.policy.default)
    assert got["subject"] == "您好"
    assert got["message-id"] == "<k1@example.org>"
    assert got["list-unsubscribe"] == f"<{LINK}>, <mailto:stop@example.org?subject=unsubscribe>"
    assert got["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    plain = got.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().splitlines() == ["一行", ".", "两行"]


@pytest.mark.parametrize("options", SERVERS)
def test_dots_and_line_ends_arrive_as_they_were(start: Start, opened: Open, options: tuple[str, ...]) -> None:
    server = start("smtp", *options)
    lines = ["one", ".", "..two", ".three", ""]
    assert _open(opened, server).send([mail(text="\n".join(lines))])[0].sent is Sent.ACCEPTED
    got = email.message_from_string(server.accepted()[0]["content"], policy=email.policy.default)
    assert got.get_content().splitlines() == [line for line in lines if line]


def test_one_connection_carries_many_and_is_renewed(start: Start, opened: Open) -> None:
    server = start("smtp", "--quick")
    provider = _open(opened, server, per_connection_max=7)
    assert {one.sent for one in provider.send([mail(f"k{n}") for n in range(20)])} == {Sent.ACCEPTED}
    assert [entry["key"] for entry in server.accepted()] == [f"k{n}" for n in range(20)]


@pytest.mark.parametrize("options", SERVERS)
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
def test_every_misbehaviour_has_its_receipt(
    start: Start, opened: Open, options: tuple[str, ...], mood: str, sent: Sent, arrived: int
) -> None:
    server = start("smtp", *options, **{mood: 1})
    provider = _open(opened, server, trace_url=f"{server.http}/messages/{{key}}")
    (receipt,) = provider.send([mail()])
    assert (receipt.sent, len(server.accepted())) == (sent, arrived)
    assert "fang" not in receipt.problem
    (fate,) = provider.look_up(["k1"])
    assert fate.sent is (Sent.ACCEPTED if arrived else Sent.ABSENT)
    server.misbehave()
    assert provider.send([mail("k9")])[0].sent is Sent.ACCEPTED, "the connection recovers"


def test_a_slow_relay_costs_a_message_its_time_and_no_more(start: Start, opened: Open) -> None:
    server = start("smtp", slow=1, slow_seconds=3)
    provider = _open(opened, server, timeout=0.5)
    (receipt,) = provider.send([mail()])
    assert receipt.sent is Sent.UNKNOWN


def test_without_a_trace_nobody_knows(start: Start, opened: Open) -> None:
    server = start("smtp", look_up=False)
    blind, refused = _open(opened, server), _open(opened, server, trace_url=f"{server.http}/messages/{{key}}")
    assert not blind.traceable
    assert not blind.repeats_safely
    assert blind.look_up(["k1"])[0].sent is Sent.UNKNOWN
    assert refused.look_up(["k1"])[0].sent is Sent.UNKNOWN


def test_a_relay_that_is_gone_keeps_the_whole_batch_for_later(opened: Open) -> None:
    provider = opened("smtp", "smtp://127.0.0.1:9", smtp={"sender": "bank@example.org", "starttls": False})
    receipts = provider.send([mail("a"), mail("b")])
    assert [(one.key, one.sent) for one in receipts] == [("a", Sent.LATER), ("b", Sent.LATER)]


def test_a_kept_connection_that_broke_is_opened_again(start: Start, opened: Open, tmp_path: Path) -> None:
    server = start("smtp", "--quick", drop_before=1, attempts=1)
    provider = _open(opened, server)
    server.misbehave()
    assert provider.send([mail("a")])[0].sent is Sent.ACCEPTED
    server.misbehave(drop_before=1, attempts=1)
    assert provider.send([mail("b")])[0].sent is Sent.UNKNOWN
    assert provider.send([mail("c", "x@example.com"), mail("b")])[1].sent is Sent.ACCEPTED


@pytest.mark.parametrize(
    "message",
    [
        mail(address="not an address"),
        mail(address="a@b.c\r\nRCPT TO:<x@y.z>"),
        mail(key="k 1\r\n"),
        mail(subject="x\r\nBcc: all@example.com"),
        Message("k", "a@example.com", {"subject": "nothing"}),
    ],
)
def test_what_can_never_go_is_refused_before_it_leaves(start: Start, opened: Open, message: Message) -> None:
    server = start("smtp", "--quick")
    (receipt,) = _open(opened, server).send([message])
    assert receipt.sent is Sent.REFUSED
    assert server.accepted() == []


def test_the_connection_is_encrypted_and_the_relay_is_who_it_says(
    start: Start, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_USER", "bank")
    monkeypatch.setenv("MAIL_PASSWORD", "right")
    server = start("smtp", "--tls", "--login", "bank:right")
    shutil.copy(CERTIFICATE, tmp_path / "ca.pem")
    login: dict[str, Any] = {"user": "${env:MAIL_USER}", "password": "${env:MAIL_PASSWORD}"}
    trusting = _open(opened, server, starttls=True, ca_file="ca.pem", **login)
    assert trusting.send([mail()])[0].sent is Sent.ACCEPTED
    stranger = _open(opened, server, starttls=True, **login)
    assert stranger.send([mail("k2")])[0].sent is Sent.LATER
    open_hearted = _open(opened, server)
    assert open_hearted.send([mail("k3")])[0].sent is Sent.LATER, "the relay demands STARTTLS: our settings are wrong"
    by_url = {"sender": "bank@example.org", "ca_file": "ca.pem"}
    inline = opened("smtp", f"smtp://bank:${{env:MAIL_PASSWORD}}@127.0.0.1:{server.port}", smtp=by_url)
    assert inline.send([mail("k5")])[0].sent is Sent.ACCEPTED
    monkeypatch.setenv("MAIL_PASSWORD", "wrong")
    rejected = _open(opened, server, starttls=True, ca_file="ca.pem", **login)
    (receipt,) = rejected.send([mail("k4")])
    assert receipt.sent is Sent.LATER
    assert "wrong" not in receipt.problem
    assert [entry["key"] for entry in server.accepted()] == ["k1", "k5"]


def test_a_relay_without_starttls_gets_nothing(start: Start, opened: Open) -> None:
    server = start("smtp", "--quick")
    assert _open(opened, server, starttls=True).send([mail()])[0].sent is Sent.LATER
    assert server.accepted() == []


def test_a_signature_holds_and_covers_the_way_out(start: Start, opened: Open, tmp_path: Path) -> None:
    import dkim

    key = subprocess.run(["openssl", "genrsa", "-traditional", "1024"], capture_output=True, check=True).stdout
    (tmp_path / "dkim.pem").write_bytes(key)
    der = subprocess.run(
        ["openssl", "rsa", "-pubout", "-outform", "DER"], input=key, capture_output=True, check=True
    ).stdout
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)
    server = start("smtp")
    section = {"domain": "example.org", "selector": "s1", "key": "${file:dkim.pem}"}
    provider = _open(opened, server, dkim=section)
    assert provider.send([mail(unsubscribe="https://bank.example/u/1")])[0].sent is Sent.ACCEPTED
    got = server.accepted()[0]["content"].encode()
    assert dkim.verify(got, dnsfunc=lambda *_, **__: record)
    assert not dkim.verify(got.replace(b"/u/1", b"/u/2"), dnsfunc=lambda *_, **__: record)


def test_a_key_that_cannot_sign_is_an_error_at_once(start: Start, opened: Open, tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_text("no key")
    with pytest.raises(CultivaError, match="DKIM"):
        opened(
            "smtp",
            "smtp://127.0.0.1:9",
            smtp={"sender": "a@b.c", "dkim": {"domain": "d", "selector": "s", "key": "${file:dkim.pem}"}},
        )


def test_reports_come_late_twice_and_as_failures(start: Start, opened: Open) -> None:
    server = start("smtp", duplicate=1, fail=1)
    provider = _open(opened, server, reports_url=f"{server.http}/reports?after={{cursor}}")
    provider.send([mail()])
    reports = provider.poll()
    assert [(one.kind, one.key) for one in reports] == [("failed", "k1")] * 2
    assert len({one.report_id for one in reports}) == 1
    assert provider.poll() == []
    server.tell(kind="opted_out", address="fang@example.com")
    assert [(one.kind, one.address) for one in provider.poll()] == [("opted_out", "fang@example.com")]
