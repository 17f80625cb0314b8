"""Events: the names a bank's systems send, the typed members of their properties, and whose ids customers have."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from cultiva.contracts.types import DataType
from cultiva.definitions.base import Definition, Model, Name
from cultiva.kit.errors import did_you_mean


class EventType(Definition):
    """One kind of event."""

    properties: dict[Name, DataType] = {}
    """Typed members of the JSON properties; usable in conditions of event functions. Of what is sent to the API no
    other members are kept."""
    required: tuple[Name, ...] = ()
    """Properties without which an event sent to the API is set aside."""
    personal: tuple[Name, ...] = ()
    """Properties that may hold personal data; in the texts of all others, whatever looks like it is masked."""
    context: tuple[str, ...] = ()
    """Members of the Segment context that are kept, such as `app.version`; all others are dropped."""
    also: tuple[str, ...] = ()
    """Other names under which senders send it, such as `Loan Started`."""
    channel: str = Field(default="", max_length=63)
    """Where it happens if the sender does not say."""

    @model_validator(mode="after")
    def _declared(self) -> Self:
        for field, names in (("required", self.required), ("personal", self.personal)):
            for name in names:
                if name not in self.properties:
                    hint = did_you_mean(name, self.properties)
                    raise ValueError(f"{field}: '{name}' is not among the properties" + (f"; {hint}" if hint else ""))
        return self


class EventSettings(Model):
    """`[events]` of cultiva.toml: how events sent to the API are taken."""

    source_system: str = Field(default="", max_length=63)
    """Whose ids userIds are where the sender does not say; empty: the only source system that the bank has."""
    senders: dict[str, str] = {}
    """Name of an API key -> the source system whose ids its userIds are."""
    late_days: int = Field(default=31, ge=0)
    """Older events are set aside; `cultiva events replay` takes them."""
    ahead_minutes: int = Field(default=5, ge=0)
    """Events further ahead of our clock are set aside."""
    waiting_days: int = Field(default=30, gt=0)
    """How long events of nobody known wait."""
    quarantine_days: int = Field(default=30, gt=0)
    """How long events that were set aside are kept."""
