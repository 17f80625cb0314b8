"""The search for prices, on functions whose minimum is plain."""

from __future__ import annotations

import numpy as np
import pytest

from cultiva.strategy.allocation.descent import HIGHEST, descend

BENT = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]])
"""Curvature of a bowl."""


class Bowl:
    """A bowl whose lowest point within the box is at (0.5, 0.25, 0): without it the third would be below 0."""

    def __init__(self) -> None:
        self.best, self.at, self.evaluations = np.inf, np.zeros(3), 0

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        slope = BENT @ np.array([0.5, 0.25, 0.0]) - np.array([0.0, 0.0, 1.0])
        value, self.evaluations = float(x @ BENT @ x / 2 - slope @ x) + 3.0, self.evaluations + 1
        if value < self.best:
            self.best, self.at = value, x
        return value, BENT @ x - slope


def test_the_lowest_point_of_a_bowl_within_the_box() -> None:
    bowl = Bowl()
    descend(bowl, np.ones(3), None, evaluations=40, precision=1e-12)
    assert bowl.at == pytest.approx([0.5, 0.25, 0.0], abs=1e-4)


def test_a_known_curvature_saves_evaluations() -> None:
    bowl, again = Bowl(), Bowl()
    descend(bowl, np.ones(3), None, evaluations=40, precision=1e-12)
    descend(again, np.ones(3), BENT, evaluations=40, precision=1e-12)
    assert again.evaluations <= 3 < bowl.evaluations
    assert again.at == pytest.approx([0.5, 0.25, 0.0], abs=1e-9)


def test_what_falls_for_ever_ends_at_the_edge_of_the_box() -> None:
    seen: list[float] = []

    def falling(x: np.ndarray) -> tuple[float, np.ndarray]:
        seen.append(float(x[0]))
        return 1.0 - float(x[0]), np.array([-1.0])

    descend(falling, np.zeros(1), None, evaluations=60, precision=1e-9)
    assert max(seen) == HIGHEST
