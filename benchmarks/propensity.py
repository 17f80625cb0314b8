"""The chance of a response to a real bank's calls (UCI), beside a plain LightGBM and published figures."""

from __future__ import annotations

import csv
import io
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.harness import ROOT
from cultiva.strategy.models import calibration
from cultiva.strategy.models.boosting import Inputs, Numbers, foreseen, load_lightgbm
from cultiva.strategy.models.fitting import fit_chance, log_loss

DESCRIPTION = "AUC and calibration of the response model on UCI bank marketing, beside a plain LightGBM"
DATA = Path(os.environ.get("CULTIVA_DATA", ROOT.parent / "shared" / "data")) / "uci_bank_marketing"
FILE = "bank-additional-full.csv"
LEAKS = ("duration",)
"""Known only once the call is over, and zero means no: it foretells the answer because it is part of it."""
FOLDS, INNER = 5, 4
PUBLISHED = {
    "way": "Moro, Cortez, Rita 2014 (doi:10.1016/j.dss.2014.03.001): neural network, 22 features, rolling windows",
    "AUC": 0.80,
    "takers in the best half": 0.79,
}
"""Of the same campaigns, with features that the public file does not have."""


def run(size: str | None) -> dict[str, Any]:
    """Cross-validates on all 41,188 calls; and once more with the last fifth in time held back."""
    rows, names, categorical, taken = calls()
    fold = np.random.default_rng(20140603).integers(0, FOLDS, len(taken))
    late = (np.arange(len(taken)) >= len(taken) * 4 // 5).astype(np.int64)
    inputs = Inputs(names, categorical, threads=1)
    ways: dict[str, Callable[[Numbers, Numbers, Numbers], Numbers]] = {
        "cultiva": lambda known, said, asked: _ours(known, said, asked, inputs),
        "plain LightGBM": lambda known, said, asked: _plain(known, said, asked, inputs),
    }
    found = [_row(name, "random fifths", way, (rows, taken, fold, FOLDS)) for name, way in ways.items()]
    found += [_row(name, "last fifth in time", way, (rows, taken, late, None)) for name, way in ways.items()]
    return {
        "title": "Chance of a response (UCI bank marketing)",
        "customers": len(taken),
        "note": f"{len(names)} features; without {', '.join(LEAKS)}, which is known only after the call. "
        "In time order the campaigns change their kind (the crisis of 2008): there nobody is calibrated.",
        "rows": found,
        "published": PUBLISHED,
        "auc_less_plain": round(found[0]["AUC"] - found[1]["AUC"], 5),
        "calibration_error_over_plain": round(found[0]["calibration error"] / found[1]["calibration error"], 3),
    }


def calls() -> tuple[Numbers, tuple[str, ...], tuple[int, ...], Numbers]:
    """The file as numbers: features, their names, places of the texts, and the answer."""
    with zipfile.ZipFile(DATA / "bank_marketing.zip") as archive:
        text = io.StringIO(archive.read(FILE).decode())
    table = list(csv.DictReader(text, delimiter=";"))
    columns, names, categorical = [], [], []
    for name in [one for one in table[0] if one not in (*LEAKS, "y")]:
        values = [row[name] for row in table]
        names.append(name.replace(".", "_"))
        try:
            columns.append(np.array(values, dtype=float))
        except ValueError:
            categorical.append(len(columns))
            columns.append(np.unique(values, return_inverse=True)[1].astype(float))
    taken = np.array([row["y"] == "yes" for row in table], dtype=float)
    return np.column_stack(columns), tuple(names), tuple(categorical), taken


def _ours(known: Numbers, said: Numbers, asked: Numbers, inputs: Inputs) -> Numbers:
    inner = np.random.default_rng(7).integers(0, INNER, len(said))
    (booster, curve), _ = fit_chance(known, said, inputs, inner)
    return curve(foreseen(booster, asked))


def _plain(known: Numbers, said: Numbers, asked: Numbers, inputs: Inputs) -> Numbers:
    lightgbm = load_lightgbm()
    model = lightgbm.LGBMClassifier(verbose=-1, n_jobs=1)
    model.fit(known, said, categorical_feature=list(inputs.categorical))
    found: Numbers = np.asarray(model.booster_.predict(asked), dtype=np.float64)
    return found


def _row(
    name: str,
    how: str,
    way: Callable[[Numbers, Numbers, Numbers], Numbers],
    given: tuple[Numbers, Numbers, npt.NDArray[np.int64], int | None],
) -> dict[str, Any]:
    rows, taken, fold, folds = given
    chance, began = np.full(len(taken), np.nan), time.perf_counter()
    for held in range(folds) if folds else (1,):
        mine = fold == held
        chance[mine] = way(rows[~mine], taken[~mine], rows[mine])
    judged = ~np.isnan(chance)
    return {
        "way": name,
        "held back": how,
        "AUC": round(calibration.area(chance[judged], taken[judged]), 5),
        "takers in the best half": round(float(_best_half(chance[judged], taken[judged])), 4),
        "log loss": round(log_loss(chance[judged], taken[judged]), 5),
        "calibration error": round(calibration.error(chance[judged], taken[judged]), 5),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _best_half(chance: Numbers, taken: Numbers) -> float:
    order = np.argsort(-chance, kind="stable")
    return float(taken[order[: len(order) // 2]].sum() / taken.sum())
