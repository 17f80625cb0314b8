"""providers.yaml: secrets are named, sections fit their kind, channels name providers that exist."""

from __future__ import annotations

import pytest
from tests.definitions.conftest import Check

FILE = "providers.yaml"
MAIL = """\
- name: mail
  label: { zh: 邮件, en: Mail }
  kind: smtp
  url: smtp://relay.bank.example:587
  per_second_max: 50
  smtp:
    sender: The Bank <bank@example.org>
    user: ${env:MAIL_USER}
    password: ${file:/run/secrets/mail}
- name: sms
  label: { zh: 短信, en: SMS }
  kind: sms_http
  url: https://sms.example/messages
  sms_http:
    headers: { Authorization: "Bearer ${env:SMS_TOKEN}" }
"""
WECOM = """\
- name: wecom
  label: { zh: 企业微信, en: WeCom }
  kind: wecom
  url: https://qyapi.weixin.qq.com
  wecom: { corp_id: ww1, secret: "${env:WECOM_SECRET}", per_customer_max: 1, per_customer_days: 1 }
"""


def test_a_workspace_with_providers_is_clean(check: Check) -> None:
    checked = check(files={FILE: MAIL})
    assert checked.workspace is not None
    mail, sms = checked.workspace.providers["mail"], checked.workspace.providers["sms"]
    assert (mail.section().sender, mail.batch) == ("The Bank <bank@example.org>", 100)
    assert sms.section().body == {"to": "{address}", "text": "{content.text}"}
    assert ("provider", "mail") in checked.workspace.hashes


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("password: ${file:/run/secrets/mail}", "password: Hunter2secret", "definitions.value", 9),
        ("relay.bank.example", "me:Hunter2secret@relay.bank.example", "definitions.written_secret", 4),
        ("Bearer ${env:SMS_TOKEN}", "Bearer Hunter2secret", "definitions.written_secret", 15),
        ("smtp://relay", "https://relay", "definitions.provider_url", 4),
        ("kind: smtp", "kind: webhook", "definitions.provider_section", 3),
        ("kind: smtp", "kind: carrier_pigeon", "definitions.value", 3),
        ("  sms_http:\n", "  smtp: { sender: a@b.c }\n  sms_http:\n", "definitions.provider_section", 14),
    ],
)
def test_what_is_wrong_is_said_at_its_place_and_no_secret_is_repeated(
    check: Check, old: str, new: str, code: str, line: int
) -> None:
    checked = check(files={FILE: MAIL.replace(old, new, 1)})
    assert (f"{FILE}:{line}", code) in [(place.rpartition(":")[0], found) for place, found in checked.at()]
    assert "Hunter2secret" not in "\n".join(map(str, checked.faults))


def test_a_channel_names_a_provider_that_exists(check: Check) -> None:
    fault = check(
        ("contact_policy.yaml", "kind: message", "kind: message\n    provider: maill"), files={FILE: MAIL}
    ).only()
    assert (fault.code, fault.hint) == ("definitions.unknown_provider", "did you mean 'mail'?")


def test_the_quota_of_wecom_is_a_cap(check: Check) -> None:
    named = ("contact_policy.yaml", "kind: message", "kind: message\n    provider: wecom")
    fault = check(named, files={FILE: WECOM}).only()
    assert (fault.code, fault.warning) == ("definitions.wecom_quota", True)
    cap = ("contact_policy.yaml", "contacts_max: 2", "contacts_max: 1")
    assert check(named, cap, files={FILE: WECOM}).faults == []


def test_a_password_in_the_url_may_be_named(check: Check) -> None:
    url = "smtp://${env:U}:${env:P}@relay.bank.example:587"
    assert check(files={FILE: MAIL.replace("smtp://relay.bank.example:587", f'"{url}"', 1)}).faults == []


def test_a_channels_address_is_one_that_exists(check: Check) -> None:
    policy = "channels:\n  - { name: sms, label: { zh: 短信, en: SMS }, kind: message, address: telefone }\n"
    checked = check(files={"contact_policy.yaml": policy})
    (fault,) = [one for one in checked.faults if one.code == "definitions.unknown_address"]
    assert (fault.line, fault.seen) == (2, "telefone")
    assert not [one for one in check(files={"contact_policy.yaml": policy.replace("telefone", "phone")}).faults
                if one.code == "definitions.unknown_address"]  # fmt: skip
