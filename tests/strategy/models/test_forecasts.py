"""Who leaves and what comes next: learnt from an earlier profile and what became of its customers."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.strategy.models.trial import DAY, people, profile_table, space

from cultiva.definitions.models import ModelKind
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.strategy.models.forecasts import Seen, forecast
from cultiva.strategy.models.service import TrainingInputs, pin, train

COUNT = 6000


def seen(root: Path, labels: Any) -> Seen:
    known = people(COUNT)
    write_arrow(profile_table(known), root / "profile")
    write_arrow(pa.table({"customer_id": known["customer_id"], "label": labels(known)}), root / "labels")
    return Seen([root / "profile"], DAY - timedelta(days=84), [root / "labels"])


def fitted(engine: Engine, root: Path, kind: ModelKind, labels: Any) -> pa.Table:
    inputs = TrainingInputs([], [], seen={kind: seen(root, labels)})
    train(engine, inputs, space(), DAY, root / "model")
    pinned = pin([root / "model"], space())
    model = pinned.models[kind.value]
    forecast(engine, [root / "profile"], model, pinned.types, on=DAY - timedelta(days=84), folder=root / "score")
    return pa.concat_tables(pq.read_table(part) for part in part_files([root / "score"]))


def test_those_who_leave_are_foreseen_and_the_chance_comes_true(duckdb_engine: Engine, tmp_path: Path) -> None:
    chance = {True: 0.05, False: 0.4}

    def left(known: dict[str, Any]) -> list[str]:
        draw = np.random.default_rng(2).random(COUNT)
        return [
            "1" if one < chance[bool(digital)] else "0" for one, digital in zip(draw, known["digital"], strict=True)
        ]

    found = fitted(duckdb_engine, tmp_path, ModelKind.ATTRITION, left)
    digital = people(COUNT)["digital"]
    score = found["score"].to_numpy()
    assert score[digital].mean() == pytest.approx(0.05, abs=0.02)
    assert score[~digital].mean() == pytest.approx(0.4, abs=0.03)
    (path,) = (tmp_path / "model" / "files").glob("attrition-*/card.json")
    card = json.loads(path.read_text())
    assert card["window"] == {"profile_of": "1993-12-08"} and card["metrics"]["calibration_error"] < 0.03
    assert max(card["importance"], key=card["importance"].__getitem__) == "digital"


def test_the_next_product_follows_the_trade(duckdb_engine: Engine, tmp_path: Path) -> None:
    usual = {"clerk": "card", "farmer": "loan", "doctor": "fund", "teacher": ""}

    def opened(known: dict[str, Any]) -> list[str]:
        surely = np.random.default_rng(2).random(COUNT) < 0.6
        return [usual[job] if sure else "" for job, sure in zip(known["job"], surely, strict=True)]

    found = fitted(duckdb_engine, tmp_path, ModelKind.NEXT_PRODUCT, opened)
    jobs = people(COUNT)["job"]
    for job, product in usual.items():
        if product:
            mine = [row for row, of in zip(found.to_pylist(), jobs, strict=True) if of == job]
            assert np.mean([row["score"] == product for row in mine]) > 0.99
            assert np.mean([row["chance"] for row in mine]) == pytest.approx(0.6, abs=0.05)
    assert "" not in set(found["score"].to_pylist()), "nothing is no product"


def test_where_hardly_anybody_left_nothing_is_learnt(duckdb_engine: Engine, tmp_path: Path) -> None:
    few = seen(tmp_path, lambda known: ["1"] * 40 + ["0"] * (COUNT - 40))
    inputs = TrainingInputs([], [], seen={ModelKind.ATTRITION: few})
    found = train(duckdb_engine, inputs, space(), DAY, tmp_path / "model")
    assert found.written is None
