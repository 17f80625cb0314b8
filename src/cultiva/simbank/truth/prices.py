"""The true price response: how likely each customer would take a thing up at each of its prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cultiva.simbank.arrays import NONE, Floats, Ints
from cultiva.simbank.behaviour.amounts import expected_sums
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.living import State
from cultiva.simbank.truth.oracle import expected_of
from cultiva.simbank.world import World


@dataclass(frozen=True)
class TruePrices:
    """What quotes of one thing at several prices are expected to do, customer by customer."""

    take_up: Floats
    """Chance of a take-up within the weeks, shape (rows, prices)."""
    amount: Floats
    """Money that a take-up is expected to move, shape (rows,); 0 where the offer sells nothing to the customer."""


def true_prices(  # noqa: PLR0913  (rows and what they depend on)
    world: World,
    nature: Nature,
    state: State,
    *,
    who: Ints,
    offers: Sequence[int],
    channel: Ints,
    week: int,
    weeks: int,
) -> TruePrices:
    """What every customer would do at every price.

    Args:
        world: How customers respond.
        nature: What they are like.
        state: As the week begins.
        who: Customers, shape (rows,).
        offers: Positions of the variants in the offer book, one per price.
        channel: Over which channel each is quoted, shape (rows,).
        week: Number of the week, as in `Draws`.
        weeks: Weeks within which a take-up counts, that of the quote included.
    """
    until = world.model_copy(update={"horizon_weeks": weeks})
    asked = [np.full(who.size, offer, dtype=np.int64) for offer in offers]
    expected = [expected_of(until, nature, state, who=who, offer=one, channel=channel, week=week) for one in asked]
    product = nature.product_of(who, asked[0])
    moved = expected_sums(world, nature, state.balance).total[who, np.maximum(product, 0)]
    return TruePrices(np.stack([one.p_with for one in expected], axis=1), np.where(product == NONE, 0.0, moved))
