"""The model of effect: an anchor that is redistributed as far as held-back customers bear it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cultiva.strategy.models.boosting import Numbers
from cultiva.strategy.models.features import Encoding, Offers
from cultiva.strategy.models.files import StoredModel
from cultiva.strategy.models.foresight import blended
from cultiva.strategy.models.levels import Key, Keys, Level, level_of, settled_level

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class EffectModel:
    """What scoring reads."""

    encoding: Encoding
    parts: tuple[tuple[str, float], ...]
    """Models and their weights; the sum is what single customers gain more than others, up to a constant."""
    centres: Mapping[str, float]
    """That constant by `strategy/offer`, so that what an offer brings on the whole is a level's to say; by strategy for
    offers that are new in it, and by `kind|category` for strategies that are."""
    levels: Mapping[Key, Level]
    """Mean effects by (kind, category, strategy, offer)."""

    def as_data(self) -> dict[str, Any]:
        """As JSON-like data, the boosters by their places."""
        return {
            "encoding": self.encoding.as_data(),
            "weights": [weight for _, weight in self.parts],
            "centres": dict(self.centres),
            "levels": [
                {"of": list(key), **asdict(one), "se": one.se if np.isfinite(one.se) else None}
                for key, one in sorted(self.levels.items())
            ],
        }

    @classmethod
    def from_stored(cls, stored: StoredModel) -> EffectModel:
        """Back from `as_data`."""
        data = stored.data
        return cls(
            Encoding.from_data(data["encoding"]),
            tuple(zip(stored.boosters, data["weights"], strict=True)),
            data["centres"],
            {
                tuple(one["of"]): Level(one["mean"], float("inf") if one["se"] is None else one["se"], one["apart"])
                for one in data["levels"]
            },
        )

    def gains(self, rows: Numbers, keys: Keys, *, threads: int = 1) -> Numbers:
        """What each customer gains more or less than others of the same strategy; 0 where nothing alike was learnt.

        Args:
            rows: Shape (n, features).
            keys: Per row (kind, category, strategy, offer).
            threads: Threads of the trees.
        """
        if not self.parts:
            return np.zeros(len(rows))
        middle = np.array([centre_of(self.centres, key) for key in keys.names], dtype=np.float64)[keys.codes]
        said = blended(self.parts, rows, threads=threads)
        found: Numbers = np.where(np.isnan(middle), 0.0, said - middle)
        return found

    def effects(
        self, prior: Numbers, rows: Numbers, keys: Keys, *, said: Numbers | None = None, threads: int = 1
    ) -> tuple[Numbers, Numbers]:
        """Effects in money and their standard errors.

        Args:
            prior: The anchor: what is believed of the candidate without a model; NaN where nothing is.
            rows: Shape (n, features).
            keys: Per row (kind, category, strategy, offer).
            said: Standard errors of those anchors that sales speak for, NaN for the others; None: for none.
            threads: Threads of the trees.
        """
        means, errors = np.nan_to_num(prior), np.full(len(prior), np.nan)
        for key, mine in keys.each():
            level = level_of(self.levels, key)
            if level is not None:
                known = None if said is None else said[mine]
                means[mine], errors[mine], _ = settled_level(np.nan_to_num(prior[mine]), level, known)
        return means + self.gains(rows, keys, threads=threads), errors


def centres_of(said: Numbers, weight: Numbers, keys: Keys) -> dict[str, float]:
    """What models say on average: of every offer of a strategy, of every strategy, of every kind and category.

    Args:
        said: What they say of each row; shape (n,).
        weight: What each row counts; shape (n,).
        keys: Per row (kind, category, strategy, offer).
    """
    named = [(f"{strategy}/{offer}", strategy, f"{kind}|{category}") for kind, category, strategy, offer in keys.names]
    found: dict[str, float] = {}
    for names in zip(*named, strict=True):
        for (name,), mine in Keys(tuple((name,) for name in names), keys.codes).upto(1).each():
            found[name] = float(np.average(said[mine], weights=weight[mine]))
    return found


def centre_of(centres: Mapping[str, float], key: Key) -> float:
    """The constant of a part; NaN where nothing alike was learnt.

    Args:
        centres: As `EffectModel.centres`.
        key: (kind, category, strategy, offer).

    Examples:
        >>> centre_of({"a/fund": 1.0, "a": 2.0}, ("product", "fund", "a", "fund"))
        1.0
        >>> centre_of({"a/fund": 1.0, "a": 2.0}, ("product", "fund", "a", "bond"))
        2.0
    """
    kind, category, strategy, offer = key
    names = (f"{strategy}/{offer}", strategy, f"{kind}|{category}")
    return next((centres[name] for name in names if name in centres), float("nan"))


def keys_of(table: pa.Table | pa.RecordBatch, offers: Offers) -> Keys:
    """Per row (kind, category, strategy, offer)."""
    strategies, strategy = _coded(table["strategy"])
    names, offer = _coded(table["offer"])
    both, codes = np.unique(strategy * len(names) + offer, return_inverse=True)
    pairs = [(strategies[one // len(names)], names[one % len(names)]) for one in both]
    return Keys(tuple((*offers.traits(name), of, name) for of, name in pairs), codes.astype(np.int64))


def _coded(column: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The distinct texts of a column, missing ones empty, and the place of each row's."""
    import pyarrow as pa

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    coded = whole.cast(pa.string()).fill_null("").dictionary_encode()
    return coded.dictionary.to_pylist(), np.asarray(coded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
