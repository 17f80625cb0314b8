"""An outcome that another system reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cultiva.kit.hashing import content_hash

ID_CHARACTERS_MAX = 100
"""Length of a reporter's own id."""


@dataclass(frozen=True)
class Outcome:
    """What a customer did: response, conversion, money."""

    outcome_id: str
    """The reporter's own id; a repeated one counts once."""
    customer_id: int
    name: str
    """Past tense, e.g. converted, replied, refused."""
    at: datetime
    """With its zone."""
    source: str
    """Who reports it: the name of the API key."""
    amount_minor: int | None = None
    """Money, minor units; None: there is none in it."""
    touch_id: str = ""
    """The touch it answers; empty: none of ours."""
    detail: Mapping[str, str] = field(default_factory=dict)
    """What else is known."""

    @property
    def signal_id(self) -> str:
        """The row's id: ids of different reporters do not clash."""
        return content_hash(["outcome", self.source, self.outcome_id])
