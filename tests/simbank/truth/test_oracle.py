"""The oracle's expectations against a Monte Carlo of the bank itself, with and without the touch."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from tests.simbank.smallbank import APP, CHANNELS, OFFERS, PHONE, SMS, SmallBank, changed, small_bank

from cultiva.simbank.archetypes import LOANS, PRODUCT_CODE
from cultiva.simbank.arrays import Floats, Ints
from cultiva.simbank.behaviour.week import advance, no_touches
from cultiva.simbank.living import Touches
from cultiva.simbank.truth.oracle import Expected, expected_of, oracle_worth
from cultiva.simbank.world import World, load_world

RUNS = 10
TERM_DEPOSIT, LOAN, CAR_WASH, GUIDE = 0, 2, 6, 7


def plain_bank(world: World) -> SmallBank:
    """A bank whose customers are alike in means, so that few runs suffice."""
    kinds = world.kinds
    shares = {"sure_thing": 0.05, "persuadable": 0.85, "lost_cause": 0.05, "sleeping_dog": 0.05}
    known = changed(
        changed(world, "amounts", spread=0.0),
        "kinds",
        **{name: getattr(kinds, name).model_copy(update={"share": share}) for name, share in shares.items()},
    )
    bank = small_bank(known, customers=2_000)
    loans = [PRODUCT_CODE[code] for code in LOANS]
    alike = np.where(bank.state.balance > 0, 20_000.0, 0.0)
    alike[:, loans] = bank.state.balance[:, loans]
    nature = replace(bank.nature, wealth=np.full(bank.n, 50_000.0), income=np.full(bank.n, 6_000.0))
    return replace(bank, nature=nature, state=replace(bank.state, balance=alike, drift=np.zeros(bank.n)))


@dataclass(frozen=True)
class Observed:
    money: Floats
    """Per run: contribution with less without the touches, over the horizon."""
    taken: Floats
    """Per run: customers touched who took the offer up at least once."""
    taken_without: Floats


def observe(bank: SmallBank, touches: Touches, offer: int) -> Observed:
    found = [_run(bank, touches, offer, 100 + run) for run in range(RUNS)]
    return Observed(*(np.array(column, dtype=np.float64) for column in zip(*found, strict=True)))


def _run(bank: SmallBank, touches: Touches, offer: int, seed: int) -> tuple[float, int, int]:
    states, money, takers = [bank.state, bank.state], [0.0, 0.0], [set[int](), set[int]()]
    product = bank.nature.product_of(touches.customer, touches.offer)
    wanted = set(zip(touches.customer.tolist(), product.tolist(), strict=True))
    for week in range(bank.world.horizon_weeks):
        draws = bank.draws(week, seed)
        for place, asked in enumerate((touches if week == 0 else no_touches(), no_touches())):
            one = advance(bank.world, bank.nature, states[place], asked, draws)
            states[place] = one.after
            money[place] += float(one.contribution.sum())
            rows = one.conversions
            pairs = zip(rows.customer.tolist(), rows.product.tolist(), rows.offer.tolist(), strict=True)
            takers[place] |= {
                who for who, what, under in pairs if (who, what) in wanted and (what >= 0 or under == offer)
            }
    return money[0] - money[1], len(takers[0]), len(takers[1])


def unmarried(bank: SmallBank) -> Ints:
    who = bank.customers()
    return who[(bank.nature.partner[who] < 0) & ~bank.nature.organisation[who]]


def expect(bank: SmallBank, touches: Touches) -> Expected:
    return expected_of(
        bank.world, bank.nature, bank.state,
        who=touches.customer, offer=touches.offer, channel=touches.channel, week=0,
    )  # fmt: skip


@pytest.mark.parametrize("offer", [TERM_DEPOSIT, LOAN, CAR_WASH, GUIDE])
def test_expectations_agree_with_a_monte_carlo_of_the_bank(offer: int) -> None:
    bank = plain_bank(load_world("ordinary"))
    touches = bank.touches(unmarried(bank), offer, PHONE)
    told, seen = expect(bank, touches), observe(bank, touches, offer)
    for expected, found in ((told.p_with, seen.taken), (told.p_without, seen.taken_without)):
        error = found.std(ddof=1) / RUNS**0.5
        assert abs(found.mean() - expected.sum()) < 4 * error + 0.03 * expected.sum() + 0.5
    error = seen.money.std(ddof=1) / RUNS**0.5
    assert told.money.sum() > 0
    assert abs(seen.money.mean() - told.money.sum()) < 4 * error + 0.1 * told.money.sum()


def test_harm_is_expected_where_there_is_harm() -> None:
    bank = plain_bank(load_world("contact_hurts"))
    touches = bank.touches(unmarried(bank), TERM_DEPOSIT, SMS)
    told, seen = expect(bank, touches), observe(bank, touches, TERM_DEPOSIT)
    error = seen.money.std(ddof=1) / RUNS**0.5
    assert told.money.sum() < 0
    assert seen.money.mean() < 0
    assert abs(seen.money.mean() - told.money.sum()) < 4 * error + 0.15 * abs(told.money.sum())


def test_households_and_friends_are_part_of_the_worth() -> None:
    bank = plain_bank(load_world("strong_referral"))
    who = bank.customers()[:400]
    touches = bank.touches(who, TERM_DEPOSIT, SMS)
    alone = replace(bank, world=changed(changed(bank.world, "referral", chance=0.0), "response", household=0.0))
    assert expect(bank, touches).money.sum() > 1.1 * expect(alone, touches).money.sum()


def test_no_effect_means_no_money_but_the_touch_costs() -> None:
    bank = small_bank("no_effect", customers=800)
    told = expect(bank, bank.touches(bank.customers(), TERM_DEPOSIT, SMS))
    assert (told.money == 0).all()
    assert (told.p_with == told.p_without).all()
    assert told.cost == pytest.approx(CHANNELS[SMS].unit_cost)
    assert (told.worth < 0).all()


def test_the_table_of_worth_is_that_of_single_touches() -> None:
    bank = small_bank(customers=500)
    offers, channels = [TERM_DEPOSIT, CAR_WASH], [APP, PHONE]
    worth = oracle_worth(bank.world, bank.nature, bank.state, offers=offers, channels=channels, week=2)
    assert worth.shape == (500, 2, 2)
    who: Any = np.arange(500)
    told = expected_of(
        bank.world, bank.nature, bank.state, who=who, offer=who * 0 + CAR_WASH, channel=who * 0 + PHONE, week=2
    )
    assert np.allclose(worth[:, 1, 1], told.worth)


def test_speed_of_the_oracle() -> None:
    bank = small_bank(customers=5_000)
    given: dict[str, Any] = {"offers": range(len(OFFERS)), "channels": range(len(CHANNELS)), "week": 0}
    oracle_worth(bank.world, bank.nature, bank.state, **given)
    begun = time.process_time()
    worth = oracle_worth(bank.world, bank.nature, bank.state, **given)
    print(f"worth of {worth.size:,} touches: {time.process_time() - begun:.3f} s CPU")
    assert np.isfinite(worth).all()
