"""What balances and movements bring: the starter pack's value model with the world's figures."""

from __future__ import annotations

import numpy as np

from cultiva.simbank.archetypes import PRODUCTS, Product
from cultiva.simbank.arrays import Floats
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.living import Conversions
from cultiva.simbank.terms import Money
from cultiva.simbank.world import World

DAYS_PER_YEAR = 365
WEEK = 7 / DAYS_PER_YEAR


def yearly_margins(world: World) -> Floats:
    """What a yuan of balance brings per year by product, losses and capital deducted; shape (products,)."""
    return np.array([_margin(world.money, product) for product in PRODUCTS])


def _margin(money: Money, product: Product) -> float:
    """Spread, fee, less expected loss (loans, cards) and capital charge, as in packs/retail_bank/value.yaml."""
    risk = product.risk_weight * money.capital_ratio * money.hurdle_rate
    if product.category == "deposit":
        treasury = money.ftp_term_rate if product.asset_class == "steady" else money.ftp_demand_rate
        return treasury - product.customer_rate - risk
    if product.category in ("loan", "card"):
        return product.customer_rate - money.ftp_loan_rate - product.risk_weight * money.loss_rate - risk
    return product.fee_rate - risk


def upfront_fees(world: World, moved: Floats) -> Floats:
    """Fees at take-up.

    Args:
        world: Shares and limits by category.
        moved: Money that moves into each product, shape (rows, products).
    """
    terms = [world.category(product.category) for product in PRODUCTS]
    share, least = np.array([one.upfront for one in terms]), np.array([one.upfront_least for one in terms])
    fees: Floats = np.clip(share * moved, least, np.maximum([one.upfront_most for one in terms], least))
    return fees


def fees_of(conversions: Conversions, n: int) -> Floats:
    """Upfront fees per customer, shape (n,)."""
    return np.bincount(conversions.customer, conversions.fee, n).astype(np.float64)


def movement_margin(world: World, nature: Nature) -> Floats:
    """Fees less servicing cost of one movement, in yuan, shape (n,)."""
    money = world.money
    cost = np.where(nature.uses_app, money.cost_per_movement_app, money.cost_per_movement_other)
    return money.fee_per_movement - cost


def contribution(world: World, nature: Nature, before: Floats, after: Floats, movements: Floats) -> Floats:
    """Contribution of a week: average balances times margins, and expected fees less costs of the movements.

    Args:
        world: Rates and costs.
        nature: Who uses the app.
        before: Balances as the week begins, shape (n, products).
        after: As it ends.
        movements: Expected movements, shape (n,).
    """
    balances: Floats = (before + after) @ yearly_margins(world) * (WEEK / 2)
    return balances + movements * movement_margin(world, nature)
