"""How many can come to each wave, which test messages that makes, and what an approval is of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cultiva.definitions import approval
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.packs import init_workspace
from cultiva.definitions.plays import Play
from cultiva.definitions.workspace import Workspace
from cultiva.execution.launching.freezing import frozen_body
from cultiva.execution.launching.trials import test_sends as sends_of
from cultiva.execution.launching.waves import Wave, cost_of, waves
from cultiva.execution.plays.compiling import compiled
from cultiva.kit.hashing import content_hash

STRATEGY = "family_protection"
PLAY = {
    "steps": [
        {"name": "first", "send": {}},
        {"name": "answer", "wait_for": {"on": {"clicked": "end"}, "within": {"days": 3}, "timeout": "fork"}},
        {"name": "fork", "split": [{"share": 0.25, "then": "call"}, {"share": 0.75, "then": "again"}]},
        {"name": "call", "task": {"channel": "phone"}, "next": "gift"},
        {"name": "again", "send": {"channel": "sms"}, "next": "gift"},
        {"name": "gift", "grant": {"offer": "welcome_gift"}},
        {"name": "end", "end": {}},
    ]
}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("packs") / "bank"
    init_workspace(folder)
    return load_workspace(folder)


def with_play(bank: Workspace) -> Workspace:
    one = bank.strategies[STRATEGY].model_copy(update={"play": Play.model_validate(PLAY)})
    return replace(bank, strategies={**bank.strategies, STRATEGY: one})


def version(bank: Workspace) -> str:
    graph = compiled(bank.strategies[STRATEGY], bank)
    return content_hash(frozen_body(bank, STRATEGY, graph.to_json()))


def test_a_split_parts_people_and_everything_else_lets_all_go_on(bank: Workspace) -> None:
    changed = with_play(bank)
    found = waves(compiled(changed.strategies[STRATEGY], changed))
    shares = {one.step: one.share for one in found}
    assert shares == pytest.approx({"first": 1.0, "call": 0.25, "again": 0.75, "gift": 1.0}, abs=1e-6)
    cost = cost_of(found, 50.0, 1000, {"phone": 6.0, "sms": 0.05})
    assert cost == pytest.approx(50 + 0.25 * 1000 * 6 + 0.75 * 1000 * 0.05)


def test_a_strategy_without_a_play_is_one_wave(bank: Workspace) -> None:
    found = waves(compiled(bank.strategies[STRATEGY], bank))
    assert [(one.kind, one.channel, one.share) for one in found] == [("send", "", 1.0)]
    assert cost_of(found, 50.0, 1000, {}) == 50.0


def test_every_different_message_goes_once_to_every_tester_with_an_address() -> None:
    found = (
        Wave("a", "send", "", "", "", 1.0),
        Wave("b", "send", "sms", "", "words", 0.5),
        Wave("c", "grant", "", "g", "", 1),
    )
    testers = [
        approval.Tester(name="Li", addresses={"app": "7", "sms": "13812345678"}),
        approval.Tester(name="Wang", addresses={"fax": "1"}),
    ]
    contents = {("", "x", "app"): "app_x", ("words", "x", "sms"): "words"}
    sends = sends_of("v", found, [("x", "app"), ("x", "wecom")], testers, contents=contents)
    assert [(one.step, one.channel, one.content, one.tester) for one in sends] == [
        ("a", "app", "app_x", "Li"),
        ("b", "sms", "words", "Li"),
    ]
    assert sends[1].shown_address == "138******78" and sends[1].address == "13812345678"
    again = sends_of("v", found, [("x", "app")], testers, contents=contents)
    assert again[0].delivery_id == sends[0].delivery_id
    assert sends_of("w", found, [("x", "app")], testers, contents=contents)[0].delivery_id != sends[0].delivery_id


def test_the_body_has_everything_that_reaches_people(bank: Workspace) -> None:
    changed = with_play(bank)
    body = frozen_body(changed, STRATEGY, compiled(changed.strategies[STRATEGY], changed).to_json())
    assert set(body["channels"]) == {"app", "wecom", "phone", "sms"}
    assert set(body["offers"]) == {*bank.strategies[STRATEGY].offers, "welcome_gift"}
    assert body["play"]["strategy"] == STRATEGY and len(body["play"]["nodes"]) == 7
    assert all(content["channels"] for content in body["contents"].values()) and body["contents"]
    assert {"segment:protection_gap", "segment:families_with_children"} <= set(body["relies_on"])
    assert any(name.startswith("tag:") for name in body["relies_on"]), "tags of those segments"


def test_what_says_who_gets_what_changes_the_version_and_nothing_else_does(bank: Workspace) -> None:
    before = version(bank)
    assert version(with_play(bank)) != before
    strategy, offer = bank.strategies[STRATEGY], bank.strategies[STRATEGY].offers[0]
    dearer = {**bank.offers, offer: bank.offers[offer].model_copy(update={"unit_cost": 9.0})}
    other = {**bank.offers, "car_wash_card": bank.offers["car_wash_card"].model_copy(update={"unit_cost": 99.0})}
    wider = {**bank.strategies, STRATEGY: strategy.model_copy(update={"audience": "true"})}
    caps = bank.policy.model_copy(update={"caps": bank.policy.caps[1:]})
    words = {name: one.model_copy(update={"description": "new"}) for name, one in bank.contents.items()}
    group = {**bank.hashes, ("segment", "protection_gap"): "0" * 16}
    elsewhere = {**bank.hashes, ("segment", "car_owners"): "0" * 16}
    for changed in (
        replace(bank, offers=dearer), replace(bank, strategies=wider), replace(bank, policy=caps),
        replace(bank, contents=words), replace(bank, hashes=group),
    ):  # fmt: skip
        assert version(changed) != before
    assert version(replace(bank, offers=other)) == version(replace(bank, hashes=elsewhere)) == before
