"""A forecast put together: numbers worked out beside it; the funnel has every customer once."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.strategy.map.drawn import map_workspace, put

from cultiva.engine.port import Engine
from cultiva.strategy.map.forecast import Expectation, Volume, funnel, prior_effect, stretch, volumes

PARTS = (Volume("gift", "sms", 30, 0.05, 5.0), Volume("fund", "call", 10, 6.0, 0.0))


def test_weeks_cost_what_the_mix_of_the_first_run_costs() -> None:
    hope = Expectation(2.0, 0.5, "prior", 0.2, "peers")
    one = stretch(PARTS, hope, weeks=4, enrolled=1000, holdout=0.1, smallest=3.0)
    assert one.touched == 900
    assert one.contact_cost == pytest.approx(900 * (30 * 0.05 + 10 * 6.0) / 40)
    assert (one.offer_cost, one.offer_cost_most) == pytest.approx((900 * 0.2 * 3.75, 900 * 3.75))
    assert (one.effect, one.effect_low, one.effect_high) == pytest.approx((1800, 1800 - 882, 1800 + 882))
    assert one.net == pytest.approx(1800 - one.contact_cost - 900 * 0.2 * 3.75)


def test_what_is_not_known_of_the_take_up_is_counted_as_if_all_took_it() -> None:
    one = stretch(
        PARTS, Expectation(2.0, 0.5, "prior", None, ""), weeks=1, enrolled=40, holdout=0.0, smallest=None
    )  # fmt: skip
    assert one.offer_cost is None
    assert one.cost == pytest.approx(one.contact_cost + 40 * 3.75)


def test_nobody_to_touch_costs_and_brings_nothing() -> None:
    one = stretch((), Expectation(2.0, 0.5, "prior", None, ""), weeks=1, enrolled=0, holdout=0.1, smallest=None)
    assert (one.cost, one.effect, one.net) == (0.0, 0.0, 0.0)


def test_the_prior_is_that_of_the_offers_as_they_are_proposed() -> None:
    space = map_workspace()
    worth = {"gift": 4.0, "fund": 20.0}
    offers = {name: one.model_copy(update={"prior_worth": worth.get(name, 0.0)}) for name, one in space.offers.items()}
    space = type(space)(**{**vars(space), "offers": offers})
    assert prior_effect(PARTS, space.strategies["a"], space) == pytest.approx((30 * 4 + 10 * 20) / 40)
    assert prior_effect((), space.strategies["a"], space) == pytest.approx(12.0)


def test_each_customer_is_once_in_the_funnel_where_the_strategy_got_to(engine: Engine, tmp_path: Path) -> None:
    rows = [
        (1, "a", "gift", "sms", "not_eligible"), (1, "a", "fund", "call", "chosen"), (1, "b", "gift", "sms", "chosen"),
        (2, "a", "gift", "sms", "no_consent"), (2, "a", "fund", "call", "capped"), (3, "a", "gift", "sms", "chosen"),
        (4, "a", "gift", "sms", "suppressed"),
    ]  # fmt: skip
    columns = ("customer_id", "strategy", "offer", "channel", "fate")
    decisions = put(tmp_path / "decisions", pl.DataFrame(rows, schema=columns, orient="row"))
    found = funnel(engine, decisions, "a")
    assert {fate: number for fate, number in found.items() if number} == {"suppressed": 1, "capped": 1, "chosen": 2}
    assert list(found)[-1] == "chosen"
    first = volumes(engine, decisions, "a", map_workspace())
    assert [(one.offer, one.channel, one.customers, one.channel_cost, one.offer_cost) for one in first] == [
        ("fund", "call", 1, 6.0, 0.0), ("gift", "sms", 1, 0.05, 5.0),
    ]  # fmt: skip
