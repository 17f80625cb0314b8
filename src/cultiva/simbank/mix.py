"""A mix: how a simulated bank differs from the usual one, so that it is like a bank that was measured."""

from __future__ import annotations

from dataclasses import dataclass

from cultiva.simbank.archetypes import ARCHETYPES

USUAL_SHARES = tuple(kind.share for kind in ARCHETYPES)
"""Share of every archetype in the usual bank."""
TRANSACTIONS_PER_CUSTOMER = 70.0
"""In the history of a bank that lives on: as many per week as its customers make later."""


@dataclass(frozen=True)
class Mix:
    """Who banks here and how well off they are; as it stands: the usual bank."""

    shares: tuple[float, ...] = USUAL_SHARES
    """Share of every archetype, in the order of ARCHETYPES."""
    wealth: float = 1.0
    """Multiplies everybody's wealth."""
    income: float = 1.0
    """Multiplies everybody's income."""
    transactions: float = TRANSACTIONS_PER_CUSTOMER
    """Movements of an average customer in the fifteen months of history."""


USUAL = Mix()
"""The usual bank."""
