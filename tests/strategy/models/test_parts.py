"""The parts of the models against numbers worked out by hand, or by another way."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cultiva.definitions.models import Promotion
from cultiva.strategy.models.calibration import area, calibrate, error, table
from cultiva.strategy.models.drift import Spread, drift, spread_of, spreads, stability
from cultiva.strategy.models.effect import centre_of, centres_of
from cultiva.strategy.models.heterogeneity import FOLDS, Crossfit, weigh
from cultiva.strategy.models.learners import Trial, doubly_robust
from cultiva.strategy.models.levels import Keys, Level, level_of, levels, settled_level
from cultiva.strategy.models.value import Scores, compare, touched_share

DRAW = np.random.default_rng(11)


def trial(count: int = 2000, share: float = 0.7) -> Trial:
    draw = np.random.default_rng(5)
    rows, treated = draw.normal(size=(count, 2)), draw.random(count) < share
    money = rows[:, 0] * 3 + treated * (1 + 2 * rows[:, 1]) + draw.normal(size=count)
    return Trial(rows, treated, np.full(count, share), money, np.ones(count))


def test_the_doubly_robust_score_is_right_on_average_with_any_outcome_model() -> None:
    one = trial(200_000)
    for with_touch, without in ((np.zeros(len(one)), np.zeros(len(one))), (one.rows[:, 0] * 3 + 1, one.rows[:, 0] * 3)):
        assert doubly_robust(one, with_touch, without).mean() == pytest.approx(1.0, abs=0.05)


def test_learners_weigh_what_they_foretell() -> None:
    """One learner knows the effect, one knows twice the effect, one says the opposite."""
    one = trial(20_000)
    effect = 1 + 2 * one.rows[:, 1]
    score = doubly_robust(one, one.rows[:, 0] * 3 + effect, one.rows[:, 0] * 3)
    fold = np.random.default_rng(1).integers(0, 2 * FOLDS, len(one))
    groups = np.zeros(len(one), dtype=np.int64)
    for name, said, weight in (("right", effect, 1.0), ("twice", 2 * effect, 0.5), ("opposite", -effect, 0.0)):
        blend = weigh(Crossfit(score, {name: said}, fold), one, groups)
        assert blend.weights[name] == pytest.approx(weight, abs=0.03)
        assert blend.belief == pytest.approx(1.0 if weight else 0.0, abs=0.03)


def test_noise_is_not_believed() -> None:
    one = trial(20_000)
    score = doubly_robust(one, one.rows[:, 0] * 3, one.rows[:, 0] * 3)
    fold = np.random.default_rng(1).integers(0, 2 * FOLDS, len(one))
    believed = []
    for seed in range(20):
        said = np.random.default_rng(seed).normal(size=len(one))
        blend = weigh(Crossfit(score, {"noise": said}, fold), one, np.zeros(len(one), dtype=np.int64))
        believed.append(blend.belief * blend.weights["noise"])
    assert np.mean(np.abs(believed)) < 0.02


def test_levels_are_drawn_together_by_how_far_parts_are_apart() -> None:
    """Offers x and y alike, few rows: both near their mean; offers p and q far apart, many rows: each its own."""
    scores = np.concatenate([DRAW.normal(5, 30, 100), DRAW.normal(5, 30, 100), DRAW.normal(-50, 5, 5000),
                             DRAW.normal(50, 5, 5000)])  # fmt: skip
    keys = [("k", "c", "s", "x")] * 100 + [("k", "c", "s", "y")] * 100
    keys += [("k", "d", "s", "p")] * 5000 + [("k", "d", "s", "q")] * 5000
    found = levels(scores, np.ones(len(scores)), Keys.of(keys))
    own = [scores[:100].mean(), scores[100:200].mean()]
    drawn = [found["k", "c", "s", name].mean for name in "xy"]
    assert abs(drawn[0] - drawn[1]) < abs(own[0] - own[1]) / 2
    assert found["k", "d", "s", "p"].mean == pytest.approx(-50, abs=0.5)
    assert found["k", "d", "s", "q"].mean == pytest.approx(50, abs=0.5)
    new = level_of(found, ("k", "d", "s", "new"))
    assert new is not None and new.se > 30, "p and q are 100 apart, so a third may be anywhere"
    assert level_of(found, ("other", "d", "s", "p")) is None


def test_a_level_moves_the_prior_as_far_as_it_is_sure() -> None:
    means, errors, least = settled_level(np.array([10.0, 0.0]), Level(-5.0, 20.0))
    assert means[0] == pytest.approx(2.5) and errors[0] == pytest.approx(np.sqrt(200))
    assert means[1] == pytest.approx(-5 / 401) and least == pytest.approx(1 / 401)
    same, _, none = settled_level(np.array([3.0]), Level(-5.0, float("inf")))
    assert same[0] == 3.0 and none == 0.0


def test_what_touches_have_sold_holds_against_a_level() -> None:
    """A level of 30 that is hardly sure: a guess of 10 goes a long way towards it, 10 that sales say does not."""
    level, prior = Level(30.0, 10.0), np.array([10.0, 10.0, 10.0, 0.0])
    means, errors, _ = settled_level(prior, level, np.array([np.nan, 2.0, 500.0, 500.0]))
    assert means[0] == means[2] == pytest.approx(26.0), "sales that say nothing are a guess"
    assert means[1] == pytest.approx(10 + 20 * 4 / 104) and errors[1] == pytest.approx(np.sqrt(4 * 100 / 104))
    assert means[3] == pytest.approx(30 / 101), "of a touch that sells nothing by itself little is believed"


def test_what_an_offer_brings_on_the_whole_is_not_for_trees_to_say() -> None:
    """Trees that give one offer of a strategy 40 more than another move no money from the one to the other."""
    draw = np.random.default_rng(8)
    pairs = [("a", "check_up"), ("a", "fund"), ("b", "fund")]
    rows = [("service" if offer == "check_up" else "product", "", strategy, offer) for strategy, offer in pairs] * 200
    keys, weight = Keys.of(rows), draw.uniform(0.2, 1.0, 600)
    said = draw.normal(0, 5, 600) + np.array([40.0 if key[3] == "check_up" else 0.0 for key in rows])
    centres = centres_of(said, weight, keys)
    gains = said - np.array([centre_of(centres, key) for key in rows])
    for strategy, offer in pairs:
        mine = np.array([key[2:] == (strategy, offer) for key in rows])
        assert np.average(gains[mine], weights=weight[mine]) == pytest.approx(0.0, abs=1e-9)
    assert centre_of(centres, ("product", "", "a", "new")) == centres["a"], "a new offer of a known strategy"
    assert centre_of(centres, ("service", "", "new", "new")) == centres["service|"]
    assert np.isnan(centre_of(centres, ("content", "", "new", "new")))


def test_a_policy_touches_the_best_first_and_ties_share_the_room() -> None:
    assert touched_share(np.array([3.0, 2.0, 1.0, -1.0])).tolist() == pytest.approx([0.92, 0.68, 0.42, 0.0])
    assert touched_share(np.full(4, 1.0)).tolist() == pytest.approx([0.55] * 4)


def test_a_challenger_has_to_be_surely_better() -> None:
    draw = np.random.default_rng(2)
    effect, count = draw.normal(0, 1, 4000), 4000
    faint, clear = draw.normal(effect, 60.0), draw.normal(effect, 2.0)
    right, wrong = effect, -effect
    assert compare(Scores(clear, clear), right, wrong, Promotion()).promoted
    assert not compare(Scores(clear, clear), wrong, right, Promotion()).promoted
    assert not compare(Scores(clear, clear), right, 2 * right, Promotion()).promoted, "the same customers"
    assert not compare(Scores(clear, clear), right, wrong, Promotion(gain_min=5.0)).promoted
    chances = [
        compare(Scores(faint[order], faint[order]), right, right[order], Promotion(confidence=0.95)).promoted
        for order in (draw.permutation(count) for _ in range(20))
    ]
    assert sum(chances) <= 4


def test_chances_come_true_and_ranks_are_kept() -> None:
    draw = np.random.default_rng(3)
    said = draw.random(20_000)
    taken = (draw.random(20_000) < said**2).astype(float)
    for count, way in ((20_000, "isotonic"), (800, "platt")):
        curve = calibrate(said[:count], taken[:count])
        assert curve.way == way
        fresh = np.linspace(0.05, 0.95, 50)
        assert np.max(np.abs(curve(fresh) - fresh**2)) < (0.05 if way == "isotonic" else 0.12)
        assert np.all(np.diff(curve(np.sort(said[:500]))) > 0)
    assert error(said**2, taken) < 0.01 < error(said, taken)
    assert len(table(said, taken)) == 10
    assert area(said, taken) == pytest.approx(roc_auc_score(taken, said), abs=1e-12)


def test_chances_that_know_nothing_become_the_mean() -> None:
    draw = np.random.default_rng(3)
    taken = (draw.random(500) < 0.2).astype(float)
    curve = calibrate(1 - taken * 0.5 - draw.random(500) * 0.1, taken)
    assert np.allclose(curve(np.array([0.1, 0.9])), taken.mean())


def test_drift_is_none_for_the_same_and_large_for_others() -> None:
    draw = np.random.default_rng(4)
    rows = np.column_stack([draw.normal(size=5000), draw.integers(0, 3, 5000).astype(float)])
    known = spreads(rows, ["a", "b"])
    assert max(drift(known, rows, ["a", "b"]).values()) == 0.0
    assert drift(known, draw.permutation(rows), ["a", "b"])["a"] < 1e-9
    moved = drift(known, rows + np.array([1.0, 0.0]), ["a", "b"])
    assert next(iter(moved)) == "a" and moved["a"] > 0.5 and moved["b"] == 0.0
    halves = Spread((0.0,), (0.5, 0.5, 0.0))
    assert spread_of(np.array([np.nan, 1.0])).shares[-1] == 0.5
    assert stability(halves, np.array([-1.0, -1.0, -1.0, 1.0])) == pytest.approx(
        0.25 * np.log(0.75 / 0.5) - 0.25 * np.log(0.25 / 0.5)
    )
