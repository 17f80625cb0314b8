"""Models of every kind that scoring knows, grown in a moment on random rows: what they say has no meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa

from cultiva.contracts.types import DataType
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.models import linear
from cultiva.strategy.models.boosting import Growth, Inputs, Numbers, grow
from cultiva.strategy.models.effect import EffectModel
from cultiva.strategy.models.features import Encoding, Offers, encoding_of, with_action
from cultiva.strategy.models.files import Role, StoredModel, write_models
from cultiva.strategy.models.foresight import TWICE
from cultiva.strategy.models.levels import Level

ROWS = 1500
SMALL = Growth(rounds=20, leaf_rows=10)


def sample(workspace: Workspace, types: Mapping[str, DataType], rng: np.random.Generator) -> pa.Table:
    """Rows as models are trained on: features of customers, and what was proposed."""
    found: dict[str, pa.Array] = {}
    for name, kind in types.items():
        gone = rng.random(ROWS) < 0.1
        if kind is DataType.TEXT:
            found[f"f_{name}"] = pa.array(rng.choice(["a", "b", "c", "mature"], ROWS), pa.string(), mask=gone)
        else:
            found[f"f_{name}"] = pa.array(np.round(rng.lognormal(3, 2, ROWS), 2), pa.float64(), mask=gone)
    pairs = [(s.name, o, c) for s in workspace.strategies.values() for o, c in product(s.offers, s.channels)]
    drawn = rng.integers(0, len(pairs), ROWS)
    for place, name in enumerate(("strategy", "offer", "channel")):
        found[name] = pa.array([pairs[at][place] for at in drawn], pa.string())
    return with_action(pa.table(found), Offers.of(workspace))


def stored(
    workspace: Workspace, types: Mapping[str, DataType], *, seed: int = 1, growth: Growth = SMALL
) -> list[StoredModel]:
    """A model of effect made of trees, of trees asked twice, and of curves; and a calibrated response."""
    rng = np.random.default_rng(seed)
    table = sample(workspace, types, rng)
    encoding = encoding_of(table, types)
    rows = encoding.matrix(table)
    target = np.nan_to_num(rows).sum(axis=1) % 7 + rng.normal(size=ROWS)
    inputs = Inputs(encoding.names, encoding.categorical, threads=1)
    touched = (rng.random(ROWS) < 0.5).astype(np.float64)
    both = Inputs((*encoding.names, "touch"), encoding.categorical, threads=1)
    twice = TWICE + grow(np.column_stack([rows, touched]), target + 3 * touched, both, growth)
    curves, _ = linear.Ridge(linear.design(rows, inputs), np.ones(ROWS), np.zeros(ROWS, dtype=np.int64)).fit(
        target, [0]
    )
    parts = ((grow(rows, target, inputs, growth), 0.5), (twice, 0.3), (curves, 0.2))
    effect = EffectModel(encoding, parts, _centres(workspace), _levels(workspace))
    binary = replace(growth, objective="binary", rounds=2 * growth.rounds)
    chance = grow(rows, (target > 4).astype(float), inputs, binary)
    curve = {"way": "isotonic", "said": [0.0, 0.3, 0.6, 1.0], "meant": [0.01, 0.02, 0.2, 0.3]}
    response = {"encoding": encoding.as_data(), "calibration": curve}
    return [
        StoredModel("effect", Role.CHAMPION, effect.as_data(), tuple(text for text, _ in parts), {}),
        StoredModel("response", Role.CHAMPION, response, (chance,), {}),
    ]


def written(workspace: Workspace, types: Mapping[str, DataType], folder: Path) -> list[Path]:
    """The same as the lake table `model`."""
    write_models(stored(workspace, types), folder)
    return [folder]


def _centres(workspace: Workspace) -> dict[str, float]:
    second = list(workspace.strategies.values())[1]
    return {**dict.fromkeys(list(workspace.strategies)[1:], 8.0), f"{second.name}/{second.offers[0]}": 5.0}


def _levels(workspace: Workspace) -> dict[tuple[str, ...], Level]:
    first = next(iter(workspace.strategies.values()))
    offers = Offers.of(workspace)
    traits = offers.traits(first.offers[0])
    return {
        (): Level(4.0, 1.0, 2.0), traits: Level(5.0, 1.5, 0.5), (*traits, first.name): Level(6.0, 2.0, 0.3),
        (*traits, first.name, first.offers[0]): Level(9.0, 3.0),
    }  # fmt: skip


def matrix(encoding: Encoding, count: int, rng: np.random.Generator) -> Numbers:
    """Any rows of an encoding: numbers of every size, codes known and unknown, and nothing at all."""
    rows = np.where(
        rng.random((count, len(encoding.names))) < 0.2, np.nan, rng.lognormal(2, 3, (count, len(encoding.names)))
    )
    rows *= rng.choice([-1.0, 0.0, 1.0], rows.shape)
    for place in encoding.categorical:
        rows[:, place] = rng.choice([np.nan, -1.0, 0.0, 1.0, 2.0, 3.0, 40.0, 1000.0], count)
    return rows
