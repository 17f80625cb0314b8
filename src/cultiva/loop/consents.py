"""Consent of one customer: what the bank's records say and what was said since, and a new word on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from cultiva.contracts.sight import Sight
from cultiva.execution.recipients.people import ConsentWord
from cultiva.execution.recipients.service import Recipients
from cultiva.insight.track import unknown_customer
from cultiva.loop.consent_ledger import words_on
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import sees


class Source(StrEnum):
    """Where a word of consent stands."""

    BANK = "bank"
    """In the bank's records of the business date."""
    SINCE = "since"
    """It was said since; it counts before the records."""


@dataclass(frozen=True)
class Consent:
    """A word of consent on one channel."""

    channel: str
    """A channel of the contact policy; `*`: every channel."""
    granted: bool
    at: datetime
    """When it was said, with the bank's zone."""
    evidence: str
    """Where it can be looked up; may be empty."""
    source: Source


def consents_of(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> tuple[Consent, ...]:
    """What a customer has allowed, by channel, the newest word of each source; nothing of who is out of sight.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        sight: Of whoever asks.
    """
    if not sees(parts, customer_id, sight):
        return ()
    words = Recipients(parts.store.database).words_of(customer_id)
    since = [Consent(one.channel, one.granted, one.at, one.evidence, Source.SINCE) for one in words]
    return tuple(sorted([*_recorded(parts, customer_id, on), *since], key=lambda one: (one.channel, one.source)))


def speak(parts: Parts, word: ConsentWord, *, sight: Sight) -> None:
    """Records what a customer says about being contacted; it counts at once.

    Args:
        parts: Of the workspace.
        word: Of whom, on which channel, what, when, who wrote it down.
        sight: Of whoever writes it down.

    Raises:
        CultivaError: if there is no such customer in sight.
    """
    if not sees(parts, word.customer_id, sight):
        raise unknown_customer(str(word.customer_id))
    Recipients(parts.store.database).speak([replace(word, recorded=parts.clock())])


def _recorded(parts: Parts, customer_id: int, on: date) -> list[Consent]:
    """The bank's own records; where several records of one person differ, a refusal wins."""
    zone = ZoneInfo(parts.workspace.settings.timezone)
    rows = words_on(parts, customer_id, on).sort("granted", "at", descending=[False, True])
    return [_of_bank(row, zone) for row in rows.unique("channel", keep="first").to_dicts()]


def _of_bank(row: dict[str, Any], zone: ZoneInfo) -> Consent:
    at = row["at"].replace(tzinfo=zone)
    return Consent(row["channel"], row["granted"], at, row["evidence"] or "", Source.BANK)
