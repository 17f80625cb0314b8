"""Pricing anew: what is left of a night, for whom, and what one more unit of it is worth now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.strategy.conftest import ON, TEXT, Person, lay_out_bank, offer, strategy, workspace

from cultiva.definitions.arbitration import Arbitration, Resource
from cultiva.definitions.policy import Cap
from cultiva.definitions.review import Health, RankBy, Review
from cultiva.definitions.strategies import Capacity
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine
from cultiva.strategy.repricing import CLOSED, TOUCHES, Night, Repriced, Since, reprice
from cultiva.strategy.service import plan

DAY = ON + timedelta(days=1)
MANY = [Person(number, aum=100.0 + number, adviser=f"A{number % 2}") for number in range(1, 201)]
Touch = tuple[int, str, str, str, date, bool, bool]


def space(*, health: Health | None = None) -> Workspace:
    """Text messages for 30, and calls for 12 per adviser; every customer has room for one touch in seven days."""
    found = workspace(
        strategy("texts", channels=("sms",)),
        strategy("calls", offers=("gold",), channels=("call",), rank="aum / 2",
                 capacity=Capacity(per="adviser", contacts_max=12)),
        offers=(offer("gold"),), caps=(Cap(scope="customer", days=7, contacts_max=1),),
    )  # fmt: skip
    texts = Resource(name="texts", label=TEXT, channels=("sms",), at_most=30)
    review = Review(rank_by=RankBy.EFFECT, exploration=0.0, health=health or Health())
    return replace(found, review=review, arbitration=Arbitration(resources=(texts,)))


class Bank:
    """A night, and days after it."""

    def __init__(self, engine: Engine, folder: Path, space: Workspace) -> None:
        self.engine, self.folder, self.space = engine, folder, space
        self.inputs = lay_out_bank(folder, MANY, {"A0": 100, "A1": 100})
        plan(engine, self.inputs, space, ON, folder / "decisions")
        self.prices = pl.read_parquet(folder / "decisions-price" / "*.parquet").to_dicts()
        self.decided = pl.read_parquet(folder / "decisions" / "*.parquet")
        self.start = {row["resource"]: (row["price"] or 0.0, row["price_last"] or 0.0) for row in self.prices}

    def now(
        self,
        *touches: Touch,
        closed: Sequence[tuple[int, str]] = (),
        standing: Sequence[int] = (),
        used: Mapping[str, float] | None = None,
    ) -> Repriced:
        since = Since(
            pl.DataFrame(touches, schema=TOUCHES, orient="row"), pl.DataFrame(closed, schema=CLOSED, orient="row"),
            standing, used or {},
        )  # fmt: skip
        night = Night(self.inputs, [self.folder / "decisions"], self.prices, self.start)
        return reprice(self.engine, night, self.space, since, DAY, work=self.folder / "work")

    def texted(self) -> list[int]:
        return self.decided.filter(fate="chosen", strategy="texts").sort("customer_id")["customer_id"].to_list()


@pytest.fixture
def bank(duckdb_engine: Engine, tmp_path: Path) -> Bank:
    return Bank(duckdb_engine, tmp_path / "bank", space())


def price(found: Repriced, name: str) -> Any:
    (one,) = [each for each in found.prices if each.resource == name]
    return one


def made(customer: int, *, planned: bool = True, day: date = DAY, exempt: bool = False) -> Touch:
    return (customer, "texts", "fund", "sms", day, planned, exempt)


def test_where_nothing_has_happened_the_nights_prices_stay(bank: Bank) -> None:
    """Calls go to the best of each adviser, texts to thirty others; the prices lie between the last and the next."""
    found = bank.now()
    assert found.gap <= 1e-4 and set(found.taken.values()) == {0.0}
    for row in bank.prices:
        one = price(found, row["resource"])
        assert (one.capacity, one.used) == (row["capacity"], row["used"])
        side = "price_last" if row["kind"] == "pool" else "price"
        assert getattr(one, side) == pytest.approx(row[side], abs=2.0), "two customers of one adviser are 2 apart"
    assert not (bank.folder / "work").exists()


def test_what_was_used_makes_the_rest_dearer_and_who_was_served_asks_no_more(bank: Bank) -> None:
    """Twenty messages of the live side to others: ten are left for the thirty who were chosen; the best have them."""
    night, now = bank.now(), bank.now(used={"texts": 20.0})
    assert price(now, "texts").capacity == 10.0 == price(now, "texts").used
    assert price(now, "texts").price > price(night, "texts").price + 5
    assert now.taken["texts"] == 20.0 and now.value < night.value
    served = bank.now(*[made(customer) for customer in bank.texted()[:20]])
    assert served.taken["texts"] == 20.0 and price(served, "texts").used == 10.0
    assert served.candidates == night.candidates - 20
    assert price(served, "texts").price == pytest.approx(price(night, "texts").price, abs=2.0), "as the night foresaw"


def test_when_all_is_used_nothing_is_left_and_nothing_is_broken(bank: Bank) -> None:
    found = bank.now(used={"texts": 31.0, **{one["resource"]: 12.0 for one in bank.prices if one["kind"] == "pool"}})
    assert found.value == 0.0
    assert {one.used for one in found.prices} == {0.0} == {one.capacity for one in found.prices}


def test_who_may_not_be_reached_any_more_leaves_room_for_others(bank: Bank) -> None:
    night = bank.now()
    gone = bank.texted()
    for found in (bank.now(closed=[(one, "sms") for one in gone]), bank.now(closed=[(one, "*") for one in gone]),
                  bank.now(standing=gone)):  # fmt: skip
        assert price(found, "texts").used == 30.0 and price(found, "texts").price < price(night, "texts").price - 10
    everybody = bank.now(closed=[(one.id, "*") for one in MANY])
    assert everybody.candidates == 0 and {one.price or 0.0 for one in everybody.prices} == {0.0}
    assert {one.resource for one in everybody.prices} == {one["resource"] for one in bank.prices}


def test_a_touch_takes_the_room_of_its_customer_and_a_service_does_not(bank: Bank) -> None:
    """Everybody whom the night would call was sent something else today, and has no room for a call."""
    called = bank.decided.filter(fate="chosen", strategy="calls")["customer_id"].to_list()
    for day in (DAY, ON):
        other = [(one, "other", "other", "sms", day, False, False) for one in called]
        assert price(bank.now(*other), "texts").used == 30.0
        assert bank.now(*other).value < bank.now().value - 100
        exempt = [(one, "other", "other", "sms", day, False, True) for one in called]
        assert bank.now(*exempt).value == pytest.approx(bank.now().value, rel=1e-3)


def test_what_live_decisions_did_for_the_plan_is_counted_once(bank: Bank) -> None:
    """They say themselves what they used; the customer is served all the same."""
    one = bank.texted()[0]
    found = bank.now(made(one, planned=False), used={"texts": 1.0})
    assert found.taken["texts"] == 1.0 and price(found, "texts").used == 29.0


def test_slices_of_experiments_keep_their_share(duckdb_engine: Engine, tmp_path: Path) -> None:
    """A third of thirty messages is the written rules'; of six that are used the others bear their part."""
    bank = Bank(duckdb_engine, tmp_path / "bank", space(health=Health(rules=1 / 3)))
    mine, whole = bank.now(), bank.now(used={"texts": 6.0})
    (share,) = [row["capacity"] for row in bank.prices if row["resource"] == "texts" and row["ranked_by"] == "effect"]
    assert 0 < share < 30.0 and price(mine, "texts").capacity == share
    assert price(whole, "texts").capacity == pytest.approx(share - 6.0 * share / 30.0)


def test_every_engine_finds_the_same_prices(engine: Engine, bank: Bank, request: pytest.FixtureRequest) -> None:
    """The night's plan is the same on all of them (another test), so here one has made it."""
    bank.engine = engine
    found = bank.now(made(bank.texted()[0]), closed=[(bank.texted()[1], "sms")], used={"texts": 3.0})
    told = request.config.stash.setdefault(TOLD, [])
    told.append([(one.resource, one.price, one.price_last, one.used, one.capacity) for one in found.prices])
    assert all(one == told[0] for one in told)


TOLD = pytest.StashKey[list[Any]]()
