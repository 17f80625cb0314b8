"""The nouns of reaching people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

EVERY_CHANNEL = "*"
"""Stands for all channels in a word of consent."""


@dataclass(frozen=True)
class Recipient:
    """What execution has to know of a customer."""

    customer_id: int
    zone: str
    """IANA name of the time zone."""
    language: str
    """zh or en."""
    name: str = ""
    phone: str = ""
    email: str = ""
    household_id: int | None = None
    branch_id: str | None = None
    adviser_id: str | None = None
    handles: Mapping[str, str] = field(default_factory=dict)
    """Further addresses: channel -> address."""
    channels: tuple[str, ...] = ()
    """Channels open by consent on the business date."""
    suppressed_by: str = ""
    """Suppression in force on it; empty: none."""
    business_date: date = date.min
    """Of the profile it comes from."""

    def address(self, channel: str, kind: str) -> str:
        """Where a channel reaches the customer: a handle of its own, else by the kind of its provider; empty: nowhere.

        Examples:
            >>> Recipient(7, "UTC", "en", phone="13812345678").address("sms", "smpp")
            '13812345678'
        """
        own = self.handles.get(channel)
        if own:
            return own
        return {"smtp": self.email, "sms_http": self.phone, "smpp": self.phone}.get(kind, str(self.customer_id))


@dataclass(frozen=True)
class ConsentWord:
    """A customer's word on a channel."""

    customer_id: int
    channel: str
    """A channel, or EVERY_CHANNEL."""
    granted: bool
    at: datetime
    evidence: str
    """Where it was given: a reply, a link, a call."""
    actor: str = ""
    """Who wrote it down: a person, an API key, a provider; empty: not known."""
    through: str = ""
    """By which way it came: api, console, provider ...; empty: not known."""
    recorded: datetime | None = None
    """When it was written down; None: not known."""


class Closed(StrEnum):
    """Why somebody may not be touched now."""

    UNKNOWN = "unknown"
    """Execution knows nothing of the customer: fail closed."""
    STALE = "stale"
    """What is known is older than policy allows: fail closed."""
    NO_CONSENT = "no_consent"
    """The channel is not open."""
    SUPPRESSED = "suppressed"
    """A suppression held on the business date."""
    STANDSTILL = "standstill"
    """A suppression has begun since."""
    NO_ADDRESS = "no_address"
    """Nowhere to send it."""


@dataclass(frozen=True)
class Reach:
    """A customer with all that says whether they may be touched now."""

    who: Recipient
    words: Mapping[str, ConsentWord]
    """Channel -> the newest word on it."""
    standing: bool
    """Whether a suppression has begun since the business date."""

    def closed(self, channel: str, *, oldest: date) -> Closed | None:
        """Why the customer may not be touched over a channel now; None: they may.

        Args:
            channel: Over which.
            oldest: Business date before which what is known is too old.
        """
        word = newest_of(self.words.get(channel), self.words.get(EVERY_CHANNEL))
        return judge(self.who, channel, word=word, standing=self.standing, oldest=oldest)


def newest_of(one: ConsentWord | None, every: ConsentWord | None) -> ConsentWord | None:
    """The later of two words; of the same instant the refusal."""
    spoken = [word for word in (one, every) if word is not None]
    return max(spoken, key=lambda word: (word.at, not word.granted), default=None)


def judge(
    who: Recipient | None, channel: str, *, word: ConsentWord | None, standing: bool, oldest: date
) -> Closed | None:
    """Why a customer may not be touched over a channel now; None: they may.

    Args:
        who: What is known; None: nothing.
        channel: Over which.
        word: The newest word on the channel.
        standing: Whether a suppression has begun since.
        oldest: Business date before which what is known is too old.
    """
    if who is None:
        return Closed.UNKNOWN
    if who.business_date < oldest:
        return Closed.STALE
    if who.suppressed_by:
        return Closed.SUPPRESSED
    if standing:
        return Closed.STANDSTILL
    return None if _open(who, channel, word) else Closed.NO_CONSENT


def _open(who: Recipient, channel: str, word: ConsentWord | None) -> bool:
    """A refusal closes until it is taken back; a grant opens until the bank's own records have come in since.

    The records of a business date know what was said on that day where the customer lives.
    """
    if word is not None and (not word.granted or word.at.astimezone(ZoneInfo(who.zone)).date() > who.business_date):
        return word.granted
    return channel in who.channels
