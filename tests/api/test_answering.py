"""What comes back from customers and providers without a key: links of messages, and signed reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.api.banks import NOW, Api, api_of, copy_of
from tests.simulators.wecom_envelope import changed, posted, query_of, sealed

from cultiva.execution.channels.signature import signed_headers
from cultiva.execution.content.links import KEY_VARIABLE, LinkKeys, LinkKind, sign
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tables import CONSENT_CHANGE, DELIVERY, RECEIPT, SIGNAL
from cultiva.loop.following import Followed

KEYS = "k1:0123456789abcdef"
SECRET = "a secret of both sides"
TOKEN, SEAL = "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
PROVIDERS = """\
- name: gateway
  label: { zh: 网关, en: Gateway }
  description: Carries text messages.
  owner: it
  kind: sms_http
  url: https://gateway.invalid/send
  sms_http: { reports_secret: "${env:HOOK_SECRET}" }
- name: wecom_api
  label: { zh: 企业微信, en: WeCom }
  description: Carries tasks to employees.
  owner: it
  kind: wecom
  url: https://wecom.invalid
  wecom:
    { corp_id: ww1, secret: "${env:HOOK_SECRET}", callback_token: "${env:TOKEN}", callback_key: "${env:KEY}" }
"""
TARGET = "https://bank.example/cards?x=1"


@pytest.fixture
def answering(bank: Path, tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An API with a provider and one message that was sent."""
    monkeypatch.setenv(KEY_VARIABLE, KEYS)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("KEY", SEAL)
    root = copy_of(bank, tmp_path / "bank")
    path = root / "providers.yaml"
    path.write_text(path.read_text(encoding="utf-8") + PROVIDERS, encoding="utf-8")
    with api_of(root, "" if store_url.startswith("sqlite") else store_url) as api:
        with api.parts.store.database.writing() as connection:
            connection.execute(DELIVERY.insert(), [delivery("d-1", TARGET), delivery("d-2", "javascript:alert(1)")])
        yield api


def delivery(name: str, target: str) -> dict[str, Any]:
    texts = ("launch_id", "step", "address", "lease", "problem")
    return {
        **dict.fromkeys(texts, ""),
        "delivery_id": name,
        "touch_id": f"t-{name}",
        "customer_id": 51,
        "entry": 1,
        "channel": f"email{name}",
        "provider": "gateway",
        "content": {"text": "hello", "target": target},
        "state": "sent",
        "attempts": 1,
        "due": NOW,
        "reference": f"r-{name}",
        "evidence": {},
        "created": NOW,
        "changed": NOW,
    }


def rows(api: Api, table: Any) -> list[Any]:
    with api.parts.store.database.reading() as connection:
        return list(connection.execute(select(table)).all())


def token(kind: LinkKind, name: str = "d-1") -> str:
    return sign(LinkKeys.of_text(KEYS), kind, name)


def test_a_click_is_noted_once_a_minute_and_led_on(answering: Api) -> None:
    http = answering.http()
    for _ in range(2):
        found = http.get(f"/l/{token(LinkKind.CLICK)}", follow_redirects=False)
        assert (found.status_code, found.headers["location"]) == (302, TARGET)
        assert found.headers["cache-control"] == "no-store"
    assert [(row.customer_id, row.name, row.touch_id) for row in rows(answering, SIGNAL)] == [(51, "clicked", "t-d-1")]
    assert [row.state for row in rows(answering, DELIVERY) if row.delivery_id == "d-1"] == ["delivered"]


@pytest.mark.parametrize("wrong", ["x", token(LinkKind.UNSUBSCRIBE), token(LinkKind.CLICK)[:-1] + "A", "%00"])
def test_a_link_that_is_not_genuine_leads_nowhere(answering: Api, wrong: str) -> None:
    found = answering.http().get(f"/l/{wrong}", follow_redirects=False)
    assert (found.status_code, found.headers["content-type"]) == (404, "application/problem+json")
    assert rows(answering, SIGNAL) == []


def test_a_link_leads_to_pages_of_the_web_only(answering: Api) -> None:
    assert answering.http().get(f"/l/{token(LinkKind.CLICK, 'd-2')}", follow_redirects=False).status_code == 404
    assert answering.http().get(f"/l/{token(LinkKind.CLICK, 'd-3')}", follow_redirects=False).status_code == 404


def test_opening_the_link_to_unsubscribe_asks_first(answering: Api) -> None:
    found = answering.http().get(f"/u/{token(LinkKind.UNSUBSCRIBE)}")
    assert found.status_code == 200
    assert '<form method="post">' in found.text
    assert rows(answering, CONSENT_CHANGE) == []


def test_one_click_unsubscribes_without_a_key_or_a_question(answering: Api) -> None:
    for _ in range(2):  # RFC 8058: POST with this very body, which may come again
        found = answering.http().post(
            f"/u/{token(LinkKind.UNSUBSCRIBE)}", data={"List-Unsubscribe": "One-Click"}, follow_redirects=False
        )
        assert found.status_code == 200
    said = [(row.customer_id, row.channel, row.granted, row.at) for row in rows(answering, CONSENT_CHANGE)]
    assert said == [(51, "emaild-1", False, NOW)]
    assert [row.name for row in rows(answering, SIGNAL)] == ["opted_out"]
    assert answering.http().post(f"/u/{token(LinkKind.CLICK)}").status_code == 404


def report(api: Api, body: bytes, *, secret: str = SECRET, seconds: int = 0, provider: str = "gateway") -> Any:
    headers = signed_headers(secret, body, key="w-1", at=NOW + timedelta(seconds=seconds))
    return api.http().post(f"/v1/webhooks/{provider}", content=body, headers=headers)


def test_a_signed_report_is_taken_once(answering: Api) -> None:
    body = json.dumps({"reports": [{"id": "1", "key": "d-1", "kind": "delivered", "at": NOW.isoformat()}]}).encode()
    assert report(answering, body).json() == {"new": 1, "repeated": 0}
    assert report(answering, body).json() == {"new": 0, "repeated": 1}
    assert [row.kind for row in rows(answering, RECEIPT)] == ["delivered"]
    assert [row.state for row in rows(answering, DELIVERY) if row.delivery_id == "d-1"] == ["delivered"]


def test_a_report_that_is_not_the_provider_s_own_is_refused(answering: Api) -> None:
    body = b'{"reports": []}'
    assert report(answering, body, secret="another").status_code == 403
    assert report(answering, body, seconds=-1000).status_code == 403
    assert answering.http().post("/v1/webhooks/gateway", content=body).status_code == 403
    assert report(answering, body, provider="nobody").status_code == 404
    assert report(answering, b"{").status_code == 422
    assert rows(answering, RECEIPT) == []


def test_a_provider_that_is_defined_meanwhile_may_report_and_a_faulty_file_changes_nothing(
    bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    with api_of(copy_of(bank, tmp_path / "bank")) as api:
        api.app.state.desk = replace(api.app.state.desk, followed=Followed(api.parts, look_seconds=0.0))
        assert report(api, b'{"reports": []}').status_code == 404
        path = api.parts.root / "providers.yaml"
        path.write_text(path.read_text(encoding="utf-8") + PROVIDERS.partition("- name: wecom")[0], encoding="utf-8")
        assert report(api, b'{"reports": []}').json() == {"new": 0, "repeated": 0}
        path.write_text("- name: half a prov", encoding="utf-8")
        assert report(api, b'{"reports": []}').status_code == 202


def test_wecom_is_shown_that_the_address_is_ours(answering: Api) -> None:
    echo = sealed(b"1616140317555161061", key=SEAL, receiver="ww1")
    query = {**query_of(echo, token=TOKEN, at=NOW.timestamp()), "echostr": echo}
    shown = answering.http().get("/v1/webhooks/wecom_api", params=query)
    assert (shown.status_code, shown.text) == (200, "1616140317555161061")
    assert shown.headers["content-type"].startswith("text/plain")
    for provider, status in (("gateway", 403), ("nobody", 404)):
        assert answering.http().get(f"/v1/webhooks/{provider}", params=query).status_code == status
    assert answering.http().get("/v1/webhooks/wecom_api", params=query | {"nonce": "1"}).status_code == 403
    assert answering.http().get("/v1/webhooks/wecom_api").status_code == 403


def test_a_customer_who_removes_the_employee_is_left_alone_on_wecom(answering: Api) -> None:
    known = Recipient(51, "Asia/Shanghai", "zh", handles={"wecom": "wm-1"}, business_date=NOW.date())
    Recipients(answering.parts.store.database).put([known])
    envelope = sealed(changed("del_follow_user", created=int(NOW.timestamp())), key=SEAL, receiver="ww1")
    query = query_of(envelope, token=TOKEN, at=NOW.timestamp())
    for _ in range(2):  # posted again where the answer was late
        taken = answering.http().post("/v1/webhooks/wecom_api", params=query, content=posted(envelope))
        assert (taken.status_code, taken.text) == (200, ""), "anything else is a fault to the platform"
    said = [(row.customer_id, row.channel, row.granted, row.at) for row in rows(answering, CONSENT_CHANGE)]
    assert said == [(51, "wecom", False, NOW)]
    refused = answering.http().post("/v1/webhooks/wecom_api", params=query, content=posted(envelope[:-4] + "AAA="))
    assert (refused.status_code, refused.json()["code"]) == (403, "channels.bad_signature")


def test_without_keys_links_are_unavailable_and_not_believed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert api.http().get(f"/l/{token(LinkKind.CLICK)}").status_code == 503
