"""Forecasts of a customer without a touch: who leaves, and which product comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cultiva.contracts.types import Column, DataType
from cultiva.definitions.models import ModelKind
from cultiva.definitions.workspace import Workspace
from cultiva.engine.draws import draws
from cultiva.engine.port import Engine, Files, Written
from cultiva.strategy.models import calibration
from cultiva.strategy.models.boosting import Growth, Inputs, Numbers, foreseen, gains, grow
from cultiva.strategy.models.drift import spreads
from cultiva.strategy.models.experience import FOLD_SALT, HELD_BACK_SALT
from cultiva.strategy.models.features import Encoding, encoding_of, feature_columns, usable
from cultiva.strategy.models.files import Role, StoredModel
from cultiva.strategy.models.fitting import IMPORTANT, chance_metrics, chance_of, fit_chance
from cultiva.strategy.models.heterogeneity import FOLDS

if TYPE_CHECKING:
    import pyarrow as pa

GROWTH = Growth(rounds=150, leaves=8, leaf_rows=50, objective="binary")
CASES_MIN = 50
"""Customers that a class needs."""
NOTHING = ""
"""The class of those who open nothing."""
SCORE_COLUMNS = {
    ModelKind.ATTRITION: (Column("customer_id", DataType.INTEGER), Column("score", DataType.NUMBER)),
    ModelKind.NEXT_PRODUCT: (
        Column("customer_id", DataType.INTEGER), Column("score", DataType.TEXT), Column("chance", DataType.NUMBER),
    ),
}  # fmt: skip
"""Lake tables `score_attrition` and `score_next_product`, which tags of kind `score` read."""


@dataclass(frozen=True)
class Seen:
    """An earlier day, and what became of its customers."""

    profile: Files
    """The profile of that day."""
    known_on: date
    """Its business date."""
    labels: Files
    """customer_id and `label`: for attrition `1` or `0`, for the next product a category, or empty. Customers without
    a row are not learnt from."""


def fit_forecast(
    engine: Engine, kind: ModelKind, seen: Seen, workspace: Workspace, champion: StoredModel | None, threads: int
) -> StoredModel | None:
    """Fits attrition or the next product; None where too few customers left, or opened anything.

    Args:
        engine: Where sets are computed.
        kind: Which of the two.
        seen: What is read.
        workspace: Its models.
        champion: The model in use.
        threads: Threads of training.
    """
    table, columns = _rows(engine, seen, workspace)
    labels = np.array([value or NOTHING for value in table["label"].to_pylist()])
    classes = _classes(kind, labels)
    if len(classes) < 2 or len(table) < workspace.models.rows_min:
        return None
    encoding = encoding_of(table, columns)
    inputs = Inputs(encoding.names, encoding.categorical, workspace.models.monotone.get(kind), threads)
    ids = np.asarray(table["customer_id"].to_numpy(), dtype=np.int64)
    held = draws(HELD_BACK_SALT, ids) < workspace.models.promotion.held_back
    fold = (draws(FOLD_SALT, ids) * FOLDS).astype(np.int64)
    fit = _fit_attrition if kind is ModelKind.ATTRITION else _fit_next_product
    data, booster, metrics = fit(encoding.matrix(table), labels, classes, inputs, fold, ~held)
    stored = StoredModel(kind.value, Role.CHALLENGER, {"encoding": encoding.as_data(), **data}, (booster,), {})
    losses = [_loss(one, table.filter(held), labels[held]) for one in (stored, champion) if one is not None]
    better = len(losses) == 1 or losses[0] < losses[1]
    card = {
        "kind": kind.value,
        "data": {"customers": len(ids), "held_back": int(held.sum()),
                 "classes": {one or "(nothing)": int((labels == one).sum()) for one in classes}},
        "window": {"profile_of": seen.known_on},
        "features": list(encoding.names),
        **metrics,
        "held_back": {"log_loss": round(losses[0], 6), "in_use": round(losses[1], 6) if len(losses) > 1 else None},
        "importance": _gained(booster, encoding),
        "spread": spreads(encoding.matrix(table), encoding.names),
    }  # fmt: skip
    return StoredModel(kind.value, Role.CHAMPION if better else Role.CHALLENGER, stored.data, (booster,), card)


def _rows(engine: Engine, seen: Seen, workspace: Workspace) -> tuple[pa.Table, Mapping[str, DataType]]:
    import ibis
    import pyarrow as pa

    columns = usable(workspace)
    profile, labels = engine.scan(seen.profile), engine.scan(seen.labels)
    known = labels.select(label_id=labels.customer_id, label=labels.label)
    joined = profile.inner_join(known, profile.customer_id == known.label_id)
    made = feature_columns(joined, columns, ibis.literal(seen.known_on))
    table = engine.fetch(joined.select("customer_id", "label", **made).order_by("customer_id"))
    nobody = pa.nulls(len(table), pa.string())
    for name in ("strategy", "offer", "channel", "offer_kind", "offer_category"):
        table = table.append_column(f"of_{name}", nobody)
    return table, columns


def _classes(kind: ModelKind, labels: Any) -> list[str]:
    names, counts = np.unique(labels, return_counts=True)
    return [str(name) for name, count in zip(names, counts, strict=True) if count >= CASES_MIN]


def _fit_attrition(
    rows: Numbers, labels: Any, classes: list[str], inputs: Inputs, fold: Any, mine: Any
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    left = (labels == "1").astype(float)
    (booster, curve), unseen = fit_chance(rows[mine], left[mine], inputs, fold[mine], GROWTH)
    chance = curve(unseen)
    metrics = {
        "metrics": chance_metrics(chance, left[mine], "unseen folds"),
        "calibration": calibration.table(chance, left[mine]),
    }
    return {"calibration": asdict(curve)}, booster, metrics


def _fit_next_product(
    rows: Numbers, labels: Any, classes: list[str], inputs: Inputs, fold: Any, mine: Any
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    codes = np.array([classes.index(one) if one in classes else -1 for one in labels])
    usable_rows = mine & (codes >= 0)
    growth = Growth(rounds=80, leaves=8, leaf_rows=50, objective="multiclass")
    target = codes[usable_rows].astype(float)
    booster = grow(rows[usable_rows], target, inputs, growth, classes=len(classes))
    test = ~mine & (codes >= 0)
    chances = foreseen(booster, rows[test], threads=inputs.threads)
    opened = {
        one: chance_metrics(chances[:, place], (codes[test] == place).astype(float), "held back")
        for place, one in enumerate(classes)
        if one != NOTHING and (codes[test] == place).any()
    }
    return {"classes": classes}, booster, {"metrics": opened}


def _gained(booster: str, encoding: Encoding) -> dict[str, float]:
    total = gains(booster)
    order = np.argsort(-total, kind="stable")[:IMPORTANT]
    whole = total.sum() or 1.0
    return {encoding.names[place]: round(float(total[place] / whole), 4) for place in order if total[place] > 0}


def _loss(stored: StoredModel, table: pa.Table, labels: Any) -> float:
    if stored.kind == ModelKind.ATTRITION.value:
        chance = np.clip(chance_of(stored, table), 1e-6, 1 - 1e-6)
        left = labels == "1"
        return float(-np.mean(np.where(left, np.log(chance), np.log(1 - chance))))
    classes = stored.data["classes"]
    chances = foreseen(stored.boosters[0], Encoding.from_data(stored.data["encoding"]).matrix(table))
    codes = np.array([classes.index(one) if one in classes else -1 for one in labels])
    mine = np.where(codes >= 0, chances[np.arange(len(codes)), np.maximum(codes, 0)], 1e-6)
    return float(-np.mean(np.log(np.clip(mine, 1e-6, 1))))


@dataclass(frozen=True)
class Forecaster:
    """Scores a profile batch by batch; travels to other machines."""

    model: StoredModel

    def __call__(self, batch: pa.RecordBatch) -> pa.Table:
        """Rows of the score's table."""
        import pyarrow as pa

        table = pa.Table.from_batches([batch])
        if self.model.kind == ModelKind.ATTRITION.value:
            chance = np.round(chance_of(self.model, table), 6) + 0.0
            return pa.table({"customer_id": table["customer_id"], "score": pa.array(chance, pa.float64())})
        classes = list(self.model.data["classes"])
        rows = Encoding.from_data(self.model.data["encoding"]).matrix(table)
        chances = foreseen(self.model.boosters[0], rows).reshape(len(rows), len(classes))
        products = [place for place, one in enumerate(classes) if one != NOTHING]
        best = np.array(products)[np.argmax(chances[:, products], axis=1)] if len(rows) else np.zeros(0, int)
        return pa.table({
            "customer_id": table["customer_id"],
            "score": pa.array([classes[place] for place in best], pa.string()),
            "chance": pa.array(np.round(chances[np.arange(len(rows)), best], 6) + 0.0, pa.float64()),
        })  # fmt: skip


def forecast(
    engine: Engine, profile: Files, model: StoredModel, types: Mapping[str, DataType], *, on: date, folder: Path
) -> Written:
    """Writes the lake table of a score: chance of leaving, or the likeliest next product and its chance.

    Args:
        engine: Where sets are computed.
        profile: The day's profile.
        model: Of attrition or next product.
        types: Columns of the profile with their types (`Pinned.types`).
        on: Business date.
        folder: New folder.
    """
    import ibis

    known = engine.scan(profile)
    names = Encoding.from_data(model.data["encoding"]).tags
    wanted = {name: types.get(name, DataType.NUMBER) for name in names}
    rows = known.select("customer_id", **feature_columns(known, wanted, ibis.literal(on)))
    columns = SCORE_COLUMNS[ModelKind(model.kind)]
    return engine.map_batches(rows, Forecaster(model), columns, folder, sort_by=("customer_id",))
