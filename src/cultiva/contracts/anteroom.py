"""What stands between the door and the log: events of nobody known yet, events refused, and who visitors are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

VISITOR, USER = "visitor:", "user:"
"""How the name of somebody who is waited for begins: an anonymous id, or an id that no run has seen yet."""


@dataclass(frozen=True, slots=True)
class VisitorLink:
    """A visitor said who they are."""

    anonymous_id: str
    source_system: str
    """Whose id it is."""
    source_id: str
    at: datetime
    """When; the newest word counts."""


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event of somebody who is not known yet."""

    message_id: str
    who: str
    """`visitor:<anonymous id>` or `user:<source system>:<source id>`."""
    received: datetime
    body: Mapping[str, Any]
    """The moment as JSON-like data, its customer still 0."""


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that could not be accepted."""

    quarantine_id: str
    """Hash of sender and body, so that a repeat is one."""
    message_id: str
    received: datetime
    reason: str
    name: str
    """Of the event, as sent."""
    sender: str
    body: Mapping[str, Any]
    """Its shape and what was wrong; no personal data."""


@dataclass(frozen=True, slots=True)
class RefusedCount:
    """So many events were set aside for one reason."""

    reason: str
    name: str
    sender: str
    count: int
    newest: datetime


class Anteroom(Protocol):
    """Keeps what is not in the log, durably."""

    def link(self, links: Sequence[VisitorLink]) -> None:
        """Writes down who visitors are; an older word than the one that is there is ignored."""

    def visitors(self, anonymous_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """Anonymous id -> (source system, source id), of those who said who they are."""

    def wait(self, events: Sequence[WaitingEvent]) -> list[str]:
        """Keeps events; message ids of those that were not there yet."""

    def waiting(self, who: Sequence[str], *, limit: int) -> list[WaitingEvent]:
        """Events that wait for somebody, the oldest first."""

    def waited_for(self, *, after: str, limit: int) -> list[str]:
        """Names of those who are waited for, in order, from the first one after a name."""

    def claimed(self, message_ids: Sequence[str]) -> None:
        """These do not wait any more: they are in the log."""

    def refuse(self, events: Sequence[RefusedEvent]) -> None:
        """Sets events aside, each once."""

    def waits(self) -> Mapping[str, int]:
        """Events that wait, by what for: visitor, user."""

    def refused_counts(self, since: datetime) -> list[RefusedCount]:
        """How many were set aside for what, most first."""

    def refused(self, *, reason: str = "", limit: int = 50) -> list[RefusedEvent]:
        """Those set aside last, the newest first; of one reason if it is given."""

    def expire(self, *, waiting_before: datetime, refused_before: datetime) -> tuple[int, int]:
        """Drops what came earlier; how many waiting ones and how many refused ones."""
