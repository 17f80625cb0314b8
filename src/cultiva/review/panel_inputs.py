"""What the analysis table is made from, and by what its parts are joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cultiva.engine.port import Files

if TYPE_CHECKING:
    import ibis

KEY = ("strategy", "customer_id")
"""One row of the analysis table."""


@dataclass(frozen=True)
class PanelInputs:
    """What the results of a day are read from."""

    exposure: Files
    """The day's exposures."""
    performance: Files
    """Performance of all business dates up to the day."""
    contact: Files
    """Contacts of all business dates up to the day."""
    outcome: Files
    """Outcomes of all business dates up to the day."""
    identity_map: Files
    """The day's identity map."""
    holding: Files = ()
    """The day's holdings; without them nobody knows what was bought."""
    learnt: Files = ()
    """What the review before has learnt."""
    mergers: Mapping[int, int] = field(default_factory=dict)
    """Retired customer id -> the id it was merged into."""


def number(value: float) -> ibis.Value:
    """A double; SQL takes 1.5 as it stands for a decimal, and Ibis does not know."""
    import ibis

    return ibis.literal(float(value)).cast("!float64")
