"""What dispatch is handed and what it hands back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from cultiva.contracts.delivery import Message, Provider

Evidence = Sequence[Mapping[str, str]]
"""What is known of a fate, oldest first: `at`, `kind` (sent, lost, look_up, ended, resolved), `said`, `by`."""


class State(StrEnum):
    """Where a delivery is."""

    QUEUED = "queued"
    """To be sent once it is due."""
    SENDING = "sending"
    """It may have left from this moment on; committed before anything leaves."""
    SENT = "sent"
    """The provider has it."""
    DELIVERED = "delivered"
    """The provider said that the customer has it."""
    FAILED = "failed"
    """Never to be sent: refused, bounced, not to be rendered."""
    DEAD = "dead"
    """Surely not sent, and tried as often as allowed."""
    UNKNOWN = "unknown"
    """Nobody can tell whether it arrived; a person decides."""
    CANCELLED = "cancelled"
    """Not wanted any more: expired, forbidden, capped, stopped."""


OVER = frozenset({State.FAILED, State.DEAD, State.CANCELLED})
"""States that give the touch back to the contact budget."""


@dataclass(frozen=True)
class Lane:
    """One provider and how it is to be used."""

    provider: Provider
    """The connection."""
    batch: int = 50
    """Messages claimed at once."""
    timeout_seconds: float = 10.0
    """A message takes at most this long."""
    per_second_max: float | None = None
    """Messages per second over all workers; None: as many as it takes."""

    @property
    def blind(self) -> bool:
        """Whether a lost message's fate can be neither asked for nor mended by sending again."""
        return not (self.provider.repeats_safely or self.provider.traceable)


@dataclass(frozen=True)
class Policy:
    """Patience."""

    attempts_max: int = 6
    """After so many attempts a message that was never accepted is a dead letter."""
    backoff_first: timedelta = timedelta(seconds=30)
    """Before the second attempt; doubled for every further one."""
    backoff_max: timedelta = timedelta(hours=4)
    """The longest pause between attempts."""
    jitter: float = 0.25
    """Share of a pause by which it is drawn out, by the delivery's hash."""
    lease_margin: timedelta = timedelta(seconds=30)
    """A lease is batch x timeout and this much longer."""
    grace: timedelta = timedelta(seconds=60)
    """After a lease has run out, before its provider is asked: what was on its way has arrived by then."""
    lookups_max: int = 5
    """After so many answers that do not tell, the fate is unknown."""
    report_patience: timedelta = timedelta(days=3)
    """Reports that match nothing are matched again for so long."""


@dataclass(frozen=True)
class Filled:
    """A message's content for one customer."""

    content: Mapping[str, str]
    """`text`, and where the channel has them `subject`, `html`, `url`, `title`, `unsubscribe`."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """What the provider needs beside it."""


@dataclass(frozen=True)
class Stopped:
    """Why one customer's message cannot be made."""

    reason: str
    """Without personal data."""


@dataclass(frozen=True)
class Claimed:
    """A delivery that this worker has to itself for the length of its lease."""

    delivery_id: str
    """Also the idempotency key."""
    touch_id: str
    """Its use of the contact budget; empty: none, e.g. a test send."""
    launch_id: str
    """Empty: none, e.g. a live decision."""
    step: str
    """Of the play."""
    customer_id: int
    """Whom it goes to."""
    entry: int
    """Which time the customer goes through the play."""
    channel: str
    """How it reaches the customer."""
    address: str
    """Phone number, e-mail address, ..."""
    content: Mapping[str, Any]
    """As rendered before; empty: to be rendered."""
    attempts: int
    """Made so far."""
    expires: datetime | None
    """Not sent after."""
    lease: str
    """Of the worker that has it, or had it."""
    evidence: Evidence
    """So far."""


@dataclass(frozen=True)
class Ready:
    """A claimed delivery that may leave."""

    claimed: Claimed
    """Which one."""
    filled: Filled
    """What it says."""

    def message(self) -> Message:
        """As the provider takes it."""
        one = self.claimed
        return Message(one.delivery_id, one.address, content=self.filled.content, extra=self.filled.extra)


@dataclass(frozen=True)
class Verdict:
    """What becomes of a delivery now."""

    claimed: Claimed
    """Which one."""
    state: State
    """Its next state."""
    due: datetime | None = None
    """QUEUED: when it is tried again; SENDING: when its provider is asked, at the earliest; None: as it was."""
    problem: str = ""
    """Why, for people, without personal data."""
    reference: str = ""
    """The provider's own id."""
    evidence: Evidence = ()
    """To be added to what is known."""


@dataclass(frozen=True)
class Checks:
    """What dispatch has to ask others right before sending. Whoever raises stops the batch: nothing is sent."""

    later: Callable[[Sequence[Claimed], datetime], Mapping[str, datetime]]
    """Deliveries whose send window is shut now -> when it opens."""
    forbidden: Callable[[Sequence[Claimed], datetime], Mapping[str, str]]
    """Deliveries that consent or a suppression forbids -> why."""
    render: Callable[[Sequence[Claimed]], Mapping[str, Filled | Stopped]]
    """Content per delivery; one that is missing is not sent."""
    confirm: Callable[[Sequence[Claimed], datetime], Collection[str]]
    """Ids of the touches that the contact budget still grants; granted once, it is granted again."""
    release: Callable[[Connection, Sequence[str], datetime], None]
    """Gives touches back, within the transaction that ends their deliveries."""


@dataclass
class Tally:
    """What one round of a worker did, in deliveries."""

    claimed: int = 0
    """Taken from the outbox."""
    sent: int = 0
    """Accepted by their provider."""
    later: int = 0
    """Put off: send window, budget, provider busy."""
    failed: int = 0
    """Refused or not to be rendered."""
    dead: int = 0
    """Given up after the last attempt."""
    cancelled: int = 0
    """Expired, forbidden, capped."""
    unknown: int = 0
    """Fates that nobody can tell."""
    open: int = 0
    """Fates that the provider will be asked about."""
    recovered: int = 0
    """Left behind by a lost worker, or in doubt, and decided or asked about now."""

    def add(self, verdicts: Sequence[Verdict]) -> None:
        """Counts what became of deliveries."""
        for verdict in verdicts:
            name = _COUNTED[verdict.state]
            setattr(self, name, getattr(self, name) + 1)

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.claimed or self.recovered)


_COUNTED = {
    State.QUEUED: "later",
    State.SENDING: "open",
    State.SENT: "sent",
    State.DELIVERED: "sent",
    State.FAILED: "failed",
    State.DEAD: "dead",
    State.UNKNOWN: "unknown",
    State.CANCELLED: "cancelled",
}


@dataclass(frozen=True)
class Letter:
    """A delivery as an operator sees it: unknown or dead."""

    delivery_id: str
    """Also the key under which the provider knows it."""
    launch_id: str
    """Empty: none."""
    step: str
    """Of the play."""
    customer_id: int
    """Whom it was meant for."""
    channel: str
    """How."""
    provider: str
    """Whom to ask."""
    address: str
    """Masked."""
    state: State
    """UNKNOWN or DEAD."""
    attempts: int
    """Made."""
    problem: str
    """What went wrong last."""
    evidence: Evidence
    """What is known."""
    changed: datetime
    """Since when it lies here."""


class Resolution(StrEnum):
    """What a person says of an unknown fate or a dead letter."""

    ARRIVED = "arrived"
    """It was accepted after all: counts as sent."""
    SEND_AGAIN = "send_again"
    """It surely was not, or may go twice: back into the queue with all attempts before it."""
    GIVE_UP = "give_up"
    """Leave it: counts as failed, the touch is given back."""


def name_of(*parts: object) -> str:
    """A name of 40 characters made from what it is about; equal parts have an equal name.

    Examples:
        >>> len(name_of("signal", 1)), name_of("a") == name_of("a"), name_of("a", "b") == name_of("ab")
        (40, True, False)
    """
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:40]
