"""A live side in memory: events come in at some time after they happened, timers ring, firings are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

import cultiva.packs
from cultiva.contracts.moments import Moment
from cultiva.definitions.events import EventType
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.execution.triggers.counting import EVENTS
from cultiva.execution.triggers.records import Firing, Stepped, Withdrawal
from cultiva.execution.triggers.service import NOTHING, Triggers
from cultiva.stream.port import Timer

START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
NAMES = {"zh": "某事", "en": "something"}


@cache
def pack() -> Workspace:
    """The starter pack."""
    return load_workspace(Path(next(iter(cultiva.packs.__path__))) / "retail_bank")


def event(name: str, **properties: str) -> EventType:
    """A declared event."""
    return EventType.model_validate({"name": name, "label": NAMES, "properties": properties})


def trigger(name: str, on: str | Sequence[str], **more: Any) -> Trigger:
    """A trigger; it feeds a placement unless something else is said."""
    does = {"placement": {"placement": "app_home_banner", "strategy": "dormant_wake_up"}}
    return Trigger.model_validate({"name": name, "label": NAMES, "on": on, "does": does, **more})


def bank(workspace: Workspace, events: Iterable[EventType], triggers: Iterable[Trigger]) -> Workspace:
    """A workspace with other events and triggers."""
    return replace(workspace, events={one.name: one for one in events}, triggers={one.name: one for one in triggers})


def moment(
    name: str,
    at: datetime,
    *,
    customer: int = 7,
    message: str = "",
    received: datetime | None = None,
    channel: str = "",
    **properties: Any,
) -> Moment:
    """An event of a customer."""
    return Moment(
        message_id=message or f"{name}-{at.isoformat()}",
        customer_id=customer,
        name=name,
        at=at,
        day=at.astimezone(ZONE).date(),
        received=received or at,
        channel=channel,
        properties=properties,
    )


def after(minutes: float) -> datetime:
    """So many minutes after the beginning of time."""
    return START + timedelta(minutes=minutes)


@dataclass
class Live:
    """What a worker would keep."""

    triggers: Triggers
    profiles: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    states: dict[int, msgspec.Raw] = field(default_factory=dict)
    timers: dict[tuple[int, str], Timer] = field(default_factory=dict)
    firings: list[Firing] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    standing: dict[str, Firing] = field(default_factory=dict)

    def hear(self, one: Moment, now: datetime | None = None) -> Stepped:
        """An event comes in."""
        row = self.profiles.get(one.customer_id, {})
        state = self.states.get(one.customer_id, NOTHING)
        return self._keep(one.customer_id, self.triggers.step(state, one, row, now or one.received))

    def wait_until(self, now: datetime) -> None:
        """Timers ring that are due by then, the earliest first."""
        while due := sorted(
            (one for one in self.timers.values() if one.due <= now), key=lambda one: (one.due, one.name)
        ):
            one = due[0]
            state, row = self.states.get(one.customer_id, NOTHING), self.profiles.get(one.customer_id, {})
            self._keep(one.customer_id, self.triggers.ring(state, one, row, max(one.due, now)))

    def replay(self, moments: Iterable[Moment], until: datetime) -> None:
        """Events come in when they were received; between them timers ring when they are due."""
        for one in sorted(moments, key=lambda one: (one.received, one.message_id)):
            for due in sorted(timer.due for timer in self.timers.values() if timer.due < one.received):
                self.wait_until(due)
            self.hear(one)
        for due in sorted(timer.due for timer in self.timers.values() if timer.due <= until):
            self.wait_until(due)
        self.wait_until(until)

    def _keep(self, customer: int, stepped: Stepped) -> Stepped:
        assert not stepped.troubles, stepped.troubles
        self.states[customer] = stepped.state
        for key in stepped.drop_timers:
            self.timers.pop(key, None)
        self.timers |= {(one.customer_id, one.name): one for one in stepped.set_timers}
        self.firings += stepped.firings
        self.withdrawals += stepped.withdrawals
        self.standing |= {one.firing_id: one for one in stepped.firings}
        for gone in stepped.withdrawals:
            del self.standing[gone.firing_id]
        return stepped


def frame(moments: Iterable[Moment]) -> pl.DataFrame:
    """Events as they are counted at night."""
    rows = [
        (one.customer_id, one.message_id, one.name, one.at, one.channel, json.dumps(dict(one.properties)), "{}")
        for one in moments
    ]
    return pl.DataFrame(rows, schema=EVENTS, orient="row")
