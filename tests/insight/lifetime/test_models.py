"""BG/NBD and Gamma-Gamma against other ways to compute the same, and against customers whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import betaln, gammaln
from tests.insight.lifetime.drawn import draw, draw_amounts

from cultiva.insight.lifetime import purchases as of_purchases
from cultiva.insight.lifetime import spending as of_spending
from cultiva.insight.lifetime.likelihood import maximise
from cultiva.insight.lifetime.outlook import Horizon, look_ahead
from cultiva.insight.lifetime.purchases import Histories, Purchases, coarser, fit_purchases
from cultiva.insight.lifetime.spending import Amounts, Spending, fit_spending

CDNOW = Purchases(0.243, 4.414, 0.793, 2.426)


def one(x: int, t_x: float, t: float) -> Histories:
    return Histories(np.array([x]), np.array([t_x]), np.array([t]), np.ones(1))


def plain_likelihood(model: Purchases, x: int, t_x: float, t: float) -> float:
    """Equation (6) of the paper with its integrals done by quadrature, nothing in common with the code."""

    def over_chances(p: float) -> float:
        def over_rates(rate: float) -> float:
            density = np.exp(
                model.r * np.log(model.alpha) + (model.r - 1) * np.log(rate) - rate * model.alpha - gammaln(model.r)
            )
            stays = (1 - p) ** x * rate**x * np.exp(-rate * t)
            left = p * (1 - p) ** (x - 1) * rate**x * np.exp(-rate * t_x) if x else 0.0
            return float(density * (stays + left))

        inner, _ = quad(lambda u: over_rates(np.exp(u)) * np.exp(u), -60, 8, limit=400, epsabs=0)
        beta = np.exp((model.a - 1) * np.log(p) + (model.b - 1) * np.log1p(-p) - betaln(model.a, model.b))
        return float(inner * beta)

    value, _ = quad(over_chances, 0, 1, limit=200, epsabs=0, epsrel=1e-7)
    return float(np.log(value))


@pytest.mark.parametrize(("x", "t_x", "t"), [(0, 0.0, 30.0), (1, 2.0, 30.0), (4, 29.0, 30.0)])
def test_the_likelihood_is_that_of_the_story(x: int, t_x: float, t: float) -> None:
    model = Purchases(1.3, 4.0, 1.5, 2.5)  # without poles at the ends, which quadrature would not see
    found, _ = of_purchases.log_likelihood(one(x, t_x, t))(np.array([model.r, model.alpha, model.a, model.b]))
    assert found == pytest.approx(plain_likelihood(model, x, t_x, t), abs=1e-6)


def test_gradients_are_those_of_the_values() -> None:
    chance = np.random.default_rng(1)
    people = draw(CDNOW, chance.uniform(20, 40, 500), 0.0, chance).histories
    amounts, _ = draw_amounts(Spending(6.0, 4.0, 15.0), people.x[people.x > 0], chance)
    for likelihood, at in (
        (of_purchases.log_likelihood(people), np.array([0.4, 3.0, 0.7, 2.0])),
        (of_spending.log_likelihood(amounts), np.array([4.0, 3.0, 7.0])),
    ):
        numeric = approx_fprime(at, lambda where, f=likelihood: f(where)[0], 1e-7)
        assert likelihood(at)[1] == pytest.approx(numeric, rel=1e-3, abs=1e-2)


def test_parameters_of_drawn_customers_are_found_again() -> None:
    truth = Purchases(0.6, 5.0, 0.9, 2.6)
    chance = np.random.default_rng(7)
    people = draw(truth, chance.uniform(40, 80, 120_000), 0.0, chance).histories
    found = fit_purchases(people)
    assert found.converged
    for name in ("r", "alpha", "a", "b"):
        assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=0.06), name
    level = Spending(5.0, 3.5, 20.0)
    amounts, _ = draw_amounts(level, people.x[people.x > 0], chance)
    spent = fit_spending(amounts)
    assert spent.converged
    for name in ("p", "q", "gamma"):
        assert getattr(spent, name) == pytest.approx(getattr(level, name), rel=0.08), name


def test_forecasts_of_drawn_customers_are_right_in_every_group() -> None:
    """Chance to be alive and purchases to come, by what was seen, against what the drawn customers then did."""
    truth, further = Purchases(0.9, 6.0, 0.8, 3.0), 50.0
    chance = np.random.default_rng(11)
    drawn = draw(truth, np.full(200_000, 40.0), further, chance)
    ahead = look_ahead(truth, drawn.histories, Horizon(further, 0.0))
    x, recent = drawn.histories.x, drawn.histories.t_x > 30
    for group in (x == 0, (x == 1) & recent, (x == 1) & ~recent, (x > 1) & recent, (x > 1) & ~recent):
        for expected, came in ((ahead.p_alive, drawn.alive), (ahead.purchases, drawn.later)):
            error = 4 * came[group].std() / np.sqrt(group.sum()) + 1e-9
            assert expected[group].mean() == pytest.approx(came[group].mean(), abs=error)


def test_the_expected_worth_of_a_purchase_is_right_in_every_group() -> None:
    level, chance = Spending(4.0, 4.5, 20.0), np.random.default_rng(3)
    amounts, own = draw_amounts(level, chance.integers(1, 8, 200_000), chance)
    expected = level.expected(amounts.x, amounts.total)
    for group in (amounts.x == 1, amounts.x > 4, amounts.total > np.median(amounts.total)):
        assert expected[group].mean() == pytest.approx(own[group].mean(), rel=0.02)
    assert level.expected(np.zeros(1, np.int64), np.zeros(1)) == pytest.approx(level.mean)


def test_groups_give_the_parameters_of_single_customers() -> None:
    """Equal histories as one group with a weight; and the coarser grid is only where the search begins."""
    chance = np.random.default_rng(5)
    people = draw(CDNOW, chance.integers(27 * 7, 39 * 7, 30_000) / 7.0, 0.0, chance).histories
    days = replace(people, t_x=np.ceil(people.t_x * 7) / 7)
    keys, weight = np.unique(np.stack([days.x, days.t_x, days.T]), axis=1, return_counts=True)
    groups = Histories(keys[0].astype(np.int64), keys[1], keys[2], weight.astype(np.float64))
    assert groups.x.size > of_purchases.GROUPS_AT_ONCE
    assert coarser(groups).x.size < groups.x.size / 4
    assert coarser(groups).customers == groups.customers
    single, grouped = fit_purchases(days), fit_purchases(groups)
    slow = maximise(of_purchases.log_likelihood(groups), np.array([1.0, 10.0, 1.0, 1.0]), customers=groups.customers)
    for number, name in enumerate(("r", "alpha", "a", "b")):
        assert getattr(grouped, name) == pytest.approx(getattr(single, name), rel=1e-6)
        assert getattr(grouped, name) == pytest.approx(slow.parameters[number], rel=1e-3)
    assert grouped.log_likelihood == pytest.approx(slow.log_likelihood, rel=1e-9)


def test_the_unit_of_time_and_money_does_not_matter() -> None:
    chance = np.random.default_rng(2)
    people = draw(CDNOW, chance.uniform(20, 40, 3_000), 0.0, chance).histories
    weeks = fit_purchases(people)
    days = fit_purchases(replace(people, t_x=people.t_x * 7, T=people.T * 7))
    assert (days.r, days.alpha / 7, days.a, days.b) == pytest.approx((weeks.r, weeks.alpha, weeks.a, weeks.b), rel=1e-4)
    amounts, _ = draw_amounts(Spending(6.0, 4.0, 15.0), people.x[people.x > 0], chance)
    yuan, fen = fit_spending(amounts), fit_spending(Amounts(amounts.x, amounts.total * 100, amounts.weight))
    assert (fen.p, fen.q, fen.gamma / 100) == pytest.approx((yuan.p, yuan.q, yuan.gamma), rel=1e-4)
