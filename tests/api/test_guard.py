from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import func, select
from tests.api.banks import EVERYTHING, NOW, Api

from cultiva.api.guard import BODY_BYTES_MAX
from cultiva.execution.access.service import Access
from cultiva.execution.tables import SIGNAL

OUTCOME = {
    "outcome_id": "o-1",
    "customer": "51",
    "name": "converted",
    "at": "2026-11-23T10:00:00+08:00",
    "amount": "12.50",
}
GUARDED = [
    ("GET", "/v1/customers/51"),
    ("GET", "/v1/segments"),
    ("POST", "/v1/counts"),
    ("POST", "/v1/outcomes"),
    ("PUT", "/v1/customers/51/consent/sms"),
    ("GET", "/v1/exports/decisions"),
]


def with_key(key: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", **more}


def signals(api: Api) -> int:
    with api.parts.store.database.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(SIGNAL)) or 0)


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_a_key_nothing_is_told(api: Api, method: str, path: str) -> None:
    for headers in ({}, with_key("nonsense"), with_key("cultiva_" + "0" * 12 + "_" + "A" * 43), {"Authorization": "x"}):
        found = api.http().request(method, path, headers=headers)
        assert (found.status_code, found.json()["code"]) == (401, "api.no_key")
        assert found.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_key_does_what_it_is_for_and_nothing_else(api: Api, method: str, path: str) -> None:
    needed = api.app.openapi()["paths"][_template(path)][method.lower()]["x-cultiva-scope"]
    others = [scope for scope in EVERYTHING if scope != needed]
    found = api.http().request(method, path, headers=with_key(api.key(others)))
    assert (found.status_code, found.json()["allowed"]) == (403, needed)


def _template(path: str) -> str:
    return path.replace("/51", "/{customer}").replace("/sms", "/{channel}")


def test_a_revoked_key_is_refused_at_once(api: Api) -> None:
    key = api.key()
    assert api.http().get("/v1/segments", headers=with_key(key)).status_code == 200
    Access(api.parts.store.database).revoke(key.split("_")[1], by="test", at=NOW)
    assert api.http().get("/v1/segments", headers=with_key(key)).status_code == 401


def test_a_rate_is_kept_and_the_answer_says_when_to_come_again(api: Api) -> None:
    key = api.key(per_minute_max=8)
    answers = [api.http().get("/v1/segments", headers=with_key(key)) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) in (7, 8)


def test_a_refused_scope_costs_a_request_too(api: Api) -> None:
    key = api.key(["tasks"], per_minute_max=4)
    codes = [api.http().get("/v1/segments", headers=with_key(key)).status_code for _ in range(2)]
    assert codes == [403, 429]


def test_every_error_is_a_problem(api: Api) -> None:
    http, key = api.http(), api.key()
    asked = [
        http.get("/nowhere"),
        http.delete("/v1/segments"),
        http.get("/v1/segments", params={"limit": "many"}, headers=with_key(key)),
        http.post("/v1/counts", content=b"{", headers=with_key(key)),
        http.post("/v1/outcomes", json=OUTCOME, headers=with_key(key)),
        http.get("/v1/customers/999999", headers=with_key(key)),
    ]
    assert [one.status_code for one in asked] == [404, 405, 422, 422, 422, 404]
    for one in asked:
        assert one.headers["content-type"] == "application/problem+json"
        body = one.json()
        assert body["status"] == one.status_code
        assert body["instance"].rsplit(":", 1)[1] == one.headers["x-request-id"]
        assert body["type"] == f"urn:cultiva:problem:{body['code']}"


def test_a_fault_of_ours_shows_nothing_of_its_inside(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("the password is secret")

    monkeypatch.setattr("cultiva.api.segments.read", broken)
    found = api.http().get("/v1/segments", headers=with_key(api.key()))
    assert (found.status_code, found.json()["code"]) == (500, "api.fault")
    assert "secret" not in found.text


def test_too_large_a_body_is_refused_whatever_its_header_says(api: Api) -> None:
    headers = with_key(api.key(), **{"Idempotency-Key": "large", "Content-Type": "application/json"})
    pieces = (b" " * 65536 for _ in range(BODY_BYTES_MAX // 65536 + 1))
    assert api.http().post("/v1/outcomes", content=pieces, headers=headers).status_code == 413


def test_a_repeat_gets_the_first_answer_and_does_nothing(racing_api: Api) -> None:
    http, headers = racing_api.http(), with_key(racing_api.key(), **{"Idempotency-Key": "k-1"})
    first = http.post("/v1/outcomes", json=OUTCOME, headers=headers)
    again = http.post("/v1/outcomes", json=OUTCOME, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json() == {"outcome_id": "o-1", "customer_id": 51, "taken": "new"}
    assert again.headers["idempotency-replayed"] == "true"
    assert signals(racing_api) == 1
    other = http.post("/v1/outcomes", json={**OUTCOME, "name": "refused"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "api.key_used")
    fresh = http.post("/v1/outcomes", json=OUTCOME, headers={**headers, "Idempotency-Key": "k-2"})
    assert fresh.json()["taken"] == "known"


def test_what_failed_may_be_tried_again_with_the_same_key(racing_api: Api) -> None:
    http, headers = racing_api.http(), with_key(racing_api.key(), **{"Idempotency-Key": "k-1"})
    wrong = {**OUTCOME, "customer": "999999"}
    assert http.post("/v1/outcomes", json=wrong, headers=headers).status_code == 404
    assert http.post("/v1/outcomes", json=OUTCOME, headers=headers).status_code == 201


def test_racing_repeats_do_it_once(racing_api: Api) -> None:
    headers = with_key(racing_api.key(), **{"Idempotency-Key": "k-1"})
    start = threading.Barrier(12)
    http = racing_api.http()

    def ask(_: int) -> httpx.Response:
        start.wait()
        return http.post("/v1/outcomes", json=OUTCOME, headers=headers)

    with http, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(12)))
    codes = Counter(one.status_code for one in answers)
    assert set(codes) <= {201, 409}
    assert codes[201] >= 1
    assert {one.text for one in answers if one.status_code == 201} == {answers[0].text} or codes[409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} <= {"api.busy"}
    assert sum("idempotency-replayed" not in one.headers for one in answers if one.status_code == 201) == 1
    assert signals(racing_api) == 1


def test_racing_requests_share_one_rate(racing_api: Api) -> None:
    headers = with_key(racing_api.key(per_minute_max=40))
    http = racing_api.http()
    with http, ThreadPoolExecutor(12) as pool:
        codes = Counter(pool.map(lambda _: http.get("/v1/segments", headers=headers).status_code, range(36)))
    assert codes == {200: 10, 429: 26}
