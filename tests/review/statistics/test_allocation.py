from __future__ import annotations

import numpy as np
import pytest

from cultiva.review.statistics.allocation import chances_of_best, thompson_shares


def test_chances_are_those_of_drawing() -> None:
    means, ses = [1.0, 1.5, 0.0, 1.2], [0.5, 0.2, 2.0, 0.4]
    draws = np.random.default_rng(9).normal(means, ses, (400_000, 4)).argmax(axis=1)
    assert chances_of_best(means, ses) == pytest.approx(np.bincount(draws, minlength=4) / 400_000, abs=0.005)


def test_no_offer_falls_below_the_floor() -> None:
    shares = thompson_shares([10.0, 0.0, -5.0], [0.1, 0.1, 0.1], floor=0.1)
    assert shares == pytest.approx([0.8, 0.1, 0.1])
    assert shares.sum() == pytest.approx(1.0)


def test_an_unknown_offer_is_tried() -> None:
    shares = thompson_shares([1.0, 0.8, None], [0.1, 0.1, None], floor=0.02)
    assert shares[2] > 0.2


def test_without_knowledge_or_with_too_high_a_floor_all_are_equal() -> None:
    assert thompson_shares([None, None], [None, None], floor=0.1) == pytest.approx([0.5, 0.5])
    assert thompson_shares([1.0, 2.0, 3.0], [0.1, 0.1, 0.1], floor=0.4) == pytest.approx([1 / 3] * 3)
    assert len(thompson_shares([], [], floor=0.1)) == 0
