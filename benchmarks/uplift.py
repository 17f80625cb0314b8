"""Targeting learnt from Hillstrom's e-mail experiment, beside every learner of causalml and scikit-uplift."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.harness import DATA, ROOT, measure
from cultiva.strategy.models.boosting import Inputs, Numbers
from cultiva.strategy.models.foresight import blended
from cultiva.strategy.models.heterogeneity import FOLDS, begin, weigh
from cultiva.strategy.models.learners import LEARNERS, Trial, doubly_robust
from cultiva.strategy.models.value import touched_share

DESCRIPTION = "policy value of the learnt targeting on Hillstrom, beside causalml's and scikit-uplift's learners"
FILE = "Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv.gz"
SOURCE = Path(os.environ.get("CULTIVA_DATA", ROOT.parent / "shared" / "data")) / "hillstrom_email" / FILE
MAILINGS = {"womens": "Womens E-Mail", "mens": "Mens E-Mail"}
OUTCOMES = ("visit", "spend")
FEATURES = ("recency", "history", "mens", "womens", "newbie", "zip_code", "channel")
TEXTS = (5, 6)
EVERYBODY = "no model: everybody alike"
OUTER, SHARE, WINSOR = 5, 0.5, 0.002
WANTED = ("causalml==0.18.0", "scikit-uplift==0.5.1", "lightgbm==4.7.0")
"""They bring xgboost, shap and 300 MB of CUDA, so they live in an environment of their own."""

PEERS = """
import json, logging, sys, time, warnings
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
import numpy as np, pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from causalml.inference.meta import (
    BaseDRRegressor, BaseRRegressor, BaseSRegressor, BaseTRegressor, BaseXRegressor)
from sklift.models import ClassTransformation, SoloModel, TwoModels
given = np.load(sys.argv[1])
rows, treated, y, fold = (given[name] for name in ("rows", "treated", "y", "fold"))
share, binary = float(given["share"]), set(np.unique(given["y"])) <= {0.0, 1.0}
TREES = {
    "its own trees": {},
    "our trees": dict(n_estimators=80, learning_rate=0.05, num_leaves=8, min_child_samples=100, reg_lambda=10.0)}
def learners(how):
    numbers = lambda: LGBMRegressor(verbose=-1, n_jobs=1, random_state=1, **how)
    chances = lambda: LGBMClassifier(verbose=-1, n_jobs=1, random_state=1, **how)
    either = chances if binary else numbers
    found = {
        "causalml S": BaseSRegressor(numbers()), "causalml T": BaseTRegressor(numbers()),
        "causalml X": BaseXRegressor(numbers()), "causalml DR": BaseDRRegressor(numbers()),
        "causalml R": BaseRRegressor(numbers()), "scikit-uplift solo": SoloModel(either()),
        "scikit-uplift two models": TwoModels(either(), either(), method="vanilla")}
    if binary:
        found["scikit-uplift class transformation"] = ClassTransformation(chances())
    return found
found, seconds = {}, {}
for trees, how in TREES.items():
    for name in learners(how):
        said, began = np.zeros(len(y)), time.perf_counter()
        for held in np.unique(fold):
            mine, others, model = fold == held, fold != held, learners(how)[name]
            odds = {} if name[-1] in "ST" else {"p": np.full(others.sum(), share)}
            asked = {} if name[-1] in "ST" else {"p": np.full(mine.sum(), share)}
            if name.startswith("causalml"):
                model.fit(rows[others], treated[others].astype(int), y[others], **odds)
                said[mine] = np.asarray(model.predict(rows[mine], **asked)).ravel()
            else:
                table = pd.DataFrame(rows)
                model.fit(table[others], pd.Series(y[others]), pd.Series(treated[others].astype(int)))
                said[mine] = model.predict(table[mine])
        found[f"{name}, {trees}"] = said
        seconds[f"{name}, {trees}"] = round(time.perf_counter() - began, 1)
np.savez(sys.argv[2], **found)
print(json.dumps(seconds))
"""


def run(size: str | None) -> dict[str, Any]:
    """Every mailing against none, on visits and on spending: foreseen in five folds, valued on those not seen."""
    python, found = _environment(), []
    for mailing in MAILINGS:
        for outcome in OUTCOMES:
            found += _task(mailing, outcome, python)
    return told(found)


def told(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The result of all tasks; the best of many peers is chosen after the fact, which flatters it."""
    ours = [row for row in found if row["way"] == "cultiva"]
    return {
        "title": "Targeting learnt from an experiment (Hillstrom)",
        "customers": 64_000,
        "note": "Value of touching those first who are foreseen to gain most, averaged over room for 10 %, ..., 100 % "
        "of the customers, per customer and beyond touching nobody; inverse-probability estimate on rows that the "
        f"learner has not seen, {OUTER} folds, the same for all. Customers are ranked within their fold, since models "
        "of different folds have different levels: a fold whose own mean is low is foreseen high by the others, so "
        "that one ranking of all punishes whoever foresees little; `value of one ranking` has that too. The "
        "difference has the standard error of pairs. The best peer is chosen after the fact, ours before.",
        "rows": found,
        "at_least_the_best_peer": {f"{row['mailing']}, {row['outcome']}": row["less best peer"] >= 0 for row in ours},
        "less_the_best_peer_in_standard_errors": {
            f"{row['mailing']}, {row['outcome']}": round(row["less best peer"] / row["se of the difference"], 2)
            for row in ours
        },
        "of_one_ranking": {
            f"{row['mailing']}, {row['outcome']}": round(
                row["less best peer, one ranking"] / row["se of the difference, one ranking"], 2
            )
            for row in ours
        },
    }


def _task(mailing: str, outcome: str, python: Path) -> list[dict[str, Any]]:
    task = _data(mailing, outcome)
    folder = DATA / "uplift" / f"{mailing}-{outcome}"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "given.npz", rows=task.rows, treated=task.treated, y=task.money, fold=task.fold, share=SHARE)
    began = time.perf_counter()
    said = {"cultiva": ours(task)}
    seconds = {"cultiva": round(time.perf_counter() - began, 1), EVERYBODY: 0.0}
    env = {"OMP_NUM_THREADS": "1"}
    done = measure([str(python), "-c", PEERS, str(folder / "given.npz"), str(folder / "said.npz")], env=env)
    seconds |= json.loads(done.output.strip().splitlines()[-1])
    said |= dict(np.load(folder / "said.npz")) | {EVERYBODY: np.ones(len(task.money))}
    within = {name: _terms(task, effect, task.fold) for name, effect in said.items()}
    whole = {name: _terms(task, effect, np.zeros(len(task.money), dtype=np.int64)) for name, effect in said.items()}
    found = []
    for name, mine in sorted(within.items(), key=lambda item: -item[1].mean()):
        found.append({
            "mailing": mailing,
            "outcome": outcome,
            "way": name,
            "value": round(float(mine.mean()), 5),
            "se": round(_se(mine), 5),
            **_beside(mine, within[_best(within)], ""),
            "value of one ranking": round(float(whole[name].mean()), 5),
            **_beside(whole[name], whole[_best(whole)], ", one ranking"),
            "seconds": seconds[name],
        })  # fmt: skip
    return found


def _best(terms: dict[str, Numbers]) -> str:
    """The best peer."""
    return max((name for name in terms if name not in ("cultiva", EVERYBODY)), key=lambda name: terms[name].mean())


def _beside(mine: Numbers, best: Numbers, how: str) -> dict[str, float]:
    return {
        f"less best peer{how}": round(float((mine - best).mean()), 6),
        f"se of the difference{how}": round(max(_se(mine - best), 1e-9), 6),
    }


@dataclass(frozen=True)
class Task:
    """One mailing against none, on one outcome."""

    rows: Numbers
    treated: npt.NDArray[np.bool_]
    money: Numbers
    fold: npt.NDArray[np.int64]
    visit: Numbers | None
    """Who visited, where the outcome is rarer than that."""


def _data(mailing: str, outcome: str) -> Task:
    table = pd.read_csv(SOURCE)
    for name in ("zip_code", "channel"):
        table[name] = table[name].astype("category").cat.codes
    mine = table[table.segment.isin([MAILINGS[mailing], "No E-Mail"])]
    fold = np.random.default_rng(20080320).integers(0, OUTER, len(mine))
    rows = mine[list(FEATURES)].to_numpy(dtype=float)
    visit = None if outcome == "visit" else mine["visit"].to_numpy(dtype=float)
    return Task(rows, (mine.segment == MAILINGS[mailing]).to_numpy(), mine[outcome].to_numpy(dtype=float), fold, visit)


def ours(task: Task) -> Numbers:
    """Effects foreseen of every row by models of the other folds, as a training makes them."""
    inputs, said = Inputs(FEATURES, TEXTS, threads=1), np.zeros(len(task.money))
    for held in range(OUTER):
        mine, others = task.fold == held, task.fold != held
        low, high = np.quantile(task.money[others], [WINSOR, 1 - WINSOR])
        count = int(others.sum())
        cut = np.clip(task.money[others], low, max(high, low + 1.0))
        near = None if task.visit is None else task.visit[others]
        trial = Trial(task.rows[others], task.treated[others], np.full(count, SHARE), cut, np.ones(count), near)
        learning = begin(trial, inputs, LEARNERS, np.random.default_rng(held).integers(0, FOLDS, count))
        found = learning.crossfit()
        blend = weigh(found, trial, np.zeros(count, dtype=np.int64))
        middle = float(np.average(blend.foreseen(found.effects) + np.zeros(count), weights=trial.precision))
        parts = blend.parts(learning.whole()[0])
        said[mine] = float(found.score.mean()) + blended(parts, task.rows[mine]) - middle
    return said


def _terms(task: Task, effect: Numbers, group: npt.NDArray[np.int64]) -> Numbers:
    """Each customer's part in the value of a policy that ranks within groups; their mean is the value."""
    count = len(task.money)
    centre, touched = np.full(count, task.money.mean()), np.zeros(count)
    for one in np.unique(group):
        touched[group == one] = touched_share(effect[group == one])
    trial = Trial(np.zeros((count, 0)), task.treated, np.full(count, SHARE), task.money, np.ones(count))
    terms: Numbers = doubly_robust(trial, centre, centre) * touched
    return terms


def _se(terms: Numbers) -> float:
    return float(np.std(terms, ddof=1) / np.sqrt(len(terms)))


def _environment() -> Path:
    """The interpreter of an environment with the peers."""
    home = DATA / "uplift-peers"
    python = home / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(home)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *WANTED], check=True)
    return python
