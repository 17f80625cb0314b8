"""Curves, S and the surrogate: what they foresee, what they add up to, and what they are trusted with."""

from __future__ import annotations

import numpy as np
import pytest

from cultiva.definitions.models import Promotion
from cultiva.strategy.models import linear
from cultiva.strategy.models.boosting import Inputs, Numbers
from cultiva.strategy.models.foresight import TWICE, contributions, foreseen
from cultiva.strategy.models.heterogeneity import FOLDS, begin
from cultiva.strategy.models.learners import LEARNERS, Trial
from cultiva.strategy.models.value import Estimate, Scores, compare, gain_unseen

INPUTS = Inputs(("number", "gaps", "name"), (2,))


def rows(count: int, seed: int = 3) -> Numbers:
    draw = np.random.default_rng(seed)
    gaps = np.where(draw.random(count) < 0.3, np.nan, draw.lognormal(size=count))
    return np.column_stack([draw.normal(size=count), gaps, draw.integers(0, 4, count)])


def trial(count: int, near: bool = False) -> Trial:
    """Who has the name 3 gains 5, all others nothing; a nearer result shows a tenth of it without noise in money."""
    draw, known = np.random.default_rng(4), rows(count)
    treated, gain = draw.random(count) < 0.6, 5.0 * (known[:, 2] == 3)
    money = 2 * known[:, 0] + gain * treated + draw.normal(0, 8, count)
    chance = 0.1 + 0.1 * gain * treated
    visit = (draw.random(count) < chance).astype(float) if near else None
    return Trial(known, treated, np.full(count, 0.6), money, np.ones(count), visit)


def test_curves_find_lines_steps_and_what_missing_means() -> None:
    known = rows(20_000)
    truth = 3 * known[:, 0] + np.where(np.isnan(known[:, 1]), 4.0, 0.0) - 2 * (known[:, 2] == 1)
    noisy = truth + np.random.default_rng(5).normal(0, 1, len(truth))
    ridge = linear.Ridge(linear.design(known, INPUTS), np.ones(len(known)), np.arange(len(known)) % 2)
    text, said = ridge.fit(noisy, [0])
    assert np.allclose(linear.foreseen(text, known), said, atol=1e-6), "the text says what the fit has said"
    fresh = rows(5000, seed=9)
    right = 3 * fresh[:, 0] + np.where(np.isnan(fresh[:, 1]), 4.0, 0.0) - 2 * (fresh[:, 2] == 1)
    inside = np.abs(fresh[:, 0]) < 2
    assert np.abs(linear.foreseen(text, fresh) - right)[inside].max() < 0.5


def test_curves_of_noise_are_nearly_flat() -> None:
    known, noise = rows(2000), np.random.default_rng(6).normal(0, 50, 2000)
    ridge = linear.Ridge(linear.design(known, INPUTS), np.ones(2000), np.zeros(2000, dtype=np.int64))
    assert ridge.fit(noise, [0])[1].std() < 5.0


def test_a_value_never_seen_is_taken_as_missing() -> None:
    known = rows(2000)
    ridge = linear.Ridge(linear.design(known, INPUTS), np.ones(2000), np.zeros(2000, dtype=np.int64))
    text, _ = ridge.fit(10 * known[:, 2], [0])
    new, missing = known[:1].copy(), known[:1].copy()
    new[0, 2], missing[0, 2] = 77, np.nan
    assert linear.foreseen(text, new)[0] == linear.foreseen(text, missing)[0]


def test_every_learner_foresees_who_gains_and_its_columns_add_up() -> None:
    one = trial(12_000, near=True)
    learning = begin(one, INPUTS, LEARNERS, np.random.default_rng(7).integers(0, FOLDS, len(one)))
    gains = one.rows[:, 2] == 3
    unseen, whole = learning.crossfit().effects, learning.whole()[0]
    assert set(unseen) == set(LEARNERS) == set(whole)
    for name, effect in unseen.items():
        assert effect[gains].mean() - effect[~gains].mean() > 2.0, name
    for parts in whole.values():
        for text, _ in parts:
            added = contributions(text, one.rows[:50])
            assert added.shape == (50, 4)
            assert np.allclose(added.sum(axis=1), foreseen(text, one.rows[:50]), atol=1e-6)
    assert whole["s"][0][0].startswith(TWICE)


def test_a_nearer_result_sees_what_rare_money_hides() -> None:
    """Money is there for one in a hundred; the visit tells who gains all the same."""
    base, draw = trial(12_000, near=True), np.random.default_rng(8)
    assert base.near is not None
    money = np.where((base.near > 0) & (draw.random(len(base)) < 0.05), draw.lognormal(4, 1, len(base)), 0.0)
    one = Trial(base.rows, base.treated, base.share, money, base.weight, base.near)
    found = begin(one, INPUTS, LEARNERS, draw.integers(0, FOLDS, len(one))).crossfit().effects
    gains = one.rows[:, 2] == 3

    def told(effect: Numbers) -> float:
        return float((effect[gains].mean() - effect[~gains].mean()) / effect.std())

    assert told(found["take_up"]) > 1.8
    assert told(found["take_up"]) > max(told(found[name]) for name in ("dr", "x"))


def test_unseen_folds_make_a_judgement_surer_and_never_override_those_held_back() -> None:
    draw = np.random.default_rng(3)
    effect = draw.normal(0, 1, 4000)
    faint = draw.normal(effect, 25.0)
    scores, right = Scores(faint, faint), effect
    alone = compare(scores, right, np.zeros(4000), Promotion(confidence=0.999))
    clear = Estimate(0.3, 0.28, 0.32, 0.01)
    both = compare(scores, right, np.zeros(4000), Promotion(confidence=0.999), clear)
    assert alone.gain["dr"].value > 0 and not alone.promoted and both.promoted
    assert both.together.value == pytest.approx(0.3, abs=0.02)
    assert not compare(scores, -right, right, Promotion(), clear).promoted


def test_an_order_gains_where_room_is_short() -> None:
    draw = np.random.default_rng(3)
    effect = draw.normal(1, 1, 4000)
    found = gain_unseen(effect, effect - 1, np.ones(4000))
    assert found.low > 0
    assert gain_unseen(effect, np.zeros(4000), np.ones(4000)).value == 0
