from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cultiva.definitions.segments import Clusters
from cultiva.insight.groups.clusters import assign, cluster, numbers

points = arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(-3, 3))


def blobs(count: int, *, seed: int = 0, rows: int = 300) -> np.ndarray:
    random = np.random.default_rng(seed)
    middles = np.array([[0, 0], [2.5, 0], [0, 2.5], [-2.5, -2.5]])[:count]
    return np.asarray(middles[np.arange(rows) % count] + random.normal(0, 0.15, (rows, 2)))


def test_the_planted_number_of_clusters_wins() -> None:
    for planted in (2, 3, 4):
        found = cluster(blobs(planted), Clusters(minimum=2, maximum=6), seed_text="x")
        assert len(found.centres) == planted
        assert found.silhouette == max(score for _, score in found.tried) > 0.7


def test_the_same_seed_gives_the_same_centres_to_the_last_bit() -> None:
    one, two = (cluster(blobs(3), Clusters(), seed_text="x") for _ in range(2))
    assert (one.centres == two.centres).all()


def test_the_last_number_of_clusters_is_kept_unless_another_is_clearly_better() -> None:
    found = cluster(blobs(4), Clusters(maximum=6), seed_text="x", previous=np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert len(found.centres) == 4
    almost = np.random.default_rng(5).normal(0, 1, (600, 2))
    free = cluster(almost, Clusters(maximum=6), seed_text="x")
    close = [k for k, score in free.tried if score + 0.02 > free.silhouette and k != len(free.centres)]
    kept = cluster(almost, Clusters(maximum=6), seed_text="x", previous=np.zeros((close[0], 2)))
    assert len(kept.centres) == close[0]


def test_points_that_do_not_differ_are_one_cluster() -> None:
    found = cluster(np.ones((50, 2)), Clusters(), seed_text="x")
    assert (len(found.centres), found.silhouette, found.tried) == (1, 0.0, ())


@given(points, points)
def test_everybody_goes_to_the_nearest_centre_whoever_shares_the_batch(people: np.ndarray, centres: np.ndarray) -> None:
    together = assign(people, centres)
    alone = [int(assign(people[i : i + 1], centres)[0]) for i in range(len(people))]
    assert together.tolist() == alone
    distances = ((people[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    assert np.allclose(distances[np.arange(len(people)), together], distances.min(axis=1))


@given(st.permutations([1, 2, 3, 4]), st.integers(0, 4))
def test_clusters_keep_their_numbers_whatever_order_they_are_found_in(order: list[int], lost: int) -> None:
    middles = {1: [0.0, 0.0], 2: [2.0, 0.0], 3: [0.0, 2.0], 4: [2.0, 2.0]}
    before = {number: np.array(at) for number, at in middles.items() if number != lost}
    today = np.array([middles[number] for number in order]) + 0.1
    expected = [max(before) + 1 if number == lost else number for number in order]
    assert numbers(today, [10] * 4, before) == expected
