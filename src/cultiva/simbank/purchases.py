"""Everyday spending of one week, divided into single movements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.simbank.archetypes import ARCHETYPES, INCOMING, KINDS
from cultiva.simbank.arrays import Floats, Ints, pick_by_group
from cultiva.simbank.movements import KIND
from cultiva.simbank.population import Population

UTILITY_WEIGHT = 1.0
"""Bills, beside what the archetype's mix of movements has."""
_NOT_SPENT = frozenset({*INCOMING, "fee", "investment_buy", "loan_payment", "insurance_premium", "payroll_out"})
_SPREAD = 0.7


@dataclass(frozen=True)
class Purchases:
    """Single movements as columns, customer by customer."""

    customer: Ints
    cents: Ints
    """Positive."""
    kind: Ints


def split_spending(rng: np.random.Generator, people: Population, cents: Ints, counts: Ints) -> Purchases:
    """Divides what each customer spends into movements of the kinds that are usual for the archetype.

    Args:
        rng: Source of chance.
        people: The customers.
        cents: What each of them spends in all, shape (n,); 0: nothing.
        counts: Movements wanted, shape (n,); one at least where something is spent.
    """
    counts = np.where(cents > 0, np.minimum(np.maximum(counts, 1), cents), 0)
    who = np.repeat(np.arange(len(people)), counts)
    kind = pick_by_group(rng, _shares(), people.archetype[who])
    weight = np.exp(_SPREAD * rng.standard_normal(who.size))
    share = weight / np.bincount(who, weight, len(people))[who]
    part = 1 + ((cents - counts)[who] * share).astype(np.int64)  # one cent at least for each
    done = np.rint(np.bincount(who, part, len(people))).astype(np.int64)
    part[(np.cumsum(counts) - counts)[counts > 0]] += (cents - done)[counts > 0]
    return Purchases(who, part, kind)


def _shares() -> Floats:
    """Shares of the kinds in what each archetype spends."""
    rows = [[0.0 if name in _NOT_SPENT else kind.kinds.get(name, 0.0) for name in KINDS] for kind in ARCHETYPES]
    shares = np.array(rows)
    shares[:, KIND["utility"]] += UTILITY_WEIGHT
    return shares
