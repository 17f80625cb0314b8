"""The message that a link belongs to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Linked:
    """A message whose link was followed."""

    delivery_id: str
    customer_id: int
    provider: str
    """Who carried it."""
    channel: str
    target: str
    """Where a click leads; empty: nowhere."""
