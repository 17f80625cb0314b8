"""What must hold of lifetime value for whatever parameters and histories."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.insight.lifetime.outlook import Horizon, chance_nodes, look_ahead
from cultiva.insight.lifetime.purchases import Histories, Purchases, log_likelihood
from cultiva.insight.lifetime.spending import Spending
from cultiva.insight.lifetime.survival import EDGES_DAYS, Watched, hazards, staying

SHAPES = st.floats(0.05, 50.0)
MODELS = st.builds(Purchases, SHAPES, st.floats(0.1, 500.0), SHAPES, SHAPES)
COUNTS = st.one_of(st.integers(0, 30), st.integers(30, 20_000))
TIMES = st.floats(0.0, 1_000.0)


def histories(x: int, *pairs: tuple[float, float]) -> Histories:
    """Customers with x repeat purchases each; (t_x, T) pairs."""
    t_x, t = np.array(pairs, dtype=np.float64).T
    return Histories(np.full(t.size, x), t_x if x else 0 * t_x, t, np.ones(t.size))


@given(MODELS, COUNTS, TIMES, TIMES, TIMES, st.floats(0.0, 0.01))
@settings(max_examples=300, deadline=None)
def test_outlooks_are_finite_and_within_their_bounds(
    model: Purchases, x: int, one: float, other: float, length: float, rate: float
) -> None:
    people = histories(x, (min(one, other), max(one, other)))
    ahead = look_ahead(model, people, Horizon(length, rate))
    likelihood, gradient = log_likelihood(people)(np.array([model.r, model.alpha, model.a, model.b]))
    assert np.isfinite(likelihood)
    assert np.isfinite(gradient).all()
    alive, expected, discounted = ahead.p_alive[0], ahead.purchases[0], ahead.discounted[0]
    assert 0.0 <= alive <= 1.0
    assert x > 0 or alive == 1.0
    # Nobody can buy more than at the expected rate without ever leaving.
    assert 0.0 <= expected <= alive * (model.r + x) / (model.alpha + people.T[0]) * length * (1 + 1e-9) + 1e-12
    assert expected * np.exp(-rate * length) * (1 - 1e-4) - 1e-12 <= discounted <= expected * (1 + 1e-4) + 1e-12


@given(MODELS, st.integers(1, 5_000), st.lists(TIMES, min_size=3, max_size=3), st.floats(1.0, 500.0))
@settings(max_examples=200, deadline=None)
def test_a_more_recent_purchase_never_makes_it_less_likely_that_one_is_alive(
    model: Purchases, x: int, times: list[float], length: float
) -> None:
    first, second, now = sorted(times)
    ahead = look_ahead(model, histories(x, (first, now), (second, now)), Horizon(length, 0.0))
    assert ahead.p_alive[0] <= ahead.p_alive[1] + 1e-12
    assert ahead.purchases[0] <= ahead.purchases[1] * (1 + 1e-9) + 1e-12


@given(MODELS, COUNTS, TIMES, st.floats(1.0, 500.0), st.floats(1.0, 4.0))
@settings(max_examples=100, deadline=None)
def test_a_longer_horizon_never_brings_less(model: Purchases, x: int, now: float, length: float, more: float) -> None:
    people = histories(x, (now / 2, now))
    short, long = (look_ahead(model, people, Horizon(one, 0.0)).purchases[0] for one in (length, length * more))
    assert short <= long * (1 + 1e-9) + 1e-12


@given(SHAPES, st.floats(0.05, 20_000.0))
def test_chances_are_those_of_the_beta_distribution(a: float, b: float) -> None:
    chances, weights = chance_nodes(a, b)
    assert ((chances > 0) & (chances <= 1)).all()
    mean = a / (a + b)
    square = mean * (a + 1) / (a + b + 1)
    assert np.isclose(weights.sum(), 1.0)
    assert np.isclose(weights @ chances, mean, rtol=1e-8)
    assert np.isclose(weights @ chances**2, square, rtol=1e-8)


@given(
    st.builds(Spending, SHAPES, st.floats(1.05, 50.0), st.floats(0.01, 1e6)),
    st.integers(1, 10_000),
    st.floats(0.01, 1e9),
)
def test_the_worth_of_a_purchase_lies_between_the_own_mean_and_that_of_all(
    model: Spending, x: int, total: float
) -> None:
    expected = model.expected(np.array([x]), np.array([total]))[0]
    low, high = sorted((total / x, model.mean))
    assert low * (1 - 1e-9) <= expected <= high * (1 + 1e-9)


BANDS = len(EDGES_DAYS)
CELLS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 10**7)), min_size=BANDS, max_size=BANDS)


@given(st.lists(CELLS, min_size=1, max_size=6), st.floats(1.0, 20_000.0), st.floats(0.0, 1.0))
@settings(max_examples=200, deadline=None)
def test_stays_lie_within_their_bounds(groups: list[list[tuple[int, int]]], horizon: float, rate: float) -> None:
    cells = np.array(groups, dtype=np.float64)
    per_day = hazards(Watched(cells[:, :, 0], cells[:, :, 1]))
    assert np.isfinite(per_day).all()
    assert (per_day >= 0).all()
    ahead = staying(per_day, horizon, rate)
    force = np.log1p(rate)
    years = horizon / 365
    certain = -np.expm1(-force * years) / force if force > 1e-12 else years
    assert ((ahead.survival >= 0) & (ahead.survival <= 1)).all()
    assert (ahead.years >= 0).all()
    assert (ahead.years <= certain * (1 + 1e-9)).all()
    assert (ahead.years >= certain * ahead.survival * (1 - 1e-9)).all()
