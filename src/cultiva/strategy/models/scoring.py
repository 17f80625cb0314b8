"""Scoring: what models say of candidates, batch by batch, on one machine or on many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cultiva.contracts.types import Column, DataType
from cultiva.definitions.scopes import platform_columns
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Files, Written
from cultiva.strategy.models.boosting import Numbers
from cultiva.strategy.models.effect import EffectModel, keys_of
from cultiva.strategy.models.features import Encoding, Offers, feature_columns, with_action
from cultiva.strategy.models.files import StoredModel, champions, read_models
from cultiva.strategy.models.fitting import chance_of
from cultiva.strategy.models.reasons import reasons_of

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

CANDIDATE = ("customer_id", "strategy", "offer", "channel")
SCORE = (
    Column("customer_id", DataType.INTEGER),
    Column("strategy", DataType.TEXT),
    Column("offer", DataType.TEXT),
    Column("channel", DataType.TEXT),
    Column("effect", DataType.NUMBER),
    Column("effect_se", DataType.NUMBER),
    Column("response", DataType.NUMBER),
    Column("reasons", DataType.TEXT),
    Column("model", DataType.TEXT),
)
"""What scoring writes: one row per candidate."""
MONEY_DIGITS, CHANCE_DIGITS = 4, 6


@dataclass(frozen=True)
class Pinned:
    """The models in use, as a run pins them."""

    offers: Offers
    models: Mapping[str, StoredModel]
    """By kind; empty before the first training."""
    types: Mapping[str, DataType]
    """Columns of the profile with their types."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Their names, which are their content."""
        return tuple(sorted(one.id for one in self.models.values()))

    @property
    def columns(self) -> dict[str, DataType]:
        """Columns of the profile that the models of candidates read."""
        encodings = [Encoding.from_data(self.models[kind].data["encoding"])
                     for kind in ("effect", "response") if kind in self.models]  # fmt: skip
        names = dict.fromkeys(name for one in encodings for name in one.tags)
        return {name: self.types.get(name, DataType.NUMBER) for name in names}

    @cached_property
    def effect(self) -> EffectModel | None:
        """The model of effect, ready for use."""
        return EffectModel.from_stored(self.models["effect"]) if "effect" in self.models else None


def pin(files: Files, workspace: Workspace) -> Pinned:
    """Reads the models in use.

    Args:
        files: The lake table `model` of one date; empty before the first training.
        workspace: Its offers and columns.

    Raises:
        CultivaError: if a file is not what it was when it was written.
    """
    types = {**{name: tag.type for name, tag in workspace.tags.items()}, **platform_columns(workspace)}
    return Pinned(Offers.of(workspace), champions(read_models(files)), types)


@dataclass(frozen=True)
class Scorer:
    """Scores batches; travels to other machines."""

    models: Pinned
    reasons: bool = False
    threads: int = 1

    def __call__(self, batch: pa.RecordBatch) -> pa.Table:
        """Rows of `SCORE` for rows of candidates with `f_` columns."""
        import pyarrow as pa

        table = with_action(batch, self.models.offers)
        prior, said = _doubles(table["prior_effect"]), _doubles(table["prior_se"])
        effect, error, model = np.nan_to_num(prior), np.full(len(prior), np.nan), None
        why: list[str | None] = [None] * len(prior)
        if self.models.effect is not None and len(prior):
            model = self.models.models["effect"].id
            rows, keys = self.models.effect.encoding.matrix(table), keys_of(table, self.models.offers)
            effect, error = self.models.effect.effects(prior, rows, keys, said=said, threads=self.threads)
            if self.reasons:
                why = reasons_of(self.models.effect, rows, table, threads=self.threads)
        return pa.table({
            **{name: table[name] for name in CANDIDATE},
            "effect": _nullable(effect, MONEY_DIGITS),
            "effect_se": _nullable(error, MONEY_DIGITS),
            "response": _nullable(self._response(table), CHANCE_DIGITS),
            "reasons": pa.array(why, pa.string()),
            "model": pa.array([model] * len(prior), pa.string()),
        })  # fmt: skip

    def _response(self, table: pa.Table) -> Numbers:
        stored = self.models.models.get("response")
        if stored is None:
            return np.full(table.num_rows, np.nan)
        return chance_of(stored, table, threads=self.threads)


def score(
    engine: Engine, candidates: ibis.Table, profile: ibis.Table, models: Pinned, *, on: date, folder: Path
) -> Written:
    """Scores candidates; says no reasons, see `explain`.

    Args:
        engine: Where sets are computed.
        candidates: customer_id, strategy, offer, channel; prior_effect, the anchor in money, and prior_se, its standard
            error where sales speak for it, which may be left out.
        profile: The day's profile.
        models: From `pin`; without models the effect is the anchor.
        on: Business date.
        folder: New folder.

    Returns:
        What was written: `SCORE`, one row per candidate. `effect` is money over the horizon beyond what would have come
        anyway, before cost.
    """
    asked = _asked(candidates, profile, models, on)
    return engine.map_batches(asked, Scorer(models), SCORE, folder, sort_by=CANDIDATE)


def explain(
    engine: Engine, candidates: ibis.Table, profile: ibis.Table, models: Pinned, *, on: date, folder: Path
) -> Written:
    """Scores candidates and says why: `reasons` has up to three, as JSON, for `reasons.in_words`.

    It takes several times as long as `score`, whose arguments it has; ask for the rows that people will read.
    """
    asked = _asked(candidates, profile, models, on)
    return engine.map_batches(asked, Scorer(models, reasons=True), SCORE, folder, sort_by=CANDIDATE)


def _asked(candidates: ibis.Table, profile: ibis.Table, models: Pinned, on: date) -> ibis.Table:
    """Candidates with what models read of their customers."""
    import ibis

    wanted = models.columns
    made = feature_columns(profile, wanted, ibis.literal(on))
    known = profile.select(profile_id=profile.customer_id, **made)
    joined = candidates.left_join(known, candidates.customer_id == known.profile_id)
    features = {name: joined[name] for name in made}
    said = joined.prior_se.cast("float64") if "prior_se" in candidates.columns else ibis.null("float64")
    return joined.select(*CANDIDATE, prior_effect=joined.prior_effect.cast("float64"), prior_se=said, **features)


def _doubles(column: Any) -> Numbers:
    import pyarrow as pa

    return np.asarray(column.cast(pa.float64()).fill_null(float("nan")).to_numpy(), dtype=np.float64)


def _nullable(values: Numbers, digits: int) -> Any:
    import pyarrow as pa

    return pa.array(np.round(values, digits) + 0.0, pa.float64(), mask=np.isnan(values))
