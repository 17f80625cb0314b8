"""Triggers: what a whole one says, and every fault at its place."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from tests.definitions.conftest import FILES, Check

from cultiva.definitions.schema import json_schemas

FILE = "triggers.yaml"
TRIGGER = """\
- name: broken_off
  label: { zh: 中断, en: Broken off }
  on: loan_started
  when: event.amount >= 1000 and aum < 5000 and event_count('loan_started', 7) < 3
  then_not: { event: loan_submitted, within: { minutes: 30 }, where: event.amount > 0, same: [amount] }
  still: segment('adults')
  debounce: { minutes: 10 }
  again_after: { days: 7 }
  does:
    worth: 0.01 * event.amount
    play: { strategy: grow, offer: deposit, channel: app }
"""
EVENTS = (
    FILES["events.yaml"]
    + """\
- name: loan_submitted
  label: { zh: 提交, en: Submitted }
  properties: { amount: number }
  context: [app.version]
- name: odd
  label: { zh: 怪, en: Odd }
  properties: { amount: text }
"""
)


def with_trigger(old: str = "", new: str = "") -> dict[str, str]:
    assert not old or old in TRIGGER
    return {FILE: TRIGGER.replace(old, new) if old else TRIGGER, "events.yaml": EVENTS}


def test_a_whole_trigger_is_without_fault(check: Check) -> None:
    found = check(files=with_trigger())
    assert [str(fault) for fault in found.faults if not fault.warning] == []
    assert found.workspace is not None
    trigger = found.workspace.triggers["broken_off"]
    assert (trigger.on, trigger.does.kind, trigger.wait) == (("loan_started",), "play", 30 * 60 * 1_000_000)
    assert ("trigger", "broken_off") in found.workspace.hashes


def test_the_schema_knows_a_trigger() -> None:
    schema = json_schemas()["trigger"]
    validator = Draft202012Validator(schema)
    good = {"name": "a", "label": {"zh": "一", "en": "one"}, "on": "x", "does": {"play": {"strategy": "s"}}}
    assert not list(validator.iter_errors([good, {**good, "on": ["x", "y"]}]))
    assert list(validator.iter_errors([{**good, "on": []}]))
    assert list(validator.iter_errors([{**good, "within": 3}]))


@pytest.mark.parametrize(
    ("old", "new", "code", "seen"),
    [
        ("on: loan_started", "on: loan_begun", "definitions.unknown_event", "loan_begun"),
        ("event: loan_submitted", "event: loan_sent", "definitions.unknown_event", "loan_sent"),
        ("same: [amount]", "same: [number]", "definitions.unknown_property_of_all_its_events", "number"),
        ("event.amount >= 1000", "event.sum >= 1000", "rules.unknown_name", "event.sum"),
        ("event.amount >= 1000", "event.amount >= 'x'", "rules.wrong_types", ""),
        ("where: event.amount > 0", "where: aum > 0", "rules.unknown_name", "aum"),
        ("still: segment('adults')", "still: event.amount > 0", "rules.unknown_name", "event.amount"),
        ("still: segment('adults')", "still: aum", "rules.wrong_type", ""),
        ("worth: 0.01 * event.amount", "worth: event.name", "rules.wrong_type", ""),
        ("strategy: grow", "strategy: shrink", "definitions.unknown_strategy", "shrink"),
        ("offer: deposit", "offer: loan", "definitions.unknown_offer_of_the_strategy", "loan"),
        ("channel: app", "channel: fax", "definitions.unknown_channel", "fax"),
        ("on: loan_started", "on: [loan_started, odd]", "definitions.property_types",
         "number of loan_started, text of odd"),
        ("minutes: 30", "minutes: 0", "definitions.value", ""),
        ("play: { strategy: grow, offer: deposit, channel: app }", "task: { kind: x, reason: y }",
         "definitions.value", ""),
        ("play: { strategy: grow, offer: deposit, channel: app }",
         "task: { kind: x, service: true, reason: y }", "definitions.unknown_kind_of_task", "x"),
        ("play: { strategy: grow, offer: deposit, channel: app }",
         "placement: { placement: nowhere, strategy: grow }", "definitions.unknown_placement", "nowhere"),
    ],
)  # fmt: skip
def test_every_fault_is_found_at_its_place(check: Check, old: str, new: str, code: str, seen: str) -> None:
    found = [fault for fault in check(files=with_trigger(old, new)).faults if not fault.warning]
    assert code in {fault.code for fault in found}, [str(fault) for fault in found]
    fault = next(fault for fault in found if fault.code == code)
    assert fault.file.endswith(FILE) and fault.line > 0
    assert seen in fault.seen


def test_an_offer_with_a_risk_is_left_to_plan_and_decision(check: Check) -> None:
    files = {**with_trigger(), "offers/offers.yaml": FILES["offers/offers.yaml"].replace(
        "kind: product\n", "kind: product\n  risk_level: R3\n", 1)}  # fmt: skip
    codes = [fault.code for fault in check(files=files).faults if not fault.warning]
    assert codes == ["definitions.risky_offer"]


def test_a_text_with_a_name_that_nothing_fills(check: Check) -> None:
    old = "play: { strategy: grow, offer: deposit, channel: app }"
    files = with_trigger(old, "task: { kind: x, service: true, reason: '{event.amount} {event.sum} {aun}' }")
    seen = [fault.seen for fault in check(files=files).faults if fault.code == "definitions.unknown_tag"]
    assert sorted(seen) == ["aun", "event.sum"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("event: loan_submitted, within: { minutes: 30 }, where: event.amount > 0, same: [amount]",
         "event: loan_started, within: { minutes: 30 }", "definitions.then_not_itself"),
        ("again_after: { days: 7 }", "again_after: { minutes: 5 }", "definitions.again_after"),
        ("event.amount >= 1000", "event.amount >= 1000 and event.amount < 10", "definitions.unreachable"),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_a_warning(check: Check, old: str, new: str, code: str) -> None:
    found = check(files=with_trigger(old, new)).faults
    assert not [fault for fault in found if not fault.warning]
    assert code in {fault.code for fault in found}, [fault.code for fault in found]


def test_names_with_a_dot_belong_to_triggers_only(check: Check) -> None:
    segment = FILES["segments/segments.yaml"].replace("rule: age >= 18", "rule: event.amount > 1")
    found = check(files={**with_trigger(), "segments/segments.yaml": segment}).faults
    assert "a name has one part" in {fault.message for fault in found}


def test_a_member_of_the_context_may_be_asked_for(check: Check) -> None:
    files = with_trigger("where: event.amount > 0", "where: context.app_version = '9'")
    assert not [fault for fault in check(files=files).faults if not fault.warning]
