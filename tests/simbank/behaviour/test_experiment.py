"""Experiments in milliseconds whose truth is known: differences of means cover it as often as they should."""

from __future__ import annotations

import numpy as np
import pytest

from cultiva.simbank.behaviour.experiment import experiment, superpopulation_truth
from cultiva.simbank.world import load_world


def test_the_same_arguments_give_the_same_experiment() -> None:
    world = load_world("ordinary")
    one, other = (experiment(world, customers=500, seed=3, weeks=4) for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(one["y"], experiment(world, customers=500, seed=4, weeks=4)["y"])


def test_the_arrays_fit_together() -> None:
    found = experiment(load_world("sleeping_dogs"), customers=2_000, seed=1, holdout=0.3, weeks=6)
    assert found["daily"].shape == (42, 2_000)
    assert np.allclose(found["daily"].sum(axis=0, dtype=np.float64), found["y"], rtol=1e-4)
    assert np.array_equal(found["y"], np.where(found["treated"], found["y1"], found["y0"]))
    assert np.allclose(found["effect"], found["y1"] - found["y0"])
    assert 0.65 < found["treated"].mean() < 0.75
    assert np.corrcoef(found["x"], found["y"])[0, 1] > 0.5
    clustered = experiment(load_world("ordinary"), customers=2_000, seed=1, clustered=True)
    by_cluster = [clustered["treated"][clustered["cluster"] == code] for code in range(20)]
    assert all(arm.all() or not arm.any() for arm in by_cluster)


def test_nothing_happens_in_a_world_without_effect() -> None:
    found = experiment(load_world("no_effect"), customers=1_000, seed=1)
    assert (found["effect"] == 0).all()
    assert found["truth"] == found["truth_converted"] == 0


@pytest.mark.parametrize("name", ["ordinary", "contact_hurts", "one_group"])
def test_the_truth_is_what_experiments_find_on_average(name: str) -> None:
    world = load_world(name)
    money, taken = superpopulation_truth(world, 4)
    found = [experiment(world, customers=4_000, seed=seed, weeks=4) for seed in range(60)]
    for key, truth in (("effect", money), ("converted_effect", taken)):
        means = np.array([one[key].mean() for one in found])
        assert abs(means.mean() - truth) < 4 * means.std() / len(means) ** 0.5
    assert (money < 0) == (name == "contact_hurts")
    assert money != 0


def test_a_difference_of_means_covers_the_truth_nineteen_times_in_twenty() -> None:
    world, hits = load_world("ordinary"), 0
    for seed in range(300):
        one = experiment(world, customers=1_000, seed=seed, weeks=4)
        arms = one["y"][one["treated"]], one["y"][~one["treated"]]
        error = sum(arm.var(ddof=1) / arm.size for arm in arms) ** 0.5
        hits += abs(arms[0].mean() - arms[1].mean() - one["truth"]) < 1.96 * error
    assert 0.91 < hits / 300 < 0.985
