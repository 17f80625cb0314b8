"""Identity: what happened to customer ids on one business date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class IdentityChangeKind(StrEnum):
    """What happened to an id that existed before."""

    MERGE = "merge"
    """Two customers turned out to be one; `from_id` is retired, `to_id` lives on."""
    SPLIT = "split"
    """One customer turned out to be several; records left `from_id` for `to_id`."""


@dataclass(frozen=True, order=True)
class IdentityChange:
    """One id that lost records to another, and why."""

    kind: IdentityChangeKind
    """Merge or split."""
    business_date: date
    """The day of the delivery that showed it."""
    from_id: int
    """The customer_id that the records had."""
    to_id: int
    """The customer_id that they have now."""
    reason: str
    """For a merge the rule that linked them; for a split what sets them apart."""
