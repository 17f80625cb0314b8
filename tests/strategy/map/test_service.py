"""The map of a drawn bank, on every engine, against polars over the same rows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.strategy.conftest import ON
from tests.strategy.map import drawn
from tests.strategy.map.drawn import STAGES, TIERS

from cultiva.contracts.readout import Contrast, Readout, Recommendation, StrategyReview, Verdict
from cultiva.definitions.review import Metric, Review
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine
from cultiva.kit.errors import CultivaError
from cultiva.kit.words import Words
from cultiva.strategy.map.places import DrawnMap, Standing
from cultiva.strategy.map.service import MapInputs, draw_map

NUMBER = 600
NONE = Words("", "")


@dataclass(frozen=True)
class Bank:
    """A drawn bank, and its map."""

    profile: pl.DataFrame
    decisions: pl.DataFrame
    contacts: pl.DataFrame
    exposure: pl.DataFrame
    map: DrawnMap


def review_of(name: str, incremental: float, cost: float) -> StrategyReview:
    row = Readout(
        name, "all", "", "contribution", "money", Contrast.ITT, 100, 50, 1.0, 0.0, incremental / 100, 1.0, 0.0, 1.0,
        incremental / 100 - 2.0, float("inf"), 0.5, None, None, incremental,
    )  # fmt: skip
    aum = Readout(
        name, "all", "", "assets", "money", Contrast.ITT, 100, 50, 1.0, 0.0, 12.0, 1.0, 10.0, 14.0, 8.0, 16.0, 0.5,
        None, None, 0.0,
    )  # fmt: skip
    said = Recommendation(name, Verdict.KEEP, None, None, None, "", NONE)
    net = incremental - cost
    return StrategyReview(name, Words(name, name), (row, aum), (), said, cost, 0.0, incremental, net, 7.0)


REVIEWS = (review_of("(all)", 500.0, 90.0), review_of("a", 300.0, 60.0), review_of("b", -40.0, 20.0))


@pytest.fixture
def bank(engine: Engine, tmp_path: Path) -> Bank:
    profile = drawn.people(NUMBER, 3)
    today, contacts = drawn.decisions(profile, 4), drawn.contacts(profile, 5)
    earlier = drawn.decisions(profile.head(200), 6, ON - timedelta(days=7))
    exposed = drawn.exposure(profile, 7)
    day = drawn.put(tmp_path / "decisions", today)
    inputs = MapInputs(
        profile=drawn.put(tmp_path / "profile", profile),
        decisions=day,
        proposals=[*drawn.put(tmp_path / "earlier", earlier), *day],
        contact=drawn.put(tmp_path / "contact", contacts),
        identity_map=drawn.put(tmp_path / "ids", drawn.identity_map(profile)),
        exposure=drawn.put(tmp_path / "exposure", exposed),
        reviews=REVIEWS,
        take_up={"b": 0.5},
    )
    found = draw_map(engine, inputs, space(), ON, tmp_path / "work")
    return Bank(profile, pl.concat([earlier, today]), contacts, exposed, found)


def space() -> Workspace:
    made = drawn.aimed(drawn.map_workspace(), "a", metric="aum", target=7.0)
    metric = Metric.model_validate({"name": "assets", "label": {"zh": "", "en": ""}, "unit": "money", "tag": "aum"})
    return drawn.aimed(
        Workspace(**{**vars(made), "review": Review(metrics=(metric,))}),
        "b",
        metric="age",
        direction="decrease",
        target=3,
    )


def test_cells_are_what_polars_counts(bank: Bank) -> None:
    covered = pl.Series([False] * NUMBER)
    for name, inside in drawn.audiences(bank.profile).items():
        covered = covered | inside if name != "d" else covered  # a draft covers nobody
    cells = {(one.group, one.stage, one.tier): one for one in bank.map.cells}
    assert len(cells) == 5 * len(STAGES) * len(TIERS)
    for group, inside in drawn.members(bank.profile).items():
        for stage, tier in itertools.product(STAGES, TIERS):
            here = inside & (bank.profile["stage"] == stage) & (bank.profile["value_tier"] == tier)
            cell, rows = cells[group, stage, tier], bank.profile.filter(here)
            assert cell.customers == rows.height
            assert cell.current == pytest.approx(float(rows["current_value"].sum() or 0), abs=1e-9)
            assert cell.potential == pytest.approx(float(rows["potential_value"].sum() or 0), abs=1e-9)
            assert cell.covered == (here & covered).sum()
            idle = bank.profile.filter(here & ~covered)["potential_value"].sum()
            assert cell.uncovered_potential == pytest.approx(float(idle or 0), abs=1e-6)
            mine = {one.strategy: one.audience for one in cell.presences if one.audience}
            expected = {name: (here & one).sum() for name, one in drawn.audiences(bank.profile).items()}
            assert mine == {name: count for name, count in expected.items() if count}


def touched_of(bank: Bank) -> pl.DataFrame:
    """Touches by the words of the guide: contacts attempted, and proposals that the history does not know."""
    since = ON - timedelta(days=30)
    known = bank.contacts.filter(pl.col("at").dt.date() > since).select(
        pl.col("source_id").cast(pl.Int64).alias("customer_id"), "strategy", "channel", "offer", "status"
    )
    chosen = bank.decisions.filter(pl.col("fate") == "chosen")
    unseen = chosen.join(known, on=["customer_id", "strategy", "offer"], how="anti")
    columns = ["customer_id", "strategy", "channel", "offer"]
    both = pl.concat(
        [
            unseen.select(*columns, pl.lit("done").alias("status")),
            known.filter(pl.col("status") != "not_done").select(*columns, "status"),
        ]
    )
    return both.filter(pl.col("strategy") != "elsewhere")


def test_touches_are_counted_once_and_cost_what_the_channel_costs(bank: Bank) -> None:
    rows = touched_of(bank)
    done = rows.filter(pl.col("status") != "failed")
    whole = bank.map.everybody
    assert whole.touched == done["customer_id"].n_unique()
    for one in whole.presences:
        mine, carried = rows.filter(pl.col("strategy") == one.strategy), done.filter(pl.col("strategy") == one.strategy)
        assert (one.touched, one.contacts) == (carried["customer_id"].n_unique(), carried.height)
        cost = sum({"call": 6.0, "sms": 0.05}[name] for name in mine["channel"])
        gifts = carried.filter(pl.col("offer") == "gift")["customer_id"].n_unique()
        take_up = 0.5 * 5.0 * gifts if one.strategy == "b" else 0.0
        assert one.spent == pytest.approx(cost + take_up)
    assert {one.strategy for one in whole.presences if one.contacts} == {"a", "b", "c", "e"}


def test_money_is_spread_over_those_open_to_it_and_adds_up(bank: Bank) -> None:
    treated = bank.exposure.filter(pl.col("arm") == "treated").join(bank.profile, on="customer_id")
    for (group, stage), cell in bank.map.by_place.items():
        inside = set(bank.profile.filter(drawn.members(bank.profile)[group])["customer_id"])
        for one in cell.presences:
            mine = treated.filter(pl.col("strategy") == one.strategy)
            here = sum(row["stage"] == stage and row["customer_id"] in inside for row in mine.to_dicts())
            assert one.enrolled == here
            whole = {"a": (300.0, 60.0), "b": (-40.0, 20.0)}.get(one.strategy, (0.0, 0.0))
            share = here / mine.height if mine.height else 0.0
            assert (one.incremental, one.cost) == pytest.approx((share * whole[0], share * whole[1]))
    rolled = {
        name: [one for one in bank.map.rollups if one.dimension == name] for name in ("strategy", "stage", "tier")
    }
    for parts in rolled.values():
        assert sum(one.incremental for one in parts) == pytest.approx(260.0)
        assert sum(one.net for one in parts) == pytest.approx(180.0)
    assert bank.map.whole is not None
    assert (bank.map.whole.incremental, bank.map.whole.net, bank.map.whole.high) == (500.0, 410.0, None)
    assert bank.map.whole.low == pytest.approx(500.0 - 200.0)


def test_overlaps_and_customers_of_one_strategy_alone_are_those_of_sets(bank: Bank) -> None:
    inside = {name: set(bank.profile.filter(one)["customer_id"]) for name, one in drawn.audiences(bank.profile).items()}
    active = ["a", "b", "c", "e"]
    found = {(one.first, one.second): one for one in bank.map.overlaps}
    pairs = [(x, y) for x, y in itertools.combinations(inside, 2) if inside[x] & inside[y]]
    assert set(found) == set(pairs)
    assert {pair for pair, one in found.items() if one.planned} == {pair for pair in pairs if "d" in pair}
    for x, y in pairs:
        assert found[x, y].both == len(inside[x] & inside[y])
        assert found[x, y].second_share == pytest.approx(len(inside[x] & inside[y]) / len(inside[y]))
    for place in bank.map.places:
        others = set().union(*(inside[name] for name in active if name != place.strategy))
        assert (place.audience, place.alone) == (len(inside[place.strategy]), len(inside[place.strategy] - others))


def test_conflicts_are_the_same_offer_or_one_exclusive_group_wanted_twice(bank: Bank) -> None:
    today = bank.decisions.filter(pl.col("business_date") == ON)
    after = today.filter(~pl.col("fate").is_in(["not_eligible", "suppressed"]))
    kind = {"gift": "gift", "fund": "fund", "loan_low": "loan", "loan_high": "loan"}
    things = after.with_columns(thing=pl.col("offer").replace_strict(kind))

    def wanted(name: str, thing: str, *, chosen: bool = False) -> set[int]:
        rows = things.filter((pl.col("strategy") == name) & (pl.col("thing") == thing))
        return set((rows.filter(pl.col("fate") == "chosen") if chosen else rows)["customer_id"])

    found = {(one.first, one.second, one.thing): one for one in bank.map.conflicts}
    assert set(found) == {("a", "b", "gift"), ("c", "e", "loan")}
    for (x, y, thing), one in found.items():
        both = wanted(x, thing) & wanted(y, thing)
        assert one.customers == len(both) > 0
        assert one.first_wins == len(both & wanted(x, thing, chosen=True))
        assert one.second_wins == len(both & wanted(y, thing, chosen=True))
        assert one.exclusive is (thing == "loan")


def test_targets_stand_against_the_review_or_against_both_sides_today(bank: Bank) -> None:
    places = {one.strategy: one for one in bank.map.places}
    reviewed = places["a"].progress
    assert (reviewed.effect, reviewed.low, reviewed.source, reviewed.standing) == (
        12.0,
        8.0,
        "review",
        Standing.REACHED,
    )
    sides = bank.exposure.filter(pl.col("strategy") == "b").join(bank.profile, on="customer_id").drop_nulls("age")
    treated = sides.filter(pl.col("arm") == "treated")["age"].to_numpy().astype(float)
    control = sides.filter(pl.col("arm").is_in(["held_out", "held_out_global"]))["age"].to_numpy().astype(float)
    today = places["b"].progress
    assert today.source == "today" and today.effect == pytest.approx(treated.mean() - control.mean(), abs=1e-4)
    half = 1.959964 * (treated.var(ddof=1) / treated.size + control.var(ddof=1) / control.size) ** 0.5
    assert today.high is not None and today.effect is not None
    assert today.high - today.effect == pytest.approx(half, rel=1e-3)
    assert places["c"].progress.standing is Standing.UNKNOWN
    assert (places["a"].incremental, places["a"].net, places["a"].verdict) == (300.0, 240.0, "keep")
    assert bank.map.unmeasured == ("c", "e")


def test_spending_of_a_month_stands_against_the_budget(bank: Bank) -> None:
    place = next(one for one in bank.map.places if one.strategy == "c")
    assert place.monthly == pytest.approx(place.spent) and place.spent > 0
    assert place.budget_share == pytest.approx(place.spent / 100.0)


def test_a_tier_alone_is_its_part_of_the_whole(duckdb_engine: Engine, tmp_path: Path) -> None:
    profile = drawn.people(200, 9)
    inputs = MapInputs(drawn.put(tmp_path / "profile", profile), drawn.put(tmp_path / "d", drawn.decisions(profile, 1)))
    whole = draw_map(duckdb_engine, inputs, drawn.map_workspace(), ON, tmp_path / "whole")
    top = draw_map(duckdb_engine, inputs, drawn.map_workspace(), ON, tmp_path / "top", tier="top")
    assert [one for one in top.cells if one.tier == "top"] == [one for one in whole.cells if one.tier == "top"]
    assert top.everybody.customers == (profile["value_tier"] == "top").sum()
    assert sum(one.customers for one in top.conflicts) < sum(one.customers for one in whole.conflicts)


def test_stages_that_the_workspace_has_forgotten_are_shown_all_the_same(duckdb_engine: Engine, tmp_path: Path) -> None:
    profile = drawn.people(50, 2).with_columns(stage=pl.lit("sleeping"))
    inputs = MapInputs(drawn.put(tmp_path / "profile", profile))
    found = draw_map(duckdb_engine, inputs, drawn.map_workspace(), ON, tmp_path / "work")
    assert found.by_place["*", "sleeping"].customers == 50 == found.everybody.customers
    assert found.everybody.touched == 0 and found.conflicts == () and found.whole is None


def test_a_group_over_a_tag_that_the_profile_lacks_is_refused_by_name(duckdb_engine: Engine, tmp_path: Path) -> None:
    inputs = MapInputs(drawn.put(tmp_path / "profile", drawn.people(5, 2).drop("rich")))
    with pytest.raises(CultivaError, match="rich") as raised:
        draw_map(duckdb_engine, inputs, drawn.map_workspace(), ON, tmp_path / "work")
    assert raised.value.hint
