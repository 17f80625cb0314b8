"""Signed webhooks: what is signed, what is refused, and that a replay is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.execution.channels.conftest import Open, Start, text

from cultiva.contracts.delivery import Provider, Sent
from cultiva.definitions.providers import ProviderSettings
from cultiva.execution.channels.service import pushed_reports
from cultiva.execution.channels.signature import signature_problem, signed_headers
from cultiva.kit.errors import CultivaError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def hook(opened: Open, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")

    def made(url: str, **more: object) -> Provider:
        return opened("webhook", f"{url}/hook", webhook={"secret": "${env:HOOK_SECRET}", **more}, timeout_seconds=2)

    return made


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
def test_every_misbehaviour_has_its_receipt(start: Start, hook: Open, mood: str, sent: Sent, arrived: int) -> None:
    server = start("webhook", "--secret", "s3cret", **{mood: 1})
    provider = hook(server.http, look_up_url=f"{server.http}/hook/{{key}}")
    (receipt,) = provider.send([text()])
    assert (receipt.sent, len(server.accepted())) == (sent, arrived)
    assert provider.look_up(["k1"])[0].sent is (Sent.ACCEPTED if arrived else Sent.ABSENT)
    server.misbehave()
    assert provider.repeats_safely
    assert provider.send([text()])[0].sent is Sent.ACCEPTED
    (entry,) = server.accepted()
    assert entry["body"]["content"] == {"text": "您好"}


def test_another_secret_gets_nothing_through(start: Start, hook: Open) -> None:
    server = start("webhook", "--secret", "other")
    assert hook(server.http).send([text()])[0].sent is Sent.LATER
    assert server.accepted() == []


def test_a_slow_receiver_leaves_the_fate_open(start: Start, hook: Open) -> None:
    server = start("webhook", "--secret", "s3cret", slow=1, slow_seconds=4)
    assert hook(server.http).send([text()])[0].sent is Sent.UNKNOWN


@given(st.binary(), st.text("abc0", min_size=1), st.integers(-300, 300))
def test_what_was_signed_is_taken_within_the_window(body: bytes, key: str, late: int) -> None:
    headers = signed_headers("s", body, key=key, at=NOW)
    assert signature_problem("s", body, headers, at=NOW + timedelta(seconds=late)) == ""


@given(st.binary(), st.binary(), st.text("abc0", min_size=1), st.text("abc0", min_size=1))
def test_another_body_key_secret_or_time_is_not(body: bytes, other: bytes, key: str, wrong: str) -> None:
    headers = signed_headers("s", body, key=key, at=NOW)
    assert (signature_problem("s", other, headers, at=NOW) == "") == (other == body)
    changed = {**headers, "Idempotency-Key": wrong}
    assert (signature_problem("s", body, changed, at=NOW) == "") == (wrong == key)
    assert signature_problem("t", body, headers, at=NOW) == "wrong signature"
    assert signature_problem("", body, signed_headers("", body, key=key, at=NOW), at=NOW) == "wrong signature"
    assert signature_problem("s", body, headers, at=NOW + timedelta(seconds=301)) == "outside of the window of time"
    assert signature_problem("s", body, {}, at=NOW) == "no timestamp"


def test_pushed_reports_are_taken_with_a_signature_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTS", "r")
    label = {"zh": "短信", "en": "SMS"}
    gateway = {
        "reports_secret": "${env:REPORTS}",
        "reports": {"items": "", "kind": "status", "kinds": {"DELIVRD": "delivered"}},
    }
    given_ = {"name": "sms", "label": label, "kind": "sms_http", "url": "https://h/", "sms_http": gateway}
    settings = ProviderSettings.model_validate(given_)
    body = b'{"status": "DELIVRD", "key": "k1", "at": 1763888400}'
    headers = signed_headers("r", body, key="e1", at=NOW)
    first, again = (pushed_reports(settings, body, headers, at=NOW) for _ in range(2))
    assert [(one.kind, one.key) for one in first] == [("delivered", "k1")]
    assert first[0].report_id == again[0].report_id, "a report without an id is known by its content"
    with pytest.raises(CultivaError, match="not signed"):
        pushed_reports(settings, body + b" ", headers, at=NOW)
    open_ = ProviderSettings.model_validate({**given_, "sms_http": {}})
    with pytest.raises(CultivaError, match="no reports are taken"):
        pushed_reports(open_, body, headers, at=NOW)
