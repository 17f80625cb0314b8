"""How the API is wired to the rooms that do the work."""

from __future__ import annotations

from cultiva.api.desk import Wiring
from cultiva.loop.parts import Parts


def wiring_of(parts: Parts) -> Wiring:
    """What other rooms do for the API of a workspace."""
    del parts
    return Wiring()
