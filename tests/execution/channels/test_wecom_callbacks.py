"""Callbacks of WeCom: envelopes are opened as the platform seals them, and nothing else is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulators.wecom_envelope import changed, posted, query_of, sealed

from cultiva.definitions.providers import ProviderSettings
from cultiva.execution.channels.service import echo_of, pushed_reports
from cultiva.execution.channels.wecom.envelope import Envelope
from cultiva.kit.errors import CultivaError, ErrorKind

TOKEN, KEY, CORP = "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "ww1"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OURS = Envelope(TOKEN, KEY, CORP)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> ProviderSettings:
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("KEY", KEY)
    own: dict[str, Any] = {"corp_id": CORP, "secret": "${env:SECRET}", "callback_token": "${env:TOKEN}",
                           "callback_key": "${env:KEY}"}  # fmt: skip
    label = {"zh": "企业微信", "en": "WeCom"}
    return ProviderSettings.model_validate(
        {"name": "wecom", "label": label, "kind": "wecom", "url": "https://qyapi.weixin.qq.com", "wecom": own}
    )


def test_an_envelope_that_another_implementation_has_sealed_is_opened() -> None:
    """The example that libraries for this protocol test each other with (wechatpy and its ports)."""
    theirs = Envelope(TOKEN, KEY, "wx49f0ab532d5d035a")
    echo = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="
    query = {
        "msg_signature": "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96", "timestamp": "1411443780", "nonce": "437374425",
    }  # fmt: skip
    assert theirs.opened(echo, query, at=datetime.fromtimestamp(1411443780, UTC)).isdigit()
    with pytest.raises(CultivaError, match="not sealed as agreed"):
        theirs.opened(echo, query | {"nonce": "437374424"}, at=datetime.fromtimestamp(1411443780, UTC))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_sealed_comes_out_whole(text: bytes, receiver: str) -> None:
    envelope = sealed(text, key=KEY, receiver=receiver)
    query = query_of(envelope, token=TOKEN, at=NOW.timestamp())
    assert Envelope(TOKEN, KEY, receiver).opened(envelope, query, at=NOW) == text


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_an_envelope_that_was_changed_after_it_was_signed_is_not_opened(data: st.DataObject) -> None:
    envelope = sealed(b"<xml/>", key=KEY, receiver=CORP)
    query = query_of(envelope, token=TOKEN, at=NOW.timestamp())
    raw = bytearray(base64.b64decode(envelope))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CultivaError) as caught:
        OURS.opened(base64.b64encode(bytes(raw)).decode(), query, at=NOW)
    assert (caught.value.kind, caught.value.code) == (ErrorKind.FORBIDDEN, "channels.bad_signature")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=96).filter(lambda raw: len(raw) % 16 == 0))
def test_whatever_is_signed_but_not_sealed_as_agreed_is_refused_and_never_a_fault(raw: bytes) -> None:
    envelope = base64.b64encode(raw).decode()
    with pytest.raises(CultivaError) as caught:
        OURS.opened(envelope, query_of(envelope, token=TOKEN, at=NOW.timestamp()), at=NOW)
    assert caught.value.kind is ErrorKind.FORBIDDEN


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"receiver": "ww2"}, "another receiver"),
        ({"at": timedelta(seconds=301)}, "window"),
        ({"at": timedelta(seconds=-301)}, "window"),
        ({"token": "654321"}, "signature"),
        ({"key": "a" * 43}, ""),
    ],
)
def test_another_receiver_time_token_or_key_is_refused(change: dict[str, Any], problem: str) -> None:
    envelope = sealed(b"x", key=change.get("key", KEY), receiver=change.get("receiver", CORP))
    query = query_of(envelope, token=change.get("token", TOKEN), at=(NOW + change.get("at", timedelta())).timestamp())
    with pytest.raises(CultivaError) as caught:
        OURS.opened(envelope, query, at=NOW)
    assert caught.value.kind is ErrorKind.FORBIDDEN
    assert problem in str(caught.value.seen)


def told(provider: ProviderSettings, event: bytes) -> list[tuple[str, str]]:
    envelope = sealed(event, key=KEY, receiver=CORP)
    query = query_of(envelope, token=TOKEN, at=NOW.timestamp())
    found = pushed_reports(provider, posted(envelope), {}, at=NOW, query=query, root=Path())
    return [(one.kind, one.address) for one in found]


def test_a_customer_who_removes_the_employee_has_cut_off_the_channel(provider: ProviderSettings) -> None:
    assert told(provider, changed("del_follow_user", "wm-7")) == [("unfollowed", "wm-7")]
    for other in ("add_external_contact", "del_external_contact", "edit_external_contact", "no such change"):
        assert told(provider, changed(other)) == []
    assert told(provider, b"<xml><Event>subscribe</Event></xml>") == []


def test_an_event_posted_again_is_the_same_report(provider: ProviderSettings) -> None:
    def name(event: bytes) -> str:
        envelope = sealed(event, key=KEY, receiver=CORP)
        query = query_of(envelope, token=TOKEN, at=NOW.timestamp())
        (report,) = pushed_reports(provider, posted(envelope), {}, at=NOW, query=query, root=Path())
        return report.report_id

    once = name(changed("del_follow_user"))
    assert once == name(changed("del_follow_user"))
    assert once != name(changed("del_follow_user", employee="li")) != name(changed("del_follow_user", created=1))


@pytest.mark.parametrize("event", [b"no xml", b'<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>', b"", b"\xff\xfe"])
def test_what_cannot_be_read_is_refused(provider: ProviderSettings, event: bytes) -> None:
    with pytest.raises(CultivaError) as caught:
        told(provider, event)
    assert caught.value.code == "channels.bad_reports"


def test_a_post_without_an_envelope_is_refused(provider: ProviderSettings) -> None:
    with pytest.raises(CultivaError) as caught:
        pushed_reports(provider, b"<xml></xml>", {}, at=NOW, root=Path())
    assert caught.value.code == "channels.bad_reports"


def test_the_address_is_proven_and_without_an_agreement_nothing_is_opened(provider: ProviderSettings) -> None:
    echo = sealed(b"1616140317555161061", key=KEY, receiver=CORP)
    query = {**query_of(echo, token=TOKEN, at=NOW.timestamp()), "echostr": echo}
    assert echo_of(provider, query, at=NOW, root=Path()) == b"1616140317555161061"
    own = provider.section().model_copy(update={"callback_key": None})
    closed = provider.model_copy(update={"wecom": own})
    for ask in (
        lambda: echo_of(closed, query, at=NOW, root=Path()),
        lambda: pushed_reports(closed, posted(echo), {}, at=NOW, query=query, root=Path()),
    ):
        with pytest.raises(CultivaError) as caught:
            ask()
        assert (caught.value.kind, caught.value.code) == (ErrorKind.FORBIDDEN, "channels.no_reports")


def test_a_key_that_is_none_is_told_before_anything_is_opened() -> None:
    envelope = sealed(b"x", key=KEY, receiver=CORP)
    with pytest.raises(CultivaError) as caught:
        Envelope(TOKEN, KEY[:-1], CORP).opened(envelope, query_of(envelope, token=TOKEN, at=NOW.timestamp()), at=NOW)
    assert caught.value.code == "channels.wecom_key"
