"""Audience: insight to strategy. The members of a segment at one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol


class Members(Protocol):
    """A set of customer ids; a roaring bitmap fits."""

    def __len__(self) -> int:
        """How many."""

    def __contains__(self, customer_id: int, /) -> bool:
        """Whether this customer is a member."""


@dataclass(frozen=True)
class Audience:
    """The members of a segment on one business date."""

    segment: str
    """The segment's name."""
    business_date: date
    """The day."""
    members: Members
    """Their customer ids."""
