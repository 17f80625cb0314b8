"""Features from after the decision: refused by their date, and by what they know."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.strategy.models.test_truth import nothing, persuadables
from tests.strategy.models.trial import DAY, space, world

from cultiva.engine.port import Engine
from cultiva.kit.errors import CultivaError
from cultiva.strategy.models.guards import refused
from cultiva.strategy.models.service import TrainingInputs, train


def test_a_profile_of_a_later_day_is_refused(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = world(tmp_path, nothing, count=2000, known_on=DAY + timedelta(days=1))
    with pytest.raises(CultivaError, match="after the decision") as caught:
        train(duckdb_engine, TrainingInputs(made.panel, made.features), space(), DAY, tmp_path / "model")
    assert caught.value.code == "strategy.models.leak"
    assert "2000 rows" in str(caught.value) and "1994-03-03" in str(caught.value)
    assert not (tmp_path / "model").exists()


def _trained(engine: Engine, root: Path, planted: Any, effect: Any = nothing) -> tuple[list[str], dict[str, Any]]:
    made = world(root, effect, count=4000, planted=planted)
    found = train(engine, TrainingInputs(made.panel, made.features), space(), DAY, root / "model")
    (path,) = (root / "model" / "files").glob("effect-*/card.json")
    return list(found.detail["refused"]), json.loads(path.read_text())


def test_a_tag_that_counts_touches_after_the_decision_is_named_and_left_out(
    duckdb_engine: Engine, tmp_path: Path
) -> None:
    """The date is right, the tag lies: it was computed anew after the touches."""

    def touched_since(known: dict[str, Any], left_alone: Any, money: Any) -> dict[str, Any]:
        return {"age": known["age"] + 5 * ~left_alone}

    names, card = _trained(duckdb_engine, tmp_path, touched_since)
    assert names == ["age"]
    assert [(one["feature"], one["why"]) for one in card["refused_features"]] == [("age", "separates_arms")]
    assert "age" not in card["features"] and "wealth" in card["features"]


def test_a_tag_that_is_known_for_those_touched_only_is_left_out(duckdb_engine: Engine, tmp_path: Path) -> None:
    def answered(known: dict[str, Any], left_alone: Any, money: Any) -> dict[str, Any]:
        return {"job": np.where(left_alone, None, known["job"])}

    assert _trained(duckdb_engine, tmp_path, answered)[0] == ["job"]


def test_the_result_itself_as_a_tag_is_left_out_where_there_is_an_effect(duckdb_engine: Engine, tmp_path: Path) -> None:
    def result(known: dict[str, Any], left_alone: Any, money: Any) -> dict[str, Any]:
        return {"wealth": np.abs(money)}

    def strong(known: dict[str, Any]) -> Any:
        return persuadables(known) + 20.0

    assert _trained(duckdb_engine, tmp_path, result, strong)[0] == ["wealth"]


def test_honest_features_pass(duckdb_engine: Engine, tmp_path: Path) -> None:
    assert _trained(duckdb_engine, tmp_path, None, persuadables)[0] == []


def test_who_takes_cannot_be_known_so_well_beforehand() -> None:
    draw = np.random.default_rng(3)
    count = 4000
    treated, taken = draw.random(count) < 0.5, (draw.random(count) < 0.1).astype(float)
    told = taken + draw.normal(0, 0.1, count)
    hint = taken + draw.normal(0, 1.0, count)
    found = refused(
        np.column_stack([told, hint]),
        ["told", "hint"],
        treated,
        np.full(count, 0.5),
        np.zeros(count, dtype=np.int64),
        taken=np.where(treated, taken, np.nan),
    )
    assert [(one.feature, one.why) for one in found] == [("told", "foretells_outcome")]


def test_strategies_with_other_holdouts_and_other_customers_are_no_leak() -> None:
    """Strategy 1 touches the old and leaves half alone, strategy 0 the young and leaves a tenth alone."""
    draw = np.random.default_rng(4)
    count = 20_000
    group = (draw.random(count) < 0.5).astype(np.int64)
    age = draw.normal(40, 5, count) + 20 * group
    share = np.where(group == 1, 0.5, 0.9)
    assert not refused(age[:, None], ["age"], draw.random(count) < share, share, group)
