"""A whole review whose numbers are worked out beside it; on Spark twice, whose tables have tests of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.review.bank import DAY, WEEK, bank, brought, contact, decided, known, outcome
from tests.review.conftest import Story, folders_in

from cultiva.contracts.readout import Contrast, StrategyReview, Verdict
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine
from cultiva.kit.numbers import settled
from cultiva.review.design import PROGRAMME
from cultiva.review.panel_inputs import PanelInputs
from cultiva.review.service import ReviewFolders, ReviewFound, review
from cultiva.review.tables import curves, read_reviews

MANY = 400
LAST = DAY + 4 * WEEK


@dataclass(frozen=True)
class History:
    """What customers brought in, by hand: everybody's luck, and what the touch adds to it."""

    gain: float
    """Money that a touched customer brings beyond the luck."""
    loss_of: str = ""
    """Stage in which a touch takes the same amount away instead."""

    def arm(self, customer: int) -> str:
        return "chosen" if customer % 2 else "held_out"

    def stage(self, customer: int) -> str:
        return "young" if customer % 4 < 2 else "old"

    def money(self, customer: int) -> float:
        luck = round(float(np.random.default_rng(customer).normal(50, 5)), 2)
        sign = -1 if self.stage(customer) == self.loss_of else 1
        return luck + (sign * self.gain if self.arm(customer) == "chosen" else 0.0)

    def mean(self, arm: str) -> float:
        return float(np.mean([self.money(n) for n in range(1, MANY + 1) if self.arm(n) == arm]))


Reviewed = Callable[[History], tuple[ReviewFound, ReviewFolders]]


@pytest.fixture
def reviewed(duckdb_engine: Engine, tmp_path: Path) -> Reviewed:
    def make(history: History, on: date = LAST) -> tuple[ReviewFound, ReviewFolders]:
        folders = folders_in(tmp_path / "out")
        inputs = inputs_of(duckdb_engine, tmp_path / "in", history, space())
        return review(duckdb_engine, inputs, space(), on, folders), folders

    return make


def space() -> Workspace:
    return bank(groups=("stage",))


def inputs_of(engine: Engine, root: Path, history: History, workspace: Workspace, channel: str = "sms") -> PanelInputs:
    ids = range(1, MANY + 1)
    story = Story(
        people=[known(n, stage=history.stage(n)) for n in ids],
        decisions=[decided(n, history.arm(n)) for n in ids],
        performance={LAST: [brought(n, LAST, history.money(n), metric_conversion=int(n % 10 == 1)) for n in ids]},
        contacts=[contact(n, DAY + WEEK, channel) for n in ids if history.arm(n) == "chosen"],
        outcomes=[outcome(n, DAY + 2 * WEEK) for n in ids if n % 10 == 1],
        places={n: f"B{n % 3}" for n in ids},
    )
    return story.inputs(engine, root, workspace)


def of(found: ReviewFound, strategy: str) -> StrategyReview:
    return next(one for one in found.reviews if one.strategy == strategy)


def test_the_effect_is_the_difference_of_the_means_and_the_money_adds_up(reviewed: Reviewed) -> None:
    history = History(gain=20.0)
    one = of(reviewed(history)[0], "a")
    main, difference = one.main(), history.mean("chosen") - history.mean("held_out")
    assert main is not None
    assert main.effect == pytest.approx(difference)
    assert (main.customers_treated, main.customers_control) == (200, 200)
    assert main.mean_treated == pytest.approx(history.mean("chosen"))
    assert main.low is not None and main.high is not None and main.always_low is not None
    assert main.always_low < main.low < difference < main.high
    assert one.incremental == pytest.approx(200 * difference)
    assert one.gross == pytest.approx(200 * history.mean("chosen"))
    assert one.cost == 200 * 1 + 40 * 5
    assert one.net == pytest.approx(200 * difference - 400)
    assert one.return_on_cost == pytest.approx(200 * difference / 400)
    assert one.days == 28
    conversion = one.main("conversion")
    assert conversion is not None
    assert conversion.mean_treated == pytest.approx(0.2)
    assert conversion.mean_control == 0
    assert one.main("aum") is not None
    assert one.main(contrast=Contrast.TRIMMED) is not None
    assert one.main(contrast=Contrast.COMPLIER) is None, "nobody was reached by a person"


def test_what_pays_is_scaled_and_what_does_not_is_stopped(reviewed: Reviewed) -> None:
    assert of(reviewed(History(gain=20.0))[0], "a").recommendation.verdict is Verdict.SCALE


def test_what_costs_more_than_it_brings_is_stopped(reviewed: Reviewed) -> None:
    said = of(reviewed(History(gain=-20.0))[0], "a").recommendation
    assert said.verdict is Verdict.STOP
    assert said.reason.zh.endswith("应当停止。") and said.reason.en.endswith("stop it.")


def test_what_pays_for_some_and_harms_others_is_changed_and_they_are_named(reviewed: Reviewed) -> None:
    found, _ = reviewed(History(gain=20.0, loss_of="old"))
    said = of(found, "a").recommendation
    assert said.verdict is Verdict.CHANGE
    assert "old" in said.reason.en or "young" in said.reason.en
    cells = {row.cell: row for row in found.learnt if row.strategy == "a"}
    assert cells["young"].effect is not None and cells["old"].effect is not None
    assert cells["young"].effect > 15 and cells["old"].effect < -15


def settled_all(value: Any) -> Any:
    """What was found with the digits that are published."""
    if isinstance(value, float):
        return settled(value)
    if isinstance(value, tuple):
        return tuple(settled_all(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: settled_all(getattr(value, one.name)) for one in fields(value)})
    return value


def test_the_next_plan_learns_money_cost_and_response(reviewed: Reviewed) -> None:
    found, folders = reviewed(History(gain=20.0))
    rows = pl.read_parquet(part_files([folders.learnt])).to_dicts()
    assert {row["strategy"] for row in rows} == {"a"}, "nothing is learnt where nobody took part"
    whole = next(row for row in rows if row["offer"] == row["cell"] == "")
    assert whole["customers"] == whole["touched"] == 200
    assert whole["cost"] == 2.0
    assert whole["response"] == pytest.approx(0.2)
    history = History(gain=20.0)
    difference = history.mean("chosen") - history.mean("held_out")
    assert min(10.0, difference) < whole["effect"] < difference
    assert whole["effect"] == pytest.approx(difference, abs=0.05), "a prior of ten, very unsure, moves it little"
    assert {row["cell"] for row in rows} == {"", "young", "old"}
    assert settled_all(found.learnt) == tuple(type(found.learnt[0])(**row) for row in rows)


def test_what_is_published_is_what_was_found(reviewed: Reviewed) -> None:
    found, folders = reviewed(History(gain=20.0))
    assert read_reviews([folders.readout], [folders.verdict], [folders.flag]) == settled_all(found.reviews)
    past = curves({LAST: [folders.readout], LAST + WEEK: []}, "contribution")
    assert past == {one.strategy: [(LAST, settled_all(one.main()))] for one in found.reviews if one.readouts}
    assert sorted(path.name for path in folders.readout.parent.iterdir()) == ["flag", "learnt", "readout", "verdict"]


def test_groups_offers_waves_and_branches_are_read_out(reviewed: Reviewed) -> None:
    one = of(reviewed(History(gain=20.0))[0], "a")
    named = {(row.dimension, row.group) for row in one.readouts if row.dimension != "all"}
    assert {("group:stage", "young"), ("offer", "fund"), ("channel", "call"), ("wave", "1994-03")} <= named
    assert {row.metric for row in one.readouts if row.dimension != "all"} == {"contribution"}


def test_before_anything_has_happened_every_strategy_waits_and_says_why(engine: Engine, tmp_path: Path) -> None:
    folders = folders_in(tmp_path / "out")
    inputs = inputs_of(engine, tmp_path / "in", History(gain=1.0), space())
    found = review(engine, inputs, space(), DAY, folders)
    assert [one.strategy for one in found.reviews] == [PROGRAMME, "a", "b"]
    assert {one.recommendation.verdict for one in found.reviews} == {Verdict.WAIT}
    assert all(one.recommendation.until is not None and one.recommendation.reason.en for one in found.reviews)
    assert found.written["readout"].rows == found.written["learnt"].rows == 0
    assert "enrolled" not in pl.read_parquet(part_files([folders.learnt])).columns
    empty = review(engine, PanelInputs((), (), (), (), ()), space(), DAY, ReviewFolders(*_others(folders)))
    assert empty.reviews == found.reviews


def _others(folders: ReviewFolders) -> list[Path]:
    return [
        path.with_name(path.name + "2") for path in (folders.readout, folders.verdict, folders.flag, folders.learnt)
    ]


def test_a_wrong_share_of_control_is_an_alarm_and_stops_every_verdict(duckdb_engine: Engine, tmp_path: Path) -> None:
    wanted = space()
    less = {**wanted.strategies, "a": wanted.strategies["a"].model_copy(update={"holdout": 0.1})}
    workspace = Workspace(**{**vars(wanted), "strategies": less})
    folders = folders_in(tmp_path / "out")
    inputs = inputs_of(duckdb_engine, tmp_path / "in", History(gain=20.0), workspace)
    one = of(review(duckdb_engine, inputs, workspace, LAST, folders), "a")
    assert [flag.standing for flag in one.flags if flag.name == "sample_ratio"] == ["alarm"]
    assert one.recommendation.verdict is Verdict.WAIT
    assert "Do not believe" in one.recommendation.reason.en


def test_those_reached_are_read_out_only_where_persons_carry_the_strategy_out(engine: Engine, tmp_path: Path) -> None:
    """The same calls; with messages beside them nobody knows which of the two worked."""
    reached = {}
    for channels in (("call",), ("call", "sms")):
        workspace, root = space(), tmp_path / "-".join(channels)
        mine = workspace.strategies["a"].model_copy(update={"channels": channels})
        workspace = replace(workspace, strategies={**workspace.strategies, "a": mine})
        inputs = inputs_of(engine, root / "in", History(gain=20.0), workspace, "call")
        found = review(engine, inputs, workspace, LAST, folders_in(root / "out"))
        reached[channels] = {one.strategy: one.main(contrast=Contrast.COMPLIER) for one in found.reviews}
    only = reached["call",]
    assert only["a"] is not None and only[PROGRAMME] is None
    assert only["a"].effect == pytest.approx(History(20.0).mean("chosen") - History(20.0).mean("held_out"), rel=0.02)
    assert reached["call", "sms"]["a"] is None
