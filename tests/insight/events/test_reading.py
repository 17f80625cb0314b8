"""From messages of the Segment spec to moments, without store or log."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.insight.events.samples import EVENTS, NOW, ZONE, started

from cultiva.contracts.moments import Moment
from cultiva.insight.events.message import Message, Parcel, Sender, happened
from cultiva.insight.events.reading import Bounds, Heard, Reader
from cultiva.insight.events.reasons import Reason, Refusal
from cultiva.insight.events.refused import refused_event
from cultiva.insight.events.registry import Registry

READER = Reader(Registry(EVENTS, ZONE), Bounds(ZONE, timedelta(days=31), timedelta(minutes=5)))
CORE = Sender("app", "core")


def read(message: object, **parcel: Any) -> Heard:
    raw = message if isinstance(message, bytes) else msgspec.json.encode(message)
    return READER.read(raw, Parcel([], parcel.pop("sender", CORE), NOW, **parcel))


def moment(message: object, **parcel: Any) -> Moment:
    found = read(message, **parcel).moment
    assert found is not None
    return found


def refusal(message: object, **parcel: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(message, **parcel)
    return caught.value


def test_a_track_call_is_a_moment() -> None:
    found = moment(started(context={"app": {"version": "5.1", "build": "77"}, "ip": "1.2.3.4", "locale": "zh-CN"}))
    assert found == Moment(
        message_id="m1",
        customer_id=0,
        name="loan_started",
        at=NOW - timedelta(minutes=10),
        day=date(2026, 11, 24),  # 00:20 in Shanghai
        received=NOW,
        source_system="core",
        source_id="C1",
        channel="app",
        properties={"product": "L1", "amount": 5000.0},
        context={"app.version": "5.1", "locale": "zh-CN"},
    )


@pytest.mark.parametrize("name", ["loan_started", "Loan Started", "loan-started", "Kredit begonnen"])
def test_senders_may_write_names_their_own_way(name: str) -> None:
    assert moment(started(event=name)).name == "loan_started"


def test_only_declared_properties_are_kept() -> None:
    found = moment(started(properties={"product": "L1", "customer_name": "王小芳", "nested": {"a": [1]}}))
    assert found.properties == {"product": "L1"}


def test_personal_data_enter_by_the_list_only() -> None:
    phone = "13812345678"
    found = moment(started(event="card_called", properties={"phone": phone, "note": f"call {phone} or fang@b.cn"}))
    assert found.properties == {"phone": phone, "note": "call 138******78 or f***@b.cn"}


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        ("boolean", True, True),
        ("integer", 3, 3),
        ("integer", 3.0, 3),
        ("number", 3, 3.0),
        ("money", "12.50", 12.5),
        ("money", 12.5, 12.5),
        ("text", "开始", "开始"),
        ("text", "[1]", None),
        ("text", None, None),
        ("date", "2026-11-23", "2026-11-23"),
        ("timestamp", "2026-11-23T16:30:00Z", "2026-11-24T00:30:00"),
        ("timestamp", "2026-11-23T16:30:00", "2026-11-23T16:30:00"),
        ("list", ["a", "b"], ["a", "b"]),
    ],
)
def test_a_property_is_kept_as_the_night_would_read_it(kind: str, given: object, kept: object) -> None:
    found = moment(started(event="everything", properties={kind: given})).properties
    assert found == ({} if kept is None else {kind: kept})


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("boolean", "true"),
        ("boolean", 1),
        ("integer", 1.5),
        ("integer", 2**53 + 1),
        ("integer", "3"),
        ("number", "3"),
        ("money", "12,50"),
        ("money", "1e3"),
        ("text", 3),
        ("text", "x" * 1001),
        ("text", "a\0b"),
        ("date", "23.11.2026"),
        ("timestamp", "yesterday"),
        ("list", "a"),
        ("list", [1]),
    ],
)
def test_a_property_of_another_type_is_refused(kind: str, given: object) -> None:
    found = refusal(started(event="everything", properties={kind: given}))
    assert (found.reason, found.field, found.allowed) == (Reason.WRONG_TYPE, f"properties.{kind}", kind)


def test_what_the_night_reads_is_what_is_kept() -> None:
    """The night's own reading of the archived JSON gives the value that live has."""
    import ibis

    from cultiva.insight.profile.casts import typed_text

    given = {"integer": 7.0, "number": 1e21, "money": "0.10", "text": " x ", "date": "2026-01-31", "boolean": False,
             "timestamp": "2026-01-31T00:00:00.123456+08:00"}  # fmt: skip
    kept = moment(started(event="everything", properties=given)).properties
    con = ibis.duckdb.connect()
    for name, value in kept.items():
        column = con.sql(f"select json_extract_string('{json.dumps({name: value})}', '$.{name}') as t")["t"]
        night = con.execute(typed_text(column, EVENTS["everything"].properties[name]))[0]
        seen = night.isoformat() if hasattr(night, "isoformat") else night
        assert str(seen).removesuffix("T00:00:00") == str(value), name


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"type": "dance"}, Reason.UNKNOWN_CALL, "type"),
        ({"type": None}, Reason.MALFORMED, "type"),
        ({"event": "loan_starte"}, Reason.UNKNOWN_EVENT, "event"),
        ({"event": None}, Reason.UNKNOWN_EVENT, "event"),
        ({"userId": None}, Reason.NOBODY, "userId"),
        ({"userId": "  "}, Reason.NOBODY, "userId"),
        ({"userId": "x" * 201}, Reason.BAD_ID, "userId"),
        ({"userId": "a\nb"}, Reason.BAD_ID, "userId"),
        ({"userId": 1.5}, Reason.MALFORMED, "userId"),
        ({"userId": True}, Reason.MALFORMED, "userId"),
        ({"messageId": "x" * 201}, Reason.BAD_ID, "messageId"),
        ({"properties": {"amount": 1}}, Reason.MISSING_PROPERTY, "properties.product"),
        ({"properties": {"product": None}}, Reason.MISSING_PROPERTY, "properties.product"),
        ({"properties": None}, Reason.MISSING_PROPERTY, "properties.product"),
        ({"properties": [1]}, Reason.WRONG_TYPE, "properties"),
        ({"context": 3}, Reason.MALFORMED, "context"),
        ({"context": {"source_system": 3}}, Reason.UNKNOWN_SYSTEM, "context.source_system"),
        ({"timestamp": "2026-11-23T10:00:00"}, Reason.NO_ZONE, "timestamp"),
        ({"timestamp": "yesterday"}, Reason.MALFORMED, "timestamp"),
        ({"timestamp": (NOW + timedelta(minutes=6)).isoformat()}, Reason.AHEAD, "timestamp"),
        ({"timestamp": (NOW - timedelta(days=32)).isoformat()}, Reason.TOO_LATE, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, Reason.AHEAD, "timestamp"),
        ({"properties": {"product": "x" * 33_000}}, Reason.TOO_LARGE, ""),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(change: dict[str, Any], reason: Reason, field: str) -> None:
    found = refusal(started(**change))
    assert (found.reason, found.field) == (reason, field)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"3", b'{"userId":"\\ud800"}', b"\xff\xfe", b'{"type":' + b"[" * 900]
)
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    assert refusal(raw).reason is Reason.MALFORMED


def test_a_user_without_a_source_system_is_refused() -> None:
    assert refusal(started(), sender=Sender("app")).reason is Reason.UNKNOWN_SYSTEM
    assert moment(started(context={"source_system": "crm"}), sender=Sender("app")).source_system == "crm"
    assert moment(started(context={"source_system": "crm"})).source_system == "crm"


def test_pages_and_screens_are_page_views() -> None:
    page = {**started(), "type": "page", "name": "Loans", "properties": {"url": "https://bank.example/?phone=1"}}
    assert (moment(page).name, moment(page).properties, moment(page).channel) == (
        "page_viewed",
        {"page": "Loans"},
        "web",
    )
    screen = {**started(), "name": None, "properties": None, "context": {"page": {"path": "/loans"}}}
    assert moment(screen, call="screen").properties == {"page": "/loans"}
    assert moment(screen, call="screen").channel == "app"


@pytest.mark.parametrize(
    ("more", "channel"),
    [({}, "app"), ({"channel": "browser"}, "web"), ({"context": {"channel": "branch"}, "channel": "mobile"}, "branch")],
)
def test_the_channel_is_what_is_said_most_plainly(more: dict[str, Any], channel: str) -> None:
    assert moment(started(**more)).channel == channel


def test_identify_and_alias_say_who_a_visitor_is() -> None:
    said = read({**started(), "type": "identify", "anonymousId": "v1"})
    assert said.moment is None
    assert said.link is not None
    assert (said.link.anonymous_id, said.link.source_system, said.link.source_id) == ("v1", "core", "C1")
    also = read({**started(), "type": "alias", "previousId": "v1"})
    assert also.link == said.link
    assert read({**started(), "type": "identify"}) == Heard(None)
    assert read({**started(), "type": "group"}) == Heard(None)
    assert refusal({**started(), "type": "alias"}).reason is Reason.NOBODY
    assert refusal(started(), call="alias").field == "previousId"
    assert read(started(previousId="v1"), call="alias").link == said.link
    assert refusal({**started(), "type": "alias", "previousId": "v1", "userId": None}).reason is Reason.NOBODY


def test_a_message_without_an_id_gets_one_of_its_content_if_it_says_when() -> None:
    one = {key: value for key, value in started().items() if key != "messageId"}
    assert moment(one).message_id == moment(one).message_id != moment({**one, "userId": "C2"}).message_id
    del one["timestamp"]
    assert moment(one).message_id != moment(one).message_id
    assert moment(one).at == NOW


def test_the_context_of_a_batch_lies_under_that_of_a_message() -> None:
    found = moment(started(context={"locale": "en"}), context={"locale": "zh", "app": {"version": "1"}})
    assert found.context == {"locale": "en", "app.version": "1"}


def test_history_is_believed_as_it_stands() -> None:
    old = started(timestamp="2019-05-01T10:00:00+08:00", sentAt="2019-05-02T10:00:00+08:00")
    assert moment(old, replayed=True).at == datetime(2019, 5, 1, 2, tzinfo=UTC)


INSTANTS = st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 22), timezones=st.just(UTC))


@settings(max_examples=60, deadline=None)
@given(at=INSTANTS, skew=st.timedeltas(timedelta(days=-400), timedelta(days=400)), wait=st.integers(0, 86_400))
def test_a_wrong_clock_does_not_matter(at: datetime, skew: timedelta, wait: int) -> None:
    """A device whose clock is off by any amount notes an event, and sends it later: it is put at its true time."""
    sent = at + timedelta(seconds=wait)
    message = Message(timestamp=at + skew, sent_at=sent + skew)
    assert happened(message, None, sent) == at
    assert happened(Message(timestamp=at + skew), sent + skew, sent) == at
    assert happened(Message(timestamp=at, sent_at=sent + skew, original_timestamp=at + skew), None, sent) == at


def test_a_moment_a_little_ahead_is_now() -> None:
    assert moment(started(timestamp=(NOW + timedelta(minutes=4)).isoformat())).at == NOW


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["type", "event", "messageId", "userId", "anonymousId", "timestamp", "sentAt", "properties", "context", "name"]


@settings(max_examples=150, deadline=None)
@given(change=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_whatever_comes_is_read_or_refused_and_can_be_kept(change: dict[str, Any]) -> None:
    raw = json.dumps(started(**change)).encode()
    try:
        read(raw)
    except Refusal as found:
        kept = refused_event(raw, found, Parcel([], CORE, NOW))
        assert len(kept.name) <= 200
        assert len(kept.message_id) <= 200
        assert json.dumps(kept.body)


def test_what_is_set_aside_has_no_personal_data() -> None:
    secret = "13812345678"
    message = started(
        event=f"mail {secret}", userId=secret, traits={"name": "王小芳", "phone": secret}, email="fang@example.com"
    )
    raw = msgspec.json.encode(message)
    kept = refused_event(raw, refusal(message), Parcel([], CORE, NOW))
    text = json.dumps(msgspec.to_builtins(kept), ensure_ascii=False)
    assert secret not in text
    assert "王" not in text
    assert "fang@" not in text
    assert kept.body["message"]["traits"] == {"name": "text", "phone": "text"}
    assert (
        refused_event(raw, refusal(message), Parcel([], CORE, NOW + timedelta(days=1))).quarantine_id
        == kept.quarantine_id
    )
