"""Events: the names a bank's systems send and the typed members of their properties."""

from __future__ import annotations

from cultiva.contracts.types import DataType
from cultiva.definitions.base import Definition, Name


class EventType(Definition):
    """One kind of event."""

    properties: dict[Name, DataType] = {}
    """Typed members of the JSON properties; usable in conditions of event functions."""
