"""Plays: what a whole one says, and every fault at its place."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from tests.definitions.conftest import FILES, Check

from cultiva.definitions.schema import json_schemas

FILE = "strategies/strategies.yaml"
PLAY = """\
  play:
    exits: [converted, opted_out, { name: moved_on, rule: aum < 100 }]
    reentry: { after_days: 90 }
    steps:
      - name: first
        send: { channel: app, offer: deposit }
      - name: answer
        wait_for: { on: { clicked: thanks, loan_started: end }, within: { business_days: 3 }, timeout: lots }
      - name: thanks
        grant: { offer: gift }
        next: end
      - name: lots
        split: [{ share: 0.25, then: call }, { share: 0.75, then: pause }]
      - name: pause
        wait: { until: monday, at: "10:00" }
      - name: birthday
        wait: { until_date: birth_date, days_before: 3 }
      - name: rich
        branch: [{ rule: aum > 1000, then: call }]
        next: end
      - name: call
        task: { channel: phone }
      - name: over
        end: { reason: called }
"""
WITH = {
    FILE: FILES[FILE] + PLAY,
    "offers/offers.yaml": FILES["offers/offers.yaml"]
    + "- { name: gift, label: { zh: 礼, en: Gift }, kind: benefit }\n",
    "contact_policy.yaml": FILES["contact_policy.yaml"].replace(
        "caps:", "  - { name: phone, label: { zh: 电话, en: Call }, kind: human }\ncaps:", 1
    ),
}
FIRST = FILES[FILE].count("\n") + 1
"""Line of `play:`."""


def test_a_whole_play_is_without_fault(check: Check) -> None:
    found = check(files=WITH)
    assert [str(fault) for fault in found.faults if not fault.warning] == []
    assert found.workspace is not None
    play = found.workspace.strategies["grow"].play
    assert play is not None
    assert [step.kind for step in play.steps] == [
        "send", "wait_for", "grant", "split", "wait", "wait", "branch", "task", "end"
    ]  # fmt: skip
    assert play.followers()["answer"] == "thanks" and play.followers()["over"] == "end"


def test_a_play_is_part_of_the_version(check: Check) -> None:
    one, other = check(files=WITH).workspace, check((FILE, "0.25", "0.5"), (FILE, "0.75", "0.5"), files=WITH).workspace
    assert one is not None and other is not None
    assert one.hashes["strategy", "grow"] != other.hashes["strategy", "grow"]


def test_a_tag_that_a_play_waits_for_is_used(check: Check) -> None:
    found = check((FILE, "rank: aum * 0.01", "rank: 1"), files=WITH)
    assert "birth_date" not in " ".join(fault.message for fault in found.faults)


def line(text: str) -> int:
    """The line of the file in which a text of the play stands."""
    return FIRST + PLAY[: PLAY.index(text)].count("\n")


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "column"),
    [
        ("timeout: lots", "timeout: lost", "unknown_step", "within:", 104),
        ("then: call }, {", "then: cal }, {", "unknown_step", "share: 0.25", 38),
        ("next: end\n      - name: call", "next: en\n      - name: call", "unknown_step", "next: end\n      - name: c", 15),  # noqa: E501
        ("    exits:", "    start: frist\n    exits:", "unknown_step", "exits:", 12),
        ("clicked: thanks", "clickd: thanks", "unknown_outcome_or_event", "within:", 27),
        ("[converted,", "[convertd,", "unknown_outcome_or_event", "exits:", 13),
        ("channel: app", "channel: phone", "unknown_channel_of_kind_message_or_placement", "send:", 26),
        ("channel: phone", "channel: app", "unknown_channel_of_kind_human", "task:", 26),
        ("offer: deposit", "offer: gift", "unknown_offer_of_the_strategy", "send:", 38),
        ("offer: gift", "offer: deposit", "unknown_benefit", "grant:", 25),
        ("until_date: birth_date", "until_date: age", "unknown_date_tag", "until_date", 29),
        ("rule: aum > 1000", "rule: aun > 1000", "", "rule: aum > 1000", 26),
        ("rule: aum < 100", "rule: aun < 100", "", "exits:", 59),
        ("share: 0.25", "share: 0.2", "shares", "share: 0.25", 16),
        ("then: pause }", "then: call }", "unreachable_step", "- name: pause", 15),
        ("- name: over", "- name: call", "duplicate_name", "- name: over", 15),
        ("send: { channel: app, offer: deposit }", "send: {}\n        end: {}", "value", "name: first", 9),
        ("until: monday", "until: monday, days: 2", "value", "until: monday", 9),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_fault_has_its_place(check: Check, old: str, new: str, code: str, at: str, column: int) -> None:
    faults = [fault for fault in check((FILE, old, new), files=WITH).faults if not fault.warning]
    wanted = f"definitions.{code}" if code else "rules.unknown_name"
    mine = [fault for fault in faults if fault.code == wanted]
    assert mine, "\n".join(map(str, faults))
    assert mine[0].file.endswith(FILE)
    assert (mine[0].line, mine[0].column) == (line(at), column), str(mine[0])


CIRCLE = """\
  play:
    steps:
      - { name: again, wait: { days: 1 } }
      - { name: look, branch: [{ rule: aum > 5, then: WHERE }], next: end }
      - { name: twice, wait: { until: monday }, next: look }
"""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (CIRCLE.replace("WHERE", "twice"), "circle_without_wait"),
        (CIRCLE.replace("WHERE", "again").replace("next: end", "next: twice").replace("next: look", "next: end"), ""),
        (
            CIRCLE.replace("WHERE", "again").replace("next: end", "next: twice").replace(
                "{ name: twice, wait: { until: monday }, next: look }", "{ name: twice, send: {}, next: again }"
            ),
            "wave_in_circle",
        ),
    ],
)  # fmt: skip
def test_a_circle_needs_a_wait_and_has_no_wave(check: Check, text: str, code: str) -> None:
    faults = [fault for fault in check(files={FILE: FILES[FILE] + text}).faults if not fault.warning]
    assert [fault.code for fault in faults] == ([f"definitions.{code}"] if code else [])


def test_editors_know_plays() -> None:
    schema = json_schemas()["strategy"]
    one = {"name": "a", "label": {"zh": "a", "en": "a"}, "objective": {"metric": "aum"}, "audience": "true"}
    one |= {"offers": ["x"], "channels": ["app"], "rank": "1"}
    step = {"name": "first", "wait": {"business_days": 2}}
    assert not list(Draft202012Validator(schema).iter_errors([{**one, "play": {"steps": [step]}}]))
    assert list(Draft202012Validator(schema).iter_errors([{**one, "play": {"steps": [{**step, "wate": {}}]}}]))
