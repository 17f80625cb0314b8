"""Intervals keep their promise where the truth is known: a small edition of `python -m benchmarks coverage`."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.coverage import AA_WORLDS, alarm_row, coverage_row
from benchmarks.experiments import worlds
from scipy import stats

MANY = 400
CAREFUL = {"rare share", "hardly reached"}
"""Worlds with so few events that intervals are on the safe side."""
QUICK = [name for name in worlds() if not name.startswith("Pareto")]


@pytest.mark.parametrize("name", QUICK)
def test_intervals_cover_the_truth_as_often_as_they_say(name: str) -> None:
    low, high = stats.binom.interval(0.999, MANY, 0.95) / np.float64(MANY)
    covered = coverage_row(name, worlds()[name], MANY)["covered"]
    assert low <= covered <= (1.0 if name in CAREFUL else high)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Pareto", "Pareto trimmed"])
def test_heavy_tails_too(name: str) -> None:
    low, high = stats.binom.interval(0.999, MANY, 0.95) / np.float64(MANY)
    assert low <= coverage_row(name, worlds()[name], MANY)["covered"] <= high


@pytest.mark.parametrize("name", AA_WORLDS)
def test_reading_every_day_is_safe_with_sequences_and_not_without(name: str) -> None:
    row = alarm_row(name, AA_WORLDS[name], 60)
    assert row["sequence_alarms"] <= stats.binom.ppf(0.999, 60, 0.05) / 60
    if "hardly" not in name:
        assert row["naive_alarms"] > 0.2
