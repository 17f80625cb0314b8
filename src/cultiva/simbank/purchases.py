"""Everyday spending of one week, divided into single movements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.simbank.archetypes import ARCHETYPES, INCOMING, KINDS
from cultiva.simbank.arrays import Floats, Ints, pick_by_group
from cultiva.simbank.movements import KIND
from cultiva.simbank.population import Population

FEE_CENTS = 600
UTILITY_WEIGHT = 1.0
"""Bills, beside what the archetype's mix of movements has."""
_NOT_SPENT = frozenset({*INCOMING, "investment_buy", "loan_payment", "insurance_premium", "payroll_out"})


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
    first = (np.cumsum(counts) - counts)[counts > 0]
    kind[first] = np.where(kind[first] == KIND["fee"], KIND["transfer_out"], kind[first])
    fees = np.bincount(who, kind == KIND["fee"], len(people)).astype(np.int64) * FEE_CENTS
    too_dear = (fees * 2 > cents)[who] & (kind == KIND["fee"])
    kind[too_dear] = KIND["transfer_out"]
    is_fee = kind == KIND["fee"]
    fees = np.bincount(who, is_fee, len(people)).astype(np.int64) * FEE_CENTS
    weight = np.where(is_fee, 0.0, np.exp(0.7 * rng.standard_normal(who.size)))
    whole = np.bincount(who, weight, len(people))[who]
    spendable = (cents - fees)[who] - counts[who]  # one cent at least for each
    part = np.where(is_fee, FEE_CENTS, 1 + (np.maximum(spendable, 0) * weight / np.maximum(whole, 1e-12)).astype(int))
    done = np.rint(np.bincount(who, part, len(people))).astype(np.int64)
    part[first] += (cents - done)[counts > 0]
    return Purchases(who, part, kind)


def _shares() -> Floats:
    """Shares of the kinds in what each archetype spends."""
    rows = [[0.0 if name in _NOT_SPENT else kind.kinds.get(name, 0.0) for name in KINDS] for kind in ARCHETYPES]
    shares = np.array(rows)
    shares[:, KIND["utility"]] += UTILITY_WEIGHT
    return shares
