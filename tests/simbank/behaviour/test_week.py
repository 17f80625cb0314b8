"""A week: pure, exact to the cent, and with chance that does not depend on what the bank does."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from tests.simbank.smallbank import APP, PHONE, SMS, SmallBank, changed, small_bank

from cultiva.simbank.arrays import NONE, Flags, Floats
from cultiva.simbank.behaviour.readiness import warmth_by_product
from cultiva.simbank.behaviour.touching import FAILED, NOT_DONE, REFUSED
from cultiva.simbank.behaviour.week import advance, no_touches
from cultiva.simbank.living import Happened, State, Touches
from cultiva.simbank.population import NEVER
from cultiva.simbank.truth.oracle import expected_of
from cultiva.simbank.world import load_world, world_names

CAR_WASH = 6


def lived(bank: SmallBank, weeks: int, touches: Any = None) -> list[Happened]:
    state, happened = bank.state, []
    for week in range(weeks):
        asked: Touches = touches(week) if touches else no_touches()
        happened.append(advance(bank.world, bank.nature, state, asked, bank.draws(week)))
        state = happened[-1].after
    return happened


def differs(one: State, other: State) -> Flags:
    """Customers whose state differs in anything, shape (n,)."""
    found = np.zeros(one.left.size, dtype=np.bool_)
    for column in fields(State):
        if column.name != "day":
            left, right = getattr(one, column.name), getattr(other, column.name)
            found |= (left != right).reshape(found.size, -1).any(axis=1)
    return found


def test_the_same_arguments_give_the_same_week() -> None:
    bank = small_bank()
    asked = bank.random_touches(800, week=0)
    one, other = (advance(bank.world, bank.nature, bank.state, asked, bank.draws()) for _ in range(2))
    assert not differs(one.after, other.after).any()
    assert (one.contribution == other.contribution).all()
    assert (one.conversions.customer == other.conversions.customer).all()
    elsewhere = advance(bank.world, bank.nature, bank.state, asked, bank.draws(seed=9))
    assert differs(one.after, elsewhere.after).mean() > 0.5


def test_the_state_that_goes_in_is_not_changed() -> None:
    bank = small_bank()
    before = {column.name: np.copy(getattr(bank.state, column.name)) for column in fields(State)}
    advance(bank.world, bank.nature, bank.state, bank.random_touches(800, week=0), bank.draws())
    assert all((getattr(bank.state, name) == value).all() for name, value in before.items())


@pytest.mark.parametrize("name", world_names())
def test_every_account_balances_and_none_is_negative_or_nan(name: str) -> None:
    bank = small_bank(name, customers=1_500)
    for one in lived(bank, 14, lambda week: bank.random_touches(600, week=week)):
        flows, before, after = one.flows, one.before.balance, one.after.balance
        current = (
            before[:, 0] + flows.income - flows.spending + flows.outside + flows.interest[:, 0] + flows.moved[:, 0]
        )
        others = (before + flows.moved + flows.fresh + flows.interest)[:, 1:]
        assert np.abs(after[:, 0] - current).max() < 1e-4
        assert np.abs(after[:, 1:] - others).max() < 1e-4
        assert after.min() >= 0
        assert np.isfinite(after).all()
        assert np.isfinite(one.contribution).all()
        held = (one.after.opened <= one.after.day) & (one.after.closed == NEVER)
        assert after[~held].max() < 1.0


@pytest.mark.parametrize("untouched", [True, False])
def test_in_a_world_without_effect_touches_change_nothing_that_matters(untouched: bool) -> None:
    bank = small_bank("no_effect" if untouched else "ordinary")
    with_touches = lived(bank, 6, lambda week: bank.random_touches(2_000, week=week))
    without = lived(bank, 6)
    same = all(
        (one.contribution == other.contribution).all()
        and (one.after.balance == other.after.balance).all()
        and (one.after.left == other.after.left).all()
        and (one.after.consent == other.after.consent).all()
        and (one.after.complaint == other.after.complaint).all()
        and one.conversions.customer.size == other.conversions.customer.size
        for one, other in zip(with_touches, without, strict=True)
    )
    assert same == untouched


def test_one_more_touch_changes_only_the_customer_the_spouse_and_those_they_refer() -> None:
    bank = small_bank("strong_referral")
    asked = bank.random_touches(1_000, week=0)
    nature = bank.nature
    plain = advance(bank.world, nature, bank.state, asked, bank.draws())
    changed_rows = 0
    for who in bank.customers()[:60]:
        extra = bank.touches([*asked.customer, who], [*asked.offer, CAR_WASH], [*asked.channel, APP])
        other = advance(bank.world, nature, bank.state, replace(extra, day=extra.day), bank.draws())
        found = set(np.flatnonzero(differs(plain.after, other.after) | (plain.contribution != other.contribution)))
        home = {int(who), int(nature.partner[who])}
        near = home | {int(nature.friend[person]) for person in home if person != NONE}
        assert found <= near
        changed_rows += len(found)
    assert changed_rows >= 30


def test_touches_raise_the_take_up_of_persuadables_and_lower_that_of_sleeping_dogs() -> None:
    bank = small_bank(customers=6_000)
    kind = bank.nature.kind[:, bank.nature.topics.index("deposit")]
    who = bank.customers()
    touched = advance(bank.world, bank.nature, bank.state, bank.touches(who, 0, SMS), bank.draws())
    plain = advance(bank.world, bank.nature, bank.state, no_touches(), bank.draws())
    told = expected_of(bank.world, bank.nature, bank.state, who=who, offer=who * 0, channel=who * 0 + SMS, week=0)
    gained = told.p_with - told.p_without
    assert (gained[kind[who] == 1] >= 0).all()
    assert (gained[kind[who] == 3] <= 0).all()
    assert gained[kind[who] == 1].mean() > 10 * abs(gained[kind[who] == 2].mean())
    assert touched.conversions.customer.size > plain.conversions.customer.size
    assert warmth_by_product(bank.nature, touched.after.warmth).max() > 0


def test_touching_sleeping_dogs_costs_contribution() -> None:
    world = load_world("sleeping_dogs")
    bank = small_bank(world, customers=4_000)
    topic = bank.nature.topics.index("benefit")
    dogs = np.flatnonzero((bank.nature.kind[:, topic] == 3) & (bank.state.left == NEVER))
    money: list[float] = []
    for asked in (lambda week: bank.touches(dogs, CAR_WASH, SMS) if week < 3 else no_touches(), None):
        money.append(float(sum(one.contribution.sum() for one in lived(bank, 8, asked))))
    assert money[0] < money[1] * 0.999


def test_more_fatigue_means_less_effect_more_opt_outs_and_more_who_leave() -> None:
    bank = small_bank("strong_fatigue", customers=6_000)
    who = bank.customers()
    added: list[Floats] = []
    opted, left = [], []
    for felt in (0.0, 2.0, 5.0):
        tired = replace(bank.state, fatigue=np.full(bank.n, felt))
        one = advance(bank.world, bank.nature, tired, bank.touches(who, 0, SMS), bank.draws())
        added.append(np.abs(one.after.warmth).sum(axis=1))
        opted.append(int((tired.consent & ~one.after.consent).sum()))
        left.append(int((one.after.left != NEVER).sum()))
    assert (added[0] >= added[1]).all()
    assert (added[1] >= added[2]).all()
    assert added[0].sum() > 2 * added[2].sum()
    assert opted[0] < opted[1] < opted[2]
    assert left[0] < left[1] < left[2]


def test_effects_arrive_late_and_fade() -> None:
    slow = changed(load_world("ordinary"), "response", at_once=0.0, arrives=0.5, stays=0.8)
    bank = small_bank(slow)
    who = bank.customers()
    weeks = lived(bank, 12, lambda week: bank.touches(who, 0, SMS) if week == 0 else no_touches())
    warmth = [float(np.abs(one.after.warmth[:, 0]).sum()) for one in weeks]
    assert warmth[0] == 0
    peak = int(np.argmax(warmth))
    assert 1 <= peak <= 4
    assert warmth[-1] < 0.5 * warmth[peak]


def test_a_better_rate_and_a_dearer_benefit_work_better() -> None:
    bank = small_bank()
    nature = bank.nature
    offers = len(nature.cost)
    better = replace(nature, extra_rate=np.where(np.arange(offers) == 0, 0.005, 0.0))
    dearer = replace(nature, cost=nature.cost * 3)
    who = bank.customers()

    def warmth(one: Any, offer: int) -> float:
        return float(
            advance(bank.world, one, bank.state, bank.touches(who, offer, SMS), bank.draws())
            .after.warmth[:, offer]
            .sum()
        )

    assert warmth(better, 0) > 1.2 * warmth(nature, 0) > 0
    takers = [
        advance(bank.world, one, bank.state, bank.touches(who, CAR_WASH, SMS), bank.draws()).conversions.offer
        for one in (nature, dearer)
    ]
    assert (takers[1] == CAR_WASH).sum() > (takers[0] == CAR_WASH).sum() > 0


def test_a_spouse_has_part_of_the_effect() -> None:
    bank = small_bank()
    married = [who for who in bank.customers() if bank.nature.partner[who] != NONE]
    who = np.array([one for one in married if bank.nature.partner[one] > one])
    one = advance(bank.world, bank.nature, bank.state, bank.touches(who, 0, SMS), bank.draws())
    alone = changed(bank.world, "response", household=0.0)
    other = advance(alone, bank.nature, bank.state, bank.touches(who, 0, SMS), bank.draws())
    spouses = bank.nature.partner[who]
    assert np.abs(one.after.warmth[spouses, 0]).sum() > 0
    assert np.abs(other.after.warmth[spouses, 0]).sum() == 0
    assert (one.after.warmth[who, 0] == other.after.warmth[who, 0]).all()


def test_advisers_leave_tasks_undone_and_no_consent_means_no_touch() -> None:
    bank = small_bank()
    who = bank.customers()
    called = advance(bank.world, bank.nature, bank.state, bank.touches(who, 0, PHONE), bank.draws()).contacts.status
    undone = called == NOT_DONE
    assert 0.2 < undone.mean() < 0.7
    assert bank.people.wealth[who[~undone]].mean() > bank.people.wealth[who[undone]].mean()
    assert (called == REFUSED).any()
    refusing = replace(bank.state, consent=np.zeros_like(bank.state.consent))
    none = advance(bank.world, bank.nature, refusing, bank.touches(who, 0, SMS), bank.draws())
    plain = advance(bank.world, bank.nature, refusing, no_touches(), bank.draws())
    assert (none.contacts.status == FAILED).all()
    assert not differs(none.after, plain.after).any()


def test_effects_in_a_drifting_world_fall_and_turn() -> None:
    bank = small_bank("drifting")
    who = bank.customers()
    warmth = [
        float(
            advance(bank.world, bank.nature, bank.state, bank.touches(who, 0, SMS), bank.draws(week)).after.warmth.sum()
        )
        for week in (0, 5, 20)
    ]
    assert warmth[0] > warmth[1] > 0 > warmth[2]


def test_own_money_moves_into_what_is_taken_up() -> None:
    bank = small_bank(customers=6_000)
    one = advance(bank.world, bank.nature, bank.state, bank.touches(bank.customers(), 1, PHONE), bank.draws())
    taken = one.conversions
    rows = taken.customer[(taken.offer == 1) & (taken.amount > 0)]
    own, fresh = one.flows.moved[rows, 8], one.flows.fresh[rows, 8]
    assert rows.size > 5
    assert own.sum() > 0
    assert fresh.sum() > 0
    assert one.flows.moved[rows, :2].sum() < 0


def test_speed_of_a_week() -> None:
    bank = small_bank(customers=20_000)
    asked = bank.random_touches(8_000, week=0)
    advance(bank.world, bank.nature, bank.state, asked, bank.draws())
    begun = time.process_time()
    advance(bank.world, bank.nature, bank.state, asked, bank.draws(1))
    print(f"one week of 20,000 customers: {time.process_time() - begun:.3f} s CPU")
    assert asked.customer.size == 8_000
