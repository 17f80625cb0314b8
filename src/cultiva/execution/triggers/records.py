"""The nouns of triggers: a firing, one that is taken back, and what an event has brought about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from cultiva.kit.hashing import md5_hex
from cultiva.stream.port import Timer


class FiringState(StrEnum):
    """What came of a firing."""

    STARTED = "started"
    """What the trigger does was begun."""
    REFUSED = "refused"
    """Something stood against it: consent, budget, a holdout, no live launch."""
    EXPIRED = "expired"
    """It was found too late for anything to be begun."""
    WITHDRAWN = "withdrawn"
    """What came in later shows that it should not have been."""


class Cause(StrEnum):
    """Why a firing is taken back."""

    CONTRADICTED = "contradicted"
    """What it waited for had happened in time, and came in late: what it began is taken back as far as it can be."""
    REPLACED = "replaced"
    """Another one has taken its place, which came in later and happened before; what it began stays."""


@dataclass(frozen=True, slots=True)
class Firing:
    """A trigger fires for a customer."""

    firing_id: str
    """Hash of trigger, customer and message: whoever finds it, it is the same."""
    trigger: str
    customer_id: int
    message_id: str
    """Of the event that began it."""
    event: str
    """Its name."""
    at: datetime
    """When that happened."""
    due: datetime
    """When it fell due."""
    fired: datetime
    """When it was found."""
    worth: float
    """In money."""
    offers: tuple[str, ...]
    """What may be proposed, first choice first: without a risk level, and the customer is eligible."""
    reason: str
    """Of a task: its text with the facts filled in."""
    script: str
    """Likewise."""
    story: Mapping[str, Any]
    """The event, and why: clause by clause."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A firing is taken back."""

    firing_id: str
    customer_id: int
    trigger: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Trouble:
    """A rule that could not be judged: the trigger counts as not begun."""

    trigger: str
    problem: str


@dataclass(frozen=True, slots=True)
class Stepped:
    """What an event or a timer has brought about."""

    state: msgspec.Raw
    """What triggers remember of the customer from now on."""
    set_timers: tuple[Timer, ...] = ()
    drop_timers: tuple[tuple[int, str], ...] = ()
    """(customer, name)."""
    firings: tuple[Firing, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of firings that were carried out."""

    states: Mapping[str, FiringState] = field(default_factory=dict)
    """Firing -> what came of it."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Firing -> why nothing was begun."""


def firing_id(trigger: str, customer_id: int, message_id: str) -> str:
    """The name of a firing."""
    return md5_hex(f"firing:{trigger}:{customer_id}:{message_id}")
