"""Suitability: an investment is never offered above a valid risk rating, and never when in doubt."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from cultiva.definitions.offers import Offer
from cultiva.definitions.policy import ContactPolicy
from cultiva.kit.clock import born_by

if TYPE_CHECKING:
    import ibis


def suitable(table: ibis.Table, offer: Offer, policy: ContactPolicy, on: date) -> ibis.Value:
    """Whether the offer's risk level fits the customer; false where anything is unknown.

    Args:
        table: Has `party_risk_rating` (C1..C5), `party_risk_rated_on` and `party_birth_date`.
        offer: Suitable for everyone if it has no risk level.
        policy: Says how long a rating is valid and up to which age.
        on: Business date.

    Returns:
        A boolean Ibis value that is never null.
    """
    import ibis

    if offer.risk_level is None:
        return ibis.literal(True)
    level = int(offer.risk_level[1])
    ratings = [f"C{rating}" for rating in range(level, 6)]
    rated_since = on - timedelta(days=policy.rating_valid_days)
    known = (
        table.party_risk_rating.isin(ratings)
        & (table.party_risk_rated_on >= ibis.literal(rated_since))
        & (table.party_risk_rated_on <= ibis.literal(on))
        & (table.party_birth_date > ibis.literal(born_by(on, policy.suitability_age_max + 1)))
    )
    return known.fill_null(ibis.literal(False))
