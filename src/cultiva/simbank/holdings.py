"""What the customers of one chunk hold: accounts with their dates, and who may use them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.simbank.archetypes import ARCHETYPES, LOANS, PRODUCT_CODE, PRODUCTS, WEALTH_SPLIT, Life
from cultiva.simbank.arrays import NONE, Flags, Floats, Ints
from cultiva.simbank.population import NEVER, Bank, Population

CENTS = 100


@dataclass(frozen=True)
class Accounts:
    """Accounts of one chunk as columns."""

    owner: Ints
    """Index of the customer within the chunk."""
    product: Ints
    """Code of the product."""
    opened: Ints
    closed: Ints
    """Day of closing, or NEVER."""
    start_cents: Ints
    """Balance wanted at the start; for loans the principal."""
    of: Ints
    """Account of each customer and product, shape (customers, products), or NONE."""

    def __len__(self) -> int:
        return int(self.owner.size)


def open_accounts(rng: np.random.Generator, bank: Bank, people: Population) -> Accounts:
    """Gives every customer of the core system a current account and the products of its archetype."""
    held = _held(rng, people)
    owner, product = np.nonzero(held)
    of = np.full(held.shape, NONE, dtype=np.int64)
    of[owner, product] = np.arange(owner.size)
    opened, closed = _account_dates(rng, bank.calendar.last, people, owner, product)
    start = _start_balances(rng, people, held)[owner, product]
    return Accounts(owner, product.astype(np.int64), opened, closed, (start * CENTS).astype(np.int64), of)


def _held(rng: np.random.Generator, people: Population) -> Flags:
    codes = [product.product_id for product in PRODUCTS]
    chance = np.array([[kind.products.get(code, 0.0) for code in codes] for kind in ARCHETYPES])
    chance[:, PRODUCT_CODE["P_CURRENT"]] = 1.0
    held = rng.random((len(people), len(codes))) < chance[people.archetype]
    held[~people.in_core] = False
    return held


def _account_dates(
    rng: np.random.Generator, last: int, people: Population, owner: Ints, product: Ints
) -> tuple[Ints, Ints]:
    """The current account opens with the relationship, the others later; a few open after the history ends."""
    begun = people.opened[owner]
    later = begun + (rng.random(owner.size) * np.maximum(last - begun, 1)).astype(np.int64)
    later = np.where(rng.random(owner.size) < 0.005, last + 1 + rng.integers(0, 20, owner.size), later)
    opened = np.where(product == PRODUCT_CODE["P_CURRENT"], begun, later)
    opened = np.minimum(opened, np.maximum(people.closed[owner] - 1, begun))
    leaves = (product != PRODUCT_CODE["P_CURRENT"]) & (rng.random(owner.size) < 0.04) & (opened < last - 30)
    early = opened + 20 + (rng.random(owner.size) * np.maximum(last - opened - 20, 1)).astype(np.int64)
    early = np.where(early >= 0, early, NEVER)  # what ended before the history is not delivered as closed
    closed = np.where(leaves, np.minimum(early, people.closed[owner]), people.closed[owner])
    return opened, closed


def _start_balances(rng: np.random.Generator, people: Population, held: Flags) -> Floats:
    """Wealth divided among the products held; loans as a multiple of income."""
    weights = np.array([WEALTH_SPLIT.get(product.product_id, 0.0) for product in PRODUCTS])
    shares = held * weights * rng.uniform(0.4, 1.6, held.shape)
    amounts = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9) * people.wealth[:, None]
    amounts[people.life == Life.DORMANT] *= 0.2
    for code, (incomes, _) in LOANS.items():
        amounts[:, PRODUCT_CODE[code]] = np.round(people.income * incomes * rng.uniform(0.5, 1.3, len(people)), -3)
    return np.round(amounts)
