"""Who belongs to whom among the customers of one chunk: parents and children, households, who brought whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.simbank.arrays import NONE, Flags, Floats, Ints

DAYS_PER_YEAR = 365.25
CHILD_AGE_MAX = 27
"""Older children have left their parents' household."""
PARENT_YEARS = (20, 40)
"""Least and greatest difference of age between parent and child."""
CHILD_SHARE = 0.7
"""Share of the young whose parents bank here too."""
GROWN_SHARE = 0.2
"""Share of the grown whose parents bank here too."""
REFERRED_SHARE = 0.05
"""Share of persons whom another customer has brought."""


@dataclass(frozen=True)
class Kinship:
    """Links of one chunk as columns; indices within the chunk, or NONE."""

    parent: Ints
    """A parent who is a customer."""
    household: Ints
    """Index of the household's head: couples and their young children live together."""
    referrer: Ints
    """Who brought this customer."""


def draw_kinship(rng: np.random.Generator, born: Ints, organisation: Flags, partner: Ints, today: int) -> Kinship:
    """Draws parents, households and referrals.

    Args:
        rng: Source of chance.
        born: Day of birth, shape (n,).
        organisation: Organisations have no kin.
        partner: The spouse, or NONE.
        today: Day on which ages are reckoned.
    """
    young = (today - born) <= CHILD_AGE_MAX * DAYS_PER_YEAR
    parent = _parents(rng, born, ~organisation, partner, np.where(young, CHILD_SHARE, GROWN_SHARE))
    at_home = young & (partner == NONE) & (parent != NONE)
    return Kinship(parent, _households(parent, partner, at_home), _referrers(rng, organisation, parent))


FRIENDS = 6
"""Friends with whom somebody exchanges money."""


def counterparts(chance: Ints, who: Ints, links: tuple[Ints, ...]) -> Ints:
    """With whom somebody exchanges money: with kin half the time as far as there is any, else with one of few friends.

    Args:
        chance: A number >= 0 per row.
        who: The customer of each row.
        links: Kin of every customer, each of shape (n,), NONE where there is none.
    """
    n = links[0].size
    friend = (who * 7_919 + (chance // 64 % FRIENDS) * 104_729 + 13) % n
    chosen = np.full(who.size, NONE, dtype=np.int64)
    for place, link in enumerate(links):
        kin = link[who]
        chosen = np.where((chance % 64 % (2 * len(links)) == place) & (kin != NONE), kin, chosen)
    return np.where(chosen == NONE, friend, chosen)


def _parents(rng: np.random.Generator, born: Ints, persons: Flags, partner: Ints, share: Floats) -> Ints:
    """A person of the right age, drawn evenly; those who are too old to have one among the customers have none."""
    order = np.flatnonzero(persons)[np.argsort(born[persons], kind="stable")]
    days = born[order]
    oldest = np.searchsorted(days, born - PARENT_YEARS[1] * DAYS_PER_YEAR, side="left")
    youngest = np.searchsorted(days, born - PARENT_YEARS[0] * DAYS_PER_YEAR, side="right")
    draw, chance = rng.random(born.size), rng.random(born.size)
    found = persons & (youngest > oldest) & (chance < share)
    place = np.minimum(oldest + (draw * (youngest - oldest)).astype(np.int64), max(order.size - 1, 0))
    who = order[place] if order.size else np.full(born.size, NONE)
    return np.where(found & (who != partner), who, NONE)


def _households(parent: Ints, partner: Ints, at_home: Flags) -> Ints:
    """The head is the couple's first, or the parent's couple's first for the young at home."""
    here = np.arange(parent.size)
    couple = np.where(partner != NONE, np.minimum(here, partner), here)
    head = couple.copy()
    for _ in range(2):  # a young parent at home has its own child under the same roof
        head = np.where(at_home, head[np.where(at_home, couple[parent], here)], head)
    return head


def _referrers(rng: np.random.Generator, organisation: Flags, parent: Ints) -> Ints:
    """A third of those who were brought came through a parent, the others through a friend."""
    persons = np.flatnonzero(~organisation)
    rows = organisation.size
    if persons.size < 2:
        return np.full(rows, NONE, dtype=np.int64)
    friend = persons[rng.integers(0, persons.size, rows)]
    by_parent = (rng.random(rows) < 0.33) & (parent != NONE)
    brought = (rng.random(rows) < REFERRED_SHARE) & ~organisation
    who = np.where(by_parent, parent, friend)
    return np.where(brought & (who != np.arange(rows)), who, NONE)
