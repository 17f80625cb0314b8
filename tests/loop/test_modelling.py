"""The steps of the models on a bank of hand-made tables: log on the day of enrolment, train when there is enough."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.catalogue import MemoryCatalogue
from tests.review.bank import (
    CONTACTS,
    DAY,
    IDENTITY,
    OUTCOMES,
    PERFORMANCE,
    Row,
    bank,
    brought,
    contact,
    identities,
    known,
    outcome,
    put,
)
from tests.review.bank import PROFILE as BANK_PROFILE

from cultiva.contracts.types import Column, DataType
from cultiva.definitions.models import Models
from cultiva.definitions.tags import ModelScore, Tag
from cultiva.definitions.workspace import Workspace
from cultiva.engine.lake import Lake
from cultiva.engine.parquet import part_files, rows_in, seal
from cultiva.engine.port import Engine
from cultiva.loop.modelling import model_steps, models_in_use
from cultiva.loop.parts import Parts
from cultiva.loop.steps import StepContext
from cultiva.review.design import ReviewDesign
from cultiva.store import StepResult, Store, open_store
from cultiva.strategy.models.files import read_models

COUNT = 3000
PEOPLE = range(1, COUNT + 1)
LATER = DAY + timedelta(days=21)
PROFILE = [*BANK_PROFILE, Column("complaining", DataType.BOOLEAN), Column("wants_fund", DataType.BOOLEAN)]
HOLDING = [
    Column("customer_id", DataType.INTEGER),
    Column("account_id", DataType.TEXT),
    Column("category", DataType.TEXT),
    Column("opened_on", DataType.DATE),
]


def workspace(**models: Any) -> Workspace:
    space = bank(covariate="contribution", metrics=())
    return replace(space, models=Models.model_validate({"rows_min": 1000, **models}))


@dataclass
class Bank:
    """A lake with the tables that the steps read."""

    parts: Parts
    catalogue: MemoryCatalogue
    marks: dict[str, int] = field(default_factory=dict)

    def lay(self, table: str, on: date, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        folder = self.parts.lake.stage(table, on, run_id="laid")
        put(folder, rows, columns)
        self.catalogue.publish([self.parts.lake.snapshot(table, on, folder, seal(folder), run_id="laid")])

    def run(self, name: str, on: date) -> StepResult:
        (step,) = [one for one in model_steps(self.parts, on) if one.name == name]
        context = StepContext(
            run_id=f"{name}-{on}",
            business_date=on,
            step=name,
            started=datetime(1994, 3, 2, tzinfo=UTC),
            earlier={},
            advance=lambda share, what: None,
        )
        done = step.run(context)
        self.catalogue.publish(done.outputs)
        return done


@pytest.fixture
def made(duckdb_engine: Engine, tmp_path: Path) -> Iterator[Bank]:
    """Customers who want a fund gain 50 from a touch, all others lose 30; half are left alone."""
    store: Store = open_store("sqlite:///.cultiva/store.db", tmp_path)
    catalogue = MemoryCatalogue()
    space = workspace()
    parts = Parts(
        space, duckdb_engine, Lake(tmp_path / "lake", catalogue), store, lambda: datetime(1994, 3, 2, tzinfo=UTC)
    )
    found = Bank(parts, catalogue)
    draw = np.random.default_rng(6)
    wants, alone = draw.random(COUNT) < 0.5, draw.random(COUNT) < 0.5
    noise = draw.normal(0, 10, COUNT)
    people = [known(n, wants_fund=bool(wants[n - 1]), complaining=False, aum=1000 + n % 97) for n in PEOPLE]
    exposed = [
        {"strategy": "a", "customer_id": n, "enrolled_on": DAY, "arm": "held_out" if alone[n - 1] else "treated",
         "offer": "fund", "channel": "call", "ranked_by": "rules", "assigned_share": 1.0}
        for n in PEOPLE
    ]  # fmt: skip
    money = noise + np.where(alone, 0.0, np.where(wants, 50.0, -30.0))
    takes = draw.random(COUNT) < np.where(wants, 0.4, 0.1)
    takers = [n for n in PEOPLE if not alone[n - 1] and takes[n - 1]]
    for on in (DAY, LATER):
        found.lay("profile", on, people, PROFILE)
        found.lay("exposure", on, exposed, ReviewDesign(space).exposure_columns)
    found.lay("performance", LATER, [brought(n, LATER, float(money[n - 1])) for n in PEOPLE], PERFORMANCE)
    touched = [contact(n, DAY + timedelta(days=1)) for n in PEOPLE if not alone[n - 1]]
    found.lay("contact", LATER, touched, CONTACTS)
    found.lay("outcome", LATER, [outcome(n, DAY + timedelta(days=2)) for n in takers], OUTCOMES)
    found.lay("identity_map", LATER, identities(list(PEOPLE)), IDENTITY)
    yield found
    store.close()


def test_the_day_of_enrolment_is_logged_and_no_other(made: Bank) -> None:
    first, second = made.run("features", DAY), made.run("features", LATER)
    assert (first.rows, second.rows) == (COUNT, 0)


def test_models_are_trained_pinned_from_the_next_day_and_left_in_peace_for_a_while(made: Bank) -> None:
    made.run("features", DAY)
    made.run("features", LATER)
    done = made.run("models", LATER)
    said: Any = done.detail["models"]
    assert said["effect"]["role"] == "champion"
    assert done.detail["exposures"] == COUNT and done.rows == COUNT
    assert models_in_use(made.parts, LATER) == []
    (folder,) = models_in_use(made.parts, LATER + timedelta(days=1))
    (effect,) = [one for one in read_models([folder]) if one.kind == "effect"]
    assert max(effect.card["importance"], key=effect.card["importance"].__getitem__) == "wants_fund"
    assert set(effect.card["data"]["fingerprints"]) == {"panel", f"feature_log:{LATER}"}
    groups = effect.card["calibration"]
    assert groups[0]["measured"] < -35 < 60 < groups[-1]["measured"], "projected from 21 days to the horizon's 28"
    left = [path.name for path in folder.parent.iterdir()]
    assert left == [folder.name], "nothing else is left lying"
    for table in ("exposure", "profile"):
        newest = made.catalogue.current(table, LATER)
        assert newest is not None
        made.catalogue.publish([replace(newest, business_date=LATER + timedelta(days=7))])
    again = made.run("models", LATER + timedelta(days=7))
    assert again.outputs == () and again.detail == {"trained_on": LATER.isoformat()}


def test_nothing_is_trained_before_results_are_old_enough(made: Bank) -> None:
    made.run("features", DAY)
    done = made.run("models", DAY)
    assert done.outputs == () and done.detail == {"exposures": 0, "needed": 1000}


def test_a_bank_without_models_has_no_steps(made: Bank) -> None:
    space = replace(made.parts.workspace, models=Models(train=()))
    assert model_steps(replace(made.parts, workspace=space), DAY) == ()


def test_a_tag_that_asks_who_leaves_gets_a_score(made: Bank) -> None:
    """A tenth of those who are unhappy have left for good three weeks later, and a hundredth of the others."""
    score = Tag.model_validate({
        "name": "may_leave", "label": {"zh": "流失", "en": "may leave"}, "type": "number",
        "score": ModelScore(model="attrition"),
    })  # fmt: skip
    tags = {**made.parts.workspace.tags, "may_leave": score}
    models = Models.model_validate({"rows_min": 1000, "every_days": 14, "train": ["attrition"]})
    space = replace(made.parts.workspace, tags=tags, models=models)
    made.parts = replace(made.parts, workspace=space)
    draw = np.random.default_rng(8).random(COUNT)
    upset = [n % 2 == 0 for n in PEOPLE]
    before = [known(n, complaining=upset[n - 1]) for n in PEOPLE]
    after = [row for row in before if draw[row["customer_id"] - 1] > (0.2 if row["complaining"] else 0.01)]
    made.lay("profile", DAY, before, PROFILE)
    made.lay("profile", LATER, after, PROFILE)
    made.run("features", LATER)
    done = made.run("models", LATER)
    assert [one.table for one in done.outputs] == ["model", "score_attrition"]
    import pyarrow.parquet as pq

    (folder,) = made.parts.lake.files_latest("score_attrition", LATER)
    assert rows_in([folder]) == len(after)
    rows = pq.read_table(part_files([folder])[0]).to_pylist()
    chance = {kind: np.mean([row["score"] for row in rows if upset[row["customer_id"] - 1] is kind])
              for kind in (True, False)}  # fmt: skip
    assert chance[True] == pytest.approx(0.2, abs=0.04) and chance[False] < 0.04
    (path,) = made.parts.lake.files_latest("model", LATER)
    (card,) = (path / "files").glob("attrition-*/card.json")
    assert json.loads(card.read_text())["window"] == {"profile_of": DAY.isoformat()}
