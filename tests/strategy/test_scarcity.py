"""Resources, budgets, minimums, levers and prices in a day's plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from tests.strategy.conftest import TEXT, Desk, Person, channel, offer, strategy, workspace

from cultiva.definitions.arbitration import Arbitration, Lever, Resource
from cultiva.definitions.policy import Cap
from cultiva.definitions.review import Health, RankBy, Review
from cultiva.definitions.strategies import Capacity
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.limits import Spent, limits_of, shared

MANY = [Person(number, aum=100.0 + number) for number in range(1, 201)]


def ranked(space: Workspace, by: RankBy = RankBy.EFFECT, **more: Any) -> Workspace:
    return replace(space, review=Review(rank_by=by, exploration=0.0, **more))


def scarce(space: Workspace, *resources: Resource, levers: Sequence[Lever] = ()) -> Workspace:
    return replace(space, arbitration=Arbitration(resources=resources, levers=tuple(levers)))


def resource(**more: Any) -> Resource:
    return Resource(**{"name": "scarce", "label": TEXT, **more})


def prices(desk: Desk) -> pl.DataFrame:
    return pl.read_parquet(desk.folder / str(desk.rounds) / "decisions-price" / "*.parquet")


@pytest.mark.parametrize("by", [RankBy.EFFECT, RankBy.RULES])
def test_a_volume_goes_to_those_who_are_worth_most(quick_desk: Desk, by: RankBy) -> None:
    space = scarce(ranked(workspace(strategy("a", channels=("sms",))), by), resource(channels=("sms",), at_most=30))
    found = quick_desk.decide(space, MANY)
    assert set(found.filter(fate="chosen")["customer_id"]) == set(range(171, 201))
    lost = found.filter(pl.col("fate") != "chosen")
    assert set(lost["fate"]) == {"no_capacity"}
    assert set(lost["decided_by"]) == {"scarce"}
    row = prices(quick_desk).row(0, named=True)
    assert (row["resource"], row["capacity"], row["used"]) == ("scarce", 30.0, 30.0)
    if by is RankBy.EFFECT:
        assert 270.0 <= row["price"] <= 271.0  # between the last that got in and the first that did not


def test_a_budget_buys_what_brings_most_per_yuan(quick_desk: Desk) -> None:
    """The dear channel only where it brings more: a call costs 10, a text message 1."""
    dear, cheap = channel("call", "human", unit_cost=10.0), channel("sms", "message", unit_cost=1.0)
    plans = (strategy("calls", channels=("call",), rank="aum"),
             strategy("texts", channels=("sms",), offers=("gift",), rank="aum / 2"))  # fmt: skip
    space = workspace(*plans, offers=(offer("gift"),), channels=(dear, cheap),
                      caps=(Cap(scope="customer", days=7, contacts_max=1),))  # fmt: skip
    space = scarce(ranked(space), resource(counts="cost", at_most=200.0))
    found = quick_desk.decide(space, MANY)
    chosen = found.filter(fate="chosen")
    assert chosen["cost"].sum() <= 200.0 + 1e-6
    assert set(chosen["strategy"]) == {"texts"}  # 200 messages bring more than 20 calls
    assert chosen.height == 200


def test_a_months_budget_is_spread_over_the_days_that_are_left_and_remembered() -> None:
    space = scarce(workspace(strategy("a")), resource(counts="cost", per="month", at_most=3100.0))
    (first,) = limits_of(space, [], date(1994, 3, 1), spent={}, days=1)
    assert first.capacity == pytest.approx(100.0)
    spent = {"scarce": Spent(date(1994, 3, 1), 3000.0)}
    (late,) = limits_of(space, [], date(1994, 3, 31), spent=spent, days=1)
    assert late.capacity == pytest.approx(100.0)
    (weekly,) = limits_of(space, [], date(1994, 3, 25), spent=spent, days=7)
    assert weekly.capacity == pytest.approx(100.0)  # a run for the seven days that are left
    (april,) = limits_of(space, [], date(1994, 4, 1), spent=spent, days=1)
    assert april.capacity == pytest.approx(3100.0 / 30)
    assert april.used_before == 0.0
    total = resource(per="total", since="1994-01-01", until="1994-02-28", at_most=5.0)
    (over,) = limits_of(scarce(workspace(), total), [], date(1994, 3, 1), spent={}, days=1)
    assert over.capacity == 0.0


def test_what_a_period_has_used_is_carried_on_from_run_to_run(quick_desk: Desk) -> None:
    sms = channel("sms", "message", unit_cost=1.0)
    plans = strategy("a", channels=("sms",), budget=40.0)
    space = ranked(workspace(plans, channels=(sms, channel("app", "placement", touch=False))))
    first = quick_desk.decide(space, MANY).filter(fate="chosen")
    assert first.height == 20  # two days are left in March
    told = prices(quick_desk)
    assert told.filter(resource="budget:a")["used"].to_list() == [20.0]
    again = quick_desk.decide(space, MANY, prices=told.with_columns(used_before=pl.lit(10.0)))
    assert again.filter(fate="chosen").height == 5  # half of the ten that are left


def test_a_minimum_pulls_in_what_is_worth_less_and_one_that_cannot_be_reached_is_said(quick_desk: Desk) -> None:
    plans = (strategy("good", offers=("fund",)), strategy("owed", offers=("gift",), rank="1"))
    space = workspace(*plans, offers=(offer("gift"),), caps=(Cap(scope="customer", days=7, contacts_max=1),))
    owed = resource(strategies=("owed",), at_least=50)
    found = quick_desk.decide(scarce(ranked(space), owed), MANY)
    chosen = found.filter(fate="chosen")
    assert chosen.filter(strategy="owed").height == 50
    assert max(chosen.filter(strategy="owed")["customer_id"]) == 50  # those with whom least is lost
    quick_desk.decide(scarce(ranked(space), resource(strategies=("owed",), at_least=500)), MANY)
    assert quick_desk.summary["unmet"] == [("scarce", 200.0, 500.0)]


def test_a_lever_moves_who_goes_first_and_its_cost_is_measured_in_worth(quick_desk: Desk) -> None:
    plans = (strategy("a", offers=("fund",), rank="10"), strategy("b", offers=("gift",), rank="8"))
    space = workspace(*plans, offers=(offer("gift"),), caps=(Cap(scope="customer", days=7, contacts_max=1),))
    pull = Lever(name="pull", label=TEXT, kind="business", offers=("gift",), when="aum > 250", factor=1.5)
    found = quick_desk.decide(scarce(ranked(space), levers=[pull]), MANY)
    chosen = dict(found.filter(fate="chosen").select("customer_id", "strategy").iter_rows())
    assert {number for number, name in chosen.items() if name == "b"} == set(range(151, 201))
    assert set(found.filter(strategy="b", fate="chosen")["rank_value"]) == {12.0}
    assert set(found.filter(strategy="b")["worth"]) == {8.0}
    told = quick_desk.summary["slices"]["effect"]["levers"]["pull"]
    assert (told["candidates"], told["cost"]) == (50, pytest.approx(100.0))  # fifty times ten less eight
    off = quick_desk.decide(scarce(ranked(space), levers=[pull.model_copy(update={"active": False})]), MANY)
    assert set(off.filter(fate="chosen")["strategy"]) == {"a"}


def test_every_slice_has_its_share_of_hands(quick_desk: Desk) -> None:
    space = workspace(strategy("a", channels=("call",), capacity=Capacity(per="adviser")))
    space = ranked(space, health=Health(rules=0.25, random=0.25))
    found = quick_desk.decide(space, MANY, staff={"A1": 200})
    told = prices(quick_desk).filter(kind="pool")
    assert dict(told.select("ranked_by", "capacity").iter_rows()) == {"rules": 10.0, "random": 10.0, "effect": 20.0}
    assert dict(found.filter(fate="chosen")["ranked_by"].value_counts().iter_rows()) == {
        "rules": 10, "random": 10, "effect": 20,
    }  # fmt: skip


def test_shares_of_a_capacity_add_up_and_stay_whole() -> None:
    for capacity in range(12):
        parts = shared(float(capacity), {"rules": 0.3, "random": 0.2}, "effect", f"x{capacity}")
        assert sum(parts.values()) == capacity
        assert all(part >= 0 and part.is_integer() for part in parts.values())


def test_not_applicable_is_told_apart_from_not_eligible(quick_desk: Desk) -> None:
    offers = (offer("later", applicable="wants_fund"),)
    people = [Person(1), Person(2, wants_fund=False)]
    fates = quick_desk.fates(workspace(strategy("a", offers=("later",)), offers=offers), people)
    assert {key[0]: fate.value for key, fate in fates.items()} == {1: "chosen", 2: "not_applicable"}


def test_offers_of_one_group_exclude_each_other(quick_desk: Desk) -> None:
    offers = (offer("low", group="rate"), offer("high", group="rate"))
    plans = (strategy("a", offers=("low",), rank="2"), strategy("b", offers=("high",), rank="3"))
    found = quick_desk.fates(ranked(workspace(*plans, offers=offers)), [Person(1)])
    assert {name: fate.value for (_, name), fate in found.items()} == {"a": "outbid", "b": "chosen"}


def test_the_same_inputs_give_the_same_bytes(quick_desk: Desk) -> None:
    space = ranked(workspace(strategy("a", capacity=Capacity(per="branch", contacts_max=20)), strategy("b", rank="7")))
    one, other = quick_desk.decide(space, MANY), quick_desk.decide(space, list(reversed(MANY)))
    assert one.equals(other)
