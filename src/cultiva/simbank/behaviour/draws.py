"""All the chance of one week, drawn before anything happens: equal for a bank and its twins."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from scipy.special import ndtri

from cultiva.simbank.arrays import Floats

_LEAST = 2.0**-33


@dataclass(frozen=True)
class Draws:
    """Numbers for every customer and topic of one week, made when they are first asked for and then kept.

    Each topic has its own stream from (seed, week, topic) and a size that only the bank decides, so that two banks
    that share seed and size meet the same chance: common random numbers.
    """

    seed: int
    week: int
    """Number of the week, any integer >= 0; a simulation counts its weeks."""
    n: int
    """Customers."""
    kept: dict[tuple[str, int], Floats] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, seed: int, week: int, n: int) -> Draws:
        """The chance of one week for `n` customers."""
        return cls(seed, week, n)

    def uniform(self, topic: str, columns: int = 0) -> Floats:
        """Numbers in (0, 1), shape (n,) or (n, columns); the same array at every call, not to be changed."""
        key = (topic, columns)
        if key not in self.kept:
            rng = np.random.default_rng([self.seed, self.week, crc32(topic.encode())])
            shape = (self.n, columns) if columns else (self.n,)
            drawn = np.maximum(rng.random(shape), _LEAST)
            drawn.setflags(write=False)
            self.kept[key] = drawn
        return self.kept[key]

    def normal(self, topic: str, columns: int = 0) -> Floats:
        """Standard normal numbers, shape (n,) or (n, columns)."""
        key = (f"{topic} (normal)", columns)
        if key not in self.kept:
            drawn = ndtri(self.uniform(topic, columns))
            drawn.setflags(write=False)
            self.kept[key] = drawn
        return self.kept[key]
