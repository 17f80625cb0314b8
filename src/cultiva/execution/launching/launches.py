"""The nouns of launching: a launch, its states, what people said of it, and emergency stops."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from cultiva.kit.hashing import content_hash
from cultiva.kit.money import to_major

EVERYTHING = "all"
"""Scope of a halt that stops everything."""
Enrols = Literal["once", "daily"]
"""once: who was chosen on the business date of the plan. daily: who is chosen by each day's plan from then on."""


class State(StrEnum):
    """Where a launch stands."""

    SUBMITTED = "submitted"
    """Put forward; waits for approval."""
    REJECTED = "rejected"
    """A second person said no."""
    APPROVED = "approved"
    """Everybody needed has said yes; nothing is sent yet."""
    LIVE = "live"
    """It goes out."""
    PAUSED = "paused"
    """Nothing is sent for now; people in it keep their place."""
    STOPPED = "stopped"
    """Broken off for good."""
    FINISHED = "finished"
    """Done."""


OVER = frozenset({State.REJECTED, State.STOPPED, State.FINISHED})
"""States that are never left."""
RUNNING = frozenset({State.LIVE, State.PAUSED})
"""States with people in it."""


@dataclass(frozen=True)
class Person:
    """Who does something."""

    name: str
    """As others know them."""
    via: str = ""
    """How the name came in, where it is not checked elsewhere: the operating system's user, or the name of a key."""
    called: str = ""
    """What people call them, where `name` is a login: `members` of approval.yaml may name them so."""

    def is_same(self, name: str) -> bool:
        """Whether a name means this person, however it is typed.

        Examples:
            >>> Person("Li Na").is_same(" li na"), Person("Li Na").is_same("Li")
            (True, False)
            >>> Person("li.na", called="Li Na").is_same("Li Na")
            True
        """
        return plain_name(name) in {plain_name(one) for one in (self.name, self.called) if one}


def plain_name(name: str) -> str:
    """A name without differences that do not make it another person's: case, width, blanks.

    Examples:
        >>> plain_name(" Li  Na ") == plain_name("ＬＩ na")
        True
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


@dataclass(frozen=True)
class Submission:
    """What an author puts forward."""

    strategy: str
    workspace_version: str
    """Of all definitions that the plan was made with."""
    business_date: date
    """Of the plan that is explained."""
    enrols: Enrols
    cost: int
    """Planned, minor units; what limits of roles are held against."""
    body: Mapping[str, Any]
    """What is approved, frozen: see `freezing.frozen_body`."""
    explanation: Mapping[str, Any]
    """What approvers read; has `customers`."""

    @property
    def version(self) -> str:
        """Content hash of the body: what an approval is of."""
        return content_hash(self.body)

    def launch_id(self, attempt: int) -> str:
        """Id of the launch; the same submission has the same id until it is over, then it is another attempt."""
        return content_hash(["launch", self.strategy, self.version, self.business_date, self.enrols, attempt])


@dataclass(frozen=True)
class Launch:
    """A strategy put forward, approved, and carried out."""

    launch_id: str
    strategy: str
    version: str
    """Content hash of `body`."""
    workspace_version: str
    business_date: date
    enrols: Enrols
    state: State
    author: str
    cost: int
    """Minor units."""
    created: datetime
    changed: datetime
    per_minute_max: int | None = None
    """Throttle over all channels; None: none."""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    explanation: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def money(self) -> float:
        """Planned cost in money."""
        return float(to_major(self.cost))

    @property
    def customers(self) -> int:
        """How many it was explained with; a launch from a list does not know."""
        return int(self.explanation["customers"])

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels that it may use."""
        return tuple(self.body.get("channels", ()))

    @property
    def offers(self) -> tuple[str, ...]:
        """Offers that it may make."""
        return tuple(self.body.get("offers", ()))

    @property
    def subject(self) -> str:
        """How the audit calls it."""
        return f"launch:{self.launch_id}"


@dataclass(frozen=True)
class Judgement:
    """What a second person said of a version of a launch."""

    launch_id: str
    approver: str
    version: str
    role: str
    approved: bool
    remark: str
    at: datetime


@dataclass(frozen=True)
class Waiting:
    """What of a launch is on its way, and would be taken back if it were stopped now."""

    deliveries: int
    """Messages queued: cancelled, their touches given back."""
    leaving: int
    """Messages that are with their provider at this moment: they go out."""
    tasks: int
    """Tasks that are not at an end: cancelled, their reservations given back."""
    people: int
    """Customers on their way through the play: they go no further."""


@dataclass(frozen=True)
class Halt:
    """An emergency stop in force."""

    scope: str
    """`all`, `channel:<name>` or `strategy:<name>`."""
    reason: str
    actor: str
    at: datetime


def concerned(halts: Mapping[str, Halt], strategy: str, channels: tuple[str, ...]) -> Halt | None:
    """The halt that leaves nothing of a launch to be sent: of everything, of its strategy, or of all of its channels.

    Examples:
        >>> from datetime import UTC
        >>> sms = Halt("channel:sms", "outage", "li", datetime(2026, 1, 5, tzinfo=UTC))
        >>> concerned({sms.scope: sms}, "a", ("sms", "app")), concerned({sms.scope: sms}, "a", ("sms",)).reason
        (None, 'outage')
    """
    whole = halts.get(EVERYTHING) or halts.get(f"strategy:{strategy}")
    by_channel = [halts.get(f"channel:{name}") for name in channels]
    return whole or (by_channel[0] if by_channel and None not in by_channel else None)
