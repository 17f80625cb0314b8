"""Worlds with a planted effect: the models find it, its sign, and nothing where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.strategy.models.trial import DAY, World, candidates_of, profile_table, space, world

from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine
from cultiva.strategy.models.files import read_models
from cultiva.strategy.models.service import TrainingInputs, pin, score, train

PERSUADED, DISTURBED = 15.0, -10.0


def persuadables(known: dict[str, Any]) -> Any:
    """Those who are digital gain, all others are sleeping dogs."""
    return np.where(known["digital"], PERSUADED, DISTURBED)


def harm(known: dict[str, Any]) -> Any:
    return np.full(len(known["age"]), -8.0)


def nothing(known: dict[str, Any]) -> Any:
    return np.zeros(len(known["age"]))


def trained(engine: Engine, root: Path, effect: Any, *, workspace: Workspace | None = None, **how: Any) -> World:
    made = world(root, effect, **how)
    train(engine, TrainingInputs(made.panel, made.features), workspace or space(), DAY, root / "model")
    return made


def effects(engine: Engine, root: Path, made: World, **candidate: Any) -> Any:
    if not (root / "profile").exists():
        write_arrow(profile_table(made.known), root / "profile")
    asked, profile = engine.load(candidates_of(made.known, **candidate)), engine.scan([root / "profile"])
    folder = root / f"score-{len(list(root.iterdir()))}"
    score(engine, asked, profile, pin([root / "model"], space()), on=DAY, folder=folder)
    return pq.read_table(next(iter(folder.glob("*.parquet"))))


def card(root: Path, kind: str = "effect") -> dict[str, Any]:
    (path,) = (root / "model" / "files").glob(f"{kind}-*/card.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def split(duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    root = tmp_path_factory.mktemp("split")
    return root, trained(duckdb_engine, root, persuadables)


def test_persuadables_are_ranked_above_sleeping_dogs(duckdb_engine: Engine, split: tuple[Path, World]) -> None:
    root, made = split
    found = effects(duckdb_engine, root, made)["effect"].to_numpy()
    gain, lose = found[made.truth > 0], found[made.truth < 0]
    assert np.mean(gain[:, None][:500] > lose[None, :500]) > 0.99
    assert gain.mean() == pytest.approx(PERSUADED, abs=3.5)
    assert lose.mean() == pytest.approx(DISTURBED, abs=3.5)
    assert np.mean(gain > 0) > 0.99 and np.mean(lose < 0) > 0.99


def test_the_gain_in_policy_value_is_that_of_leaving_the_dogs_asleep(split: tuple[Path, World]) -> None:
    """The prior says 5 for everybody, so it touches all; the model touches half and saves the harm."""
    root, made = split
    found = card(root)["policy_value"]
    assert found["promoted"]
    right, cost = np.maximum(made.truth - 1, 0), 1.0
    rooms = np.arange(1, 11) / 10
    half = np.mean(made.truth > 0)
    best = np.mean([min(room, half) for room in rooms]) * (PERSUADED - cost)
    everybody = np.mean(rooms) * np.mean(made.truth - cost)
    for way in ("ips", "dr"):
        one = found["gain"][way]
        assert one["low"] - 0.3 < best - everybody < one["high"] + 0.3
    assert found["gain"]["dr"]["se"] < found["gain"]["ips"]["se"]
    assert right.mean() > 0


def test_what_is_foreseen_of_unseen_folds_comes_true(split: tuple[Path, World]) -> None:
    rows = card(split[0])["calibration"]
    assert all(abs(row["foreseen"] - row["measured"]) < 3.0 for row in rows)
    assert rows[0]["measured"] < -5 < 5 < rows[-1]["measured"]


def test_a_constant_harm_is_learnt_against_a_hopeful_prior(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = trained(duckdb_engine, tmp_path, harm)
    found = effects(duckdb_engine, tmp_path, made)
    assert np.all(found["effect"].to_numpy() < 0)
    assert found["effect"].to_numpy().mean() == pytest.approx(-8.0, abs=2.5)
    assert card(tmp_path)["policy_value"]["gain"]["dr"]["low"] > 0, "touching nobody is worth more than the prior"


def test_where_nobody_differs_everybody_gets_the_level(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = trained(duckdb_engine, tmp_path, nothing)
    found = effects(duckdb_engine, tmp_path, made)["effect"].to_numpy()
    assert np.std(found) < 1.0
    assert abs(found.mean()) < 2.5
    assert card(tmp_path)["learners"]["belief"] < 0.5


def test_with_noise_beyond_measure_the_anchor_stands(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = trained(duckdb_engine, tmp_path, persuadables, noise=30_000.0, count=3000)
    for one in read_models([tmp_path / "model"]):
        if one.kind == "effect":
            assert one.role == "challenger", one.card["policy_value"]["why"]
    found = effects(duckdb_engine, tmp_path, made, prior=7.0)
    assert found["effect"].to_pylist() == [7.0] * 3000
    assert found["model"].null_count == 3000


def test_a_new_offer_is_judged_by_its_kind_and_category(duckdb_engine: Engine, split: tuple[Path, World]) -> None:
    """Strategy a sold funds; a bond is a fund too, but nobody has tried it: its anchor moves, not all the way."""
    root, made = split
    known = effects(duckdb_engine, root, made, prior=50.0)["effect"].to_numpy().mean()
    new = effects(duckdb_engine, root, made, strategy="c", offer="bond", prior=50.0)
    unheard = effects(duckdb_engine, root, made, strategy="c", offer="something", prior=50.0)
    assert known < new["effect"].to_numpy().mean() < 50.0
    assert new["effect_se"][0].as_py() > 1.0
    assert set(unheard["effect"].to_pylist()) == {50.0}


def test_the_chance_of_a_response_is_calibrated(duckdb_engine: Engine, split: tuple[Path, World]) -> None:
    root, made = split
    found = effects(duckdb_engine, root, made)["response"].to_numpy()
    digital = made.known["digital"]
    assert found[digital].mean() == pytest.approx(0.35, abs=0.03)
    assert found[~digital].mean() == pytest.approx(0.05, abs=0.02)
    assert card(root, "response")["metrics"]["calibration_error"] < 0.02


def test_money_with_a_heavy_tail_is_cut_and_the_cut_is_stated(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = trained(duckdb_engine, tmp_path, lambda known: persuadables(known) + 1e6 * (known["age"] == 89))
    cut = card(tmp_path)["winsorised_at"]
    assert cut["share"] == space().models.winsor_share
    assert cut["high"] == pytest.approx(np.quantile(made.more["money"], 1 - cut["share"]))
