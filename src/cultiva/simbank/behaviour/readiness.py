"""How likely each customer is to take a product up in a week, as touches, season, needs and mood have it."""

from __future__ import annotations

import numpy as np

from cultiva.simbank.archetypes import LOANS, PRODUCT_CODE, PRODUCTS
from cultiva.simbank.arrays import NONE, Flags, Floats, Ints
from cultiva.simbank.behaviour.nature import IMPOSSIBLE, LIFE_EVENTS, Nature
from cultiva.simbank.behaviour.touching import is_customer
from cultiva.simbank.living import State
from cultiva.simbank.population import NEVER
from cultiva.simbank.terms import Response
from cultiva.simbank.world import World

WEEKS_PER_YEAR = 365.25 / 7
DAYS_PER_WEEK = 7
TERM_DAYS = 364
"""Term deposits mature every 52 weeks."""
WARMTH_MAX = 6.0
"""Log odds beyond which touches add nothing."""
TERM = PRODUCT_CODE["P_TERM"]
MOOD_WEIGHT = 0.5
MATURITY_NEED = 2.0
"""Log odds that maturity adds to a new term deposit."""
ONCE = np.array([product.category in ("loan", "card", "payment", "insurance") for product in PRODUCTS])
"""Products that are opened once; the others take more money in."""
IS_LOAN = np.array([product.product_id in LOANS for product in PRODUCTS])
_NEEDS = {
    "job": ("P_SAVING", "P_CREDITCARD"), "marriage": ("P_INSURANCE", "P_TERM"),
    "child": ("P_INSURANCE", "P_SAVING"), "house": ("P_MORTGAGE", "P_CONSUMER"),
    "car": ("P_CONSUMER", "P_CREDITCARD"), "retirement": ("P_TERM", "P_WEALTH"),
}  # fmt: skip
NEEDS = np.array([[code in _NEEDS[event] for code in PRODUCT_CODE] for event in LIFE_EVENTS], dtype=np.float64)
"""Shape (life events, products): which event calls for which product."""


def season(world: World, day: int) -> float:
    """Season between -amplitude and amplitude, for the week that ends `DAYS_PER_WEEK` after a day."""
    phase = 2 * np.pi * (day / DAYS_PER_WEEK - world.life.season_peak_week) / WEEKS_PER_YEAR
    return float(world.life.season * np.cos(phase))


def matures(state: State, day: int) -> Flags:
    """Whose term deposit matures in the seven days after a day."""
    age = day - state.opened[:, TERM]
    held = (state.opened[:, TERM] <= state.day) & (state.closed[:, TERM] == NEVER) & (age > 0)
    due: Flags = held & ((age + DAYS_PER_WEEK) // TERM_DAYS > age // TERM_DAYS)
    return due


def natural_odds(world: World, nature: Nature, state: State, day: int) -> Floats:
    """Log odds of a take-up in the seven days after a day, without touches.

    Args:
        world: Seasons and needs.
        nature: Appeal and life events.
        state: Mood, and what is held, as it is now.
        day: Now, or a later day if the state is to hold until then.

    Returns:
        Shape (n, products); IMPOSSIBLE or less for those who cannot.
    """
    odds = nature.appeal + season(world, day) + MOOD_WEIGHT * state.mood[:, None]
    if world.life.need > 0:
        begun = (nature.life_day <= day + DAYS_PER_WEEK) & (
            nature.life_day > day - world.life.need_weeks * DAYS_PER_WEEK
        )
        some = np.flatnonzero(begun.any(axis=1))
        odds[some] += world.life.need * np.minimum(begun[some].astype(np.float64) @ NEEDS, 1.5)
    odds[:, TERM] += MATURITY_NEED * matures(state, day)
    held = (state.opened <= state.day) & (state.closed == NEVER)
    odds[held & ONCE] = IMPOSSIBLE
    odds[~is_customer(state)] = IMPOSSIBLE
    return odds


def warmth_by_product(nature: Nature, warmth: Floats) -> Floats:
    """Warmth of all offers that sell a product to a customer, added up; shape (n, products)."""
    total = np.zeros((len(nature), len(PRODUCTS)))
    for offer in range(warmth.shape[1]):
        person, firm = nature.sells[offer]
        if person == firm:
            if person != NONE:
                total[:, person] += warmth[:, offer]
            continue
        if person != NONE:
            total[:, person] += np.where(nature.organisation, 0.0, warmth[:, offer])
        if firm != NONE:
            total[:, firm] += np.where(nature.organisation, warmth[:, offer], 0.0)
    return np.clip(total, -WARMTH_MAX, WARMTH_MAX)


def effect_paths(terms: Response, weeks: int) -> tuple[Floats, Floats]:
    """Warmth left in each week by a touch of effect 1 in week 0, and by a tale heard in week 0; shape (weeks,) each."""
    paths = np.zeros((2, weeks))
    warmth, coming = np.array([0.0, 0.0]), np.array([0.0, 0.0])
    for week in range(weeks):
        arrived = coming * terms.arrives
        warmth, coming = warmth + arrived, coming - arrived
        if week == 0:
            warmth[0] += terms.at_once
            coming += np.array([1 - terms.at_once, 1.0])
        paths[:, week] = warmth
        warmth = warmth * terms.stays
    return paths[0], paths[1]


def chance(odds: Floats) -> Floats:
    """From log odds to chance."""
    return 1.0 / (1.0 + np.exp(-np.maximum(odds, IMPOSSIBLE)))


def offer_taken(nature: Nature, warmth: Floats, customer: Ints, product: Ints) -> Ints:
    """The offer under which a product was taken up: the warmest that sells it to the customer; NONE if none does."""
    organisation = nature.organisation[customer].astype(np.int64)
    fits = product[:, None] == nature.sells[:, organisation].T
    warmest = np.where(fits, warmth[customer], -np.inf)
    if warmest.shape[1] == 0:
        return np.full(customer.size, NONE, dtype=np.int64)
    return np.where(fits.any(axis=1), warmest.argmax(axis=1), NONE)
