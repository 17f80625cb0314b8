"""What the customers of a mix are like, drawn in memory: to find the mix that is like a bank that was measured."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from cultiva.simbank.archetypes import EVENTS, PRODUCTS, Life
from cultiva.simbank.arrays import Flags, Floats, Ints
from cultiva.simbank.doings import EVENT_CHANNELS, make_events
from cultiva.simbank.holdings import CENTS, Accounts, open_accounts
from cultiva.simbank.mix import Mix
from cultiva.simbank.movements import Balances, make_movements
from cultiva.simbank.population import DAYS_PER_YEAR, Bank, Calendar, draw_population

CATEGORIES = tuple(dict.fromkeys(product.category for product in PRODUCTS))
"""Categories of products that a simulated bank sells."""
OWED = frozenset({"loan", "card", "payment"})
"""Categories whose balances are no assets of the customer."""
RECENT_DAYS = 90
"""What is called recent."""


def draw_typical(mix: Mix, *, customers: int, first_day: date, seed: int) -> dict[str, Any]:
    """Draws customers as a bank of this mix would know them on its first day; nothing is written.

    Returns:
        Columns, one value per customer: `archetype` (place in ARCHETYPES), `organisation`, `age` and `tenure` (years,
        NaN where there is none), `app` (used it lately), `open` (has an open account), `aum` (money), `transactions`
        and `inflow` (of the last RECENT_DAYS), `holds_<category>`.
    """
    rng = np.random.default_rng([seed, customers])
    bank = Bank(customers, Calendar(first_day), mix.transactions, mix)
    people, last = draw_population(rng, bank, 0, customers), bank.calendar.last
    accounts = open_accounts(rng, bank, people)
    movements, balances = make_movements(rng, bank, people, accounts)
    events = make_events(rng, bank, people)
    is_open = (accounts.opened <= last) & (accounts.closed > last)
    recent = movements.day > last - RECENT_DAYS
    owner, cents = accounts.owner[movements.account[recent]], movements.cents[recent]
    by_app = np.array([name not in EVENT_CHANNELS for name in EVENTS])[events.name]
    used = events.customer[by_app & (events.day > last - RECENT_DAYS) & (events.day <= last)]
    has_account = people.in_core & (people.opened <= last)
    columns: dict[str, Any] = {
        "archetype": people.archetype,
        "organisation": people.organisation,
        "age": np.where(people.organisation, np.nan, (last - people.born) / DAYS_PER_YEAR),
        "tenure": np.where(has_account, (last - people.opened) / DAYS_PER_YEAR, np.nan),
        "app": np.bincount(used, minlength=customers) > 0,
        "open": _holders(accounts, is_open, customers),
        "aum": _assets(accounts, balances, is_open, customers),
        "transactions": np.bincount(owner, minlength=customers),
        "inflow": np.bincount(owner, np.maximum(cents, 0), minlength=customers) / CENTS,
    }
    for category in CATEGORIES:
        sold = np.array([product.category == category for product in PRODUCTS])[accounts.product]
        columns[f"holds_{category}"] = _holders(accounts, is_open & sold, customers)
    known = has_account | (people.life == Life.VISITOR)
    return {name: values[known] for name, values in columns.items()}


def _holders(accounts: Accounts, rows: Flags, customers: int) -> Flags:
    return np.bincount(accounts.owner[rows], minlength=customers) > 0


def _assets(accounts: Accounts, balances: Balances, is_open: Flags, customers: int) -> Floats:
    """What every customer has on open accounts of products that are no debts."""
    assets = np.array([product.category not in OWED for product in PRODUCTS])[accounts.product]
    order: Ints = np.lexsort((balances.day, balances.account))
    newest = np.zeros(len(accounts))
    newest[balances.account[order]] = balances.cents[order]  # of several, the last one stays
    return np.bincount(accounts.owner, newest * (is_open & assets), minlength=customers) / CENTS
