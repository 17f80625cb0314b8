"""Fitting: from experience to models with a card each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from cultiva.definitions.models import ModelKind
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.models import calibration
from cultiva.strategy.models.boosting import Binned, Growth, Inputs, Numbers
from cultiva.strategy.models.drift import drift, spreads
from cultiva.strategy.models.effect import EffectModel, centres_of, keys_of
from cultiva.strategy.models.experience import Experience
from cultiva.strategy.models.features import Encoding, Offers, encoding_of
from cultiva.strategy.models.files import Role, StoredModel
from cultiva.strategy.models.foresight import Parts, contributions, foreseen
from cultiva.strategy.models.guards import Refused, refused
from cultiva.strategy.models.heterogeneity import Blend, Crossfit, begin, weigh, within
from cultiva.strategy.models.learners import Sides, Trial
from cultiva.strategy.models.levels import Anchor, Anchors, Keys, levels
from cultiva.strategy.models.value import Comparison, Estimate, Scores, compare, gain_unseen, scores_of

RESPONSE = Growth(rounds=150, leaves=16, leaf_rows=50, objective="binary")
CALIBRATION_FOLDS = 2
"""Parts of the rows that the chances of a response are calibrated on, each foreseen by trees of the other."""
HELD_TO_DIRECTIONS = ("x", "dr")
"""Learners whose effect is a model of its own; a difference of two models cannot be held to a direction."""
IMPORTANCE_ROWS = 300
IMPORTANT = 20
"""Features that a card names by importance."""
TAKERS_MIN = 50
"""Fewer who took something up teach nothing about who does."""


@dataclass(frozen=True)
class Ground:
    """What all models of a day are fitted on."""

    experience: Experience
    encoding: Encoding
    rows: Numbers
    """Shape (n, features)."""
    strategies: npt.NDArray[np.int64]
    """Strategy of each row, from 0 on."""
    refused: tuple[Refused, ...]
    fingerprints: Mapping[str, str]
    """What was read -> its content hash."""
    threads: int

    @cached_property
    def spread(self) -> Any:
        """How the features are spread, for the cards."""
        return spreads(self.rows, self.encoding.names)

    def inputs(self, workspace: Workspace, kind: ModelKind) -> Inputs:
        """The columns as trees need to know them."""
        directions = workspace.models.monotone.get(kind)
        return Inputs(self.encoding.names, self.encoding.categorical, directions, self.threads)

    def card(self, kind: ModelKind) -> dict[str, Any]:
        """What every card begins with."""
        found, one = self.experience, self.experience.table
        days = one["enrolled_on"].to_pylist()
        return {
            "kind": kind.value,
            "data": {
                "fingerprints": dict(self.fingerprints),
                "exposures": len(found),
                "treated": int(found.treated.sum()),
                "left_alone": int((~found.treated).sum()),
                "held_back": int(found.held_back.sum()),
                "without_feature_log": found.unknown,
            },
            "window": {"first_enrolment": min(days), "last_enrolment": max(days), "horizon_days": found.horizon_days},
            "features": list(self.encoding.names),
            "refused_features": [asdict(one) for one in self.refused],
            "drift": self._drift,
        }

    @cached_property
    def _drift(self) -> dict[str, float]:
        """Those who enrolled last against those who enrolled before (a quarter against the rest)."""
        days = self.experience.table["enrolled_on"].to_pylist()
        order = np.argsort(np.array(days, dtype="datetime64[D]"), kind="stable")
        cut = len(order) * 3 // 4
        early, late = self.rows[order[:cut]], self.rows[order[cut:]]
        found = drift(spreads(early, self.encoding.names), late, self.encoding.names)
        return {name: value for name, value in found.items() if name in self.encoding.tags}


def ground(experience: Experience, workspace: Workspace, fingerprints: Mapping[str, str], threads: int) -> Ground:
    """Encodes the rows and refuses features that cannot be from before the decision."""
    whole = encoding_of(experience.table, experience.columns)
    rows = whole.matrix(experience.table)
    _, strategies = np.unique(np.array(experience.texts("strategy")), return_inverse=True)
    touched = (experience.numbers("touched") > 0) & experience.treated
    taken = np.where(touched, experience.numbers("taken"), np.nan)
    tags = [place for place, name in enumerate(whole.names) if name in whole.tags]
    names = [whole.names[place] for place in tags]
    out = refused(rows[:, tags], names, experience.treated, experience.share, strategies, taken=taken)
    encoding = whole.without(frozenset(one.feature for one in out))
    kept = [place for place, name in enumerate(whole.names) if name in encoding.names]
    return Ground(experience, encoding, rows[:, kept], strategies, tuple(out), fingerprints, threads)


@dataclass(frozen=True)
class Held:
    """The customers held back, and everything needed to compare policies on them."""

    experience: Experience
    which: npt.NDArray[np.bool_]
    keys: Keys
    scores: Scores
    costs: Numbers
    """Cost of a touch of each exposure, whether held back or not."""
    anchors: Numbers
    """What is believed of each exposure without a model, whether held back or not."""
    said: Numbers
    """Standard errors of those anchors that sales speak for; NaN for the others."""

    @property
    def cost(self) -> Numbers:
        """Of those held back."""
        return self.costs[self.which]

    @property
    def anchor(self) -> Numbers:
        """Of those held back."""
        return self.anchors[self.which]


def fit_effect(
    base: Ground, workspace: Workspace, anchors: Anchors, champion: EffectModel | None
) -> tuple[StoredModel, Held]:
    """Fits the model of effect and compares it with the one in use on customers held back.

    Args:
        base: The rows.
        workspace: Its models and offers.
        anchors: What is believed without a model; others have their offers' `prior_worth`.
        champion: The model in use; None: the anchors alone.
    """
    models, experience = workspace.models, base.experience
    inputs = base.inputs(workspace, ModelKind.EFFECT)
    trial, cuts = experience.trial(base.rows, models.winsor_share)
    learners = [name for name in models.learners if name in HELD_TO_DIRECTIONS or not inputs.monotone] or ["x", "dr"]
    mine = ~experience.held_back
    train, fold = trial.at(mine), experience.fold[mine]
    learning = begin(train, inputs, learners, fold)
    found = learning.crossfit()
    blend = weigh(found, train, base.strategies[mine])
    learnt, sides = learning.whole()
    keys = keys_of(experience.table, Offers.of(workspace))
    model = _effect_model(base, train, found, (blend, blend.parts(learnt)), keys.at(mine))
    held = _held(base, trial.at(experience.held_back), sides, keys, believed(experience, workspace, anchors))
    unseen = None
    if champion is None:  # the one in use may have seen these rows
        gain = within(blend.foreseen(found.effects) + np.zeros(len(train)), train.precision, base.strategies[mine])
        unseen = gain_unseen(found.score - held.costs[mine], gain, held.anchors[mine] - held.costs[mine])
    result = _compared(held, model, champion, workspace, (unseen, base.threads))
    card = {
        **base.card(ModelKind.EFFECT),
        "learners": _told(blend),
        "winsorised_at": {"share": models.winsor_share, "low": cuts[0], "high": cuts[1]},
        "calibration": _effect_table(found, blend, train, base.strategies[mine]),
        "policy_value": result.as_data(),
        "importance": importance(model.parts, base.encoding, base.rows),
        "spread": base.spread,
    }
    role = Role.CHAMPION if result.promoted else Role.CHALLENGER
    return StoredModel("effect", role, model.as_data(), tuple(text for text, _ in model.parts), card), held


def _told(blend: Blend) -> dict[str, Any]:
    error = blend.slope_se if np.isfinite(blend.slope_se) else None
    return {"weights": blend.weights, "belief": blend.belief, "slope": blend.slope, "slope_se": error}


def _effect_model(base: Ground, train: Trial, found: Crossfit, learnt: tuple[Blend, Parts], keys: Keys) -> EffectModel:
    (blend, parts), weight = learnt, train.precision
    said = blend.foreseen(found.effects) + np.zeros(len(train))
    return EffectModel(base.encoding, parts, centres_of(said, weight, keys), levels(found.score, weight, keys))


def believed(experience: Experience, workspace: Workspace, anchors: Anchors) -> tuple[Numbers, Numbers]:
    """What the plan would believe of every exposure without a model, and its standard error where sales speak."""
    pairs = list(zip(experience.texts("strategy"), experience.texts("offer"), strict=True))
    found = {}
    for strategy, offer in set(pairs):
        prior = workspace.offers[offer].prior_worth if offer in workspace.offers else 0.0
        whole = anchors.get((strategy, ""), Anchor(prior))
        found[strategy, offer] = anchors.get((strategy, offer), whole)
    return np.array([found[pair].effect for pair in pairs]), np.array([found[pair].se for pair in pairs])


def _held(base: Ground, trial: Trial, sides: Sides, keys: Keys, anchor: tuple[Numbers, Numbers]) -> Held:
    experience, which = base.experience, base.experience.held_back
    treated = experience.treated
    totals = np.bincount(base.strategies, treated)
    costs = np.bincount(base.strategies, treated * experience.numbers("cost")) / np.where(totals > 0, totals, 1)
    cost = costs[base.strategies]
    with_touch, without = sides.of(trial.rows, threads=base.threads)
    scores = scores_of(trial, with_touch, without, cost[which])
    return Held(experience, which, keys.at(which), scores, cost, *anchor)


def _compared(
    held: Held,
    model: EffectModel,
    champion: EffectModel | None,
    workspace: Workspace,
    how: tuple[Estimate | None, int],
) -> Comparison:
    unseen, threads = how
    rows = held.experience.table.filter(held.which)
    said = held.said[held.which]
    new, _ = model.effects(held.anchor, model.encoding.matrix(rows), held.keys, said=said, threads=threads)
    old = held.anchor
    if champion is not None:
        old, _ = champion.effects(held.anchor, champion.encoding.matrix(rows), held.keys, said=said, threads=threads)
    return compare(held.scores, new - held.cost, old - held.cost, workspace.models.promotion, unseen)


def _effect_table(found: Crossfit, blend: Blend, train: Trial, groups: npt.NDArray[np.int64]) -> list[dict[str, float]]:
    """Five groups by what was foreseen of customers not seen: foreseen, on the level of the strategy, and measured."""
    gain = within(blend.foreseen(found.effects) + np.zeros(len(train)), train.precision, groups)
    said = gain + found.score - within(found.score, train.precision, groups)
    weight, table = train.precision, []
    for rows in np.array_split(np.argsort(said, kind="stable"), 5):
        table.append({
            "rows": len(rows),
            "foreseen": round(float(np.average(said[rows], weights=weight[rows])), 4),
            "measured": round(float(np.average(found.score[rows], weights=weight[rows])), 4),
        })  # fmt: skip
    return table


def fit_response(
    base: Ground, workspace: Workspace, champion: StoredModel | None, held: Held | None
) -> StoredModel | None:
    """Fits the chance that a touched customer takes the offer up; None where too few did.

    It is calibrated on folds that its trees have not seen, and promoted if it foretells the customers held back better
    (log loss) and ranking by it is worth no less than ranking by the one in use.
    """
    experience = base.experience
    taken = experience.numbers("taken")
    asked = experience.treated & (experience.numbers("touched") > 0)
    mine = asked & ~experience.held_back
    if min(taken[mine].sum(), (1 - taken[mine]).sum()) < TAKERS_MIN:
        return None
    inputs = base.inputs(workspace, ModelKind.RESPONSE)
    fitted, unseen = fit_chance(base.rows[mine], taken[mine], inputs, experience.fold[mine] % CALIBRATION_FOLDS)
    data = {"encoding": base.encoding.as_data(), "calibration": asdict(fitted[1])}
    test = asked & experience.held_back
    metrics = chance_metrics(fitted[1](unseen), taken[mine], "unseen folds")
    stored = StoredModel("response", Role.CHALLENGER, data, (fitted[0],), {})
    promoted, why = _better_response(stored, champion, base, test, held)
    card = {
        **base.card(ModelKind.RESPONSE),
        "metrics": metrics,
        "held_back": chance_metrics(chance_of(stored, base.experience.table.filter(test)), taken[test], "held back"),
        "calibration": calibration.table(fitted[1](unseen), taken[mine]),
        "promoted": why,
        "importance": importance(((fitted[0], 1.0),), base.encoding, base.rows),
        "spread": base.spread,
    }
    return StoredModel("response", Role.CHAMPION if promoted else Role.CHALLENGER, data, (fitted[0],), card)


def fit_chance(
    rows: Numbers, taken: Numbers, inputs: Inputs, fold: npt.NDArray[np.int64], growth: Growth = RESPONSE
) -> tuple[tuple[str, calibration.Calibration], Numbers]:
    """Trees and their calibration; and what trees said of the rows that they had not seen."""
    unseen, bins = np.zeros(len(rows)), Binned(rows, inputs)
    for left_out in np.unique(fold):
        held = fold == left_out
        unseen[held] = foreseen(bins.grow(~held, taken, growth), rows[held], threads=inputs.threads)
    whole = bins.grow(np.ones(len(rows), dtype=bool), taken, growth)
    return (whole, calibration.calibrate(unseen, taken)), unseen


def chance_of(stored: StoredModel, table: Any, *, threads: int = 1) -> Numbers:
    """Calibrated chances of rows by a stored model."""
    curve = stored.data["calibration"]
    known = calibration.Calibration(curve["way"], tuple(curve["said"]), tuple(curve["meant"]))
    rows = Encoding.from_data(stored.data["encoding"]).matrix(table)
    return known(foreseen(stored.boosters[0], rows, threads=threads)) if len(rows) else np.zeros(0)


def chance_metrics(chance: Numbers, taken: Numbers, on: str) -> dict[str, Any]:
    """How good chances are."""
    if not len(chance):
        return {"on": on, "rows": 0}
    return {
        "on": on,
        "rows": len(chance),
        "area_under_curve": round(calibration.area(chance, taken), 6),
        "log_loss": round(log_loss(chance, taken), 6),
        "calibration_error": round(calibration.error(chance, taken), 6),
    }


def log_loss(chance: Numbers, taken: Numbers) -> float:
    """Mean negative logarithm of the chance given to what came true."""
    inside = np.clip(chance, 1e-6, 1 - 1e-6)
    return float(-np.mean(taken * np.log(inside) + (1 - taken) * np.log(1 - inside)))


def _better_response(
    stored: StoredModel, champion: StoredModel | None, base: Ground, test: npt.NDArray[np.bool_], held: Held | None
) -> tuple[bool, str]:
    if champion is None:
        return True, "the first"
    table, taken = base.experience.table.filter(test), base.experience.numbers("taken")[test]
    if not len(taken):
        return False, "nobody is held back"
    losses = [log_loss(chance_of(one, table), taken) for one in (stored, champion)]
    why = f"log loss {losses[0]:.5f}, in use {losses[1]:.5f}"
    if losses[0] >= losses[1] or held is None:
        return losses[0] < losses[1], why
    rows = base.experience.table.filter(held.which)
    from cultiva.definitions.models import Promotion

    found = compare(held.scores, chance_of(stored, rows), chance_of(champion, rows), Promotion())
    return found.gain["dr"].high > 0, f"{why}; value of ranking by it {found.gain['dr'].value:+.2f}"


def importance(parts: tuple[tuple[str, float], ...], encoding: Encoding, rows: Numbers) -> dict[str, float]:
    """Share of the features in how far they move what is foreseen, largest first (mean absolute TreeSHAP).

    Gains of splits would not do: a difference of two models splits on what both sides have in common.

    Args:
        parts: Boosters and their weights.
        encoding: The features.
        rows: Shape (n, features); some of them are asked.
    """
    some = rows[:: max(1, len(rows) // IMPORTANCE_ROWS)]
    added = np.zeros((len(some), len(encoding.names)))
    for text, weight in parts:
        added += weight * contributions(text, some)[:, :-1]
    total = np.abs(added).mean(axis=0)
    shares = total / total.sum() if total.sum() else total
    order = np.argsort(-shares, kind="stable")[:IMPORTANT]
    return {encoding.names[place]: round(float(shares[place]), 4) for place in order if shares[place] > 0}
