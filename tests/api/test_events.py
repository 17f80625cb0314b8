"""Events over HTTP: what is answered is durable; keys, limits and faults are as on every other route."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.api.banks import NOW, Api, api_of, copy_of

from cultiva.api.desk import Desk
from cultiva.api.taking import Taking
from cultiva.client import ApiProblem
from cultiva.contracts.moments import Moment, read_moment
from cultiva.execution.access.service import Access
from cultiva.insight.events.message import BATCH_BYTES_MAX, Parcel, Sender
from cultiva.insight.events.service import Accepted
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.stream import open_log

SINGLES = ("/v1/events", "/v1/track", "/v1/page", "/v1/screen", "/v1/identify", "/v1/group", "/v1/alias")
ALL = (*SINGLES, "/v1/batch")


@contextmanager
def opened_bank(bank: Path, root: Path) -> Iterator[Api]:
    """The API over a copy of the bank whose userIds are those of its app."""
    copy_of(bank, root)
    with (root / "cultiva.toml").open("a") as settings:
        settings.write('\n[live]\nenabled = true\n[events]\nsource_system = "app"\nsenders = { till = "core" }\n')
    with api_of(root) as found:
        yield found
        found.app.state.desk.close()


@pytest.fixture
def api(bank: Path, tmp_path: Path) -> Iterator[Api]:
    with opened_bank(bank, tmp_path / "bank") as found:
        yield found


@pytest.fixture(scope="module")
def refusing(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One that takes nothing in all the tests that share it."""
    with opened_bank(bank, tmp_path_factory.mktemp("refusing") / "bank") as found:
        yield found


def people(api: Api) -> list[tuple[str, str, int]]:
    """(source system, source id, customer) of every party record."""
    files = api.parts.lake.files_current("identity_map", api.parts.newest_date())
    rows = pl.read_parquet([path for folder in files for path in Path(folder).rglob("*.parquet")] or files)
    return sorted(rows.select("source_system", "source_id", "customer_id").iter_rows())


def moments(api: Api) -> list[Moment]:
    """What is in the log, read by another process's eyes: from the file."""
    log = open_log(api.parts.workspace.settings.live, api.parts.root)
    records = [one.record for part in range(log.partitions) for one in log.read(part, after=0, limit=100_000)]
    log.close()
    return sorted((read_moment(one.body) for one in records if one.body), key=lambda one: one.message_id)


def started(number: int | str, user: str | None, **more: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": "loan_started", "messageId": f"m{number}", "userId": user,
        "timestamp": (NOW - timedelta(minutes=1)).isoformat(), "properties": {"product": "L1", "amount": 1.5}, **more,
    }  # fmt: skip


def with_key(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_what_is_answered_is_in_the_log(api: Api) -> None:
    system, user, customer = next(one for one in people(api) if one[0] == "app")
    events = api.client().events
    assert events.send_one(started(1, user)).new == 1
    taken = events.send(
        [started(1, user), started(2, user), started(3, user, event="unheard_of"), started(4, "nobody")]
    )
    assert (taken.new, taken.repeated, taken.quarantined, taken.waiting) == (1, 1, 1, 1)
    assert taken.reasons == {"unknown_event": 1}
    found = moments(api)
    assert [(one.message_id, one.customer_id, one.source_system, one.source_id) for one in found] == [
        ("m1", customer, system, user),
        ("m2", customer, system, user),
    ]
    counts = events.counts()
    assert (counts.records, counts.waiting) == (2, {"visitor": 0, "user": 1})
    assert [(one.reason, one.name, one.sender, one.count) for one in counts.refused] == [
        ("unknown_event", "unheard_of", "test", 1)
    ]
    assert [one.message_id for one in events.quarantine(reason="unknown_event", limit=1)] == ["m3"]
    assert events.quarantine(reason="nobody") == []


def test_a_key_s_name_says_whose_ids_it_sends(api: Api) -> None:
    system, user, customer = next(one for one in people(api) if one[0] == "core")
    assert api.client(name="till").events.send_one(started(1, user)).new == 1
    assert [(one.source_system, one.customer_id) for one in moments(api)] == [(system, customer)]


def test_segment_s_own_libraries_are_understood(api: Api) -> None:
    """A key as the name of basic authentication or in the body, calls in the path, a clock that is an hour slow."""
    _, user, customer = next(one for one in people(api) if one[0] == "app")
    http, key = api.http(), api.key(["events"])
    call = {**started(1, user), "type": None}
    del call["type"]
    assert http.post("/v1/track", json=call, auth=(key, "")).json()["new"] == 1
    skewed = {
        "batch": [
            started(2, user, timestamp=(NOW - timedelta(minutes=75)).isoformat()),
            {"type": "page", "messageId": "m3", "anonymousId": "v1", "name": "Loans"},
            {"type": "identify", "messageId": "m4", "anonymousId": "v1", "userId": user, "traits": {"email": "a@b.c"}},
        ],
        "sentAt": (NOW - timedelta(minutes=60)).isoformat(),
        "writeKey": key,
    }
    answered = http.post("/v1/batch", content=json.dumps(skewed), headers={"Content-Type": "text/plain"})
    assert answered.status_code == 200
    assert answered.json()["success"] is True
    found = {one.message_id: one for one in moments(api)}
    assert found["m2"].at == NOW - timedelta(minutes=15)
    assert (found["m3"].name, found["m3"].properties, found["m3"].customer_id) == (
        "page_viewed",
        {"page": "Loans"},
        customer,
    )


def test_a_workspace_without_a_live_side_takes_none(bank: Path, tmp_path: Path) -> None:
    with api_of(copy_of(bank, tmp_path / "bank")) as found:
        events = found.client().events
        for ask in (lambda: events.send_one(started(1, "x")), events.counts):
            with pytest.raises(ApiProblem) as caught:
                ask()
            assert (caught.value.status, caught.value.code) == (409, "events.not_enabled")
        found.app.state.desk.close()
    assert not (tmp_path / "bank" / ".cultiva" / "live").exists()


@pytest.mark.parametrize("path", ALL)
def test_without_a_key_for_events_nothing_is_taken(refusing: Api, path: str) -> None:
    body = {"batch": [started(1, "x")], "type": "track", "userId": "x"}
    none = refusing.http().post(path, json=body)
    assert (none.status_code, none.json()["code"]) == (401, "api.no_key")
    assert none.headers["www-authenticate"] == "Bearer"
    assert none.json()["instance"].rsplit(":", 1)[1] == none.headers["x-request-id"]
    other = refusing.http().post(path, json=body, headers=with_key(refusing.key(["customers", "outcomes"])))
    assert (other.status_code, other.json()["allowed"]) == (403, "events")
    assert moments(refusing) == []


def test_a_key_in_the_body_that_is_none_opens_nothing(refusing: Api) -> None:
    for key in (3, None, "", "cultiva_" + "0" * 12 + "_" + "A" * 43):
        assert refusing.http().post("/v1/track", json={"writeKey": key}).status_code == 401


def test_a_revoked_key_is_refused_after_two_seconds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    key, http = api.key(["events"]), api.http()
    assert http.post("/v1/events", json=started(1, "x"), headers=with_key(key)).status_code == 200
    Access(api.parts.store.database).revoke(key.split("_")[1], by="test", at=NOW)
    monkeypatch.setattr(Desk, "now", lambda _: NOW + timedelta(seconds=2))
    assert http.post("/v1/events", json=started(2, "x"), headers=with_key(key)).status_code == 401


def test_a_rate_is_kept(api: Api) -> None:
    key = api.key(["events"], per_minute_max=8)
    answers = [api.http().post("/v1/events", json=started(n, "x"), headers=with_key(key)) for n in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) in (7, 8)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/track", b"", 422),
        ("/v1/track", b"{", 422),
        ("/v1/events", b"[1]", 422),
        ("/v1/events", b"\xff", 422),
        ("/v1/events", b'{"batch": 3}', 422),
        ("/v1/batch", b'{"batch": [1, "x", null, {}]}', 200),
        ("/v1/batch", b'{"batch": []}', 200),
        ("/v1/batch", b"{}", 422),
        ("/v1/batch", b'{"batch": [], "sentAt": "2026-01-01T00:00:00"}', 422),
        ("/v1/batch", b'{"batch": [], "context": 3}', 422),
        ("/v1/batch", b'{"batch": [' + b"{}," * 5000 + b"{}]}", 422),
        ("/v1/track", b'{"userId": "' + b"x" * 40_000 + b'"}', 200),
        ("/v1/track", b'{"userId": "' + b"x" * 70_000 + b'"}', 413),
        ("/v1/batch", b" " * (BATCH_BYTES_MAX + 1), 413),
        ("/v1/events", b'{"event": {"a": 1}}', 200),
        ("/v1/track", b'{"writeKey": 3}', 200),
        ("/v1/track", b'{"a": ' + b"[" * 15_000 + b"]" * 15_000 + b"}", 422),
        ("/v1/batch", b'{"batch": [' + b"[" * 15_000 + b"]" * 15_000 + b"]}", 422),
        ("/v1/batch", b'{"batch": [{"event": "\\ud800"}]}', 200),
        ("/v1/events", b'{"batch": [{"event": "\\ud800"}]}', 200),
        ("/v1/batch", b'{"batch": [], "sentAt": "\\ud800"}', 422),
        ("/v1/batch", b'{"batch": {"a": "\\ud800"}}', 422),
        ("/v1/batch", b'["\\ud800"]', 422),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_what_can_is_judged(
    refusing: Api, path: str, body: bytes, status: int
) -> None:
    found = refusing.http().post(path, content=body, headers=with_key(refusing.key(["events"])))
    assert found.status_code == status, found.text
    if status != 200:
        assert found.headers["content-type"] == "application/problem+json"
    else:
        assert found.json()["quarantined"] == (4 if b"null" in body else 0 if b"[]" in body else 1)


def test_a_log_that_does_not_answer_is_said_and_nothing_is_lost(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    _, user, _ = next(one for one in people(api) if one[0] == "app")
    door = api.app.state.desk.door

    def down(_records: object) -> list[bool]:
        raise CultivaError("the log does not answer", code="stream.unavailable", kind=ErrorKind.UNAVAILABLE)

    with monkeypatch.context() as patched:
        patched.setattr(door.intake._log, "append", down)
        with pytest.raises(ApiProblem) as caught:
            api.client().events.send_one(started(1, user))
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (503, "stream.unavailable", 5.0)
    assert api.client().events.send_one(started(1, user)).new == 1


class SlowDoor:
    """An intake whose first write lasts until it is let go."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()
        self.writes: list[int] = []
        self.intake = self

    def follow(self) -> bool:
        return False

    def take_all(self, parcels: list[Parcel]) -> list[Accepted]:
        self.writes.append(len(parcels))
        self.begun.set()
        assert self.over.wait(30)
        if any(one.call == "broken" for one in parcels):
            raise ConnectionError
        return [Accepted(new=len(one.messages)) for one in parcels]


def parcel(messages: int, call: str = "") -> Parcel:
    return Parcel([b"{}"] * messages, Sender("app"), NOW, call=call)


async def gathered(door: SlowDoor, *parcels: Parcel) -> list[Accepted | BaseException]:
    """The first parcel's write goes on while all others come."""
    taking = Taking(lambda: door)  # type: ignore[arg-type, return-value]
    first = asyncio.ensure_future(taking.take(parcels[0]))
    await asyncio.to_thread(door.begun.wait, 30)
    others = [asyncio.ensure_future(taking.take(one)) for one in parcels[1:]]
    await asyncio.sleep(0)  # each has put its parcel down
    door.over.set()
    found = await asyncio.gather(first, *others, return_exceptions=True)
    taking.close()
    return found


def test_requests_that_come_together_share_a_write() -> None:
    door = SlowDoor()
    found = asyncio.run(gathered(door, *(parcel(number) for number in range(1, 9))))
    assert [one.new for one in found if isinstance(one, Accepted)] == list(range(1, 9))
    assert door.writes == [1, 7]


def test_a_write_has_a_largest_size_and_who_waits_a_largest_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cultiva.api.taking.TOGETHER_MAX", 10)
    monkeypatch.setattr("cultiva.api.taking.GATHERED_MAX", 4)
    door = SlowDoor()
    found = asyncio.run(gathered(door, parcel(1), parcel(6), parcel(4), parcel(3), parcel(20), parcel(1)))
    assert [getattr(one, "new", None) for one in found] == [1, 6, 4, 3, 20, None]
    assert isinstance(found[-1], CultivaError)
    assert (found[-1].code, found[-1].kind) == ("events.busy", ErrorKind.UNAVAILABLE)
    assert door.writes == [1, 2, 1, 1]


def test_a_write_that_fails_is_told_to_those_who_were_in_it() -> None:
    found = asyncio.run(gathered(SlowDoor(), parcel(1), parcel(2, "broken"), parcel(3)))
    assert isinstance(found[0], Accepted)
    assert [type(one) for one in found[1:]] == [ConnectionError, ConnectionError]


def test_what_came_in_is_in_the_metrics(api: Api) -> None:
    key = api.key(["events"])
    before = _metric(api, "cultiva_events_quarantined_total", "nobody")
    api.http().post("/v1/track", json={"event": "loan_started"}, headers=with_key(key))
    assert _metric(api, "cultiva_events_quarantined_total", "nobody") == before + 1
    assert _metric(api, "cultiva_events_total", "quarantined") >= 1


def _metric(api: Api, name: str, label: str) -> float:
    lines = api.http().get("/metrics").text.splitlines()
    return sum(float(one.rpartition(" ")[2]) for one in lines if one.startswith(name) and f'"{label}"' in one)


def test_a_new_run_s_identity_map_is_taken_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waited for people whom the run has seen by now goes into the log."""
    system, user, customer = next(one for one in people(api) if one[0] == "app")
    door = api.app.state.desk.door
    real = door.intake.identities
    monkeypatch.setattr(
        door.intake, "identities", type("Nobody", (), {"systems": (), "find": lambda _, n: [0] * len(n)})()
    )
    assert api.client().events.send_one(started(1, user)).waiting == 1
    monkeypatch.setattr(door, "_folder", None)
    assert door.follow()
    assert [(one.message_id, one.customer_id) for one in moments(api)] == [("m1", customer)]
    assert not door.follow()
    assert door.intake.identities.systems == real.systems == ("app", "core")
    assert system == "app"
