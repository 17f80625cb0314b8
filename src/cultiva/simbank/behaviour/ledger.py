"""What a week does to products and balances: purchases, maturities, closings, those who join and those who leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cultiva.simbank.archetypes import PRODUCTS
from cultiva.simbank.arrays import Flags, Floats
from cultiva.simbank.behaviour.amounts import CURRENT
from cultiva.simbank.behaviour.choices import Taken
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.minds import ACTIVITY_MAX, PUSH_MAX, too_much, unhappiness
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.behaviour.purse import ASSETS, OWED, Purse
from cultiva.simbank.behaviour.readiness import DAYS_PER_WEEK, IS_LOAN, TERM, matures, warmth_by_product
from cultiva.simbank.behaviour.touching import Touched, is_customer
from cultiva.simbank.living import Flows, State
from cultiva.simbank.population import NEVER
from cultiva.simbank.world import World

MATURING_LEAVES = 0.8
"""Share of a term deposit that goes to other banks when it leaves at maturity."""
CLOSING_LEAVES = 0.4
"""The same for a product that is closed at any other time."""
SMALL_LOAN = 100.0
"""Loans below this are repaid and closed."""
_EMPTY = 50.0
_EMPTY_LEAVES = 0.02
"""Weekly chance to leave of those who drain their balance and have next to nothing left."""


def live(  # noqa: PLR0913  (a week and what was decided in it)
    world: World,
    nature: Nature,
    state: State,
    minds: State,
    draws: Draws,
    *,
    taken: Taken,
    touched: Touched,
    warmth: Floats,
) -> tuple[State, Flows]:
    """Lives the money side of a week.

    Args:
        world: How customers live.
        nature: What they are like.
        state: As the week begins.
        minds: The same with what is in people's minds as the week leaves it.
        draws: The week's chance.
        taken: Who took what up.
        touched: What touches did.
        warmth: Readiness per (customer, offer) in this week.

    Returns:
        The state as the week ends, and what moved.
    """
    minds = _moved_by_products(world, minds, taken)
    purse = Purse(nature, state)
    here = is_customer(state) | taken.joined
    purse.accrue(draws)
    purse.earn(minds, state.day, here)
    purse.repay()
    purse.use_card(state, draws)
    purse.spend(world, minds, state.day, draws, here)
    purse.drain(touched.outflow - state.drift)
    purse.withdraw(world)
    purse.compete(world)
    matured = _maturing(world, nature, state, warmth, draws)
    closing = _closing(world, state, purse.balance, draws)
    purse.close(matured, leaving_share=MATURING_LEAVES)
    purse.close(closing, leaving_share=CLOSING_LEAVES)
    purse.take_up(taken.sums)
    purse.join(taken.joined, world.life.brought)
    leaving = _leaving(world, nature, state, purse.balance, touched, draws)
    purse.leave(leaving)
    after = _products(minds, state, taken, (matured | closing) & ~taken.products, leaving, draws)
    movements = world.money.movements_weekly * nature.usual_activity * minds.activity * here
    return replace(after, balance=np.maximum(purse.balance, 0.0)), purse.flows(movements)


def _moved_by_products(world: World, minds: State, taken: Taken) -> State:
    """A collection code or a card changes how the bank is used, whoever asked for it."""
    terms = [world.category(product.category) for product in PRODUCTS]
    took = taken.products.astype(np.float64)
    push = minds.push + took @ np.array([one.push for one in terms])
    activity = minds.activity + took @ np.array([one.activity for one in terms])
    return replace(minds, push=np.clip(push, -PUSH_MAX, PUSH_MAX), activity=np.clip(activity, 0.0, ACTIVITY_MAX))


def maturity_leaving_chance(world: World, warmth: Floats) -> Floats:
    """Chance that a maturing deposit leaves, given the readiness for a new one on the scale of log odds."""
    return np.clip(world.life.maturity_leaves * np.exp(-warmth), 0.0, 1.0)


def _maturing(world: World, nature: Nature, state: State, warmth: Floats, draws: Draws) -> Flags:
    chance = maturity_leaving_chance(world, warmth_by_product(nature, warmth)[:, TERM])
    found = np.zeros(state.balance.shape, dtype=np.bool_)
    found[:, TERM] = matures(state, state.day) & (draws.uniform("maturity") < chance)
    return found


def _closing(world: World, state: State, balance: Floats, draws: Draws) -> Flags:
    """Products closed without reason, and loans that are repaid; the current account stays."""
    held = (state.opened <= state.day) & (state.closed == NEVER)
    random = draws.uniform("closing", len(PRODUCTS)) < world.life.close
    able = ~OWED | ((balance <= balance[:, [CURRENT]] * 0.5) & ~IS_LOAN)
    paid = IS_LOAN & (balance < SMALL_LOAN) & (balance <= balance[:, [CURRENT]])
    closing: Flags = held & ((random & able) | paid)
    closing[:, CURRENT] = False
    return closing


def leaving_chance(world: World, nature: Nature, state: State, touched: Touched) -> Floats:
    """Chance to leave the bank in the week, shape (n,)."""
    tired = world.fatigue.attrition * too_much(world, nature, state, touched)
    return world.life.attrition * unhappiness(state) + tired + touched.annoyance


def _leaving(world: World, nature: Nature, state: State, balance: Floats, touched: Touched, draws: Draws) -> Flags:
    """Who leaves; whoever owes more than what is on the current account cannot."""
    chance = leaving_chance(world, nature, state, touched)
    empty = (balance[:, ASSETS].sum(axis=1) < _EMPTY) & (state.drift < 0)
    wants = draws.uniform("leaving") < chance + _EMPTY_LEAVES * empty
    free: Flags = balance[:, OWED].sum(axis=1) <= balance[:, CURRENT]
    return wants & is_customer(state) & free


def _products(minds: State, state: State, taken: Taken, closing: Flags, leaving: Flags, draws: Draws) -> State:
    """Openings, closings, those who join and those who leave, with their days."""
    opened, closed, left = state.opened.copy(), state.closed.copy(), state.left.copy()
    some_day = state.day + 1 + (draws.uniform("some day") * DAYS_PER_WEEK).astype(np.int64)
    opened[taken.joined, CURRENT] = some_day[taken.joined]
    fresh = taken.products & ((opened > state.day) | (closed <= state.day))
    opened[fresh], closed[fresh] = taken.day[fresh], NEVER
    days = np.broadcast_to((state.day + DAYS_PER_WEEK), closed.shape)
    closed[closing] = days[closing]
    going = leaving[:, None] & (opened <= state.day + DAYS_PER_WEEK) & (closed == NEVER)
    closed[going] = days[going]
    left[leaving] = state.day + DAYS_PER_WEEK
    return replace(minds, opened=opened, closed=closed, left=left)
