"""The state in which a bank with a history begins to live on."""

from __future__ import annotations

import numpy as np

from cultiva.simbank.archetypes import PRODUCTS, Life
from cultiva.simbank.arrays import NONE, Floats, Ints
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.living import State
from cultiva.simbank.population import NEVER, Population
from cultiva.simbank.world import World

_AT_RISK_DRAIN = 0.6
"""How fast those at risk drain their balances, as a share of the world's drain."""
_CONSENTS = (0.85, 0.6)
"""Share of the customers who agree to marketing at all, and over each further channel of those."""


def found_state(  # noqa: PLR0913  (a state is made of these)
    world: World,
    nature: Nature,
    people: Population,
    *,
    opened: Ints,
    closed: Ints,
    balance: Floats,
    day: int,
    seed: int,
) -> State:  # fmt: skip
    """Makes the state of a day from what a history left; whoever knows consents better replaces them.

    Args:
        world: How fast drained balances go.
        nature: What the customers are like.
        people: Who they are.
        opened: Days of opening, shape (n, products), NEVER where not held; days after `day` are taken as NEVER.
        closed: Days of closing, or NEVER.
        balance: In yuan, what is owed positive, shape (n, products).
        day: The last day of the history.
        seed: For consents.
    """
    n, offers, channels = len(nature), len(nature.cost), nature.human.size
    opened = np.where(opened <= day, opened, NEVER)
    closed = np.where(closed <= day, closed, NEVER)
    held = (opened <= day) & (closed == NEVER)
    gone = (closed[:, 0] <= day) & ~held.any(axis=1)
    rng = np.random.default_rng([seed, 14])
    agrees = rng.random(n) < _CONSENTS[0]
    consent = agrees[:, None] & (rng.random((n, channels)) < np.sqrt(_CONSENTS[1]))
    return State(
        day=day,
        balance=np.where(held, np.maximum(balance, 0.0), 0.0),
        opened=opened,
        closed=closed,
        left=np.where(gone, closed[:, 0], NEVER),
        mood=0.15 * rng.standard_normal(n),
        fatigue=np.zeros(n),
        consent=consent,
        complaint=np.full(n, NEVER, dtype=np.int64),
        warmth=np.zeros((n, offers)),
        drift=np.where(people.life == Life.AT_RISK, -_AT_RISK_DRAIN * world.life.drain, 0.0),
        coming=np.zeros((n, offers)),
        activity=nature.rest.copy(),
        push=np.zeros(n),
    )


def day_table(owner: Ints, product: Ints, days: Ints, *, n: int) -> Ints:
    """Days of accounts as a table of shape (n, products); NEVER where there is no account."""
    table = np.full((n, len(PRODUCTS)), NEVER, dtype=np.int64)
    table[owner[owner != NONE], product[owner != NONE]] = days[owner != NONE]
    return table


def money_table(owner: Ints, product: Ints, amounts: Floats, *, n: int) -> Floats:
    """Balances of accounts, in yuan, as a table of shape (n, products); 0 where there is no account."""
    table = np.zeros((n, len(PRODUCTS)))
    table[owner[owner != NONE], product[owner != NONE]] = amounts[owner != NONE]
    return table
