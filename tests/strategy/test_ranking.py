"""Slices of the health experiments, what review has learnt, drawn offers, and the ghosts of those held out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from tests.strategy.conftest import Desk, Person, offer, strategy, workspace

from cultiva.contracts.decision import Decision, Fate
from cultiva.definitions.policy import Cap
from cultiva.definitions.review import Health, RankBy, Review
from cultiva.definitions.strategies import Capacity
from cultiva.definitions.workspace import Workspace
from cultiva.kit.hashing import draw
from cultiva.strategy.words import sentence

MANY = [Person(number, aum=100.0 + number) for number in range(1, 401)]
SCHEMA = {"strategy": pl.String, "offer": pl.String, "cell": pl.String, "effect": pl.Float64, "cost": pl.Float64,
          "response": pl.Float64, "share": pl.Float64}  # fmt: skip


def learnt(*rows: tuple[str, str, str, float | None, float, float, float | None]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def reviewed(space: Workspace, **more: Any) -> Workspace:
    return replace(space, review=Review(**{"rank_by": RankBy.EFFECT, "exploration": 0.0, **more}))


def test_effect_ranks_by_what_was_measured_in_the_cell_and_leaves_the_rest_alone(desk: Desk) -> None:
    people = [Person(1, stage="new"), Person(2, stage="old"), Person(3, stage="never seen")]
    known = learnt(
        ("a", "", "new|basic", 9.0, 2.0, 0.1, None),
        ("a", "", "old|basic", 1.0, 2.0, 0.3, None),
        ("a", "", "", 5.0, 2.0, 0.2, None),
    )
    found = desk.decide(reviewed(workspace(strategy("a"))), people, learnt=known).sort("customer_id")
    assert found["rank_value"].to_list() == [7.0, -1.0, 3.0]
    assert found["fate"].to_list() == [Fate.CHOSEN, Fate.NO_GAIN, Fate.CHOSEN]
    assert found["exposed"].to_list() == [True, False, True]
    assert set(found["ranked_by"]) == {"effect"}


def test_before_anything_is_learnt_the_written_rank_is_the_prior(quick_desk: Desk) -> None:
    found = quick_desk.decide(reviewed(workspace(strategy("a", rank="aum / 2"))), [Person(1)])
    assert found["rank_value"].to_list() == [50.0]


def test_exploration_keeps_a_share_of_what_seems_worthless(quick_desk: Desk) -> None:
    known = learnt(("a", "", "", -5.0, 1.0, 0.2, None))
    found = quick_desk.decide(reviewed(workspace(strategy("a")), exploration=0.2), MANY, learnt=known)
    explored = {number for number in range(1, 401) if draw("explore:a:1994-03", number) < 0.2}
    assert set(found.filter(pl.col("fate") == "chosen")["customer_id"]) == explored
    assert 40 < len(explored) < 120


def test_health_slices_are_draws_of_the_kit(quick_desk: Desk) -> None:
    space = workspace(strategy("a"))
    health = Health(rules=0.1, propensity=0.2, random=0.05)
    known = learnt(("a", "", "", 4.0, 1.0, 0.25, None))
    found = quick_desk.decide(reviewed(space, health=health), MANY, learnt=known)
    for number, by, rank in found.select("customer_id", "ranked_by", "rank_value").iter_rows():
        lot = draw("health", number)
        expected = "rules" if lot < 0.1 else "propensity" if lot < 0.3 else "random" if lot < 0.35 else "effect"
        assert by == expected
        ranks = {"rules": 100.0 + number, "propensity": 0.25, "random": draw("random:a:1994-03-30", number)}
        assert rank == pytest.approx(ranks.get(by, 3.0))


def test_offers_are_drawn_in_the_shares_learnt_among_the_open_ones(quick_desk: Desk) -> None:
    offers = (offer("bonus"), offer("closed", eligible="aum < 0"))
    space = workspace(strategy("a", offers=("fund", "closed", "bonus")), offers=offers)
    known = learnt(("a", "fund", "", None, 0, 0, 0.2), ("a", "closed", "", None, 0, 0, 0.5),
                   ("a", "bonus", "", None, 0, 0, 0.3))  # fmt: skip
    found = quick_desk.decide(reviewed(space, exploration=0.1), MANY, learnt=known)
    for number, name, share in found.select("customer_id", "offer", "assigned_share").iter_rows():
        expected = "fund" if draw("offer:a", number) < 0.4 else "bonus"
        assert (name, share) == (expected, pytest.approx(0.4 if expected == "fund" else 0.6))


def test_ghosts_are_exposed_by_the_same_yardstick_and_take_no_room(desk: Desk) -> None:
    held = {number for number in range(1, 401) if draw("holdout:a", number) < 0.25}
    space = workspace(strategy("a", holdout=0.25, capacity=Capacity(per="strategy", contacts_max=100)))
    found = desk.decide(space, MANY)
    chosen = found.filter(pl.col("fate") == "chosen")
    ranked = sorted(set(range(1, 401)) - held, reverse=True)  # the richest first
    assert sorted(chosen["customer_id"], reverse=True) == ranked[:100]
    last = ranked[99]
    ghosts = found.filter((pl.col("fate") == "held_out") & pl.col("exposed"))
    assert set(ghosts["customer_id"]) == {number for number in held if number > last}
    assert found.filter(pl.col("exposed") & ~pl.col("fate").is_in(["chosen", "held_out"])).is_empty()


def test_a_ghost_stands_behind_its_real_rivals_for_attention(quick_desk: Desk) -> None:
    """Held out of the first, a customer gets the second; its ghost in the first is exposed all the same."""
    first, second = strategy("a", holdout=0.5, rank="2"), strategy("b", offers=("gift",), rank="1")
    space = workspace(first, second, offers=(offer("gift"),), caps=(Cap(scope="customer", days=7, contacts_max=1),))
    found = quick_desk.decide(space, MANY)
    for number in range(1, 401):
        one = {row["strategy"]: row for row in found.filter(pl.col("customer_id") == number).iter_rows(named=True)}
        held = draw("holdout:a", number) < 0.5
        assert one["a"]["exposed"]
        assert one["a"]["fate"] == ("held_out" if held else "chosen")
        assert one["b"]["fate"] == ("chosen" if held else "outbid")
        assert one["b"]["exposed"] is held


def test_those_held_out_for_a_reason_of_their_own_are_not_exposed(quick_desk: Desk) -> None:
    people = [Person(number, complaining=True) for number in range(1, 60)]
    found = quick_desk.decide(workspace(strategy("a", holdout=0.5)), people)
    assert set(found["fate"]) == {"held_out", "suppressed"}
    assert not found["exposed"].any()


def test_what_is_foreseen_for_one_customer_comes_first(desk: Desk) -> None:
    space = workspace(strategy("a", offers=("fund", "gift")), offers=(offer("gift"),))
    known = learnt(("a", "", "", 3.0, 1.0, 0.2, None))
    rows = [(1, "a", "gift", "sms", 12.5, 0.1, "m"), (2, "a", "fund", "call", -1.0, 0.2, "m")]
    names = {"customer_id": pl.Int64, "strategy": pl.String, "offer": pl.String, "channel": pl.String,
             "effect": pl.Float64, "response": pl.Float64, "model": pl.String}  # fmt: skip
    people = [Person(1), Person(2), Person(3)]
    worth = pl.DataFrame(rows, schema=names, orient="row")
    found = desk.decide(reviewed(space), people, learnt=known, worth=worth)
    told = {(row["customer_id"], row["offer"], row["channel"]): row for row in found.iter_rows(named=True)}
    assert len(told) == 3 * 4  # every open proposal is a candidate
    assert (told[1, "gift", "sms"]["worth"], told[1, "gift", "sms"]["worth_by"]) == (12.5, "m")
    assert [key for key, row in told.items() if row["fate"] == "chosen" and key[0] == 1] == [(1, "gift", "sms")]
    assert told[1, "fund", "call"]["decided_by"] == "a"
    assert told[1, "fund", "call"]["fate"] == Fate.OUTBID
    assert told[2, "fund", "call"]["fate"] == Fate.NO_GAIN
    assert found.filter(fate="chosen").group_by("customer_id").len()["len"].to_list() == [1, 1, 1]


def test_an_offers_holdout_leaves_alone_whom_the_others_do_not(desk: Desk) -> None:
    """After everyone's and the strategy's; in every strategy that would propose the offer, and in no other."""
    space = workspace(
        strategy("a", offers=("gift",), holdout=0.2), strategy("b"), offers=(offer("gift", holdout=0.3),),
        global_holdout=0.1,
    )  # fmt: skip
    found = desk.decide(space, MANY)
    plain = desk.decide(replace(space, offers={**space.offers, "gift": offer("gift")}), MANY)
    for row in found.filter(pl.col("strategy") == "a").iter_rows(named=True):
        draws = [(name, draw(f"holdout:{name}", row["customer_id"])) for name in ("global", "a", "offer:gift")]
        held = [(name, value) for (name, value), share in zip(draws, (0.1, 0.2, 0.3), strict=True) if value < share]
        name, value = held[0] if held else ("", None)
        assert row["exposed"]
        assert row["fate"] == {"": "chosen", "global": "held_out_global"}.get(name, "held_out")
        assert row["decided_by"] == (name if name in ("a", "offer:gift") else None)
        assert row["decided_value"] == (value if value is None else pytest.approx(value))
    assert found.filter(decided_by="offer:gift").height > 50
    others = pl.col("strategy") == "b"
    assert found.filter(others).equals(plain.filter(others))


def test_several_strategies_with_one_offer_leave_alone_exactly_those_one_of_them_would_have_touched(desk: Desk) -> None:
    """The first stands for the second among those held out as it does among those who get the offer."""
    plans = (strategy("a", rank="2", capacity=Capacity(per="strategy", contacts_max=50)), strategy("b", rank="1"))
    found = desk.decide(workspace(*plans, offers=(offer("fund", holdout=0.5),)), MANY)
    sides = found.filter(pl.col("exposed")).group_by("customer_id").agg(pl.len(), pl.col("fate").first())
    assert sides["len"].max() == 1
    assert set(found.filter(strategy="b")["fate"]) == {"outbid", "held_out", "chosen"}
    behind = found.filter(pl.col("strategy") == "b", pl.col("exposed"))
    assert set(behind["customer_id"]).isdisjoint(found.filter(strategy="a", exposed=True)["customer_id"])
    held = {number for number in range(1, 401) if draw("holdout:offer:fund", number) < 0.5}
    assert set(sides.filter(fate="held_out")["customer_id"]) <= held
    assert not set(sides.filter(fate="chosen")["customer_id"]) & held
    space = workspace(*plans, offers=(offer("fund", holdout=0.5),))
    label = space.offers["fund"].label
    for language, said in {
        "en": f"below the offer {label.en}'s holdout 0.5",
        "zh": f"低于权益/产品 {label.zh} 的对照组比例 0.5",
    }.items():
        row = found.filter(decided_by="offer:fund").drop("exposed").row(0, named=True)
        told = Decision(**{**row, "fate": Fate(row["fate"]), "exposed": True})
        assert said in sentence(told, space, language=language)
