"""The live desk: this moment's consent, complaints, caps, slots, feeds and prices, one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.strategy.conftest import ON, Person, offer, strategy, workspace
from tests.strategy.live.bank import LABEL, NOON, decide

from cultiva.contracts.decision import Fate
from cultiva.definitions.arbitration import Arbitration, Resource
from cultiva.definitions.placements import Frequency, LiveBudget, Placement, Placements
from cultiva.definitions.policy import Cap
from cultiva.definitions.review import RankBy, Review
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.live.impressions import CONVERTED, DISMISSED, SHOWN, Impression
from cultiva.strategy.live.service import Ask, Decided, Known, LiveDesk, Now

SLOT = Placement(
    name="banner", label=LABEL, channel="sms", slots=1, impression_share=0.5,
    frequency=(Frequency(per="offer", hours=24, impressions_max=2),), rest_days_dismissed=7, rest_days_converted=30,
)  # fmt: skip
OTHER = SLOT.model_copy(update={"name": "other"})


def bank(*, slot: Placement = SLOT, **policy: object) -> Workspace:
    """Two strategies over one channel, the first worth more; a third over another."""
    found = workspace(
        strategy("a", offers=("gold",), channels=("sms",), rank="20"),
        strategy("b", offers=("fund",), channels=("sms", "call"), rank="10"),
        strategy("c", offers=("fund",), channels=("call",), rank="5", audience="aum > 1000"),
        offers=(offer("gold"),), caps=(Cap(scope="customer", days=7, contacts_max=1),), **policy,
    )  # fmt: skip
    review = Review(rank_by=RankBy.EFFECT, exploration=0.0)
    return replace(found, review=review, placements=Placements(placements=(slot,)))


def desk(space: Workspace) -> LiveDesk:
    return LiveDesk(space, Known(), ON)


def fates(decided: Decided) -> dict[str, str]:
    return {one.strategy: one.fate.value for one in decided.candidates}


def chosen(decided: Decided) -> list[str]:
    return [one.strategy for one in decided.chosen]


def test_a_slot_shows_the_best_of_its_channel_and_uses_no_contact_cap() -> None:
    full = Person(1, touched=((ON - timedelta(days=1), "sms", "fund"),))
    decided = decide(desk(bank()), full, ask=Ask(SLOT))
    assert fates(decided) == {"a": "chosen", "b": "outbid"}
    assert decided.chosen[0].worth == 10.0, "half of what a touch is worth"
    assert fates(decide(desk(bank()), full, ask=Ask(channel="sms"))) == {"a": "capped", "b": "capped"}


def test_consent_withdrawn_a_moment_ago_closes_and_given_since_opens() -> None:
    person, refused = Person(1), Person(1, consent={"sms": False})
    no, yes = Now(words={"sms": (False, ON)}), Now(words={"sms": (True, ON + timedelta(days=1))})
    old = Now(words={"sms": (True, ON)})
    for ask in (Ask(SLOT), Ask(channel="sms")):
        assert chosen(decide(desk(bank()), person, ask=ask)) == ["a"]
        assert set(fates(decide(desk(bank()), person, ask=ask, now=no)).values()) == {"no_consent"}
        assert chosen(decide(desk(bank()), refused, ask=ask, now=yes)) == ["a"]
        assert set(fates(decide(desk(bank()), refused, ask=ask, now=old)).values()) == {"no_consent"}


def test_a_complaint_opened_a_moment_ago_silences() -> None:
    decided = decide(desk(bank()), Person(1), ask=Ask(SLOT), now=Now(standing=("fraud_hold",)))
    assert set(fates(decided).values()) == {"suppressed"} and decided.chosen == []
    assert decided.candidates[0].decided_by == "fraud_hold"


def test_a_touch_of_this_morning_fills_the_cap_and_one_known_twice_counts_once() -> None:
    mine = (ON - timedelta(days=1), "sms", "fund")
    space = bank()
    two = replace(
        space, policy=space.policy.model_copy(update={"caps": (Cap(scope="customer", days=7, contacts_max=2),)})
    )
    person = Person(1, touched=(mine,))
    assert chosen(decide(desk(two), person, ask=Ask(channel="sms"), now=Now(touches=[mine]))) == ["a"]
    more = Now(touches=[mine, (ON, "call", "")])
    assert set(fates(decide(desk(two), person, ask=Ask(channel="sms"), now=more)).values()) == {"capped"}
    assert chosen(decide(desk(two), person, ask=Ask(SLOT), now=more)) == ["a"]


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        ([], "a"),
        ([(SHOWN, "gold", 1), (SHOWN, "gold", 2)], "b"),
        ([(SHOWN, "gold", 1), (SHOWN, "gold", 24)], "a"),
        ([(SHOWN, "gold", 1), (SHOWN, "fund", 1)], "a"),
        ([(DISMISSED, "gold", 24 * 6)], "b"),
        ([(DISMISSED, "gold", 24 * 7)], "a"),
        ([(CONVERTED, "gold", 24 * 29)], "b"),
        ([(CONVERTED, "gold", 24 * 30)], "a"),
    ],
)
def test_impressions_follow_rules_of_their_own(seen: list[tuple[str, str, int]], shown: str) -> None:
    told = [
        Impression("banner", "a" if what == "gold" else "b", what, kind, NOON - timedelta(hours=hours))
        for kind, what, hours in seen
    ]
    decided = decide(desk(bank()), Person(1), ask=Ask(SLOT), now=Now(seen=told))
    assert chosen(decided) == [shown]
    elsewhere = [Impression("other", one.strategy, one.offer, one.kind, one.at) for one in told if one.kind == SHOWN]
    assert chosen(decide(desk(bank()), Person(1), ask=Ask(SLOT), now=Now(seen=elsewhere))) == ["a"]


def test_what_a_trigger_feeds_stands_beside_the_audience_and_before_no_other_rule() -> None:
    slot = SLOT.model_copy(update={"channel": "call", "slots": 2})
    feed = Now(fed=[("banner", "c", "fund"), ("elsewhere", "a", "")])
    space = bank(slot=slot)
    assert fates(decide(desk(space), Person(1), ask=Ask(slot))) == {"b": "chosen"}
    assert fates(decide(desk(space), Person(1), ask=Ask(slot), now=feed)) == {"b": "chosen", "c": "outbid"}
    silent = Person(1, consent={"call": False})
    assert fates(decide(desk(space), silent, ask=Ask(slot), now=feed))["c"] == "no_consent"
    other = Now(fed=[("banner", "c", "gold")])
    assert "c" not in fates(decide(desk(space), Person(1), ask=Ask(slot), now=other))


def test_prices_of_the_night_and_what_is_used_decide_who_gets_what_is_scarce() -> None:
    space = bank()
    scarce = Resource(name="texts", label=LABEL, channels=("sms",), at_most=100, strategies=("a",))
    space = replace(
        space, arbitration=Arbitration(resources=(scarce,)),
        placements=Placements(placements=(SLOT,), budgets=(LiveBudget(resource="texts", at_most=100),)),
    )  # fmt: skip
    row = {"resource": "texts", "kind": "resource", "ranked_by": "effect", "capacity": 100.0, "used": 100.0,
           "price": 4.0, "price_last": 4.0}  # fmt: skip
    live = LiveDesk(space, Known(prices=[row]), ON)
    ask, person = Ask(channel="sms"), Person(1)
    noon = decide(live, person, ask=ask, local=NOON.replace(hour=12), spent={"texts": 50.0})
    assert chosen(noon) == ["a"] and noon.chosen[0].charge == pytest.approx(4.0)
    ahead = decide(live, person, ask=ask, local=NOON.replace(hour=12), spent={"texts": 75.0})
    assert chosen(ahead) == ["b"], "twice as fast as planned: the price is 16 times the night's"
    assert fates(ahead)["a"] == "no_capacity"
    out = decide(live, person, ask=ask, local=NOON.replace(hour=12), spent={"texts": 100.0})
    assert chosen(out) == ["b"] and out.candidates[0].charge == float("inf")
    shown = decide(live, person, ask=Ask(SLOT), local=NOON.replace(hour=12), spent={"texts": 100.0})
    assert chosen(shown) == ["a"], "an impression is no touch and takes no text message"


def test_a_customer_who_is_held_out_gets_nothing_and_is_exposed_as_if_chosen() -> None:
    space = bank()
    strategies = {name: one.model_copy(update={"holdout": 1.0}) for name, one in space.strategies.items()}
    decided = decide(desk(replace(space, strategies=strategies)), Person(1), ask=Ask(SLOT))
    assert decided.chosen == [] and {one.fate for one in decided.candidates} == {Fate.HELD_OUT}
    assert [decided.candidates[place].strategy for place in decided.ghosts] == ["a"]


def test_what_is_asked_for_at_most_is_given_at_most() -> None:
    slot = SLOT.model_copy(update={"slots": 2})
    assert chosen(decide(desk(bank(slot=slot)), Person(1), ask=Ask(slot))) == ["a", "b"]
    assert chosen(decide(desk(bank(slot=slot)), Person(1), ask=Ask(slot, n=1))) == ["a"]
