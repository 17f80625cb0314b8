"""The analysis table, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.review.bank import DAY, WEEK, Row, bank, brought, contact, decided, known, outcome
from tests.review.conftest import Story

from cultiva.definitions.review import Health
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine
from cultiva.kit.hashing import draw
from cultiva.review.design import PROGRAMME, ReviewDesign
from cultiva.review.panel import write_panel

PEOPLE = range(1, 7)
FATES = {1: "chosen", 2: "chosen", 3: "held_out", 4: "held_out_global", 5: "chosen", 6: "held_out"}
T1, T2, T3 = DAY + WEEK, DAY + 2 * WEEK, DAY + 5 * WEEK


def performances() -> dict[date, list[Row]]:
    """Four run dates; what is brought in on the day of enrolment and beyond 28 days is huge and must not count."""
    return {
        DAY: [brought(n, DAY, 1e6) for n in PEOPLE],
        T1: [brought(n, T1, 10.0 * n, category_fund=n, metric_fees=1, level_aum=5) for n in PEOPLE],
        T2: [
            brought(n, T2, 1.25, category_fund=1, metric_conversion=int(n < 3), level_aum=100 * n, level_upset=n == 2)
            for n in PEOPLE
            if n != 6
        ],
        T3: [brought(n, T3, 1e6, level_aum=9) for n in PEOPLE],
    }


CONTACTED = [
    contact(1, DAY + timedelta(days=1)),
    contact(1, DAY + timedelta(days=2), "sms"),
    contact(2, DAY + timedelta(days=1), "sms", None),
    contact(2, DAY + timedelta(days=3), "call", "not_done"),
    contact(5, DAY + timedelta(days=3), "call", "failed"),
    contact(5, DAY - timedelta(days=3)),
    contact(5, T3),
    contact(1, DAY, strategy="somebody else's"),
    contact(3, DAY + timedelta(days=1), "call", strategy="b"),
]

TAKEN = [
    outcome(1, DAY + timedelta(days=9)),
    outcome(2, DAY + timedelta(days=1)),
    outcome(3, DAY + timedelta(days=9)),
    outcome(5, DAY + timedelta(days=9)),
]
"""Customers 3 and 5 take something up without a touch that took place; the bank would have had to give them nothing."""

Panel = Callable[..., dict[int, Row]]


@pytest.fixture
def panel(engine: Engine, tmp_path: Path) -> Panel:
    def make(
        on: date = T2,
        strategy: str = "a",
        *,
        space: Workspace | None = None,
        mergers: dict[int, int] | None = None,
        ranked: dict[int, str] | None = None,
        advised: bool = True,
    ) -> dict[int, Row]:
        root, space = tmp_path / f"{on}-{strategy}-{len(list(tmp_path.iterdir()))}", space or bank()
        decisions = [
            decided(n, fate, ranked_by=(ranked or {}).get(n, "rules"), adviser_id="A1" if advised else None)
            for n, fate in FATES.items()
        ]
        story = Story(
            people=[known(n) for n in PEOPLE],
            decisions=decisions,
            performance={day: rows for day, rows in performances().items() if day <= on},
            contacts=CONTACTED,
            outcomes=TAKEN,
            mergers=mergers or {},
        )
        inputs = story.inputs(engine, root, space)
        write_panel(engine, inputs, ReviewDesign(space), on, root / "panel")
        table = pl.read_parquet(part_files([root / "panel"])).filter(pl.col("strategy") == strategy)
        return {row["customer_id"]: row for row in table.to_dicts()}

    return make


def column(found: dict[int, Row], name: str) -> dict[int, object]:
    return {customer: row[name] for customer, row in found.items()}


def test_customers_drawn_alone_are_put_into_lots_of_one_side(panel: Panel) -> None:
    space = bank()
    together = space.strategies["a"].model_copy(update={"holdout_by": "adviser"})
    space = replace(space, strategies={**space.strategies, "a": together})
    assert set(column(panel(space=space), "cluster").values()) == {"adviser:A1"}
    found = column(panel(space=space, advised=False), "cluster")
    assert found == {n: f"lot:{'held_out' if n in {3, 6} else 'treated'}:{n}" for n in (1, 2, 3, 5, 6)}
    assert set(column(panel(), "cluster").values()) == {None}


def test_nobody_held_out_from_everything_is_on_a_side_of_a_strategy(panel: Panel) -> None:
    assert column(panel(), "arm") == {1: "treated", 2: "treated", 3: "control", 5: "treated", 6: "control"}


def test_results_count_from_the_day_after_enrolment_to_the_horizon(panel: Panel) -> None:
    expected = {1: 11.25, 2: 21.25, 3: 31.25, 5: 51.25, 6: 60.0}
    early, late = panel(T2), panel(T3)
    assert column(early, "y_contribution") == column(late, "y_contribution") == expected
    assert set(column(early, "y_days").values()) == {14.0}
    assert set(column(late, "y_days").values()) == {28.0}


def test_counts_add_up_and_levels_are_the_newest_within_the_horizon(panel: Panel) -> None:
    found = panel(T3)
    assert column(found, "y_conversion") == {1: 1, 2: 1, 3: 0, 5: 0, 6: 0}
    assert column(found, "y_fees") == dict.fromkeys((1, 2, 3, 5, 6), 1.0)
    assert column(found, "y_aum") == {1: 100, 2: 200, 3: 300, 5: 500, 6: 5}
    assert column(found, "y_upset") == {1: 0, 2: 1, 3: 0, 5: 0, 6: 0}
    assert column(found, "y_sold") == {1: 2, 2: 3, 3: 4, 5: 6, 6: 6}


def test_cost_is_contacts_that_took_place_and_the_offer_once_taken(panel: Panel) -> None:
    found = panel(T3)
    assert column(found, "y_cost") == {1: 10 + 1 + 5, 2: 1 + 5, 3: 0, 5: 10, 6: 0}, (
        "a failed call costs, one left undone not"
    )
    assert column(found, "y_net") == {1: -4.75, 2: 15.25, 3: 31.25, 5: 41.25, 6: 60.0}
    assert column(found, "y_touched") == {1: 1, 2: 1, 3: 0, 5: 0, 6: 0}
    assert column(found, "reached") == {1: True, 2: False, 3: False, 5: False, 6: False}


def test_the_programme_has_everyone_and_the_costs_of_all_strategies(panel: Panel) -> None:
    found = panel(T2, PROGRAMME)
    assert sorted(found) == list(PEOPLE)
    assert found[1]["y_cost"] == 16
    assert found[3]["y_cost"] == 10
    assert column(found, "y_contribution") == {1: 11.25, 2: 21.25, 3: 31.25, 4: 41.25, 5: 51.25, 6: 60.0}
    assert set(column(found, "y_sold").values()) == {None}


def test_the_programme_counts_the_last_horizon_only(panel: Panel) -> None:
    found = panel(T3, PROGRAMME)
    assert found[6]["y_contribution"] == 1e6
    assert found[1]["y_contribution"] == 1e6 + 1.25


def test_results_under_a_retired_id_go_to_the_survivor(panel: Panel) -> None:
    assert column(panel(mergers={6: 5}), "y_contribution")[5] == 51.25 + 60.0


def test_the_level_of_a_merged_customer_is_their_own_not_that_of_the_retired_id(panel: Panel) -> None:
    found = [panel(mergers=merged)[5]["y_aum"] for merged in ({}, {1: 5}, {2: 5, 1: 5})]
    assert found == [500, 500, 500]


def test_who_left_at_once_has_brought_nothing_of_what_was_sold(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {day: [row for row in rows if row["customer_id"] != 3] for day, rows in performances().items()}
    monkeypatch.setattr(f"{__name__}.performances", lambda: told)
    found = panel()
    assert column(found, "y_sold") == {1: 2, 2: 3, 3: 0, 5: 6, 6: 6}
    assert found[3]["y_contribution"] == 0
    assert set(column(panel(strategy=PROGRAMME), "y_sold").values()) == {None}, "nothing is sold by the whole"


def test_nothing_is_known_of_those_enrolled_today(panel: Panel) -> None:
    assert panel(DAY) == {}


def test_slices_are_compared_among_those_who_may_be_touched(panel: Panel) -> None:
    space = bank(health=Health(random=0.5), rank_by="effect")
    everyone, found = panel(T2, PROGRAMME, space=space), panel(T2, "(random)", space=space)
    open_to_all = {n: row for n, row in everyone.items() if row["arm"] == "treated"}
    assert sorted(found) == sorted(open_to_all)
    for customer, row in found.items():
        assert row["arm"] == ("treated" if open_to_all[customer]["ranked_by"] == "effect" else "control")
        assert row["y_contribution"] == open_to_all[customer]["y_contribution"]


def test_an_offers_experiment_counts_its_own_touches_whatever_the_strategy(panel: Panel) -> None:
    """And what offers cost is counted once for the programme."""
    space, treated = bank(), {n for n, fate in FATES.items() if fate == "chosen"}
    share = min(draw("holdout:offer:fund", n) for n in treated) / 2
    held = {**space.offers, "fund": space.offers["fund"].model_copy(update={"holdout": share})}
    given = replace(space, offers=held)
    plain, found = panel(), panel(strategy="offer:fund", space=given)
    assert {n: row["arm"] for n, row in found.items()} == dict.fromkeys(treated, "treated")
    for name in ("y_cost", "y_touched", "y_taken", "y_contribution", "y_sold"):
        assert column(found, name) == {n: plain[n][name] for n in treated}
    once, again = panel(strategy=PROGRAMME), panel(strategy=PROGRAMME, space=given)
    assert column(once, "y_cost") == column(again, "y_cost")
