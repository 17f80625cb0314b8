"""Training: too little teaches nothing, the same data give the same model, and a champion stays until it is beaten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.strategy.models.test_truth import harm, nothing, persuadables
from tests.strategy.models.trial import DAY, TYPES, log_features_by_hand, people, profile_table, space, world

from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.kit.errors import CultivaError
from cultiva.strategy.models.experience import LogInputs, log_features, read_experience
from cultiva.strategy.models.files import Role, champions, read_models
from cultiva.strategy.models.fitting import ground
from cultiva.strategy.models.levels import Keys
from cultiva.strategy.models.service import TrainingInputs, pin, train


def test_too_few_exposures_teach_nothing(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = world(tmp_path, nothing, count=900)
    found = train(duckdb_engine, TrainingInputs(made.panel, made.features), space(), DAY, tmp_path / "model")
    assert found.written is None and not (tmp_path / "model").exists()
    assert found.detail == {"exposures": 900, "needed": 1000}


def test_results_of_a_few_days_are_not_learnt_from(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = world(tmp_path, nothing, count=2000, days=7.0)
    found = train(duckdb_engine, TrainingInputs(made.panel, made.features), space(), DAY, tmp_path / "model")
    assert found.written is None and found.detail["exposures"] == 0


def test_the_same_data_give_the_same_model_whatever_the_threads(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = world(tmp_path, persuadables, count=3000)
    ids = []
    for threads in (1, 4):
        workspace = space()
        engine = workspace.settings.engine.model_copy(update={"threads": threads})
        settings = workspace.settings.model_copy(update={"engine": engine})
        from dataclasses import replace

        folder = tmp_path / f"model-{threads}"
        train(
            duckdb_engine, TrainingInputs(made.panel, made.features), replace(workspace, settings=settings), DAY, folder
        )
        ids.append(sorted(one.id for one in read_models([folder])))
    assert ids[0] == ids[1] and len(ids[0]) == 2


def test_a_champion_stays_until_a_better_one_comes(duckdb_engine: Engine, tmp_path: Path) -> None:
    """First a model of a world in which nobody differs, then one that has seen who gains; then the same once more."""
    flat, split = world(tmp_path / "flat", harm), world(tmp_path / "split", persuadables)
    seen: list[tuple[str, int]] = []
    previous: list[Path] = []
    for name, made in (("1", flat), ("2", split), ("3", split)):
        inputs = TrainingInputs(made.panel, made.features, previous=previous)
        train(duckdb_engine, inputs, space(), DAY, tmp_path / name)
        previous = [tmp_path / name]
        stored = read_models(previous)
        tried = [one for one in stored if one.kind == "effect" and one.role is Role.CHALLENGER]
        seen.append((champions(stored)["effect"].id, len(tried)))
    assert seen[0][0] != seen[1][0], "it beats the one that touched nobody"
    assert seen[1][0] == seen[2][0], "its equal does not take its place"
    assert [count for _, count in seen] == [0, 0, 1]
    (refused,) = [one for one in read_models(previous) if one.role is Role.CHALLENGER and one.kind == "effect"]
    assert refused.card["policy_value"]["why"] == "both touch the same customers"


def test_a_model_that_was_changed_by_hand_is_refused(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = world(tmp_path, persuadables, count=3000)
    train(duckdb_engine, TrainingInputs(made.panel, made.features), space(), DAY, tmp_path / "model")
    table = pq.read_table(part_files([tmp_path / "model"])[0])
    changed = [text.replace("dr", "dR") if name == "model.json" else text
               for name, text in zip(table["file"].to_pylist(), table["content"].to_pylist(), strict=True)]  # fmt: skip
    changed[0] = changed[0] + " "
    place = table.schema.get_field_index("content")
    write_arrow(table.set_column(place, "content", pa.array(changed)), tmp_path / "forged")
    with pytest.raises(CultivaError, match="not what it was"):
        pin([tmp_path / "forged"], space())


def test_the_card_says_what_was_learnt_from_what(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = world(tmp_path, persuadables, count=3000)
    inputs = TrainingInputs(made.panel, made.features, fingerprints={"panel": "abc"})
    train(duckdb_engine, inputs, space(), DAY + timedelta(days=90), tmp_path / "model")
    (path,) = (tmp_path / "model" / "files").glob("effect-*/card.json")
    card: dict[str, Any] = json.loads(path.read_text())
    assert card["id"] == path.parent.name and card["trained_on"] == "1994-05-31"
    assert card["data"]["exposures"] == 3000 and card["data"]["fingerprints"] == {"panel": "abc"}
    assert 600 < card["data"]["held_back"] < 900
    assert card["window"] == {"first_enrolment": "1994-03-02", "last_enrolment": "1994-03-02", "horizon_days": 84}
    assert set(card["drift"]) == set(TYPES) and max(card["drift"].values()) < 0.1
    assert next(iter(card["importance"])) == "digital"
    assert {"policy_value", "calibration", "learners", "winsorised_at", "refused_features"} <= set(card)
    assert set(card["policy_value"]["gain"]) == {"ips", "dr"}


def test_what_is_foreseen_rises_with_a_tag_where_the_bank_says_so(duckdb_engine: Engine, tmp_path: Path) -> None:
    """The truth falls with age and rises with wealth; the bank insists that it rises with both."""
    made = world(tmp_path, lambda known: 0.3 * (50 - known["age"]) + 5 * np.log(known["wealth"] / 8000))
    workspace = space(monotone={"effect": {"age": "up", "wealth": "up"}})
    train(duckdb_engine, TrainingInputs(made.panel, made.features), workspace, DAY, tmp_path / "model")
    (stored,) = [one for one in read_models([tmp_path / "model"]) if one.kind == "effect"]
    from cultiva.strategy.models.effect import EffectModel

    model = EffectModel.from_stored(stored)
    known = {name: np.repeat(values[:1], 60) for name, values in people(1).items()}
    base = {**known, "age": np.arange(20, 80)}
    assert "t" not in stored.card["learners"]["weights"]
    for name, values in (("age", base["age"]), ("wealth", np.linspace(1000, 60_000, 60))):
        table = profile_table({**known, name: values})
        rows = encoded(table, model.encoding)
        said = model.gains(rows, Keys.of([("product", "fund", "a", "fund")] * 60))
        assert np.all(np.diff(said) >= -1e-9)
        assert name == "age" or said[-1] - said[0] > 2


def encoded(table: pa.Table, encoding: Any) -> Any:
    """A profile's rows as a candidate of strategy a would have them."""
    columns = {
        "f_age": table["age"].cast(pa.float64()), "f_wealth": table["wealth"].cast(pa.float64()),
        "f_digital": table["digital"].cast(pa.int64()).cast(pa.float64()),
        "f_joined_on": pa.array(np.full(len(table), 500.0)), "f_job": table["job"],
    }  # fmt: skip
    action = {"of_strategy": "a", "of_offer": "fund", "of_channel": "call", "of_offer_kind": "product",
              "of_offer_category": "fund"}  # fmt: skip
    columns |= {name: pa.array([value] * len(table)) for name, value in action.items()}
    return encoding.matrix(pa.table(columns))


def test_features_are_logged_for_those_who_enrol_today(engine: Engine, tmp_path: Path) -> None:
    known = people(5)
    write_arrow(profile_table(known), tmp_path / "profile")
    exposure = pa.table({
        "customer_id": pa.array([1, 1, 2, 3, 4]),
        "strategy": ["a", "b", "a", "(all)", "offer:fund"],
        "enrolled_on": pa.array([DAY, DAY, DAY - timedelta(days=1), DAY, DAY], pa.date32()),
    })  # fmt: skip
    write_arrow(exposure, tmp_path / "exposure")
    inputs = LogInputs([tmp_path / "exposure"], [tmp_path / "profile"], DAY)
    written = log_features(engine, inputs, space(exclude=["job"]), DAY, tmp_path / "log")
    (row,) = pa.concat_tables(pq.read_table(part) for part in part_files([tmp_path / "log"])).to_pylist()
    assert written.rows == 1
    assert (row["customer_id"], row["enrolled_on"], row["known_on"]) == (1, DAY, DAY)
    assert row["age"] == known["age"][0] and "job" not in row


def test_features_go_with_the_customer_into_a_merger(duckdb_engine: Engine, tmp_path: Path) -> None:
    """Customer 3 was merged into 1, 4 into 3 before; the enrolments go on under 1."""
    made = world(tmp_path, nothing, count=4)
    panel = pq.read_table(part_files(made.panel)[0])
    heir = panel.set_column(1, "customer_id", pa.array([1, 2, 1, 1], pa.int64()))
    write_arrow(heir.slice(2, 2), tmp_path / "merged")
    log = [tmp_path / "log"]
    log_features_by_hand(log[0], {name: values[3:] for name, values in made.known.items()}, [DAY], DAY)
    found = read_experience(duckdb_engine, [tmp_path / "merged"], log, space(), mergers={3: 1, 4: 3})
    assert [row["f_age"] for row in found.table.to_pylist()] == [made.known["age"][3]] * 2
    assert read_experience(duckdb_engine, [tmp_path / "merged"], log, space()).unknown == 2


def test_a_sample_keeps_those_left_alone_and_knows_its_odds(duckdb_engine: Engine, tmp_path: Path) -> None:
    made = world(tmp_path, nothing, count=6000, share=0.1)
    found = read_experience(duckdb_engine, made.panel, made.features, space(rows_max=1500))
    left_alone = int((~found.treated).sum())
    assert left_alone == made.more["left_alone"].sum()
    assert len(found) == pytest.approx(1500, rel=0.1)
    assert found.share[0] == pytest.approx(found.treated.mean(), abs=0.03)


def test_features_that_say_nothing_are_left_out(duckdb_engine: Engine, tmp_path: Path) -> None:
    def planted(known: dict[str, Any], left_alone: Any, money: Any) -> dict[str, Any]:
        return {"job": [f"name {number}" for number in known["customer_id"]], "age": np.full(3000, 40)}

    made = world(tmp_path, nothing, count=3000, planted=planted)
    experience = read_experience(duckdb_engine, made.panel, made.features, space())
    names = ground(experience, space(), {}, 1).encoding.names
    assert {"wealth", "digital", "joined_on", "of_strategy"} <= set(names)
    assert not {"job", "age"} & set(names)


def test_a_machine_without_openmp_borrows_it(tmp_path: Path) -> None:
    """LightGBM's wheel asks for libgomp.so.1; the loader of this process is told that there is none."""
    code = """
import ctypes, sys
real = ctypes.cdll.LoadLibrary
def without(path):
    if "lightgbm" in path and not lent:
        raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")
    return real(path)
lent = []
ctypes.cdll.LoadLibrary = without
from cultiva.strategy.models import boosting
own = boosting.ctypes.CDLL
def lend(path, mode):
    lent.append(path)
    return own(path, mode=mode)
boosting.ctypes.CDLL = lend
import numpy as np
rows = np.arange(400.0)[:, None]
text = boosting.grow(rows, (rows[:, 0] > 200).astype(float), boosting.Inputs(("x",)), boosting.Growth())
assert lent and lent[0].endswith("libgomp.so.1"), lent
print(round(float(boosting.foreseen(text, rows)[-1] - boosting.foreseen(text, rows)[0]), 1))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ}, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0.5
