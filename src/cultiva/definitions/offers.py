"""Offers: what can be proposed."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from cultiva.definitions.base import Definition, Name, RuleText, Share


class OfferKind(StrEnum):
    """What kind of thing is offered."""

    PRODUCT = "product"
    """Something the bank sells."""
    BENEFIT = "benefit"
    """Something given."""
    CONTENT = "content"
    """Something to read or watch."""
    SERVICE = "service"
    """Something done for the customer; not marketing."""


class Offer(Definition):
    """One thing that can be proposed."""

    kind: OfferKind
    """Product, benefit, content or service."""
    category: str | None = None
    """For products: the product category it sells."""
    risk_level: str | None = Field(default=None, pattern=r"^R[1-5]$")
    """For investments: R1 to R5; never offered above the customer's valid rating."""
    eligible: RuleText = "true"
    """Who may have it at all."""
    applicable: RuleText = "true"
    """To whom it is of use now, among those who may have it."""
    group: Name | None = None
    """Offers of one group exclude each other: a customer is proposed one of them."""
    price: float | None = None
    """Rate or fee at which it is offered, where the same thing is offered at several."""
    channels: tuple[Name, ...] = ()
    """Channels that can carry it; empty: any."""
    prior_worth: float = 0.0
    """Expected worth of one touch in money where no model exists yet; a prior, and shown as such."""
    unit_cost: float = Field(default=0.0, ge=0)
    """Cost in money of giving it once."""
    holdout: Share = 0.0
    """Share of the customers to whom no strategy proposes it, though one would have: what the offer itself is worth,
    over all strategies. Each strategy's own holdout is beside it."""
