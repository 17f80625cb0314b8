"""Response: how likely a quote is taken up, by group and level, learnt from price cells.

The model. For group g and level j, n quotes of which k were taken up:

    k ~ Binomial(n, p),  logit p[g, j] = a[g] + exp(b[g]) f[j],  0 = f[0] <= f[1] <= ... <= f[L-1] = 1

Levels run from the worst to the best for the customer, so every curve rises: a better price never lowers take-up. The
shape f is common to all groups and bends as the data say: its increments are weights d[j] exp(c[j]) that add up to 1,
where d is the level's distance from the one before; c = 0 is a straight line on the scale of log odds. Groups share
strength: a ~ N(m, s²), b ~ N(u, t²), c ~ N(0, 0.7²); s and t are learnt too, so that groups are drawn together as far
as the data do not tell them apart.

How it is solved. For each (s, t) on a grid the posterior is approximated at its mode (Laplace; Fisher scoring with the
exact gradient); the grid points are weighted by their evidence and a half-normal prior, and drawn from as a mixture.
That is the nested Laplace approximation of Rue, Martino and Chopin (J. R. Stat. Soc. B 71, 2009), in thirty lines for
a model of some dozens of parameters. tests/strategy/pricing compares it with a long Markov chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DRAWS = 2_000
"""Draws from the posterior: quantiles of 5 % are then within a fortieth of the curve's width."""
INTERVAL = 0.9
"""Share of the posterior within the interval that is stated."""
_SPREAD_A, _SPREAD_B = (0.05, 0.2, 0.5, 1.0, 2.0), (0.05, 0.15, 0.35, 0.8, 1.5)
"""Grid of s and t."""
_PRIOR_SPREAD = 1.0
"""Scale of the half-normal prior of s and of t."""
_CURVE = 0.7
"""Spread of the shape's weights, as a logarithm."""
_CENTRE, _SLOPE = (-3.5, 2.0), (0.0, 1.0)
"""Mean and spread of m and of u: a take-up of 5 % at the worst price, and odds that rise e-fold to the best."""
_ROUNDS, _CLOSE = 60, 1e-6
_NEVER = 1e-12
"""Take-up whose odds are not told apart any more."""


@dataclass(frozen=True)
class Counts:
    """What drawn prices have shown."""

    groups: tuple[str, ...]
    """Names."""
    levels: tuple[float, ...]
    """Prices from the worst to the best for the customer."""
    quoted: Ints
    """Customers quoted, shape (groups, levels)."""
    taken: Ints
    """Those of them who took it up in time; same shape."""

    def __post_init__(self) -> None:
        shape = (len(self.groups), len(self.levels))
        assert self.quoted.shape == self.taken.shape == shape, (self.quoted.shape, self.taken.shape, shape)
        assert bool((self.taken <= self.quoted).all()), "more were taken than quoted"


@dataclass(frozen=True)
class Curves:
    """Take-up by group and level, with its uncertainty."""

    draws: Floats
    """Draws from the posterior, shape (draws, groups, levels); each rises with the level."""

    @property
    def mean(self) -> Floats:
        """Expected take-up, shape (groups, levels)."""
        found: Floats = self.draws.mean(axis=0)
        return found

    @property
    def interval(self) -> tuple[Floats, Floats]:
        """Lower and upper end of the interval in which it lies with probability INTERVAL; same shape each."""
        low, high = np.quantile(self.draws, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=0)
        return low, high

    @property
    def rise(self) -> Floats:
        """Log odds from the worst to the best price, draws by group: how much price moves them."""
        sure = np.clip(self.draws[:, :, [0, -1]], _NEVER, 1 - _NEVER)
        ends = np.log(sure / (1 - sure))
        found: Floats = ends[:, :, 1] - ends[:, :, 0]
        return found


def learn(counts: Counts, *, seed: int = 0, draws: int = DRAWS) -> Curves:
    """Learns the curves of all groups together.

    Args:
        counts: At least two levels and one group; cells without quotes are allowed.
        seed: Of the draws; equal counts and seeds give equal curves.
        draws: How many.
    """
    model = _Model(counts)
    fits: list[_Fit] = []
    several = len(counts.groups) > 1  # one group has nothing to be told apart from
    for s in _SPREAD_A if several else _SPREAD_A[:1]:
        for t in _SPREAD_B if several else _SPREAD_B[:1]:
            fits.append(model.fit(s, t, fits[-1].mode if fits else model.start()))
    evidence = np.array([one.evidence for one in fits])
    weight = np.exp(evidence - evidence.max())
    rng = np.random.default_rng([seed, 83])
    share = rng.multinomial(draws, weight / weight.sum())
    found = [model.curves(one.draw(rng, int(count))) for one, count in zip(fits, share, strict=True) if count]
    return Curves(np.concatenate(found))


@dataclass(frozen=True)
class _Fit:
    """A normal approximation at the mode for one (s, t)."""

    mode: Floats
    factor: Floats
    """Cholesky factor of the precision, lower triangle."""
    evidence: float

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Parameters, shape (count, parameters)."""
        from scipy.linalg import solve_triangular

        noise = rng.standard_normal((self.mode.size, count))
        return self.mode + solve_triangular(self.factor, noise, lower=True, trans=1).T


class _Model:
    """The posterior for given s and t; parameters are a (groups), b (groups), c (levels - 1), m, u."""

    def __init__(self, counts: Counts) -> None:
        self.n, self.k = counts.quoted.astype(np.float64), counts.taken.astype(np.float64)
        gaps = np.abs(np.diff(np.array(counts.levels, dtype=np.float64)))
        self.gaps = gaps / gaps.sum()
        groups, levels = self.n.shape
        self.a, self.b = slice(0, groups), slice(groups, 2 * groups)
        self.c = slice(2 * groups, 2 * groups + levels - 1)
        self.size = 2 * groups + levels + 1
        self.groups = groups

    def shape(self, c: Floats) -> tuple[Floats, Floats]:
        """The common shape f and its increments, last axis (levels,) and (levels - 1,)."""
        weight = self.gaps * np.exp(c - c.max(axis=-1, keepdims=True))
        weight = weight / weight.sum(axis=-1, keepdims=True)
        start = np.zeros((*weight.shape[:-1], 1))
        return np.concatenate([start, np.cumsum(weight, axis=-1)], axis=-1), weight

    def curves(self, theta: Floats) -> Floats:
        """Take-up for many parameter vectors, shape (draws, groups, levels)."""
        f, _ = self.shape(theta[:, self.c])
        odds = theta[:, self.a, None] + np.exp(theta[:, self.b, None]) * f[:, None, :]
        return 1.0 / (1.0 + np.exp(-odds))

    def start(self) -> Floats:
        """Where the search begins: one take-up for all groups, rising in a straight line."""
        theta = np.zeros(self.size)
        rate = (self.k.sum() + 0.5) / (self.n.sum() + 10.0)
        theta[self.a] = theta[-2] = np.log(rate / (1 - rate)) - 0.5
        return theta

    def fit(self, s: float, t: float, start: Floats) -> _Fit:
        """Finds the mode by Fisher scoring with step halving, and its evidence."""
        theta = start
        value, gradient, precision = self._at(theta, s, t)
        for _ in range(_ROUNDS):
            step = np.linalg.solve(precision, gradient)
            for _ in range(30):
                tried = self._at(theta + step, s, t)
                if tried[0] >= value:
                    break
                step = step / 2
            gain = tried[0] - value
            if gain < 0:
                break
            theta, (value, gradient, precision) = theta + step, tried
            if gain < _CLOSE:
                break
        factor: Floats = np.asarray(np.linalg.cholesky(precision), dtype=np.float64)
        evidence = value - float(np.log(np.diag(factor)).sum())
        hyper = -(s**2 + t**2) / (2 * _PRIOR_SPREAD**2) + np.log(s * t)  # the grid is even on a logarithmic scale
        return _Fit(theta, factor, evidence + float(hyper))

    def _at(self, theta: Floats, s: float, t: float) -> tuple[float, Floats, Floats]:
        """Log posterior density, its gradient, and the expected precision (Fisher information and prior)."""
        f, increments = self.shape(theta[self.c])
        slope = np.exp(np.clip(theta[self.b], -20.0, 6.0))
        odds = theta[self.a, None] + slope[:, None] * f
        p = 1.0 / (1.0 + np.exp(-odds))
        likelihood = float((self.k * odds - self.n * np.logaddexp(0.0, odds)).sum())
        jacobian = self._jacobian(f, increments, slope)
        gradient = jacobian.T @ (self.k - self.n * p).ravel()
        precision = jacobian.T @ (jacobian * (self.n * p * (1 - p)).ravel()[:, None])
        prior, prior_gradient, prior_precision = self._prior(theta, s, t)
        return likelihood + prior, gradient + prior_gradient, precision + prior_precision

    def _jacobian(self, f: Floats, increments: Floats, slope: Floats) -> Floats:
        """Derivatives of the log odds, shape (groups * levels, parameters)."""
        groups, levels = self.n.shape
        found = np.zeros((groups, levels, self.size))
        each = np.arange(groups)
        found[each, :, each] = 1.0
        found[each, :, groups + each] = slope[:, None] * f
        upto = np.arange(1, levels)[None, :] <= np.arange(levels)[:, None]
        found[:, :, self.c] = slope[:, None, None] * increments * (upto - f[:, None])
        return found.reshape(groups * levels, self.size)

    def _prior(self, theta: Floats, s: float, t: float) -> tuple[float, Floats, Floats]:
        """Log density with its constants that depend on s and t, gradient, and precision."""
        gradient, precision = np.zeros(self.size), np.zeros((self.size, self.size))
        value = 0.0
        for part, mean, spread in ((self.a, -2, s), (self.b, -1, t)):
            off, weight = theta[part] - theta[mean], 1 / spread**2
            value -= 0.5 * weight * float(off @ off) + self.groups * np.log(spread)
            gradient[part] -= weight * off
            gradient[mean] += weight * off.sum()
            at = np.arange(self.size)[part]
            precision[at, at] += weight
            precision[at, mean] -= weight
            precision[mean, at] -= weight
            precision[mean, mean] += weight * self.groups
        for place, (centre, spread) in ((-2, _CENTRE), (-1, _SLOPE)):
            off = theta[place] - centre
            value -= 0.5 * (off / spread) ** 2
            gradient[place] -= off / spread**2
            precision[place, place] += 1 / spread**2
        value -= 0.5 * float(theta[self.c] @ theta[self.c]) / _CURVE**2
        gradient[self.c] -= theta[self.c] / _CURVE**2
        at = np.arange(self.size)[self.c]
        precision[at, at] += 1 / _CURVE**2
        return value, gradient, precision
