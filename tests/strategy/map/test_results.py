"""Targets against what was measured."""

from __future__ import annotations

import pytest

from cultiva.definitions.strategies import Objective
from cultiva.strategy.map.places import Standing
from cultiva.strategy.map.results import standing_of


@pytest.mark.parametrize(
    ("direction", "span", "expected"),
    [
        ("increase", (12.0, 10.5, 14.0), Standing.REACHED),
        ("increase", (12.0, 8.0, 14.0), Standing.POSSIBLE),
        ("increase", (4.0, 1.0, 7.0), Standing.MISSED),
        ("decrease", (-12.0, -14.0, -10.5), Standing.REACHED),
        ("decrease", (-12.0, -14.0, -8.0), Standing.POSSIBLE),
        ("decrease", (12.0, 10.5, 14.0), Standing.MISSED),
        ("increase", (12.0, None, None), Standing.POSSIBLE),
        ("increase", (None, None, None), Standing.UNKNOWN),
    ],
)
def test_a_target_is_reached_if_the_whole_interval_is_there(
    direction: str, span: tuple[float | None, float | None, float | None], expected: Standing
) -> None:
    aim = Objective.model_validate({"metric": "aum", "direction": direction, "target": 10.0})
    assert standing_of(aim, *span) is expected


def test_without_a_target_nothing_stands() -> None:
    assert standing_of(Objective(metric="aum"), 5.0, 1.0, 9.0) is Standing.UNKNOWN
