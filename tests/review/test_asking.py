"""What asking brings: sales that touches have added, what a sale is worth, and how channels differ."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.review.asking import SALE_WEIGHT, TOUCH_WEIGHT, WAY_MOST, Asked, asked
from cultiva.review.beliefs import Belief
from cultiva.review.sales import Cell, Sides, lift

PRIOR = Belief(5.0, 10.0)
HOPED = {"fund": 25.0, "card": 20.0}.__getitem__


def sold(offer: str = "fund", way: str = "app", **more: float) -> dict[Cell, Sides]:
    """1,000 customers with 2,000 touches, of whom 60 bought, beside 1,000 who waited, of whom 10 did."""
    given = {"open": 1000, "bought": 60, "alone": 1000, "bought_alone": 10, "touches": 2000.0, "money": 35_000.0}
    return {("s", offer, way): Sides(**{**given, **more})}  # type: ignore[arg-type]


def test_a_touch_brings_the_sales_it_adds_at_what_a_sale_brings() -> None:
    found = asked(sold(), HOPED)
    assert found.sale["fund"] == pytest.approx(500.0)  # 35,000 by 70 sales, on whichever side
    assert found.added("fund") == pytest.approx(50.0)
    expected = (TOUCH_WEIGHT * 5.0 + 50.0 * 500.0) / (TOUCH_WEIGHT + 2000.0)
    assert found.believed("fund", PRIOR).mean == pytest.approx(expected)


def test_touches_that_cost_sales_are_worth_less_than_nothing() -> None:
    assert asked(sold(bought=1, bought_alone=20, money=10_000.0), HOPED).believed("fund", PRIOR).mean < 0


def test_an_offer_that_was_hardly_sold_takes_its_place_on_the_scale_of_all() -> None:
    rare = sold("card", open=10, bought=1, alone=10, bought_alone=0, touches=10.0, money=0.0)
    found = asked({**sold(), **rare}, HOPED)
    scale = 35_000.0 / (70 * 25.0 + 1 * 20.0)
    assert found.sale["card"] == pytest.approx(SALE_WEIGHT * scale * 20.0 / (1 + SALE_WEIGHT))


def test_what_was_believed_stands_where_too_little_was_sold_or_nobody_was_asked() -> None:
    assert asked({}, HOPED).believed("fund", PRIOR) == PRIOR
    few = sold(bought=3, bought_alone=1)
    assert asked(few, HOPED).believed("fund", PRIOR) == PRIOR
    assert asked(sold(), HOPED).believed("card", PRIOR) == PRIOR
    assert asked(sold(touches=0.0), HOPED).believed("fund", PRIOR) == PRIOR


def test_a_channel_over_which_more_is_sold_counts_more_and_one_without_touches_as_the_others() -> None:
    call = sold(way="call", open=50, bought=15, alone=50, bought_alone=0, touches=50.0, money=7_000.0)
    silent = sold(way="visit", open=0, bought=0, alone=0, bought_alone=0, touches=0.0, money=0.0)
    found = asked({**sold(), **call, **silent}, HOPED).ways
    assert found["call"] > 2.0
    assert found["app"] < 1.0
    assert found["visit"] == 1.0


def test_who_enrolled_later_had_less_time_to_buy() -> None:
    """As many a day on either side is nothing added, though those who waited had four times as long."""
    late = sold(bought=10, bought_alone=40, days=7_000.0, days_alone=28_000.0)
    assert asked(late, HOPED).added("fund") == pytest.approx(0.0)
    found = lift(late.values())
    assert found is not None
    assert found[0] == pytest.approx(0.0)
    assert found[1] == pytest.approx(math.sqrt(50 / 35_000 * (1 - 50 / 35_000) / 5_600))
    alike = sold(days=28_000.0, days_alone=28_000.0)
    assert asked(alike, HOPED).believed("fund", PRIOR).mean == pytest.approx(
        asked(sold(), HOPED).believed("fund", PRIOR).mean
    )


def test_more_touches_leave_less_doubt() -> None:
    doubts = [asked(sold(open=1000 * n, bought=60 * n, alone=1000 * n, bought_alone=10 * n, touches=2000.0 * n,
                         money=35_000.0 * n), HOPED).believed("fund", PRIOR).se for n in (1, 4, 16)]  # fmt: skip
    assert doubts == sorted(doubts, reverse=True)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fund", "card"]),
            st.sampled_from(["app", "call", ""]),
            st.integers(0, 500),
            st.integers(0, 500),
            st.floats(0, 1),
            st.floats(0, 1),
            st.floats(0, 3000),
            st.floats(-1e5, 1e5),
        ),
        max_size=6,
    )
)
def test_whatever_was_sold_beliefs_are_numbers_and_channels_stay_within_reason(cells: list[tuple]) -> None:  # type: ignore[type-arg]
    sales: dict[Cell, Sides] = {
        (str(place), offer, way): Sides(open_, int(open_ * a), alone, int(alone * b), touches, money)
        for place, (offer, way, open_, alone, a, b, touches, money) in enumerate(cells)
    }
    found = asked(sales, HOPED)
    for offer in ("fund", "card"):
        belief = found.believed(offer, PRIOR)
        assert math.isfinite(belief.mean)
        assert 0 < belief.se <= 1e7
    assert all(1 / WAY_MOST <= times <= WAY_MOST for times in found.ways.values())
    assert isinstance(found, Asked)
