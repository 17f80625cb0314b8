"""What customers decide in a week: products and benefits taken up, friends told, prospects who join, refusals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.simbank.archetypes import PRODUCTS
from cultiva.simbank.arrays import NONE, SECONDS_PER_DAY, Flags, Floats, Ints
from cultiva.simbank.behaviour.amounts import Sums, draw_sums
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.money import upfront_fees
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.behaviour.readiness import (
    DAYS_PER_WEEK,
    chance,
    natural_odds,
    offer_taken,
    warmth_by_product,
)
from cultiva.simbank.behaviour.touching import DELIVERED, REFUSED, Touched, is_customer
from cultiva.simbank.living import Conversions, State, Touches
from cultiva.simbank.population import NEVER
from cultiva.simbank.world import World


@dataclass(frozen=True)
class Taken:
    """Who took what up in a week."""

    products: Flags
    """Shape (n, products)."""
    day: Ints
    """Shape (n, products): day of the take-up, where there is one."""
    sums: Sums
    """What moves."""
    joined: Flags
    """Prospects who became customers."""
    told: Floats
    """Shape (n, offers): log odds that friends' tales add, from next week on."""
    conversions: Conversions
    """All of it as rows; offer NONE where no offer of the book sells the product."""


def take_up(  # noqa: PLR0913  (a week and what its touches did)
    world: World,
    nature: Nature,
    state: State,
    touches: Touches,
    draws: Draws,
    *,
    touched: Touched,
    warmth: Floats,
) -> Taken:
    """Decides who takes up what.

    Args:
        world: How readily.
        nature: Who.
        state: As the week begins.
        touches: The week's touches.
        draws: The week's chance.
        touched: What the touches did.
        warmth: Readiness per (customer, offer) in this week, shape (n, offers).
    """
    odds = natural_odds(world, nature, state, state.day) + warmth_by_product(nature, warmth)
    products = draws.uniform("take up", len(PRODUCTS)) < chance(odds)
    day = state.day + 1 + (draws.uniform("take up day", len(PRODUCTS)) * DAYS_PER_WEEK).astype(np.int64)
    sums = draw_sums(world, nature, state.balance, products, draws)
    conversions = _conversions(
        nature, touches, draws, _Rows(products, day, sums, touched, warmth, upfront_fees(world, sums.total))
    )
    told, heard = _tales(world, nature, state, conversions, draws)
    return Taken(products, day, sums, _joined(world, state, heard, draws), told, conversions)


@dataclass(frozen=True)
class _Rows:
    products: Flags
    day: Ints
    sums: Sums
    touched: Touched
    warmth: Floats
    upfront: Floats


def _conversions(nature: Nature, touches: Touches, draws: Draws, found: _Rows) -> Conversions:
    """Products first, then benefits; a benefit taken up twice in a week counts once."""
    who, product = np.nonzero(found.products)
    offer = offer_taken(nature, found.warmth, who, product)
    amount = found.sums.total[who, product]
    day = found.day[who, product]
    rows = np.flatnonzero(found.touched.taken)
    _, first = np.unique(touches.customer[rows] * len(nature.cost) + touches.offer[rows], return_index=True)
    rows = rows[np.sort(first)]
    customer = np.concatenate([who, touches.customer[rows]])
    second = draws.uniform("conversion second", 2)[:, 0][customer]
    return Conversions(
        customer=customer,
        offer=np.concatenate([offer, touches.offer[rows]]),
        day=np.concatenate([day, touches.day[rows]]),
        second=((0.4 + 0.5 * second) * SECONDS_PER_DAY).astype(np.int64),
        amount=np.concatenate([amount, np.zeros(rows.size)]),
        fee=np.concatenate([found.upfront[who, product], np.zeros(rows.size)]),
        product=np.concatenate([product, np.full(rows.size, NONE, dtype=np.int64)]),
    )


def _tales(world: World, nature: Nature, state: State, conversions: Conversions, draws: Draws) -> tuple[Floats, Flags]:
    """Some who took something up tell a friend: a customer warms to the same offer, a prospect hears of the bank."""
    told = np.zeros((len(nature), len(nature.cost)))
    heard = np.zeros(len(nature), dtype=np.bool_)
    friend = nature.friend[conversions.customer]
    tells = (draws.uniform("tale")[conversions.customer] < world.referral.chance) & (friend != NONE)
    heard[friend[tells]] = True
    warms = tells & (conversions.offer != NONE)
    warms[warms] = is_customer(state)[friend[warms]]
    told[friend[warms], conversions.offer[warms]] = world.referral.lift
    return told, heard & (state.opened[:, 0] == NEVER)


def _joined(world: World, state: State, heard: Flags, draws: Draws) -> Flags:
    prospect = (state.opened[:, 0] == NEVER) & (state.left == NEVER)
    stays_away = (1 - world.life.join) * np.where(heard, 1 - world.referral.joins, 1.0)
    return prospect & (draws.uniform("join") < 1 - stays_away)


def refusals(world: World, nature: Nature, touches: Touches, touched: Touched, taken: Taken, draws: Draws) -> Ints:
    """Final statuses: some of those who were reached and did not take the offer up turned it down."""
    names = zip(nature.channel_names, nature.human, strict=True)
    share = np.array([world.channel(name, human=bool(human)).refused for name, human in names])
    channels = nature.human.size
    says_no = draws.uniform("refusal", channels)[touches.customer, touches.channel] < share[touches.channel]
    width = len(nature.cost)
    accepted = np.isin(
        touches.customer * width + touches.offer, taken.conversions.customer * width + taken.conversions.offer
    )
    status = touched.status.copy()
    status[(status == DELIVERED) & says_no & ~accepted] = REFUSED
    return status
