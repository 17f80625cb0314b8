"""Boosted trees: LightGBM set so that the same data give the same model, and models as texts."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
SEED = 20080320
"""Of every draw that the trees make."""
GOMP = b"libgomp.so.1"
ROWS_PER_THREAD = 25_000
STEPS = ((25_000, 3), (100_000, 2))
"""Below so many rows trees are fewer and count so much more: their noise is above what finer steps are good for."""
COLUMNS = 24
"""Columns that a tree looks at, drawn anew for each; trees that see other columns err in other ways."""
BINS = {
    "max_bin": 63, "verbose": -1, "deterministic": True, "min_data_in_bin": 5, "feature_pre_filter": False,
    "force_col_wise": True,
}  # fmt: skip
"""How columns are put into bins."""
DIRECTIONS = {"up": 1, "down": -1}


@dataclass(frozen=True)
class Growth:
    """How trees grow. Small and many by default: effects are faint beside what customers do anyway."""

    rounds: int = 80
    """Trees."""
    rate: float = 0.05
    """Share of each tree that is added."""
    leaves: int = 8
    """Leaves of a tree."""
    leaf_rows: int = 100
    """Least rows of a leaf."""
    ridge: float = 10.0
    """L2 penalty of a leaf's value."""
    objective: str = "regression"
    """LightGBM's name of the loss."""

    def rounds_for(self, rows: int) -> int:
        """Trees for so many rows."""
        return max(1, round(self.rounds / _step(rows)))

    def settings(self, rows: int) -> dict[str, Any]:
        """As LightGBM calls them."""
        return {
            "objective": self.objective,
            "learning_rate": self.rate * _step(rows),
            "num_leaves": self.leaves,
            "min_data_in_leaf": min(self.leaf_rows, max(rows // 20, 1)),
            "lambda_l2": self.ridge,
            "cat_smooth": 50,
            "cat_l2": self.ridge,
            "seed": SEED,
        }


def _step(rows: int) -> int:
    return next((times for below, times in STEPS if rows < below), 1)


@dataclass(frozen=True)
class Inputs:
    """The columns of a matrix, as trees need to know them."""

    names: tuple[str, ...]
    categorical: tuple[int, ...] = ()
    """Columns whose numbers are only names of values."""
    monotone: Mapping[str, str] | None = None
    """Column -> `up` or `down`."""
    threads: int = 2
    """Threads of training; the model does not depend on them."""

    def constraints(self) -> list[int] | None:
        """One direction per column, or none at all."""
        if not self.monotone:
            return None
        numbers = {name for place, name in enumerate(self.names) if place not in self.categorical}
        return [DIRECTIONS[self.monotone[name]] if name in self.monotone and name in numbers else 0
                for name in self.names]  # fmt: skip


def grow(
    rows: Numbers, target: Numbers, inputs: Inputs, growth: Growth, *, weight: Numbers | None = None, classes: int = 0
) -> str:
    """Trains and gives the model as LightGBM's text.

    Args:
        rows: Shape (n, len(inputs.names)); NaN is missing.
        target: Shape (n,).
        inputs: What the columns are.
        growth: How trees grow.
        weight: Shape (n,).
        classes: Number of classes of a multiclass objective.
    """
    return Binned(rows, inputs).grow(np.ones(len(rows), dtype=bool), target, growth, weight=weight, classes=classes)


class Binned:
    """Rows put into bins once, for many trainings on parts of them."""

    def __init__(self, rows: Numbers, inputs: Inputs) -> None:
        self._inputs, self._count = inputs, len(rows)
        self._data = (
            load_lightgbm()
            .Dataset(
                rows,
                np.zeros(len(rows)),
                feature_name=list(inputs.names),
                categorical_feature=list(inputs.categorical),
                params={**BINS, "num_threads": _threads(inputs.threads, len(rows))},
                free_raw_data=True,
            )
            .construct()
        )

    def grow(
        self,
        which: npt.NDArray[np.bool_],
        target: Numbers,
        growth: Growth,
        *,
        weight: Numbers | None = None,
        classes: int = 0,
        free: bool = False,
    ) -> str:
        """Trains on some of the rows.

        Args:
            which: Shape (n,).
            target: Shape (n,).
            growth: How trees grow.
            weight: Shape (n,).
            classes: Number of classes of a multiclass objective.
            free: Hold no column to a direction.
        """
        places = np.flatnonzero(which)
        threads = _threads(self._inputs.threads, len(places))
        data = self._data.subset(places, params={**BINS, "num_threads": threads})
        data.construct()
        data.set_label(target[places])
        data.set_weight(None if weight is None else weight[places])
        settings = {**BINS, **growth.settings(len(places)), "num_threads": threads}
        settings["feature_fraction"] = min(1.0, COLUMNS / max(len(self._inputs.names), 1))
        if classes:
            settings["num_class"] = classes
        constraints = None if free else self._inputs.constraints()
        if constraints is not None and any(constraints):
            settings |= {"monotone_constraints": constraints, "monotone_constraints_method": "basic"}
        trees = load_lightgbm().train(settings, data, num_boost_round=growth.rounds_for(len(places)))
        text: str = trees.model_to_string()
        return _bare(text)


def foreseen(model: str, rows: Numbers, *, threads: int = 1) -> Numbers:
    """What a model says of rows; shape (n,), or (n, classes)."""
    return np.asarray(booster(model).predict(rows, num_threads=_threads(threads, len(rows))), dtype=np.float64)


def contributions(model: str, rows: Numbers, *, threads: int = 1) -> Numbers:
    """What each column adds to what a model says (TreeSHAP); shape (n, columns + 1), the last is the base."""
    found = booster(model).predict(rows, pred_contrib=True, num_threads=_threads(threads, len(rows)))
    return np.asarray(found, dtype=np.float64)


def gains(model: str) -> Numbers:
    """How much the loss fell by splits on each column."""
    return np.asarray(booster(model).feature_importance("gain"), dtype=np.float64)


@lru_cache(maxsize=64)
def booster(model: str) -> Any:
    """A model's text, read once per process."""
    return load_lightgbm().Booster(model_str=model)


def _threads(most: int, rows: int) -> int:
    """Threads for so many rows: on few, threads wait for each other longer than they work."""
    return max(1, min(most, rows // ROWS_PER_THREAD))


def _bare(text: str) -> str:
    """The text without the settings of training: number of threads and the like are no part of the model."""
    return re.sub(r"\nparameters:.*?end of parameters\n", "\n", text, flags=re.DOTALL)


@lru_cache(maxsize=1)
def load_lightgbm() -> Any:
    """LightGBM; on a machine without OpenMP's runtime it gets the one that scikit-learn's wheel brings along."""
    try:
        import lightgbm
    except OSError as error:
        if GOMP.decode() not in str(error):
            raise
        _lend_runtime()
        import lightgbm
    return lightgbm


def _lend_runtime() -> None:
    """Loads scikit-learn's copy of libgomp under the name that LightGBM asks for.

    The wheel's copy has a name of its own, so the loader would not take it for the one that is missing.
    """
    import sklearn

    home = Path(sklearn.__file__).parents[1] / "scikit_learn.libs"
    source = next(iter(sorted(home.glob("libgomp*.so*"))))
    content = re.sub(
        rb"libgomp-[0-9a-f]+\.so[.0-9]*\0", lambda own: GOMP.ljust(len(own[0]), b"\0"), source.read_bytes()
    )
    with TemporaryDirectory() as folder:
        lent = Path(folder) / GOMP.decode()
        lent.write_bytes(content)
        ctypes.CDLL(str(lent), mode=ctypes.RTLD_GLOBAL)
