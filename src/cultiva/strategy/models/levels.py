"""How large the effect is on the whole: by strategy and offer, few rows drawn towards what similar offers do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cultiva.strategy.models.boosting import Numbers

PRIOR_SPREAD, PRIOR_LEAST = 2.0, 1.0
"""Standard deviation of what is believed beforehand, in units of its size, and at least, in money (as review does)."""


@dataclass(frozen=True)
class Level:
    """A mean effect in money over the horizon, before cost."""

    mean: float
    se: float
    apart: float | None = None
    """Standard deviation between the parts below it; None where there are fewer than two."""

    def of_a_new_part(self) -> Level:
        """What is believed of a part below it that has no rows yet."""
        apart = self.apart if self.apart is not None else max(PRIOR_SPREAD * abs(self.mean), PRIOR_LEAST)
        return Level(self.mean, float(np.hypot(self.se, apart)))


@dataclass(frozen=True)
class Anchor:
    """What is believed of an exposure without a model: money over the horizon, before cost."""

    effect: float
    se: float = float("nan")
    """Its standard error where sales speak for it; NaN: a bare guess, or money of the strategy as a whole."""


Anchors = Mapping[tuple[str, str], Anchor]
"""(strategy, offer) -> what is believed; offer '' for all."""
Key = tuple[str, ...]
"""(kind, category), or (kind, category, strategy), or (kind, category, strategy, offer)."""


@dataclass(frozen=True)
class Keys:
    """The part that each row belongs to: few names, many numbers."""

    names: tuple[Key, ...]
    codes: npt.NDArray[np.int64]
    """Place in `names` of each row; shape (n,)."""

    @classmethod
    def of(cls, rows: Sequence[Key]) -> Keys:
        """From one key per row."""
        names = sorted(set(rows))
        places = {name: place for place, name in enumerate(names)}
        return cls(tuple(names), np.array([places[row] for row in rows], dtype=np.int64))

    def at(self, which: npt.NDArray[np.bool_]) -> Keys:
        """Those of some rows."""
        return Keys(self.names, self.codes[which])

    def upto(self, depth: int) -> Keys:
        """The wider parts that they belong to."""
        wide = Keys.of([name[:depth] for name in self.names])
        return Keys(wide.names, wide.codes[self.codes])

    def each(self) -> Iterator[tuple[Key, npt.NDArray[np.bool_]]]:
        """Every part that has rows, and which they are."""
        for place in np.unique(self.codes):
            yield self.names[place], self.codes == place


def levels(scores: Numbers, weight: Numbers, keys: Keys) -> dict[Key, Level]:
    """Levels of every part, from all rows down to single offers.

    Each part's own mean is drawn towards that of the part above it, by the spread between the parts beside it (random
    effects: DerSimonian and Laird 1986). Where there is only one part, its own spread says nothing and it stands alone.

    Args:
        scores: Doubly robust score of each row; shape (n,).
        weight: What each says; shape (n,).
        keys: Per row (kind, category, strategy, offer), from wide to narrow.
    """
    found: dict[Key, Level] = {(): _mean(scores, weight)}
    for depth in range(1, max(len(name) for name in keys.names) + 1):
        own = {name: _mean(scores[mine], weight[mine]) for name, mine in keys.upto(depth).each()}
        for above in sorted({key[:-1] for key in own}):
            below = {key: one for key, one in own.items() if key[:-1] == above}
            if len(below) > 1:
                apart = _apart(list(below.values()))
                found[above] = replace(found[above], apart=apart)
                below = {key: _drawn(found[above], one, apart**2) for key, one in below.items()}
            found |= below
    return found


def _mean(scores: Numbers, weight: Numbers) -> Level:
    """The weighted mean and its standard error."""
    total = float(weight.sum())
    mean = float(np.sum(weight * scores) / total)
    spread = float(np.sqrt(np.sum((weight * (scores - mean)) ** 2)) / total)
    return Level(mean, spread * float(np.sqrt(len(scores) / max(len(scores) - 1, 1))) or float("inf"))


def _apart(own: Sequence[Level]) -> float:
    """Standard deviation of the true means of some parts, by the method of moments."""
    means = np.array([one.mean for one in own if np.isfinite(one.se)])
    weights = np.array([1 / one.se**2 for one in own if np.isfinite(one.se)])
    if len(means) < 2:
        return 0.0
    total = weights.sum()
    centre = (weights * means).sum() / total
    scale = total - (weights**2).sum() / total
    if scale <= 0:  # one part is known beyond comparison
        return 0.0
    between = ((weights * (means - centre) ** 2).sum() - (len(means) - 1)) / scale
    return float(np.sqrt(max(0.0, between)))


def _drawn(above: Level, own: Level, between: float) -> Level:
    """A part's own mean drawn towards that of the part above it."""
    if not np.isfinite(own.se):
        return Level(above.mean, float(np.hypot(above.se, np.sqrt(between))))
    trust = between / (between + own.se**2)
    mean = trust * own.mean + (1 - trust) * above.mean
    return Level(mean, float(np.sqrt(trust * own.se**2 + (1 - trust) ** 2 * above.se**2)))


def level_of(found: Mapping[Key, Level], key: Key) -> Level | None:
    """The level of a part; of one that is new, what those beside it have; None if nothing alike was measured.

    A new strategy or offer is judged by others of its kind and category, with the doubt of how far those are apart.
    """
    if key in found:
        return found[key]
    while key and key not in found:
        key = key[:-1]
    return found[key].of_a_new_part() if key else None


def settled_level(prior: Numbers, measured: Level, said: Numbers | None = None) -> tuple[Numbers, Numbers, float]:
    """What is believed beforehand, corrected by a level: precision-weighted (normal prior, normal likelihood).

    Args:
        prior: Money; shape (n,).
        measured: The level.
        said: Standard errors of those of the prior that were measured in another way (what touches have sold), NaN for
            a bare guess; shape (n,). Such a prior is never in more doubt than a guess of its size.

    Returns:
        Means, standard errors, and the least share that the level got.
    """
    before = np.maximum(PRIOR_SPREAD * np.abs(prior), PRIOR_LEAST) ** 2
    before = before if said is None else np.fmin(before, said**2)
    share = before / (before + measured.se**2) if np.isfinite(measured.se) else np.zeros(len(prior))
    return prior + share * (measured.mean - prior), np.sqrt((1 - share) * before), float(share.min(initial=1.0))
