"""Touches weighed one by one: each open offer over each channel, by what it brings less what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from tests.strategy.conftest import Desk, Person, offer, strategy, workspace

from cultiva.contracts.decision import Fate
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.review import Ramp, RankBy, Review
from cultiva.definitions.workspace import Workspace
from cultiva.kit.hashing import draw
from cultiva.strategy.models.experience import Experience
from cultiva.strategy.models.fitting import believed
from cultiva.strategy.models.levels import Anchor
from cultiva.strategy.ranking import Learnt, Ranking, Touch

MANY = [Person(number) for number in range(1, 401)]
FIRST = 0.25
COLUMNS = {"strategy": pl.String, "offer": pl.String, "cell": pl.String, "effect": pl.Float64, "cost": pl.Float64,
           "response": pl.Float64, "share": pl.Float64, "per_touch": pl.Float64, "taken_per_touch": pl.Float64,
           "contacts": pl.Float64, "stage": pl.String, "reach": pl.Float64, "channel": pl.String,
           "times": pl.Float64}  # fmt: skip


def learnt(
    *rows: tuple[str, float, float, str], reach: float = 1.0, times: Mapping[str, float] | None = None
) -> pl.DataFrame:
    """Of strategy a: its stage, and (offer, money of a touch, chance of a take-up, stage); how channels sell."""
    stage = "proven" if any(row[3] == "proven" for row in rows) else "ended"
    whole = ("a", "", "", 0.0, 0.0, 0.1, None, None, None, 3.0, stage, reach, "", None)
    known = [
        ("a", name, "", 0.0, 0.0, 0.1, None, each, taken, 1.0, one, 1.0, "", None) for name, each, taken, one in rows
    ]
    ways = [("(all)", "", "", None, 0.0, None, None, None, None, 1.0, "", 1.0, name, found)
            for name, found in (times or {}).items()]  # fmt: skip
    return pl.DataFrame([whole, *known, *ways], schema=COLUMNS, orient="row")


def ramped(exploration: float = 0.0, first: float = 1.0, people: int = 20_000, **more: Any) -> Workspace:
    """Strategy a: fund (worth 100 beforehand) and gift (worth 100, costs 2), by call (6) or text (0.5)."""
    gift = offer("gift", kind=OfferKind.BENEFIT, prior_worth=100.0, unit_cost=2.0)
    space = workspace(strategy("a", offers=("gift", "fund"), **more), offers=(gift,))
    fund = space.offers["fund"].model_copy(update={"prior_worth": 100.0, "category": "fund"})
    channels = tuple(
        one.model_copy(update={"unit_cost": {"call": 6.0, "sms": 0.5}.get(one.name, 0.0)})
        for one in space.policy.channels
    )
    return replace(
        space,
        offers={**space.offers, "fund": fund},
        policy=space.policy.model_copy(update={"channels": channels}),
        review=Review(
            rank_by=RankBy.EFFECT,
            exploration=exploration,
            ramp=Ramp(trust={OfferKind.PRODUCT: 0.1}, first=first, people=people),
        ),
    )


def test_from_the_first_day_what_sells_goes_over_the_channel_that_leaves_most(quick_desk: Desk) -> None:
    found = quick_desk.decide(ramped(), [Person(1)])
    told = {(row["offer"], row["channel"]): row for row in found.iter_rows(named=True)}
    assert told["fund", "sms"]["fate"] == Fate.CHOSEN
    assert told["fund", "sms"]["worth"] == pytest.approx(9.5)
    assert told["fund", "call"]["worth"] == pytest.approx(4.0)
    assert {told["gift", name]["fate"] for name in ("call", "sms")} == {Fate.NO_GAIN}
    assert set(found["worth_by"]) == {"prior"}


def test_without_another_way_a_dear_channel_has_to_be_worth_it(quick_desk: Desk) -> None:
    calls_only = [Person(1, consent={"call": True, "sms": False, "app": False})]
    assert "chosen" in quick_desk.decide(ramped(), calls_only)["fate"].to_list()
    space = ramped()
    poor = space.offers["fund"].model_copy(update={"prior_worth": 50.0})
    found = quick_desk.decide(replace(space, offers={**space.offers, "fund": poor}), calls_only)
    assert set(found["fate"]) == {"no_gain"}  # 5 is less than 6


def test_a_benefit_that_has_proved_itself_is_weighed_with_what_it_costs(quick_desk: Desk) -> None:
    known = learnt(("gift", 12.0, 0.25, "proven"), ("fund", 10.0, 0.1, "open"))
    found = quick_desk.decide(ramped(), [Person(1)], learnt=known)
    gift = found.filter(pl.col("offer") == "gift", pl.col("channel") == "sms").row(0, named=True)
    assert (gift["fate"], gift["worth_by"]) == (Fate.CHOSEN, "learnt")
    assert gift["worth"] == pytest.approx(12.0 - 0.5 - 0.25 * 2.0)


def test_those_for_whom_the_written_rank_is_higher_bring_more(quick_desk: Desk) -> None:
    people = [Person(1, aum=100.0), Person(2, aum=300.0)]
    found = quick_desk.decide(ramped(rank="aum"), people).filter(pl.col("channel") == "sms", pl.col("offer") == "fund")
    assert found.sort("customer_id")["worth"].to_list() == pytest.approx([9.5, 29.5])


def test_a_channel_that_sells_better_is_worth_more_of_what_sells(quick_desk: Desk) -> None:
    known = learnt(("fund", 8.0, 0.0, "proven"), ("gift", 8.0, 0.0, "proven"), times={"call": 2.5, "sms": 0.5})
    found = quick_desk.decide(ramped(), [Person(1)], learnt=known)
    told = {(row["offer"], row["channel"]): row["worth"] for row in found.iter_rows(named=True)}
    assert told["fund", "call"] == pytest.approx(20.0 - 6.0)
    assert told["fund", "sms"] == pytest.approx(4.0 - 0.5)
    assert told["gift", "call"] == pytest.approx(8.0 - 6.0)  # sells nothing: sales say nothing of it


def test_a_strategy_begins_with_some_of_its_customers_and_the_others_wait_beside_them(quick_desk: Desk) -> None:
    found = quick_desk.decide(ramped(first=FIRST, exploration=0.2), MANY)
    first = {one.id for one in MANY if draw("ramp:a", one.id) < FIRST}
    chosen = found.filter(fate="chosen")["customer_id"].to_list()
    assert set(chosen) <= first
    assert len(chosen) > 0.6 * len(first)
    waiting = found.filter(pl.col("decided_by") == "ramp:a")
    assert set(waiting["fate"]) == {Fate.HELD_OUT}
    assert set(waiting["customer_id"]).isdisjoint(first)
    assert waiting["exposed"].sum() > 0.6 * waiting["customer_id"].n_unique()


def test_a_large_bank_begins_with_as_many_as_a_small_one(quick_desk: Desk) -> None:
    shares = {400: 1.0, 399: 0.5, 200: 0.5, 110: 0.25}
    for people, share in shares.items():
        found = quick_desk.decide(ramped(people=people), MANY)
        waiting = set(found.filter(pl.col("decided_by") == "ramp:a")["customer_id"])
        assert waiting <= {one.id for one in MANY if draw("ramp:a", one.id) >= share}
        assert len(waiting) >= 0.6 * (1 - share) * len(MANY)


def test_it_goes_to_everybody_once_it_is_known_to_sell(quick_desk: Desk) -> None:
    known = learnt(("fund", 8.0, 0.0, "open"), ("gift", 0.0, 0.0, "open"), reach=1.0)
    found = quick_desk.decide(ramped(first=FIRST), MANY, learnt=known)
    assert not found["decided_by"].eq("ramp:a").any()
    assert found.filter(fate="chosen")["customer_id"].n_unique() > 300


CALL, SMS = 1 / 7, 1 / 1.5
"""Odds of the two channels: one over one more than they cost."""


def tried(share: float) -> dict[int, str]:
    """Whom strategy a is tried on today, and over which channel; the dearer both are, the fewer."""
    found = {}
    for number in range(1, 401):
        lot = draw("random:a:1994-03-30", number) * (CALL + SMS) / SMS
        if draw("explore:a:1994-03", number) < share and lot < CALL + SMS:
            found[number] = "call" if lot < CALL else "sms"
    return found


def test_what_is_not_trusted_is_explored_and_the_cheap_way_more_often(quick_desk: Desk) -> None:
    space = replace(ramped(exploration=0.5), strategies={"a": strategy("a", offers=("gift",))})
    found = quick_desk.decide(space, MANY)
    chosen = found.filter(pl.col("fate") == "chosen")
    expected = tried(0.5)
    assert dict(chosen.select("customer_id", "channel").iter_rows()) == expected
    assert 80 < len(expected) < 170
    shares = {"call": 0.5 * CALL / (CALL + SMS) * SMS, "sms": 0.5 * SMS / (CALL + SMS) * SMS}
    for channel, share in chosen.select("channel", "assigned_share").unique().iter_rows():
        assert share == pytest.approx(shares[channel])


def test_what_has_ended_is_explored_on_a_part_of_the_share(quick_desk: Desk) -> None:
    space = replace(ramped(exploration=0.5), strategies={"a": strategy("a", offers=("gift",))})
    found = quick_desk.decide(space, MANY, learnt=learnt(("gift", -3.0, 0.1, "ended")))
    assert dict(found.filter(fate="chosen").select("customer_id", "channel").iter_rows()) == tried(0.5 * 0.2)


def test_a_model_is_compared_with_what_the_plan_would_believe_without_it() -> None:
    """What sales say of a touch, times the contacts that an exposure stands for; not the money of the strategy."""
    known = Learnt(
        {("a", ""): (50.0, 0.1)}, contacts={"a": 3.0}, touches={("a", "fund"): Touch(4.0, 0.1, "open", 1.5)},
    )  # fmt: skip
    weighed = Ranking(ramped(), known, date(1994, 3, 30)).anchors()
    assert weighed["a", "fund"] == (12.0, 4.5)
    assert weighed["a", "gift"][0] == 0.0 and np.isnan(weighed["a", "gift"][1]), "nothing is trusted, nothing was sold"
    without = replace(ramped(), review=Review(rank_by=RankBy.EFFECT))
    assert Ranking(without, known, date(1994, 3, 30)).anchors() == {}
    table = pa.table({"strategy": ["a", "a", "b"], "offer": ["fund", "other", "fund"]})
    rows = Experience(table, {}, 84, np.zeros(3, bool), np.zeros(3, np.int64), np.ones(3), 0)
    anchors = {("a", ""): Anchor(53.0)} | {pair: Anchor(*one) for pair, one in weighed.items()}
    effects, errors = believed(rows, ramped(), anchors)
    assert effects.tolist() == [12.0, 53.0, 100.0], "of the pair, of the strategy, of the definition"
    assert errors[0] == 4.5 and np.isnan(errors[1:]).all()
