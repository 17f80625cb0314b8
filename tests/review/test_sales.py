"""Sales as the first evidence: bought on either side, weighed over strategies and offers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.definitions.review import Ramp
from cultiva.review.sales import Cell, Sides, Standing, lift, standings

RAMP = Ramp(sure=0.9)


def test_one_cell_is_the_difference_of_the_shares() -> None:
    found = lift([Sides(200, 30, 100, 5)])
    assert found is not None
    assert found[0] == pytest.approx(30 / 200 - 5 / 100)
    pooled = 35 / 300
    assert found[1] == pytest.approx(math.sqrt(pooled * (1 - pooled) * (1 / 200 + 1 / 100)))


def test_cells_weigh_by_what_they_can_say() -> None:
    thin, thick = Sides(50, 50, 1, 0), Sides(900, 90, 100, 10)
    found = lift([thin, thick])
    assert found is not None
    weights = (50 / 51, 90.0)
    assert found[0] == pytest.approx((weights[0] * 1.0 + weights[1] * 0.0) / sum(weights))


def test_nothing_is_said_where_one_side_is_empty_or_nobody_buys() -> None:
    assert lift([]) is None
    assert lift([Sides(100, 10, 0, 0), Sides(0, 0, 50, 2)]) is None
    assert lift([Sides(100, 0, 50, 0)]) is None


def told(sales: dict[Cell, Sides], *more: str) -> dict[str, Standing]:
    return standings(sales, [*dict.fromkeys(cell[0] for cell in sales), *more], RAMP)


def test_a_strategy_may_lean_on_the_others_unless_its_own_sales_speak_against_it() -> None:
    sales: dict[Cell, Sides] = {
        ("good", "fund", "app"): Sides(500, 100, 50, 1),
        ("good", "fund", "call"): Sides(400, 80, 50, 1),
        ("young", "fund", "app"): Sides(9, 1, 1, 0),
        ("bad", "card", "app"): Sides(90, 1, 30, 8),
        ("unsold", "card", "app"): Sides(10, 0, 5, 0),
    }
    sells, harms = Standing.SELLS, Standing.HARMS
    expected = {"good": sells, "young": sells, "bad": harms, "unsold": sells, "gifts": sells}
    assert told(sales, "gifts") == expected


def test_where_nothing_sells_none_is_trusted() -> None:
    sales: dict[Cell, Sides] = {("a", "fund", "app"): Sides(900, 9, 100, 1), ("b", "card", "app"): Sides(500, 5, 50, 1)}
    assert set(told(sales).values()) == {Standing.UNKNOWN}
    assert told({}, "a") == {"a": Standing.UNKNOWN}


def test_where_those_left_alone_surely_buy_more_touches_harm() -> None:
    sales: dict[Cell, Sides] = {("a", "fund", "app"): Sides(500, 2, 1500, 30), ("b", "card", "app"): Sides(5, 0, 5, 0)}
    assert told(sales) == {"a": Standing.HARMS, "b": Standing.HARMS}


def test_the_standard_error_is_that_of_repeated_experiments() -> None:
    """Sparse sides, four strategies of which none sells anything: the spread of the lift is what is said."""
    rng, found = np.random.default_rng(3), []
    sizes = ((300, 33, 0.01), (200, 20, 0.02), (500, 60, 0.01), (40, 4, 0.05))
    for _ in range(2000):
        cells = [Sides(n, int(rng.binomial(n, p)), m, int(rng.binomial(m, p))) for n, m, p in sizes]
        if (one := lift(cells)) is not None:
            found.append(one)
    values, errors = np.array(found).T
    assert float(values.std()) == pytest.approx(float(np.sqrt((errors**2).mean())), rel=0.08)
    assert abs(float(values.mean())) < 0.001


sides = st.builds(
    lambda n, m, p, q: Sides(n, int(n * p), m, int(m * q)),
    st.integers(0, 500), st.integers(0, 500), st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip


@given(st.lists(sides, max_size=5))
def test_a_lift_is_a_share_and_surer_than_nothing(cells: list[Sides]) -> None:
    found = lift(cells)
    assert found is None or (-1 - 1e-9 <= found[0] <= 1 + 1e-9 and found[1] > 0)
