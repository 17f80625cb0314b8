"""Who takes part in which experiment, since when and on which side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.review.bank import CUSTOMER, DAY, DECISION, PROFILE, WEEK, Row, bank, decided, known, put

from cultiva.definitions.review import Health, Ramp
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine
from cultiva.kit.hashing import draw
from cultiva.review.design import PROGRAMME
from cultiva.review.exposure import ExposureInputs, write_exposures
from cultiva.review.mergers import followed
from cultiva.strategy import ranking

Log = Callable[..., list[Path]]


@pytest.fixture
def log(engine: Engine, tmp_path: Path) -> Log:
    """Writes the exposures of a day."""
    number = count()

    def write(
        decisions: list[Row],
        people: list[Row],
        *,
        day: int = 0,
        previous: Any = (),
        mergers: Any = None,
        space: Any = None,
    ) -> list[Path]:
        root = tmp_path / str(next(number))
        customers = [{"customer_id": row["customer_id"], "branch_id": "B1", "adviser_id": "A9"} for row in people]
        inputs = ExposureInputs(
            decisions=put(root / "decisions", decisions, DECISION),
            profile=put(root / "profile", people, PROFILE),
            customer=put(root / "customer", customers, CUSTOMER),
            previous=previous,
            mergers=mergers or {},
        )
        write_exposures(engine, inputs, space or bank(), DAY + day * WEEK, root / "exposure")
        return [root / "exposure"]

    return write


def rows(files: list[Path], strategy: str = "a") -> dict[int, Row]:
    table = pl.read_parquet(part_files(files)).filter(pl.col("strategy") == strategy)
    return {row["customer_id"]: row for row in table.to_dicts()}


def test_those_exposed_enter_on_their_side_with_what_is_known_of_them(log: Log) -> None:
    fates = ["chosen", "held_out", "held_out_global", "capped", "held_out"]
    decisions = [decided(n, fate) for n, fate in enumerate(fates, start=1)]
    decisions[3]["exposed"] = decisions[4]["exposed"] = False
    people = [known(n, stage=f"s{n}", aum=n) for n in range(1, 7)]
    found = rows(log(decisions, people))
    assert {n: row["arm"] for n, row in found.items()} == {1: "treated", 2: "held_out", 3: "held_out_global"}
    assert found[2] == {
        "strategy": "a", "customer_id": 2, "enrolled_on": DAY, "arm": "held_out", "offer": "fund", "channel": "call",
        "branch_id": "B1", "adviser_id": "A1", "ranked_by": "rules", "cluster": None, "assigned_share": 1.0,
        "group_stage": "s2", "group_value_tier": "basic", "x_current_value": 100.0, "x_aum": 2.0,
    }  # fmt: skip


def test_who_waits_on_a_ramp_is_in_the_log_until_a_touch_or_a_holdout_ends_it(log: Log) -> None:
    space = bank()
    space = replace(space, review=space.review.model_copy(update={"ramp": Ramp()}))
    people = [known(n) for n in range(1, 6)]
    fates = ["chosen", "held_out", "held_out", "held_out", "held_out"]
    day = [decided(n, fate) for n, fate in enumerate(fates, start=1)]
    for one in day[2:]:
        one["decided_by"] = "ramp:a"
    first = log(day, people, space=space)
    arms = {n: row["arm"] for n, row in rows(first).items()}
    assert arms == {1: "treated", 2: "held_out", 3: "waiting", 4: "waiting", 5: "waiting"}
    later = [decided(1, "held_out"), decided(2, "chosen"), decided(3, "chosen"), decided(4, "held_out")]
    found = rows(log(later, people, day=1, previous=first, space=space))
    assert {n: row["arm"] for n, row in found.items()} == {
        1: "treated", 2: "held_out", 3: "treated", 4: "held_out", 5: "waiting",
    }  # fmt: skip
    assert {n: row["enrolled_on"] for n, row in found.items()} == {
        1: DAY, 2: DAY, 3: DAY + WEEK, 4: DAY + WEEK, 5: DAY,
    }  # fmt: skip


def test_the_whole_programme_enrols_everyone_by_the_draw_of_the_global_holdout(log: Log) -> None:
    people = [known(n) for n in range(1, 101)]
    found = rows(log([decided(1)], people), PROGRAMME)
    left_alone = {n for n in range(1, 101) if draw("holdout:global", n) < 0.5}
    assert {n for n, row in found.items() if row["arm"] == "held_out_global"} == left_alone
    assert len(found) == 100
    assert 30 < len(left_alone) < 70
    assert {row["adviser_id"] for row in found.values()} == {"A9"}


def test_an_enrolment_stays_as_it_was_and_newcomers_are_added(log: Log) -> None:
    first = log([decided(1), decided(2, "held_out")], [known(1), known(2)])
    again = [decided(1, "held_out"), decided(2), decided(3)]
    found = rows(log(again, [known(n, stage="new") for n in (1, 2, 3)], day=1, previous=first))
    assert {n: (row["arm"], row["enrolled_on"], row["group_stage"]) for n, row in found.items()} == {
        1: ("treated", DAY, "mature"),
        2: ("held_out", DAY, "mature"),
        3: ("treated", DAY + WEEK, "new"),
    }


def test_a_retired_id_leaves_its_enrolment_to_the_survivor_and_contradictions_drop_out(log: Log) -> None:
    people = [known(n) for n in range(1, 9)]
    decisions = [decided(1, "held_out"), decided(3), decided(4), decided(5), decided(6, "held_out"), decided(8)]
    first = log(decisions, people)
    merged = {2: 1, 4: 3, 6: 5, 8: 7}
    left = [known(n) for n in (1, 3, 5, 7)]
    second = log([decided(5), decided(7, "held_out")], left, day=1, previous=first, mergers=merged)
    assert {n: row["arm"] for n, row in rows(second).items()} == {1: "held_out", 3: "treated", 5: "mixed", 7: "treated"}
    third = log([decided(5)], left, day=2, previous=second, mergers=merged)
    assert rows(third) == rows(second)


def test_a_chain_of_mergers_is_followed_to_its_end() -> None:
    assert followed({5: 4, 4: 2, 2: 1, 9: 8}) == {5: 1, 4: 1, 2: 1, 9: 8}


def test_nobody_is_enrolled_twice_in_one_strategy(log: Log) -> None:
    """Two offers of which the second ranks higher."""
    both = [decided(1, "held_out", rank_value=2.0), decided(1, "held_out", offer="card", rank_value=5.0)]
    files = log(both, [known(1)])
    assert pl.read_parquet(part_files(files)).filter(pl.col("strategy") == "a")["offer"].to_list() == ["card"]


def test_with_whom_a_customer_was_drawn_is_kept(log: Log) -> None:
    space = bank()
    together = space.strategies["a"].model_copy(update={"holdout_by": "branch"})
    space = replace(space, strategies={**space.strategies, "a": together})
    decisions = [decided(1), decided(2, branch_id=None), decided(3, strategy="b")]
    people = [known(n) for n in (1, 2, 3)]
    first = log(decisions, people, space=space)
    assert {n: row["cluster"] for n, row in rows(first).items()} == {1: "branch:B1", 2: "customer:2"}
    assert rows(first, "b")[3]["cluster"] is None
    moved = log([decided(1, branch_id="B7")], people, day=1, previous=first, space=space)
    assert rows(moved)[1]["cluster"] == "branch:B1"


def test_a_tag_that_becomes_a_covariate_later_is_null_before(log: Log) -> None:
    first = log([decided(1)], [known(1)], space=bank(groups=("stage",), metrics=()))
    found = rows(log([decided(2)], [known(1), known(2)], day=1, previous=first))
    assert [(found[n]["x_aum"], found[n]["group_value_tier"]) for n in (1, 2)] == [(None, None), (1000.0, "basic")]


def test_no_decisions_at_all_enrol_into_the_programme_only(log: Log) -> None:
    assert pl.read_parquet(part_files(log([], [known(1)])))["strategy"].to_list() == [PROGRAMME]


def test_slices_are_those_of_the_plan(duckdb_engine: Engine, log: Log) -> None:
    space = bank(health=Health(rules=0.1, propensity=0.15, random=0.2), rank_by="effect")
    people = [known(n) for n in range(1, 401)]
    found = rows(log([], people, space=space), PROGRAMME)
    table = duckdb_engine.load(pl.DataFrame({"customer_id": list(found)}).to_arrow())
    planned = duckdb_engine.fetch(table.mutate(by=ranking.ranked_by(table, space.review))).to_pylist()
    assert {row["customer_id"]: row["by"] for row in planned} == {n: row["ranked_by"] for n, row in found.items()}
    assert {row["ranked_by"] for row in found.values()} == {"effect", "rules", "propensity", "random"}


def test_an_offer_with_a_holdout_is_an_experiment_across_strategies(log: Log) -> None:
    """Whom the offer leaves alone is on no side of a strategy, and the other way round."""
    space = bank()
    space = replace(space, offers={**space.offers, "fund": space.offers["fund"].model_copy(update={"holdout": 0.3})})
    inside = [n for n in range(1, 60) if draw("holdout:offer:fund", n) < 0.3]
    beyond = [n for n in range(1, 60) if n not in inside]
    by_offer, by_both, everywhere = inside[:3]
    chosen, by_strategy, twice, other = beyond[:4]
    decisions = [
        decided(chosen),
        decided(by_strategy, "held_out", decided_by="a"),
        decided(by_offer, "held_out", decided_by="offer:fund"),
        decided(by_offer, "held_out", decided_by="offer:fund", strategy="b"),
        decided(by_both, "held_out", decided_by="a"),
        decided(everywhere, "held_out_global"),
        decided(twice, "held_out", decided_by="a", rank_value=2.0),
        decided(twice, strategy="b", rank_value=1.0),
        decided(other, offer="card", strategy="b"),
        decided(inside[3], "held_out", decided_by="offer:fund", exposed=False),
    ]
    files = log(decisions, [known(n) for n in range(1, 60)], space=space)
    assert {n: row["arm"] for n, row in rows(files, "a").items()} == {
        chosen: "treated", by_strategy: "held_out", by_offer: "held_out_offer", by_both: "held_out_offer",
        everywhere: "held_out_global", twice: "held_out",
    }  # fmt: skip
    assert {n: row["arm"] for n, row in rows(files, "b").items()} == {
        by_offer: "held_out_offer", twice: "treated", other: "treated",
    }  # fmt: skip
    assert {n: (row["arm"], row["offer"]) for n, row in rows(files, "offer:fund").items()} == {
        chosen: ("treated", "fund"), by_offer: ("held_out", "fund"), everywhere: ("held_out_global", "fund"),
        twice: ("treated", "fund"),
    }  # fmt: skip
    table = pl.read_parquet(part_files(files))
    assert table.select("strategy", "customer_id").is_duplicated().sum() == 0
