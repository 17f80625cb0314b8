"""Every candidate has exactly one fate, and it is the first reason that applies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from tests.strategy.conftest import ON, Desk, Person, offer, strategy, workspace

from cultiva.contracts.decision import Fate
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.policy import Cap, Consent
from cultiva.definitions.strategies import Capacity
from cultiva.kit.hashing import draw
from cultiva.strategy.lists import write_lists


def test_a_member_of_the_audience_with_nothing_against_it_is_chosen(quick_desk: Desk) -> None:
    people = [Person(1), Person(2, aum=0)]
    assert quick_desk.fates(workspace(strategy("a")), people) == {(1, "a"): Fate.CHOSEN}


def test_stage_and_tier_limit_the_audience(quick_desk: Desk) -> None:
    people = [Person(1), Person(2, stage="lost")]
    assert quick_desk.fates(workspace(strategy("a", stages=("lost",))), people) == {(2, "a"): Fate.CHOSEN}
    assert quick_desk.fates(workspace(strategy("a", tiers=("gold",))), people) == {}


def test_holdouts_are_the_draws_of_the_kit(quick_desk: Desk) -> None:
    people = [Person(number) for number in range(1, 301)]
    found = quick_desk.fates(workspace(strategy("a", holdout=0.2), global_holdout=0.1), people)
    for number in range(1, 301):
        held = draw("holdout:global", number) < 0.1
        own = draw("holdout:a", number) < 0.2
        expected = Fate.HELD_OUT_GLOBAL if held else Fate.HELD_OUT if own else Fate.CHOSEN
        assert found[number, "a"] is expected


@pytest.mark.parametrize("complaining", [True, None])
def test_a_suppression_that_cannot_be_ruled_out_suppresses(quick_desk: Desk, complaining: bool | None) -> None:
    assert quick_desk.fates(workspace(strategy("a")), [Person(1, complaining=complaining)]) == {
        (1, "a"): Fate.SUPPRESSED
    }


@pytest.mark.parametrize(
    ("person", "fate"),
    [
        (Person(1, rating="C3"), Fate.CHOSEN),
        (Person(1, rating="C2"), Fate.UNSUITABLE),
        (Person(1, rating=None), Fate.UNSUITABLE),
        (Person(1, rated_on=date(1993, 3, 1)), Fate.UNSUITABLE),
        (Person(1, rated_on=date(1994, 4, 1)), Fate.UNSUITABLE),
        (Person(1, rated_on=None), Fate.UNSUITABLE),
        (Person(1, born=date(1928, 3, 30)), Fate.UNSUITABLE),
        (Person(1, born=date(1928, 3, 31)), Fate.CHOSEN),
        (Person(1, born=None), Fate.UNSUITABLE),
    ],
)
def test_an_investment_needs_a_valid_rating_and_an_age_below_the_limit(
    quick_desk: Desk, person: Person, fate: Fate
) -> None:
    space = workspace(strategy("a", offers=("risky",)), offers=(offer("risky", risk_level="R3"),))
    assert quick_desk.fates(space, [person]) == {(1, "a"): fate}


def test_the_first_eligible_and_suitable_offer_is_proposed(quick_desk: Desk) -> None:
    offers = (offer("risky", risk_level="R5"), offer("wanted", eligible="wants_fund"), offer("plain"))
    space = workspace(strategy("a", offers=("risky", "wanted", "plain")), offers=offers)
    people = [Person(1), Person(2, rating="C1"), Person(3, rating="C1", wants_fund=None)]
    found = quick_desk.decide(space, people)
    assert found["offer"].to_list() == ["risky", "wanted", "plain"]


def test_nobody_is_eligible_by_a_null_answer(quick_desk: Desk) -> None:
    space = workspace(strategy("a", eligible="wants_fund"))
    assert quick_desk.fates(space, [Person(1, wants_fund=None)]) == {(1, "a"): Fate.NOT_ELIGIBLE}


def test_consent_decides_the_channel_and_silence_is_no_consent(quick_desk: Desk) -> None:
    people = [
        Person(1),
        Person(2, consent={"call": False, "sms": True}),
        Person(3, consent={}),
        Person(4, consent={"call": False, "sms": False}),
    ]
    found = quick_desk.decide(workspace(strategy("a")), people)
    assert found["channel"].to_list() == ["call", "sms", None, None]
    assert found["fate"].to_list() == ["chosen", "chosen", "no_consent", "no_consent"]
    silent = quick_desk.decide(workspace(strategy("a"), consent=Consent(required=False)), people)
    assert silent["channel"].to_list() == ["call", "sms", "call", None]


def test_a_service_offer_needs_no_marketing_consent_and_uses_no_cap(quick_desk: Desk) -> None:
    space = workspace(strategy("a", offers=("notice",)), offers=(offer("notice", kind=OfferKind.SERVICE),))
    busy = Person(1, consent={}, touched=((date(1994, 3, 29), "sms", "x"), (date(1994, 3, 28), "sms", "x")))
    assert quick_desk.fates(space, [busy]) == {(1, "a"): Fate.CHOSEN}


def test_caps_count_touches_in_the_rolling_window(quick_desk: Desk) -> None:
    people = [
        Person(1, touched=((date(1994, 3, 29), "sms", "x"), (date(1994, 3, 24), "call", "x"))),
        Person(2, touched=((date(1994, 3, 29), "sms", "x"), (date(1994, 3, 23), "call", "x"))),
        Person(3, touched=((date(1994, 3, 29), "app", "x"), (date(1994, 3, 28), "app", "x"))),
    ]
    found = quick_desk.decide(workspace(strategy("a")), people)
    assert found["fate"].to_list() == ["capped", "chosen", "chosen"]
    assert found["decided_value"].to_list()[0] == 2


def test_a_cap_on_one_channel_moves_to_the_next_and_one_on_an_offer_closes_it(quick_desk: Desk) -> None:
    person = Person(1, touched=((date(1994, 3, 29), "call", "fund"),))
    one_call = workspace(strategy("a"), caps=(Cap(scope="channel", channel="call", days=7, contacts_max=1),))
    assert quick_desk.decide(one_call, [person])["channel"].to_list() == ["sms"]
    one_offer = workspace(strategy("a"), caps=(Cap(scope="offer", days=7, contacts_max=1),))
    assert quick_desk.fates(one_offer, [person]) == {(1, "a"): Fate.CAPPED}


def test_own_proposals_count_until_the_history_shows_them(quick_desk: Desk) -> None:
    space = workspace(strategy("a"), caps=(Cap(scope="customer", days=7, contacts_max=1),))
    proposed = quick_desk.decide(space, [Person(1)]).with_columns(business_date=pl.lit(date(1994, 3, 29)))
    assert quick_desk.fates(space, [Person(1)], past=proposed) == {(1, "a"): Fate.CAPPED}
    older = proposed.with_columns(business_date=pl.lit(date(1994, 3, 20)))
    assert quick_desk.fates(space, [Person(1)], past=older) == {(1, "a"): Fate.CHOSEN}


def test_where_the_caps_leave_no_room_for_all_the_higher_rank_wins(quick_desk: Desk) -> None:
    offers = tuple(offer(name) for name in ("x", "y", "z"))
    plans = [strategy(name, offers=(what,), rank=rank) for name, what, rank in
             (("low", "x", "1"), ("high", "y", "aum"), ("middle", "z", "50"))]  # fmt: skip
    found = quick_desk.decide(workspace(*plans, offers=offers), [Person(1)])
    fates = dict(found.select("strategy", "fate").iter_rows())
    assert fates == {"high": "chosen", "middle": "chosen", "low": "outbid"}
    loser = found.filter(pl.col("strategy") == "low").row(0, named=True)
    assert (loser["decided_by"], loser["decided_value"]) == ("middle", 50.0)  # the last that got in


def test_one_offer_is_proposed_once_and_placements_do_not_compete(quick_desk: Desk) -> None:
    twice = workspace(strategy("a"), strategy("b", rank="1"))
    assert quick_desk.fates(twice, [Person(1)]) == {(1, "a"): Fate.CHOSEN, (1, "b"): Fate.OUTBID}
    offers = tuple(offer(name) for name in "xyz")
    slots = [strategy(f"s{name}", offers=(name,), channels=("app",)) for name in "xyz"]
    assert set(quick_desk.fates(workspace(*slots, offers=offers), [Person(1)]).values()) == {Fate.CHOSEN}


def test_two_touches_on_one_channel_respect_its_cap_on_the_same_day(quick_desk: Desk) -> None:
    plans = [strategy(name, offers=(name,), channels=("sms",), rank=rank) for name, rank in (("x", "1"), ("y", "2"))]
    caps = (Cap(scope="channel", channel="sms", days=7, contacts_max=1),)
    space = workspace(*plans, offers=(offer("x"), offer("y")), caps=caps)
    assert quick_desk.fates(space, [Person(1)]) == {(1, "x"): Fate.OUTBID, (1, "y"): Fate.CHOSEN}


def test_an_adviser_gets_the_best_within_a_fifth_of_the_week(quick_desk: Desk) -> None:
    people = [Person(number, aum=number) for number in range(1, 7)] + [Person(9, adviser=None)]
    space = workspace(strategy("a", capacity=Capacity(per="adviser")))
    found = quick_desk.fates(space, people, staff={"A1": 20})
    assert sorted(who for (who, _), fate in found.items() if fate is Fate.CHOSEN) == [3, 4, 5, 6]
    assert found[9, "a"] is Fate.NO_CAPACITY


@pytest.mark.parametrize("per", ["branch", "strategy", "adviser"])
def test_a_stated_capacity_holds(quick_desk: Desk, per: str) -> None:
    people = [Person(number, aum=number, branch=f"B{number % 2}", adviser=f"A{number % 2}") for number in range(1, 9)]
    space = workspace(strategy("a", capacity=Capacity(per=per, contacts_max=1)))  # type: ignore[arg-type]
    chosen = [who for (who, _), fate in quick_desk.fates(space, people).items() if fate is Fate.CHOSEN]
    assert sorted(chosen) == ([8] if per == "strategy" else [7, 8])


def test_a_strategy_that_is_not_active_decides_nothing(quick_desk: Desk) -> None:
    assert quick_desk.decide(workspace(strategy("a", active=False)), [Person(1)]).height == 0


def test_every_engine_decides_alike(desk: Desk, quick_desk: Desk) -> None:
    offers = (offer("risky", risk_level="R4"), offer("wanted", eligible="wants_fund"))
    plans = (
        strategy("a", offers=("risky", "fund"), holdout=0.1, capacity=Capacity(per="adviser")),
        strategy("b", offers=("wanted",), channels=("sms",), rank="aum * 2 + 1"),
        strategy("c", offers=("fund",), rank="10", eligible="aum > 20"),
    )
    people = [
        Person(
            number,
            aum=number * 1.5,
            rating=f"C{number % 5 + 1}",
            complaining=number % 11 == 0,
            wants_fund=None if number % 7 == 0 else number % 3 == 0,
            branch=f"B{number % 3}",
            adviser=f"A{number % 3}",
            consent={"call": number % 4 > 0, "sms": number % 5 > 0},
            touched=((date(1994, 3, 29), "sms", "fund"),) * (number % 4),
        )
        for number in range(1, 121)
    ]
    space, staff = workspace(*plans, offers=offers, global_holdout=0.05), {"A0": 25, "A1": 10, "A2": 0}
    found, reference = (one.decide(space, people, staff=staff) for one in (desk, quick_desk))
    assert found.equals(reference)
    usual = {"chosen", "outbid", "capped", "no_capacity", "suppressed", "no_consent", "not_eligible", "held_out"}
    assert set(found["fate"]) >= usual


def test_lists_say_whom_to_call_and_why(quick_desk: Desk) -> None:
    space = workspace(
        strategy("a", reason="资产 {aum}，阶段 {stage}"),
        strategy("b", offers=("x",), channels=("sms",)),
        offers=(offer("x"),),
    )
    quick_desk.decide(space, [Person(1, aum=114_939.22), Person(2, branch=None, aum=7.5)])
    here = quick_desk.folder / "1"
    files = write_lists([here / "decisions"], [here / "profile"], [here / "customer"], space, here / "lists" / str(ON))
    assert [(one.name, one.rows) for one in files] == [("B1.csv", 1), ("channel_sms.csv", 2), ("no_branch.csv", 1)]
    rows = pl.concat(pl.read_csv(here / "lists" / str(ON) / name) for name in ("B1.csv", "no_branch.csv"))
    assert rows.select("customer_id", "name", "reason").rows() == [
        (1, "客户1", "资产 114939，阶段 字"),
        (2, "客户2", "资产 7.50，阶段 字"),
    ]


def test_a_share_is_told_in_percent(quick_desk: Desk) -> None:
    space = workspace(strategy("a", reason="占 {aum}"))
    aum = space.tags["aum"].model_copy(update={"unit": "share"})
    quick_desk.decide(space, [Person(1, aum=0.26)])
    here, told = quick_desk.folder / "1", replace(space, tags={**space.tags, "aum": aum})
    write_lists([here / "decisions"], [here / "profile"], [here / "customer"], told, here / "lists" / str(ON))
    assert pl.read_csv(here / "lists" / str(ON) / "B1.csv")["reason"].to_list() == ["占 26%"]
