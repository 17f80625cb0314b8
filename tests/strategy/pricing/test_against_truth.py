"""A randomised experiment in the simulated bank: what is learnt from its cells beside what is true."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.simbank import smallbank
from tests.simbank.smallbank import APP, SmallBank, changed, small_bank
from tests.strategy.pricing.templates import LEVELS, LISTED, template, workspace

from cultiva.simbank.archetypes import PRODUCT_CODE
from cultiva.simbank.arrays import Floats, Ints
from cultiva.simbank.behaviour.nature import draw_nature
from cultiva.simbank.behaviour.week import advance, no_touches
from cultiva.simbank.living import OfferTerms
from cultiva.simbank.truth.prices import TruePrices, true_prices
from cultiva.simbank.world import load_world
from cultiva.strategy.pricing.cells import drawn_levels
from cultiva.strategy.pricing.market import Market, Sales, market_of
from cultiva.strategy.pricing.optimum import Optimum, optimise
from cultiva.strategy.pricing.response import Counts
from cultiva.strategy.pricing.trial import tried

LOAN = PRODUCT_CODE["P_CONSUMER"]
OFFERS = tuple(
    OfferTerms(f"cash_loan@{round(level * 10_000)}", "product", "loan", 0.0, LISTED - level) for level in LEVELS
)
WEEKS = 4
GROUPS = ("young", "middle", "old")


@dataclass(frozen=True)
class Experiment:
    """A bank in which every customer without a loan was quoted a price by lot, and what the truth says."""

    market: Market
    true: TruePrices
    group: Ints

    def true_take_up(self) -> Floats:
        """By group and level."""
        return np.stack([self.true.take_up[self.group == place].mean(axis=0) for place in range(len(GROUPS))])

    def true_contribution(self) -> Floats:
        """Per quote, by group and level; rich customers move more, so amount and take-up go together."""
        return np.stack([
            (self.true.take_up[mine] * self.true.amount[mine, None]).mean(axis=0)
            for mine in (self.group == place for place in range(len(GROUPS)))
        ]) * (self.market.margins / self.market.margins[:, :1]) * _per_yuan(self.market)  # fmt: skip


def _per_yuan(market: Market) -> float:
    """What a yuan that is lent at the worst price brings over the horizon."""
    return (market.levels[0] - 0.026 - 0.015) * 84 / 365


def bank_with_prices(customers: int, seed: int) -> SmallBank:
    """Customers who do not hear of each other's quotes: a spouse's price would be in the cell, and not in the truth."""
    world = changed(changed(load_world("ordinary"), "response", household=0.0), "referral", chance=0.0)
    bank = small_bank(world, customers=customers, seed=seed)
    nature = draw_nature(
        bank.world, bank.people, offers=OFFERS, channels=smallbank.CHANNELS, seed=seed, first=bank.nature.first
    )
    nothing = np.zeros((bank.n, len(OFFERS)))
    return replace(bank, nature=nature, state=replace(bank.state, warmth=nothing, coming=nothing))


@pytest.fixture(scope="module", params=[3, 4])
def experiment(request: pytest.FixtureRequest) -> Experiment:
    bank = bank_with_prices(45_000, request.param)
    who = _without_loan(bank)
    product = template(exploration=1.0)
    cell = drawn_levels(product, who)
    taken = _lived(bank, who, cell)
    ages = (bank.state.day - bank.people.born[who]) / 365.25
    group = np.searchsorted([32.0, 50.0], ages).astype(np.int64)
    half = np.random.default_rng(8).integers(0, 2, who.size)
    sales = [_sales(group[half == side], cell[half == side], taken[who[half == side]]) for side in (0, 1)]
    counted = np.bincount(group, minlength=len(GROUPS))
    market = market_of(workspace(product), product, (sales[0], sales[1]), counted)
    truth = true_prices(
        bank.world, bank.nature, bank.state, who=who, offers=range(len(OFFERS)), channel=np.full(who.size, APP),
        week=0, weeks=WEEKS,
    )  # fmt: skip
    return Experiment(market, truth, group)


def _without_loan(bank: SmallBank) -> Ints:
    who = bank.customers()
    free = (bank.state.opened[who, LOAN] > bank.state.day) | (bank.state.closed[who, LOAN] <= bank.state.day)
    return who[free & ~bank.nature.organisation[who]]


def _lived(bank: SmallBank, who: Ints, cell: Ints) -> Floats:
    """Money that each customer borrowed within the weeks; 0 for those who did not."""
    state, amount = bank.state, np.zeros(bank.n)
    for week in range(WEEKS):
        asked = bank.touches(who, cell, APP) if week == 0 else no_touches()
        one = advance(bank.world, bank.nature, state, asked, bank.draws(week, 900))
        state, rows = one.after, one.conversions
        loans = rows.product == LOAN
        amount[rows.customer[loans]] += rows.amount[loans]
    return amount


def _sales(group: Ints, cell: Ints, amount: Floats) -> Sales:
    shape = (len(GROUPS), len(LEVELS))
    at = group * len(LEVELS) + cell
    quoted = np.bincount(at, minlength=shape[0] * shape[1]).reshape(shape)
    taken = np.bincount(at, amount > 0, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)
    moved = np.bincount(group, amount, minlength=len(GROUPS)).astype(np.float64)
    return Sales(Counts(GROUPS, LEVELS, quoted, taken), moved)


@pytest.fixture(scope="module")
def learnt(experiment: Experiment) -> Optimum:
    return optimise(experiment.market)


def test_the_true_curve_lies_within_the_stated_error(experiment: Experiment, learnt: Optimum) -> None:
    true, spread = experiment.true_take_up(), learnt.curves.draws.std(axis=0)
    low, high = learnt.curves.interval
    covered = (true >= low) & (true <= high)
    assert covered.mean() >= 0.75, (true, low, high)
    assert float(np.abs((learnt.curves.mean - true) / spread).max()) < 4.0


def test_learnt_curves_rise_with_a_better_price_as_true_ones_do(experiment: Experiment, learnt: Optimum) -> None:
    assert bool((np.diff(learnt.curves.draws, axis=2) >= 0).all())
    assert bool((np.diff(experiment.true_take_up(), axis=1) > 0).all())


def test_learnt_prices_bring_nearly_what_the_best_prices_would(experiment: Experiment, learnt: Optimum) -> None:
    true = experiment.true_contribution()
    each = np.arange(len(GROUPS))
    chosen = true[each, [rung.place for rung in learnt.rungs]]
    weight = experiment.market.customers
    assert float(chosen @ weight) >= 0.97 * float(true.max(axis=1) @ weight)
    assert float(chosen @ weight) > 1.3 * float(
        true[:, experiment.market.listed] @ weight
    )  # the list price is too dear


def test_the_trial_on_the_other_half_agrees_with_the_truth(experiment: Experiment, learnt: Optimum) -> None:
    found = tried(experiment.market)
    assert found.interval is not None and found.gain is not None and found.se is not None
    true, each = experiment.true_contribution(), np.arange(len(GROUPS))
    gain = true[each, [rung.place for rung in learnt.rungs]] - true[:, experiment.market.listed]
    weight = experiment.market.customers / experiment.market.customers.sum()
    assert abs(found.gain - float(gain @ weight)) < 3 * found.se
    assert found.interval[0] > 0
