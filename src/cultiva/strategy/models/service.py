"""The door of the models: log features on the day of enrolment, train, score, say why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from cultiva.definitions.models import ModelKind
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import rows_in
from cultiva.engine.port import Engine, Files, Written
from cultiva.strategy.models.effect import EffectModel
from cultiva.strategy.models.experience import LogInputs, log_features, read_experience
from cultiva.strategy.models.files import Role, StoredModel, champions, read_models, write_models
from cultiva.strategy.models.fitting import Ground, fit_effect, fit_response, ground
from cultiva.strategy.models.forecasts import Seen, fit_forecast
from cultiva.strategy.models.levels import Anchor, Anchors
from cultiva.strategy.models.reasons import in_words
from cultiva.strategy.models.scoring import Pinned, explain, pin, score

__all__ = [
    "Anchor", "LogInputs", "Pinned", "Trained", "TrainingInputs", "explain", "in_words", "log_features", "pin", "score",
    "train",
]  # fmt: skip

CONTROL_SHARE_MIN = 0.1
"""Of `rows_min`, so many have to be of those left alone."""


@dataclass(frozen=True)
class TrainingInputs:
    """What a training reads."""

    panel: Files
    """Exposures with what came of them: `experience.PANEL`."""
    features: Files
    """The lake table `feature_log` of all days."""
    previous: Files = ()
    """The newest lake table `model` before this training."""
    mergers: Mapping[int, int] = field(default_factory=dict)
    """Retired customer id -> the id it was merged into."""
    anchors: Anchors = field(default_factory=dict)
    """What the plan believes of an exposure where there is no model; others have their offers' `prior_worth`."""
    seen: Mapping[ModelKind, Seen] = field(default_factory=dict)
    """For attrition and next product: an earlier profile, and what became of its customers."""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """What was read -> its content hash, for the cards."""


@dataclass(frozen=True)
class Trained:
    """What a training has left."""

    written: Written | None
    """The lake table `model`; None where nothing was trained."""
    detail: Mapping[str, Any]
    """For the run's record: what was trained, promoted, refused, and why not."""


def train(engine: Engine, inputs: TrainingInputs, workspace: Workspace, on: date, folder: Path) -> Trained:
    """Trains the models that `models.yaml` names, and says which of them are in use from now on.

    Args:
        engine: Where sets are computed; trees grow on this machine.
        inputs: What is read.
        workspace: Its models, offers and review.
        on: Business date.
        folder: New folder for the lake table `model`.

    Returns:
        What was written: champions, and the challengers that were not better. A champion stays until it is beaten.

    Raises:
        CultivaError: if features are from after the decision, or the models in use were changed by hand.
    """
    wanted, before = workspace.models.train, champions(read_models(inputs.previous))
    fresh, detail = _of_experience(engine, inputs, workspace, before)
    for kind in (ModelKind.ATTRITION, ModelKind.NEXT_PRODUCT):
        if kind in wanted and kind in inputs.seen:
            made = fit_forecast(engine, kind, inputs.seen[kind], workspace, before.get(kind.value), _threads(workspace))
            fresh += [made] if made is not None else []
    if not fresh:
        return Trained(None, detail)
    kept = [one for kind, one in before.items() if not _replaced(kind, fresh)]
    stamped = [StoredModel(one.kind, one.role, one.data, one.boosters, {**one.card, "trained_on": on}) for one in fresh]
    written = write_models([*kept, *stamped], folder)
    said = {one.kind: {"id": one.id, "role": one.role.value} for one in stamped}
    return Trained(written, {**detail, "models": said, "in_use": sorted(
        one.id for one in (*kept, *stamped) if one.role is Role.CHAMPION
    )})  # fmt: skip


def _replaced(kind: str, fresh: list[StoredModel]) -> bool:
    return any(one.kind == kind and one.role is Role.CHAMPION for one in fresh)


def _of_experience(
    engine: Engine, inputs: TrainingInputs, workspace: Workspace, before: Mapping[str, StoredModel]
) -> tuple[list[StoredModel], dict[str, Any]]:
    """Effect and response; nothing, and why, where there is too little to learn from."""
    models = workspace.models
    wanted = [kind for kind in (ModelKind.EFFECT, ModelKind.RESPONSE) if kind in models.train]
    known = rows_in(inputs.panel) if inputs.panel and inputs.features and wanted else 0
    if known < models.rows_min:
        return [], {"exposures": known, "needed": models.rows_min}
    experience = read_experience(engine, inputs.panel, inputs.features, workspace, mergers=inputs.mergers)
    left_alone = len(experience) - int(experience.treated.sum())
    detail = {"exposures": len(experience), "left_alone": left_alone}
    if len(experience) < models.rows_min or left_alone < models.rows_min * CONTROL_SHARE_MIN:
        return [], {**detail, "needed": models.rows_min, "needed_left_alone": models.rows_min * CONTROL_SHARE_MIN}
    base = ground(experience, workspace, inputs.fingerprints, _threads(workspace))
    return _fitted(base, workspace, inputs, before), {**detail, "refused": [one.feature for one in base.refused]}


def _fitted(
    base: Ground, workspace: Workspace, inputs: TrainingInputs, before: Mapping[str, StoredModel]
) -> list[StoredModel]:
    fresh: list[StoredModel] = []
    held = None
    if ModelKind.EFFECT in workspace.models.train:
        old = EffectModel.from_stored(before["effect"]) if "effect" in before else None
        effect, held = fit_effect(base, workspace, inputs.anchors, old)
        fresh.append(effect)
    if ModelKind.RESPONSE in workspace.models.train:
        response = fit_response(base, workspace, before.get("response"), held)
        fresh += [response] if response is not None else []
    return fresh


def _threads(workspace: Workspace) -> int:
    return workspace.settings.engine.threads or os.cpu_count() or 1
