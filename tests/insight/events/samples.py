"""A bank with a few declared events, and messages about its customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from cultiva.contracts.types import DataType
from cultiva.definitions.events import EventSettings, EventType

NOW = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
"""Half past midnight in the bank."""
ZONE = ZoneInfo("Asia/Shanghai")
LABEL = {"zh": "事件", "en": "event"}


def declared(name: str, **more: Any) -> EventType:
    return EventType.model_validate({"name": name, "label": LABEL, **more})


EVERY_TYPE = {kind.value: kind for kind in DataType}
EVENTS: Mapping[str, EventType] = {
    one.name: one
    for one in (
        declared(
            "loan_started",
            properties={"product": "text", "amount": "number"},
            required=["product"],
            context=["app.version", "locale"],
            also=["Kredit begonnen"],
            channel="app",
        ),
        declared("page_viewed", properties={"page": "text"}),
        declared("card_called", properties={"phone": "text", "note": "text"}, personal=["phone"]),
        declared("everything", properties=EVERY_TYPE),
    )
}


def workspace(**settings: Any) -> Any:
    """As much of a workspace as the intake reads."""
    events = EventSettings.model_validate(settings)
    return SimpleNamespace(events=EVENTS, settings=SimpleNamespace(timezone=ZONE.key, events=events))


@dataclass
class Known:
    """Customers by their ids in two systems."""

    customers: dict[tuple[str, str], int] = field(default_factory=lambda: {("core", "C1"): 1, ("core", "C2"): 2})
    systems: Sequence[str] = ("core",)

    def find(self, names: Sequence[tuple[str, str]]) -> list[int]:
        return [self.customers.get(name, 0) for name in names]


def started(number: int | str = 1, **more: Any) -> dict[str, Any]:
    """A loan was begun ten minutes ago."""
    return {
        "type": "track",
        "event": "loan_started",
        "messageId": f"m{number}",
        "userId": "C1",
        "timestamp": (NOW - timedelta(minutes=10)).isoformat(),
        "properties": {"product": "L1", "amount": 5000},
        **more,
    }
