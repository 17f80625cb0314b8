"""Touch and delivery: execution to review, and what every channel promises to execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Sent(StrEnum):
    """What a provider made of one message."""

    ACCEPTED = "accepted"
    """The provider has it and answers for it."""
    REFUSED = "refused"
    """Never to be sent: bad address, blocked content."""
    LATER = "later"
    """Not now: busy, over the rate, not reachable. Surely not accepted; may be tried again."""
    UNKNOWN = "unknown"
    """It may or may not have been accepted: the connection broke after the message had gone."""
    ABSENT = "absent"
    """Asked about a message, the provider has never seen it."""


@dataclass(frozen=True)
class Message:
    """One message as a channel sends it."""

    key: str
    """Idempotency key, handed to the provider; the delivery's id."""
    address: str
    """Phone number, e-mail address, device token, WeCom user, ..."""
    content: Mapping[str, str]
    """Rendered: `text`, and where the channel has them `subject`, `html`, `url`, `unsubscribe`, `title`."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """What a provider needs beside it, e.g. `sender` (the employee's WeCom id)."""


@dataclass(frozen=True)
class Receipt:
    """What became of one message, as far as the provider has said."""

    key: str
    """Of the message."""
    sent: Sent
    """The verdict."""
    reference: str = ""
    """The provider's own id of it."""
    problem: str = ""
    """What the provider said, without personal data."""
    retry_after: float | None = None
    """For LATER: seconds that the provider asks for."""


@dataclass(frozen=True)
class Report:
    """What a provider tells later of a message: delivered, bounced, opened, clicked, replied, opted out."""

    report_id: str
    """The provider's id of the report, or a hash of its content; a repeated one is taken once."""
    kind: str
    """delivered, bounced, opened, clicked, replied, opted_out, unfollowed (the customer has cut off the channel),
    confirmed (WeCom employee), failed."""
    at: datetime
    key: str = ""
    """The delivery's id where the provider hands it back."""
    reference: str = ""
    """The provider's own id of the message."""
    address: str = ""
    """For what belongs to no message: who opted out."""
    detail: Mapping[str, str] = field(default_factory=dict)


class Provider(Protocol):
    """A connection to whoever carries messages; one module of `execution/channels` each. Not shared by threads."""

    @property
    def repeats_safely(self) -> bool:
        """Whether a message sent twice with the same key is delivered once: no lookup needed after a crash."""

    @property
    def traceable(self) -> bool:
        """Whether `look_up` can tell what became of a key."""

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Sends messages; one receipt each, in any order. Raises nothing of the network: it becomes a receipt.

        Every message takes at most the timeout of the provider's settings.
        """

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        """What became of messages: ACCEPTED, ABSENT, or UNKNOWN where it cannot tell."""

    def poll(self) -> Sequence[Report]:
        """Reports that wait at the provider; empty where reports come by webhook."""

    def close(self) -> None:
        """Gives the connection back."""


@dataclass(frozen=True)
class Overdue:
    """Something that a person of the bank has to confirm, and has not for too long."""

    task: str
    """The provider's id of it; references of its messages are `<task>/<address>`."""
    number: int
    """Which reminder is due: 1, 2 ..."""


@runtime_checkable
class Reminding(Protocol):
    """A provider whose messages wait for a person of the bank, who can be reminded."""

    def overdue(self) -> Sequence[Overdue]:
        """What is overdue by what the last poll has seen, of whomever's making."""

    def remind(self, reference: str) -> Receipt:
        """Reminds whoever has not confirmed yet."""
