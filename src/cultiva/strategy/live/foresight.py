"""Foresight: what the models in use say of one customer's candidates, as `models.scoring` says it of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from cultiva.contracts.types import DataType
from cultiva.strategy.live.candidates import Candidate
from cultiva.strategy.live.forests import Predictor, Truths, blended, ready
from cultiva.strategy.live.rulings import Row
from cultiva.strategy.models.boosting import Numbers
from cultiva.strategy.models.effect import EffectModel, centre_of
from cultiva.strategy.models.features import ACTION_PREFIX, Encoding, Offers
from cultiva.strategy.models.files import StoredModel
from cultiva.strategy.models.levels import PRIOR_LEAST, PRIOR_SPREAD, level_of
from cultiva.strategy.models.scoring import CHANCE_DIGITS, MONEY_DIGITS, Pinned

NAN = float("nan")
_TEXT, _TIMES, _TRUTH = DataType.TEXT, (DataType.DATE, DataType.TIMESTAMP), DataType.BOOLEAN


@dataclass(frozen=True)
class Encoder:
    """Rows of one encoding, made of a profile and of proposals."""

    encoding: Encoding
    types: Mapping[str, DataType]
    offers: Offers
    on: date
    _learning: Lock = field(default_factory=Lock, compare=False)

    @cached_property
    def _tags(self) -> tuple[tuple[int, str, DataType, Mapping[str, int]], ...]:
        """(place, tag, type, codes of its values) of what comes from the profile."""
        levels = {name: {value: at for at, value in enumerate(known)} for name, known in self.encoding.levels.items()}
        wanted, names = set(self.encoding.tags), self.encoding.names
        return tuple(
            (place, name, self.types.get(name, DataType.NUMBER), levels.get(name, {}))
            for place, name in enumerate(names) if name in wanted
        )  # fmt: skip

    @cached_property
    def _of_action(self) -> tuple[tuple[int, str, Mapping[str, int]], ...]:
        """(place, name without its prefix, codes) of what is proposed."""
        known, names = self.encoding.levels, self.encoding.names
        return tuple(
            (place, name.removeprefix(ACTION_PREFIX), {value: at for at, value in enumerate(known[name])})
            for place, name in enumerate(names) if name in known and name not in self.encoding.tags
        )  # fmt: skip

    @cached_property
    def varies(self) -> Truths:
        """By feature whether candidates of one customer differ in it."""
        found = np.zeros(len(self.encoding.names), dtype=np.bool_)
        found[[place for place, _, _ in self._of_action]] = True
        return found

    @cached_property
    def _actions(self) -> dict[tuple[str, str, str], int]:
        """(strategy, offer, channel) -> its row in `_known`."""
        return {}

    @cached_property
    def _known(self) -> list[Numbers]:
        """One matrix: what has been proposed so far, as trees read it; in a list, because it grows."""
        return [np.empty((0, len(self._of_action)))]

    def rows(self, row: Row, candidates: Sequence[Candidate]) -> Numbers:
        """A matrix as `Encoding.matrix` makes it; shape (candidates, features)."""
        notes: dict[int, list[float]] = getattr(row, "notes", {})
        base = notes.get(id(self))
        if base is None:
            base = notes[id(self)] = self._of_profile(row)
        found = np.empty((len(candidates), len(base)))
        found[:] = base
        if self._places:
            numbers = [self._action(one) for one in candidates]
            found[:, self._places] = self._known[0][numbers]
        return found

    def _of_profile(self, row: Row) -> list[float]:
        """The features of a profile; those of what is proposed are still missing."""
        base = [NAN] * len(self.encoding.names)
        for place, name, kind, codes in self._tags:
            try:
                value = row[name]
            except KeyError:  # the profile has no such column any more
                continue
            if value is not None:
                base[place] = value if type(value) is float else self._number(value, kind, codes)
        return base

    @cached_property
    def _places(self) -> list[int]:
        return [place for place, _, _ in self._of_action]

    def _number(self, value: Any, kind: DataType, codes: Mapping[str, int]) -> float:
        if kind is _TEXT:
            return codes.get(str(value), NAN)
        if kind in _TIMES:
            day = value.date() if isinstance(value, datetime) else value
            return float((self.on - day).days)
        return float(int(value)) if kind is _TRUTH else float(value)

    def _action(self, one: Candidate) -> int:
        key = (one.strategy, one.offer, one.channel)
        found = self._actions.get(key)
        return self._learn(key) if found is None else found

    def _learn(self, key: tuple[str, str, str]) -> int:
        """The row of a proposal that was not seen before."""
        strategy, offer, channel = key
        traits = {
            "strategy": strategy, "offer": offer, "channel": channel,
            "offer_kind": self.offers.kind.get(offer), "offer_category": self.offers.category.get(offer),
        }  # fmt: skip
        row = [float(codes.get(traits[name] or "", NAN)) if traits[name] is not None else NAN
               for _, name, codes in self._of_action]  # fmt: skip
        with self._learning:  # many threads decide
            if key not in self._actions:
                self._known[0] = np.vstack([self._known[0], row])
                self._actions[key] = len(self._known[0]) - 1
        return self._actions[key]


@dataclass(frozen=True)
class Foresight:
    """The models in use, read into arrays."""

    pinned: Pinned
    on: date
    _means: dict[tuple[str, str], tuple[Any, float]] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the models, which are their content."""
        return self.pinned.ids

    @cached_property
    def _effect_id(self) -> str:
        return self.pinned.models["effect"].id

    @cached_property
    def _effect(self) -> EffectModel | None:
        return self.pinned.effect

    @cached_property
    def _parts(self) -> tuple[tuple[Predictor, float], ...]:
        assert self._effect is not None
        return tuple((ready(text), weight) for text, weight in self._effect.parts)

    @cached_property
    def _response(self) -> tuple[Predictor, Encoder | None, Numbers, Numbers] | None:
        """The model, how its rows are made (None: as those of the effect), and its calibration."""
        stored: StoredModel | None = self.pinned.models.get("response")
        if stored is None:
            return None
        curve = stored.data["calibration"]
        encoding = Encoding.from_data(stored.data["encoding"])
        same = self._effect is not None and encoding == self._effect.encoding
        encoder = None if same else self._encoder(encoding)
        return ready(stored.boosters[0]), encoder, np.array(curve["said"]), np.array(curve["meant"])

    @cached_property
    def _of_effect(self) -> Encoder:
        assert self._effect is not None
        return self._encoder(self._effect.encoding)

    def _encoder(self, encoding: Encoding) -> Encoder:
        return Encoder(encoding, self.pinned.types, self.pinned.offers, self.on)

    def look(self, row: Row, candidates: Sequence[Candidate]) -> None:
        """Puts effects of single candidates in the place of what is known of all (`field._with_foreseen`)."""
        if self._effect is None or not candidates:
            return
        rows = self._of_effect.rows(row, candidates)
        known = [self._known(one) for one in candidates]
        means = [self._mean(one, level) for one, (level, _) in zip(candidates, known, strict=True)]
        gains = self._gains(rows, [centre for _, centre in known])
        effects = (np.round(np.array(means) + gains, MONEY_DIGITS) + 0.0).tolist()
        chances = self._chances(row, candidates, rows)
        model = self._effect_id
        for place, one in enumerate(candidates):
            if chances is not None:
                one.response = chances[place] / one.contacts
            one.effect = effects[place] / one.contacts
            one.cost = one.contact_cost + one.response * one.offer_cost
            one.worth_by = model
            one.worth = one.rank_value = one.effect - one.cost

    def _gains(self, rows: Numbers, centres: Sequence[float]) -> Numbers:
        if not self._parts:
            return np.zeros(len(rows))
        said = blended(self._parts, rows, self._of_effect.varies)
        middle = np.array(centres)
        found: Numbers = np.where(np.isnan(middle), 0.0, said - middle)
        return found

    def _known(self, one: Candidate) -> tuple[Any, float]:
        """The level of the candidate's part, and its centre."""
        key = (one.strategy, one.offer)
        found = self._means.get(key)
        if found is None:
            assert self._effect is not None
            kind, category = self.pinned.offers.traits(one.offer)
            part = (kind, category, one.strategy, one.offer)
            found = self._means[key] = (level_of(self._effect.levels, part), centre_of(self._effect.centres, part))
        return found

    @staticmethod
    def _mean(one: Candidate, level: Any) -> float:
        """`levels.settled_level` for one anchor."""
        prior = 0.0 if one.effect is None or math.isnan(one.effect) else one.effect * one.contacts
        if level is None:
            return prior
        spread = max(PRIOR_SPREAD * abs(prior), PRIOR_LEAST)
        before = spread * spread
        if one.effect_se is not None:
            before = min(before, (one.effect_se * one.contacts) ** 2)
        share = before / (before + level.se * level.se) if math.isfinite(level.se) else 0.0
        return float(prior + share * (level.mean - prior))

    def _chances(self, row: Row, candidates: Sequence[Candidate], rows: Numbers) -> list[float] | None:
        if self._response is None:
            return None
        model, encoder, said, meant = self._response
        matrix = rows if encoder is None else encoder.rows(row, candidates)
        varies = (encoder or self._of_effect).varies
        found: list[float] = (np.round(np.interp(model(matrix, varies), said, meant), CHANCE_DIGITS) + 0.0).tolist()
        return found
