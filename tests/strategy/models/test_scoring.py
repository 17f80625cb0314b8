"""Scoring: without models the anchor; on every engine the same; reasons only for those asked about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.strategy.models.test_truth import persuadables
from tests.strategy.models.trial import DAY, World, candidates_of, profile_table, space, world

from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.strategy.models.service import TrainingInputs, explain, in_words, pin, score, train


@pytest.fixture(scope="module")
def made(duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    root = tmp_path_factory.mktemp("scoring")
    found = world(root, persuadables, count=4000)
    train(duckdb_engine, TrainingInputs(found.panel, found.features), space(), DAY, root / "model")
    write_arrow(profile_table(found.known), root / "profile")
    return root, found


def read(folder: Path) -> pa.Table:
    return pa.concat_tables(pq.read_table(part) for part in part_files([folder]))


def test_without_models_the_anchor_is_the_effect(engine: Engine, made: tuple[Path, World], tmp_path: Path) -> None:
    root, found = made
    asked = engine.load(candidates_of(found.known, prior=3.25)[:5])
    score(engine, asked, engine.scan([root / "profile"]), pin([], space()), on=DAY, folder=tmp_path / "score")
    table = read(tmp_path / "score")
    assert table["effect"].to_pylist() == [3.25] * 5
    assert {table[name].null_count for name in ("effect_se", "response", "reasons", "model")} == {5}


def test_candidates_are_scored_alike_on_every_engine(
    engine: Engine, made: tuple[Path, World], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Against the trees asked directly, row by row."""
    root, found = made
    pinned = pin([root / "model"], space())
    asked = pa.concat_tables([
        candidates_of(found.known), candidates_of(found.known, strategy="b", offer="card", prior=1.0),
        candidates_of({"customer_id": np.array([999_999])}),
    ])  # fmt: skip
    profile = engine.scan([root / "profile"])
    written = score(engine, engine.load(asked), profile, pinned, on=DAY, folder=tmp_path / "score")
    table = read(tmp_path / "score")
    assert written.rows == 8001 and set(table["model"].to_pylist()) == {pinned.models["effect"].id}
    keys = [tuple(row.values()) for row in table.select(["customer_id", "strategy"]).to_pylist()]
    assert keys == sorted(keys)
    prints = request.config.stash.setdefault(PRINTS, {})
    prints[engine.name] = written.fingerprint
    assert len(set(prints.values())) == 1, "both engines write the same content"
    mine = table.filter(pa.compute.equal(table["strategy"], "a"))[:4000]
    assert np.corrcoef(mine["effect"].to_numpy(), found.truth)[0, 1] > 0.95


PRINTS: pytest.StashKey[dict[str, str]] = pytest.StashKey()


def test_three_reasons_name_what_moved_the_effect(
    duckdb_engine: Engine, made: tuple[Path, World], tmp_path: Path
) -> None:
    root, found = made
    engine, workspace = duckdb_engine, space()
    pinned, profile = pin([root / "model"], workspace), engine.scan([root / "profile"])
    asked = engine.load(candidates_of(found.known)[:50])
    explain(engine, asked, profile, pinned, on=DAY, folder=tmp_path / "why")
    score(engine, asked, profile, pinned, on=DAY, folder=tmp_path / "score")
    table, plain = read(tmp_path / "why"), read(tmp_path / "score")
    assert table.drop_columns("reasons").equals(plain.drop_columns("reasons")), "saying why changes nothing"
    for row, digital in zip(table.to_pylist(), found.known["digital"][:50], strict=True):
        reasons: list[dict[str, Any]] = json.loads(row["reasons"])
        assert len(reasons) <= 3
        assert reasons[0]["tag"] == "digital"
        assert reasons[0]["direction"] == ("up" if digital else "down")
        assert abs(reasons[0]["money"]) > 5
        assert [abs(one["money"]) for one in reasons] == sorted((abs(one["money"]) for one in reasons), reverse=True)
    said = in_words(table["reasons"][0].as_py(), workspace)[0]
    assert "效果" in said.zh and "CNY" in said.zh
    assert ("raises" if found.known["digital"][0] else "lowers") in said.en


def test_no_candidates_no_rows(duckdb_engine: Engine, made: tuple[Path, World], tmp_path: Path) -> None:
    root, found = made
    asked = duckdb_engine.load(candidates_of(found.known)[:0])
    profile, pinned = duckdb_engine.scan([root / "profile"]), pin([root / "model"], space())
    assert score(duckdb_engine, asked, profile, pinned, on=DAY, folder=tmp_path / "score").rows == 0
