"""What a touch is worth to somebody who knows everything about the customers except chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cultiva.simbank.archetypes import PRODUCT_CODE
from cultiva.simbank.arrays import NONE, Flags, Floats, Ints
from cultiva.simbank.behaviour.money import WEEK, yearly_margins
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.behaviour.purse import OWED
from cultiva.simbank.behaviour.readiness import ONCE, TERM
from cultiva.simbank.behaviour.touching import is_customer, taking_chance, tiring_of, touch_strength, trend
from cultiva.simbank.living import State
from cultiva.simbank.population import NEVER
from cultiva.simbank.truth.gains import kept_money, take_up_gains
from cultiva.simbank.truth.outlook import Outlook, look_ahead
from cultiva.simbank.world import World

CURRENT = PRODUCT_CODE["P_CURRENT"]


@dataclass(frozen=True)
class Expected:
    """True expectations of touches over the world's horizon, one row each, before chance; all shape (rows,)."""

    p_with: Floats
    """Chance that the touched customer takes the offer (for products: the product) up at least once."""
    p_without: Floats
    """The same without the touch."""
    money: Floats
    """Contribution that the touch adds, spouse and referred friend included, costs not deducted."""
    cost: Floats
    """Expected cost: of the touch where it is carried out, and of benefits given."""
    reached: Floats
    """Chance that the touch reaches."""

    @property
    def worth(self) -> Floats:
        """Money less cost."""
        return self.money - self.cost


def expected_of(  # noqa: PLR0913  (rows and what they depend on)
    world: World, nature: Nature, state: State, *, who: Ints, offer: Ints, channel: Ints, week: int
) -> Expected:
    """What each touch of one week is expected to do, each on its own.

    Second-order effects are left out: mood after fatigue, touches of one week on each other, and what
    competitors take of money that a touch brought. `tests/simbank/truth` compares with a Monte Carlo of `advance`.

    Args:
        world: How customers respond.
        nature: What they are like.
        state: As the week begins.
        who: Customers, shape (rows,).
        offer: Offers.
        channel: Channels.
        week: Number of the week, as in `Draws`.
    """
    return _expected(world, nature, state, _Asked(who, offer, channel), look_ahead(world, nature, state), week)


def oracle_worth(
    world: World, nature: Nature, state: State, *, offers: Sequence[int], channels: Sequence[int], week: int
) -> Floats:
    """Expected incremental contribution of a touch now over the horizon, less its cost.

    Args:
        world: How customers respond.
        nature: What they are like.
        state: As the week begins.
        offers: Positions in the offer book.
        channels: Positions among the channels.
        week: Number of the week, as in `Draws`.

    Returns:
        Shape (n, offers, channels).
    """
    n = len(nature)
    ahead = look_ahead(world, nature, state)
    worth = np.empty((n, len(offers), len(channels)))
    for place, offer in enumerate(offers):
        for column, channel in enumerate(channels):
            rows = _Asked(np.arange(n), np.full(n, offer), np.full(n, channel))
            worth[:, place, column] = _expected(world, nature, state, rows, ahead, week).worth
    return worth


@dataclass(frozen=True)
class _Asked:
    who: Ints
    offer: Ints
    channel: Ints


def _expected(world: World, nature: Nature, state: State, rows: _Asked, ahead: Outlook, week: int) -> Expected:
    who, offer, channel = rows.who, rows.offer, rows.channel
    done = np.where(nature.human[channel], nature.calls[who], 1.0)
    here = is_customer(state)
    consents = state.consent[who, channel] & (here[who] | ((state.left[who] == NEVER) & nature.uses_app[who]))
    reached = done * nature.reach[who, channel] * consents
    strength = touch_strength(world, nature, state.fatigue[who], who, offer, channel) * trend(world, week)
    money, with_it, without = _on_products(world, nature, state, rows, ahead, strength)
    takes = taking_chance(nature, who, offer, strength)
    money += takes * _on_behaviour(world, nature, here, rows, ahead, strength)
    money += takes * _tale_worth(world, nature, state, rows, ahead)
    is_product = nature.product_of(who, offer) != NONE
    harm = _harm(world, nature, state, rows, ahead)
    return Expected(
        p_with=np.where(is_product, without + reached * (with_it - without), reached * takes),
        p_without=np.where(is_product, without, 0.0),
        money=reached * (money - harm),
        cost=done * nature.touch_cost[channel] + reached * takes * nature.cost[offer],
        reached=reached,
    )


def _on_products(
    world: World, nature: Nature, state: State, rows: _Asked, ahead: Outlook, strength: Floats
) -> tuple[Floats, Floats, Floats]:
    """Money by take-ups of the touched and their spouses, deposits kept at maturity, and friends who hear of it."""
    who, offer = rows.who, rows.offer
    topic, spouse = nature.topic_of[offer], nature.partner[who]
    own = nature.lift[who, topic] * strength
    money, with_it, without = _gain(nature, state, ahead, _Asked(who, offer, rows.channel), own, world)
    married = np.flatnonzero(
        (spouse != NONE) & is_customer(state)[spouse] & (own != 0) & (world.response.household > 0)
    )
    spouses = _Asked(spouse[married], offer[married], rows.channel[married])
    theirs = world.response.household * nature.lift[spouses.who, topic[married]] * strength[married]
    money[married] += _gain(nature, state, ahead, spouses, theirs, world)[0]
    return money, with_it, without


def _gain(
    nature: Nature, state: State, ahead: Outlook, rows: _Asked, effect: Floats, world: World
) -> tuple[Floats, Floats, Floats]:
    """Money of the rows' customers and their friends, and chances of a take-up with and without the effect."""
    product = nature.product_of(rows.who, rows.offer)
    money, with_it, without = take_up_gains(ahead.against, ahead.worth, ahead.path, rows.who, product, ONCE, effect)
    money += kept_money(ahead.keeping, ahead.path, rows.who, np.where(product == TERM, effect, 0.0))
    money += _tale_worth(world, nature, state, rows, ahead) * (with_it - without)
    return money, with_it, without


def _tale_worth(world: World, nature: Nature, state: State, rows: _Asked, ahead: Outlook) -> Floats:
    """What one take-up is worth by the friend who may hear of it, as if it happened in the first week."""
    if world.referral.chance == 0:
        return np.zeros(rows.who.size)
    friend = nature.friend[rows.who]
    product = nature.product_of(friend, rows.offer)
    has = friend != NONE
    warmed = has & is_customer(state)[friend] & (product != NONE)
    by_customer = np.where(warmed, ahead.told_worth[friend, product], 0.0)
    prospect = has & (state.opened[friend, 0] == NEVER) & (state.left[friend] == NEVER)
    joins = prospect * (1 - world.life.join) * world.referral.joins
    brings = world.life.brought * nature.wealth[friend] * yearly_margins(world)[CURRENT] * WEEK
    return world.referral.chance * (by_customer + joins * brings * (world.horizon_weeks - 0.5))


def _on_behaviour(world: World, nature: Nature, here: Flags, rows: _Asked, ahead: Outlook, strength: Floats) -> Floats:
    """Money by what a benefit that is taken up does to the customer and the spouse."""
    topic, spouse = nature.topic_of[rows.offer], nature.partner[rows.who]
    married = (spouse != NONE) & here[spouse]
    total = np.zeros(rows.who.size)
    for person, share in ((rows.who, 1.0), (spouse, np.where(married, world.response.household, 0.0))):
        pushed = nature.push[person, topic] * ahead.push_worth[person]
        stirred = nature.stir[person, topic] * ahead.stir_worth[person]
        total += share * strength * (pushed + stirred)
    return total


def _harm(world: World, nature: Nature, state: State, rows: _Asked, ahead: Outlook) -> Floats:
    """Money that a touch costs by driving money away, by annoyance, and by fatigue."""
    who, topic = rows.who, nature.topic_of[rows.offer]
    terms, weeks = world.fatigue, world.horizon_weeks
    free = state.balance[:, OWED].sum(axis=1) <= state.balance[:, CURRENT]
    tiring = tiring_of(world, nature)[rows.channel]
    later = np.zeros(who.size)
    for week in range(weeks):
        left = (weeks - week - 0.5) / (weeks - 0.5)
        felt = state.fatigue[who] * terms.stays**week
        more = np.maximum(felt + tiring * terms.stays**week - terms.tolerance, 0.0)
        later += left * (more - np.maximum(felt - terms.tolerance, 0.0))
    leaves = nature.annoyance[who, topic] + terms.attrition * nature.thin_skin[who] * later
    outflow = nature.outflow[who, topic] * ahead.asset_worth[who]
    return outflow + leaves * ahead.whole_worth[who] * free[who] * is_customer(state)[who]
