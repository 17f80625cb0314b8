"""The money of one week: income and spending, loans and cards, what leaves and what comes, account by account."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from cultiva.simbank.archetypes import LOANS, PRODUCT_CODE, PRODUCTS
from cultiva.simbank.arrays import Flags, Floats
from cultiva.simbank.behaviour.amounts import CURRENT, SAVING, Sums
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.behaviour.readiness import IS_LOAN, WEEKS_PER_YEAR, season
from cultiva.simbank.free_days import holiday_share, paid_within
from cultiva.simbank.living import Flows, State
from cultiva.simbank.world import World

CARD = PRODUCT_CODE["P_CREDITCARD"]
OWED = IS_LOAN | (np.arange(len(PRODUCTS)) == CARD)
"""Products whose balance is owed."""
ASSETS = np.array([product.category in ("deposit", "fund", "wealth", "insurance") for product in PRODUCTS])
WITHDRAWABLE = np.array(
    [one.product_id in ("P_SAVING", "P_FUND_STEADY", "P_FUND_EQUITY", "P_WEALTH") for one in PRODUCTS]
)
"""Products from which money can be taken at any time, the current account aside."""
_CARD_INCOMES, _CARD_PACE = 0.35, 0.25
_SPENT_MAX = 0.9
"""Nobody spends more than this share of what is on the current account."""
_LIQUID_MONTHS = 3.0
_RATES = np.array([one.customer_rate if one.category == "deposit" else 0.0 for one in PRODUCTS])
_SWINGS = np.array([{"P_FUND_EQUITY": 0.02, "P_FUND_STEADY": 0.002, "P_WEALTH": 0.001}.get(one.product_id, 0.0)
                    for one in PRODUCTS])  # fmt: skip
_GAINS = np.array([{"P_FUND_EQUITY": 0.05, "P_FUND_STEADY": 0.03, "P_WEALTH": 0.028}.get(one.product_id, 0.0)
                   for one in PRODUCTS])  # fmt: skip
REPAID_WEEKLY = np.array([2 * 12 / WEEKS_PER_YEAR / LOANS[one.product_id][1] if one.product_id in LOANS else 0.0
                  for one in PRODUCTS])  # fmt: skip
"""Share of a loan repaid per week: twice the straight line at first, as the balance falls."""


class Purse:
    """Balances of one week in the making; every movement goes through it, so that nothing gets lost."""

    def __init__(self, nature: Nature, state: State) -> None:
        self.nature = nature
        self.balance: Floats = state.balance.copy()
        n, products = self.balance.shape
        self.moved, self.fresh, self.interest = (np.zeros((n, products)) for _ in range(3))
        self.income, self.spending, self.outside = (np.zeros(n) for _ in range(3))

    def flows(self, movements: Floats) -> Flows:
        """What moved; `movements` is the expected number of movements."""
        return Flows(self.income, self.spending, self.outside, self.fresh, self.moved, self.interest, movements)

    def accrue(self, draws: Draws) -> None:
        """Credits interest, and lets funds gain and lose; what happens on the market happens to everybody alike."""
        market = np.random.default_rng([draws.seed, draws.week, 31]).standard_normal(len(PRODUCTS))
        yields = (_RATES + _GAINS) / WEEKS_PER_YEAR + _SWINGS * market
        self.interest = self.balance * np.maximum(yields, -0.5)
        self.balance += self.interest

    def earn(self, minds: State, day: int, here: Flags) -> None:
        """Pays incomes that are due in the seven days after a day, and what benefits bring in or drive out."""
        active = np.clip(minds.activity, 0.0, 1.0) * here
        self.income = np.where(paid_in(self.nature, day), self.nature.income, 0.0) * active
        extra = minds.push * self.nature.income * here
        self.outside += np.maximum(extra, -0.3 * self.balance[:, CURRENT])
        self.balance[:, CURRENT] += self.income + self.outside

    def repay(self) -> None:
        """Repays loans a little, as far as the current account allows."""
        due = self.balance * REPAID_WEEKLY
        able = np.minimum(1.0, 0.8 * self.balance[:, CURRENT] / np.maximum(due.sum(axis=1), 1e-9))
        self._own(-due * able[:, None])

    def use_card(self, state: State, draws: Draws) -> None:
        """Lets what is owed on cards go towards what is usual for the income."""
        held = (state.opened[:, CARD] <= state.day) & (state.closed[:, CARD] > state.day)
        usual = _CARD_INCOMES * self.nature.income * np.exp(0.3 * draws.normal("card"))
        change = np.where(held, _CARD_PACE * (usual - self.balance[:, CARD]), 0.0)
        self.borrow(CARD, np.maximum(change, -0.3 * self.balance[:, CURRENT]))

    def spend(self, world: World, minds: State, day: int, draws: Draws, here: Flags) -> None:
        """Everyday life in the seven days after a day."""
        active = np.clip(minds.activity, 0.0, 1.0) * here
        usual = self.nature.income * 12 / WEEKS_PER_YEAR * world.life.spent * (1 + season(world, day))
        usual *= 1 + world.life.holidays * holiday_share(self.nature.first + timedelta(days=day + 1))
        noise = np.exp(world.life.noise * draws.normal("spending") - world.life.noise**2 / 2)
        self.spending = np.minimum(usual * noise * active, _SPENT_MAX * self.balance[:, CURRENT])
        self.balance[:, CURRENT] -= self.spending

    def drain(self, share: Floats) -> None:
        """Lets a share of all assets go to other banks, shape (n,)."""
        leaving = self.balance * np.clip(share, 0.0, 1.0)[:, None] * ASSETS
        self._fresh(-leaving)

    def withdraw(self, world: World) -> None:
        """Lets what can be withdrawn at any time go down a little: it is spent, or taken elsewhere."""
        self._fresh(-self.balance * world.life.withdrawn * WITHDRAWABLE)

    def compete(self, world: World) -> None:
        """Lets a share of the liquid money beyond what is needed go to competitors."""
        liquid = self.balance[:, [CURRENT, SAVING]]
        total = liquid.sum(axis=1)
        beyond = np.maximum(total - _LIQUID_MONTHS * self.nature.income, 0.0) / np.maximum(total, 1e-9)
        leaving = np.zeros_like(self.balance)
        leaving[:, [CURRENT, SAVING]] = liquid * (beyond * world.life.competitors)[:, None]
        self._fresh(-leaving)

    def take_up(self, sums: Sums) -> None:
        """Brings money into products that were taken up, own money from the current account and savings."""
        self._fresh(sums.fresh)
        total = sums.own.sum(axis=1)
        spare = np.maximum(self.balance[:, CURRENT], 0.0) + self.balance[:, SAVING]
        able = np.minimum(1.0, 0.95 * spare / np.maximum(total, 1e-9))
        from_saving = self.balance[:, SAVING] * np.minimum(total * able / np.maximum(spare, 1e-9), 1.0)
        self.borrow(SAVING, -from_saving, asset=True)
        self._own(sums.own * able[:, None])
        self._own(sums.lent)
        paid_on = sums.lent.sum(axis=1)  # a loan is taken to buy something
        self.outside -= paid_on
        self.balance[:, CURRENT] -= paid_on

    def close(self, closing: Flags, *, leaving_share: float) -> None:
        """Empties products, shape (n, products): a share leaves the bank, the rest goes to the current account."""
        content = self.balance * closing
        content[:, CURRENT] = 0.0
        self._own(-content * np.where(OWED, 1.0, 1 - leaving_share))
        self._fresh(-self.balance * closing * (np.arange(len(PRODUCTS)) != CURRENT))

    def leave(self, leaving: Flags) -> None:
        """Repays what is owed, then takes everything out."""
        self._own(-self.balance * leaving[:, None] * OWED)
        self._fresh(-self.balance * leaving[:, None] * ASSETS)

    def join(self, joined: Flags, share: float) -> None:
        """Lets those who join bring a share of their wealth."""
        change = np.zeros_like(self.balance)
        change[:, CURRENT] = np.where(joined, share * self.nature.wealth, 0.0)
        self._fresh(change)

    def borrow(self, product: int, amount: Floats, *, asset: bool = False) -> None:
        """Moves money between one product and the current account; owed products pay out what they gain."""
        change = np.zeros_like(self.balance)
        change[:, product] = amount
        self._own(change, owed=not asset)

    def _own(self, change: Floats, *, owed: bool = True) -> None:
        """Own money into products (negative: out of them), and loans paid out (negative: repaid)."""
        self.moved += change
        self.balance += change
        sign = np.where(OWED & owed, 1.0, -1.0)
        sign[CURRENT] = 0.0
        back = change @ sign
        self.moved[:, CURRENT] += back
        self.balance[:, CURRENT] += back

    def _fresh(self, change: Floats) -> None:
        """Money from other banks into products (negative: out of them)."""
        self.balance += change
        self.outside += change[:, CURRENT]
        self.fresh += change
        self.fresh[:, CURRENT] = 0.0


def paid_in(nature: Nature, day: int) -> Flags:
    """Whose income comes in the seven days after a day."""
    return paid_within(nature.pay_day, nature.first + timedelta(days=day + 1))
