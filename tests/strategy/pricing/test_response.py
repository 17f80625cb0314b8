"""Response curves: they rise, share strength between groups, and agree with a long Markov chain."""

from __future__ import annotations

import numpy as np
import pytest
from tests.strategy.pricing.templates import LEVELS, take_ups

from cultiva.strategy.pricing.response import Counts, Floats, learn

CHAIN, BURNT = 80_000, 15_000


def counted(take_up: Floats, quoted: list[int], *, seed: int = 3) -> Counts:
    rng = np.random.default_rng(seed)
    n = np.tile(np.array(quoted, dtype=np.int64)[:, None], (1, take_up.shape[1]))
    names = tuple(f"group {place}" for place in range(len(quoted)))
    return Counts(names, LEVELS[: take_up.shape[1]], n, rng.binomial(n, take_up))


@pytest.mark.parametrize("quoted", [0, 5, 300, 30_000])
def test_a_better_price_never_lowers_take_up(quoted: int) -> None:
    falling = take_ups([-2.0, -3.0], [1.0, 2.0])[:, ::-1]  # whatever the data say
    found = learn(counted(falling, [quoted, quoted]))
    assert bool((np.diff(found.draws, axis=2) >= 0).all())
    assert bool(np.isfinite(found.draws).all())


def test_with_much_data_the_curve_is_what_was_seen() -> None:
    true = take_ups([-4.0, -3.0, -5.0], [1.0, 3.0, 2.0], bend=0.4)
    found = learn(counted(true, [200_000] * 3))
    assert found.mean == pytest.approx(true, rel=0.08)
    low, high = found.interval
    assert float(((true >= low) & (true <= high)).mean()) > 0.7
    assert float((high - low).max()) < 0.005


def test_the_same_counts_give_the_same_curve() -> None:
    counts = counted(take_ups([-3.0, -3.5], [1.0, 1.5]), [150, 60])
    assert bool((learn(counts).draws == learn(counts).draws).all())


def test_a_small_group_is_drawn_towards_the_others() -> None:
    true = take_ups([-3.0] * 5, [1.5] * 5)
    counts = counted(true, [5_000] * 4 + [40], seed=5)
    taken = counts.taken.copy()
    taken[4] = [6, 0, 5, 0, 6, 0]  # what chance does to forty customers a cell
    found = learn(Counts(counts.groups, counts.levels, counts.quoted, taken))
    raw = taken[4] / counts.quoted[4]
    off_raw, off_true = np.abs(found.mean[4] - raw).sum(), np.abs(found.mean[4] - true[4]).sum()
    assert off_true < 0.5 * np.abs(raw - true[4]).sum() < off_raw
    widths = np.diff(found.interval, axis=0)[0]
    assert bool((widths[4] > 2 * widths[:4]).all())


def test_groups_that_differ_are_told_apart_when_there_are_data() -> None:
    true = take_ups([-4.0, -4.0], [0.3, 3.0])
    found = learn(counted(true, [4_000, 4_000]))
    assert float((found.rise[:, 1] > found.rise[:, 0]).mean()) > 0.99


def test_the_posterior_is_that_of_a_long_markov_chain() -> None:
    """The same model, written down a second time, and sampled without approximation."""
    true = take_ups([-2.5, -3.5], [1.0, 2.0])[:, [0, 2, 5]]
    counts = Counts(("a", "b"), (0.084, 0.072, 0.054), np.full((2, 3), 400), np.zeros((2, 3), dtype=np.int64))
    counts = Counts(counts.groups, counts.levels, counts.quoted, np.random.default_rng(2).binomial(400, true))
    chain = _chain(counts)
    found = learn(counts, draws=8_000)
    low, high = found.interval
    exact_low, exact_high = np.quantile(chain, [0.05, 0.95], axis=0)
    width = exact_high - exact_low
    assert float((np.abs(found.mean - chain.mean(axis=0)) / width).max()) < 0.15
    assert float((np.abs(low - exact_low) / width).max()) < 0.2
    assert float((np.abs(high - exact_high) / width).max()) < 0.2


def _density(x: Floats, counts: Counts) -> float:
    """Parameters: a, b (2 each), c (2), m, u, log s, log t."""
    a, b, c, (m, u, log_s, log_t) = x[0:2], x[2:4], x[4:6], x[6:10]
    if not (np.log(0.04) < log_s < np.log(2.5) and np.log(0.04) < log_t < np.log(1.9)):
        return -np.inf
    s, t = np.exp(log_s), np.exp(log_t)
    gaps = np.abs(np.diff(counts.levels))
    weight = gaps * np.exp(c)
    f = np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])
    odds = a[:, None] + np.exp(b)[:, None] * f
    value = float((counts.taken * odds - counts.quoted * np.logaddexp(0, odds)).sum())
    value -= float(((a - m) ** 2).sum() / (2 * s**2) + ((b - u) ** 2).sum() / (2 * t**2)) + 2 * (log_s + log_t)
    value -= float((c**2).sum()) / (2 * 0.7**2) + (m + 3.5) ** 2 / 8 + u**2 / 2
    return value - (s**2 + t**2) / 2 + log_s + log_t


def _chain(counts: Counts) -> Floats:
    """Take-up along a Metropolis chain whose steps adapt while it warms up; shape (draws, groups, levels)."""
    rng = np.random.default_rng(4)
    x = np.array([-2.5, -3.0, 0.0, 0.5, 0.0, 0.0, -3.0, 0.2, -0.5, -0.5])
    now, kept = _density(x, counts), np.empty((CHAIN, x.size))
    factor = np.eye(x.size) * 0.1
    for step in range(CHAIN):
        tried = x + factor @ rng.standard_normal(x.size)
        value = _density(tried, counts)
        if np.log(rng.random()) < value - now:
            x, now = tried, value
        kept[step] = x
        if step in (2_000, 6_000, 12_000):
            factor = np.linalg.cholesky(np.cov(kept[step // 2 : step].T) + 1e-6 * np.eye(x.size)) * 2.38 / x.size**0.5
    rest = kept[BURNT::10]
    gaps = np.abs(np.diff(counts.levels))
    weight = gaps * np.exp(rest[:, 4:6])
    f = np.concatenate(
        [np.zeros((len(rest), 1)), np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)], axis=1
    )
    odds = rest[:, 0:2, None] + np.exp(rest[:, 2:4, None]) * f[:, None, :]
    found: Floats = 1 / (1 + np.exp(-odds))
    return found
