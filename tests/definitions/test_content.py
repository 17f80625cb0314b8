"""`content/*.yaml` and `sender.yaml`: faults at their place, doubts as warnings."""

from __future__ import annotations

import pytest
from tests.definitions.conftest import Check

from cultiva.definitions.content import chosen

POLICY = """\
channels:
  - name: app
    label: { zh: 手机, en: App }
    kind: message
  - name: sms
    label: { zh: 短信, en: Text message }
    kind: message
  - name: email
    label: { zh: 邮件, en: E-mail }
    kind: message
"""
SENDER = "name: { zh: 深耕银行, en: Cultiva Bank }\nlinks: https://go.bank.example\n"
PUSH = """\
- name: app_deposit
  label: { zh: 存款, en: Deposit }
  form: push
  channels: [app]
  offers: [deposit]
  languages:
    zh: { title: 存款, text: 您好 }
    en: { title: Deposit, text: Hello }
"""
FILES = {"contact_policy.yaml": POLICY, "sender.yaml": SENDER, "content/app.yaml": PUSH}


def sms(zh: str, *, more: str = "", url: str = "", en: str = "Bank: hello, Reply R to opt out") -> str:
    where = f"\n      url: {url}" if url else ""
    return (
        "- name: text\n  label: { zh: 短信, en: Text message }\n  form: sms\n  channels: [sms]\n"
        f"{more}  languages:\n    zh:\n      text: |\n        {zh}{where}\n    en:\n      text: '{en}'\n"
    )


def test_content_that_is_right_has_no_faults(check: Check) -> None:
    found = check(files={**FILES, "content/sms.yaml": sms("【{{ bank.name }}】您好 {{ bank.opt_out }}")})
    assert found.at() == []
    assert found.workspace is not None
    assert found.workspace.contents["text"].languages["zh"].text == "【{{ bank.name }}】您好 {{ bank.opt_out }}\n"
    assert found.workspace.sender.facts("en")["name"] == "Cultiva Bank"


SIGNED = "【{{ bank.name }}】%s {{ bank.opt_out }}"


@pytest.mark.parametrize(
    ("said", "code", "seen"),
    [
        ("{{ customer.agee }}", "unknown_name", "customer.agee"),
        ("{{ customer }}", "unknown_name", "customer"),
        ("{{ offer.nme }}", "unknown_name", "offer.nme"),
        ("{{ aum }}", "unknown_name", "aum"),
        ("{{ customer.age | mony }}", "unknown_filter", "mony"),
        ("{% fr x in y %}", "unknown_tag", "fr"),
        ("{% if link", "template_syntax", "{% if link {{ bank.opt_out }}"),
        ("{{ link | upcase }}", "link_use", "link"),
        ("{% if link %}{% endif %}", "link_use", "link"),
        ("{{ customer.party_type | date }}", "template_values", "date of what is no day"),
    ],
)
def test_a_fault_of_a_template_has_its_place(check: Check, said: str, code: str, seen: str) -> None:
    text = sms(SIGNED % said, url="https://bank.example/")
    fault = check(files={**FILES, "content/sms.yaml": text}).only()
    assert (fault.code, fault.seen.strip(), fault.line) == (f"definitions.{code}", seen, 8)
    assert text.splitlines()[7][fault.column - 1 :].startswith("【" if code == "template_values" else seen)
    assert fault.file.endswith("content/sms.yaml") and not fault.warning


def test_the_place_is_right_in_every_way_of_writing_a_text(check: Check) -> None:
    for written in (
        "        zh: { title: '您好', text: '王''s {{ customer.agee }}' }",
        '        zh: { title: "您好", text: "\\u738b {{ customer.agee }}" }',
        "        zh:\n          title: 您好\n          text: >-\n            王\n            {{ customer.agee }}",
        "        zh:\n          title: 您好\n          text: 王 {{ customer.agee }}",
    ):
        text = PUSH.replace("    zh: { title: 存款, text: 您好 }", written.replace("    ", "  ", 2))
        fault = check(files={**FILES, "content/app.yaml": text}).only()
        line = text.splitlines()[fault.line - 1]
        assert line[fault.column - 1 :].startswith("customer.agee"), (line, fault)


def test_what_it_refers_to_must_be_there(check: Check) -> None:
    text = PUSH.replace("[app]", "[ap]").replace("[deposit]", "[deposits]\n  strategies: [gro]")
    found = check(files={**FILES, "content/app.yaml": text})
    assert [one for one in found.at() if "no_content" not in one[1]] == [
        ("content/app.yaml:4:14", "definitions.unknown_channel"),
        ("content/app.yaml:5:12", "definitions.unknown_offer"),
        ("content/app.yaml:6:16", "definitions.unknown_strategy"),
    ]


def test_the_banks_own_language_is_a_must_the_other_a_doubt(check: Check) -> None:
    without = PUSH.replace("    zh: { title: 存款, text: 您好 }\n", "")
    fault = check(files={**FILES, "content/app.yaml": without}).only()
    assert (fault.code, fault.warning, fault.line) == ("definitions.missing_language", False, 6)
    without = PUSH.replace("    en: { title: Deposit, text: Hello }\n", "")
    fault = check(files={**FILES, "content/app.yaml": without}).only()
    assert (fault.code, fault.warning) == ("definitions.missing_language", True)


def test_a_form_has_its_fields(check: Check) -> None:
    text = PUSH.replace("title: Deposit, text", "subject: Deposit, text")
    assert check(files={**FILES, "content/app.yaml": text}).at() == [
        ("content/app.yaml:8:5", "definitions.form_field"),
        ("content/app.yaml:8:11", "definitions.form_field"),
    ]


@pytest.mark.parametrize(
    ("said", "more", "codes"),
    [
        ("您好 {{ bank.opt_out }}", "", ["sms_signature"]),
        ("【{{ bank.name }}】您好", "", ["sms_opt_out"]),
        ("【{{ bank.name }}】您好", "  service: true\n", []),
        ("【{{ bank.name }}】" + "您好" * 70 + " {{ bank.opt_out }}", "", ["sms_length"]),
        ("【{{ bank.name }}】您好" + "{{ link }}" * 2 + " {{ bank.opt_out }}", "", ["link_use", "sms_length"]),
    ],
)
def test_doubts_about_text_messages(check: Check, said: str, more: str, codes: list[str]) -> None:
    found = check(files={**FILES, "content/sms.yaml": sms(said, more=more)})
    assert sorted(fault.code.removeprefix("definitions.") for fault in found.faults) == codes


EMAIL = """\
- name: letter
  label: { zh: 邮件, en: E-mail }
  form: email
  channels: [email]
  languages:
    zh:
      subject: 您好
      text: 您好 {{ unsubscribe }}
      html: |
        <p>您好</p>
        <a href="{{ customer.branch_id }}">x</a>
    en: { subject: Hello, text: Hello }
"""


def test_html_and_letters_are_looked_at(check: Check) -> None:
    assert check(files={**FILES, "content/email.yaml": EMAIL}).at() == [
        ("content/email.yaml:11:18", "definitions.unsafe_place"),
        ("content/email.yaml:12:33", "definitions.no_unsubscribe"),
    ]


def test_a_fallback_needs_nothing(check: Check) -> None:
    text = PUSH.replace(
        "title: Deposit, text: Hello }",
        "title: Deposit, text: 'You are {{ customer.age }}', fallback: { text: Hello } }",
    )
    assert check(files={**FILES, "content/app.yaml": text}).at() == []
    text = text.replace("fallback: { text: Hello }", "fallback: { text: '{{ customer.aum }}' }")
    fault = check(files={**FILES, "content/app.yaml": text}).only()
    assert fault.code == "definitions.template_values" and "fallback" in fault.message


def test_a_url_names_its_host_itself(check: Check) -> None:
    text = sms(SIGNED % "{{ link }}", url='"{{ customer.branch_id }}"')
    fault = check(files={**FILES, "content/sms.yaml": text}).only()
    assert fault.code == "definitions.url_host"
    text = sms(SIGNED % "{{ link }}", url="https://bank.example/?b={{ customer.branch_id | url_encode }}")
    assert check(files={**FILES, "content/sms.yaml": text}).at() == []


def test_an_offer_that_nobody_has_words_for_is_a_doubt(check: Check) -> None:
    strategies = ("strategies/strategies.yaml", "channels: [app]", "channels: [app, sms]")
    fault = check(strategies, files=FILES).only()
    assert (fault.code, fault.warning, fault.seen) == ("definitions.no_content", True, "sms")


def test_links_lead_to_an_address(check: Check) -> None:
    for wrong in ("go.bank.example", "https://go.bank.example/", "https://go bank", 'https://x"><script>'):
        fault = check(files={**FILES, "sender.yaml": f"links: '{wrong}'\n"}).only()
        assert fault.file.endswith("sender.yaml") and "links" in fault.message, wrong


def test_line_breaks_of_a_template_are_its_meaning(check: Check) -> None:
    hashes = set()
    for text in ("'a\n\n        b'", "'a b'", "'a   b'"):
        found = check(files={**FILES, "content/app.yaml": PUSH.replace("text: Hello", f"text: {text}")})
        assert found.workspace is not None
        hashes.add(found.workspace.hashes["content", "app_deposit"])
    assert len(hashes) == 3


def test_the_most_particular_content_is_chosen(check: Check) -> None:
    def push(name: str, more: str) -> str:
        return PUSH.replace("app_deposit", name).replace("  offers: [deposit]\n", more)

    text = push("any", "") + push("one", "  offers: [deposit]\n") + push("own", "  strategies: [grow]\n")
    found = check(files={**FILES, "content/app.yaml": text})
    assert found.workspace is not None
    contents = found.workspace.contents
    names = [
        chosen(contents, "deposit", "app", "grow"), chosen(contents, "deposit", "app"), chosen(contents, "card", "app"),
        chosen(contents, "deposit", "sms"),
    ]  # fmt: skip
    assert [one and one.name for one in names] == ["own", "one", "any", None]
