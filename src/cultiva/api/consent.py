"""Consent: what a customer has allowed, channel by channel; a withdrawal counts at once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import Path
from pydantic import AwareDatetime, Field

from cultiva.api.customers import CustomerName
from cultiva.api.desk import Desk
from cultiva.api.guard import Caller, IdempotencyKey, OurDesk, Seeing, needs, router
from cultiva.api.outcomes import ShortText
from cultiva.api.shapes import Shape
from cultiva.contracts.sight import Sight
from cultiva.execution.access.keys import ApiKey, Scope
from cultiva.execution.answers.service import AHEAD_MAX
from cultiva.execution.recipients.people import EVERY_CHANNEL, ConsentWord
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.loop.consents import consents_of, speak

routes = router("/customers/{customer}/consent", "consent")


class ConsentShape(Shape):
    """A word of consent on one channel."""

    channel: str
    """A channel of the contact policy; `*`: every channel."""
    granted: bool
    at: datetime
    """When it was said."""
    evidence: str
    source: str
    """bank: the bank's records of the business date; since: said since, counts before them."""


class ConsentsShape(Shape):
    """What a customer has allowed."""

    customer_id: int
    business_date: date
    purpose: str
    """The purpose that the contact policy asks for."""
    consents: list[ConsentShape]
    """By channel; the newest word of each source."""


class ConsentChange(Shape):
    """A customer's new word on one channel."""

    granted: bool
    at: AwareDatetime | None = Field(default=None, examples=["2026-11-23T10:00:00+08:00"])
    """When it was said; left out: now."""
    evidence: ShortText = Field(default="", examples=["call 2026-11-23, recording 4711"])
    """Where it can be looked up."""


class Withdrawal(Shape):
    """A customer withdraws every consent."""

    at: AwareDatetime | None = None
    """When it was said; left out: now."""
    evidence: ShortText = ""


@routes.get("", **needs(Scope.CUSTOMERS, 404))
def consents(customer: CustomerName, desk: OurDesk, sight: Seeing) -> ConsentsShape:
    """What a customer has allowed: the bank's records, and what was said since."""
    day = desk.day(None)
    return _consents(desk, desk.customer(customer, day, sight).customer_id, day, sight)


@routes.put("/{channel}", **needs(Scope.CONSENT, 404, 413))
def change(
    customer: CustomerName,
    channel: Annotated[str, Path(max_length=63, description="A channel of the contact policy.", examples=["sms"])],
    word: ConsentChange,
    desk: OurDesk,
    caller: Caller,
) -> ConsentsShape:
    """Grant or withdraw consent on one channel; the same word said again changes nothing."""
    _check_channel(desk, channel)
    return _speak(desk, customer, (channel, word.granted), word, caller)


@routes.post("/withdraw", **needs(Scope.CONSENT, 404, once=True))
def withdraw(
    customer: CustomerName, word: Withdrawal, desk: OurDesk, caller: Caller, _key: IdempotencyKey
) -> ConsentsShape:
    """Withdraw every consent: nothing but service messages goes to the customer from now on."""
    return _speak(desk, customer, (EVERY_CHANNEL, False), word, caller)


def _speak(
    desk: Desk, customer: str, said: tuple[str, bool], word: ConsentChange | Withdrawal, caller: ApiKey
) -> ConsentsShape:
    day, now = desk.day(None), desk.now()
    if word.at is not None and word.at > now + AHEAD_MAX:
        raise CultivaError(
            "a word of consent lies in the future",
            code="api.consent_ahead",
            seen=word.at.isoformat(),
            allowed=f"up to {(now + AHEAD_MAX).isoformat(timespec='seconds')}",
            hint="see to the clock and the time zone",
        )
    customer_id = desk.customer(customer, day, caller.sight).customer_id
    evidence = f"api:{caller.name}: {word.evidence}" if word.evidence else f"api:{caller.name}"
    heard = ConsentWord(customer_id, *said, word.at or now, evidence, actor=caller.name, through="api")
    speak(desk.parts, heard, sight=caller.sight)
    return _consents(desk, customer_id, day, caller.sight)


def _consents(desk: Desk, customer_id: int, day: date, sight: Sight) -> ConsentsShape:
    found = [
        ConsentShape(channel=one.channel, granted=one.granted, at=one.at, evidence=one.evidence, source=one.source)
        for one in consents_of(desk.parts, customer_id, day, sight=sight)
    ]
    purpose = desk.parts.workspace.policy.consent.purpose
    return ConsentsShape(customer_id=customer_id, business_date=day, purpose=purpose, consents=found)


def _check_channel(desk: Desk, channel: str) -> None:
    known = {one.name for one in desk.parts.workspace.policy.channels} | {EVERY_CHANNEL}
    if channel not in known:
        raise CultivaError(
            "there is no such channel",
            code="api.no_channel",
            kind=ErrorKind.NOT_FOUND,
            seen=channel,
            allowed=", ".join(sorted(known)),
            hint=did_you_mean(channel, known) or "see the contact policy",
        )
