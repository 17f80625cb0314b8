"""A small bank as arrays, without files, for the tests of behaviour and truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from cultiva.simbank.arrays import Ints
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.founding import day_table, found_state, money_table
from cultiva.simbank.behaviour.nature import Nature, draw_nature
from cultiva.simbank.behaviour.touching import is_customer
from cultiva.simbank.holdings import CENTS, open_accounts
from cultiva.simbank.living import ChannelTerms, OfferTerms, State, Touches
from cultiva.simbank.population import Bank, Calendar, Population, draw_population
from cultiva.simbank.world import World, load_world

OFFERS = (
    OfferTerms("term_deposit", "product", "deposit", 0.0),
    OfferTerms("wealth_product", "product", "wealth", 0.0),
    OfferTerms("consumer_loan", "product", "loan", 0.0),
    OfferTerms("credit_card", "product", "card", 0.0),
    OfferTerms("collection_code", "product", "payment", 0.0),
    OfferTerms("equity_fund", "product", "fund", 0.0),
    OfferTerms("car_wash_card", "benefit", None, 8.0),
    OfferTerms("harvest_guide", "content", None, 0.0),
)
CHANNELS = (
    ChannelTerms("app", human=False, unit_cost=0.01),
    ChannelTerms("sms", human=False, unit_cost=0.05),
    ChannelTerms("phone", human=True, unit_cost=6.0),
)
APP, SMS, PHONE = range(3)


@dataclass(frozen=True)
class SmallBank:
    world: World
    people: Population
    nature: Nature
    state: State
    seed: int

    @property
    def n(self) -> int:
        return len(self.nature)

    def draws(self, week: int = 0, seed: int | None = None) -> Draws:
        return Draws.of(self.seed if seed is None else seed, week, self.n)

    def customers(self) -> Ints:
        return np.flatnonzero(is_customer(self.state))

    def touches(self, who: Any, offer: Any, channel: Any = APP, *, strategy: Any = 0) -> Touches:
        customer = np.atleast_1d(np.asarray(who, dtype=np.int64))

        def column(value: Any) -> Ints:
            return np.broadcast_to(np.asarray(value, dtype=np.int64), customer.shape).copy()

        return Touches(customer, column(strategy), column(offer), column(channel), column(self.state.day + 2))

    def random_touches(self, rows: int, *, week: int, strategies: int = 2) -> Touches:
        rng = np.random.default_rng([self.seed, 1_000, week])
        who = rng.integers(0, self.n, rows)
        offers, channels = rng.integers(0, len(OFFERS), rows), rng.integers(0, len(CHANNELS), rows)
        return self.touches(who, offers, channels, strategy=rng.integers(0, strategies, rows))


def small_bank(world: World | str = "ordinary", *, customers: int = 3_000, seed: int = 1) -> SmallBank:
    known = world if isinstance(world, World) else load_world(world)
    bank = Bank(customers, Calendar(date(1994, 3, 31)), 40.0)
    rng = np.random.default_rng(seed)
    people = draw_population(rng, bank, 0, customers)
    accounts = open_accounts(rng, bank, people)
    nature = draw_nature(known, people, offers=OFFERS, channels=CHANNELS, seed=seed, first=bank.calendar.first)
    where = {"owner": accounts.owner, "product": accounts.product}
    state = found_state(
        known,
        nature,
        people,
        opened=day_table(**where, days=accounts.opened, n=customers),
        closed=day_table(**where, days=accounts.closed, n=customers),
        balance=money_table(**where, amounts=accounts.start_cents / CENTS, n=customers),
        day=bank.calendar.last,
        seed=seed,
    )
    return SmallBank(known, people, nature, replace(state, consent=np.ones_like(state.consent)), seed)


def changed(world: World, section: str, **values: Any) -> World:
    """The world with some figures of one section replaced."""
    return world.model_copy(update={section: getattr(world, section).model_copy(update=values)})
