"""Consent: what a customer has allowed, channel by channel; a withdrawal counts at once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import polars as pl
from fastapi import Path
from pydantic import AwareDatetime, Field

from cultiva.api.customers import CustomerName
from cultiva.api.desk import Desk
from cultiva.api.guard import Caller, IdempotencyKey, OurDesk, Seeing, needs, router
from cultiva.api.outcomes import ShortText
from cultiva.api.shapes import Shape
from cultiva.execution.access.keys import ApiKey, Scope
from cultiva.execution.answers.service import AHEAD_MAX
from cultiva.execution.recipients.people import EVERY_CHANNEL, ConsentWord
from cultiva.insight.identity.keys import PARTY_KEY
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.loop.shows import scan

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
    return _consents(desk, desk.customer(customer, day, sight).customer_id, day)


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
    heard = ConsentWord(customer_id, *said, word.at or now, evidence, actor=caller.name, through="api", recorded=now)
    desk.recipients.speak([heard])
    return _consents(desk, customer_id, day)


def _consents(desk: Desk, customer_id: int, day: date) -> ConsentsShape:
    since = [
        ConsentShape(channel=one.channel, granted=one.granted, at=one.at, evidence=one.evidence, source="since")
        for one in desk.recipients.words_of(customer_id)
    ]
    found = sorted([*_recorded(desk, customer_id, day), *since], key=lambda one: (one.channel, one.source))
    purpose = desk.parts.workspace.policy.consent.purpose
    return ConsentsShape(customer_id=customer_id, business_date=day, purpose=purpose, consents=found)


def _recorded(desk: Desk, customer_id: int, day: date) -> list[ConsentShape]:
    """The bank's own records; where several records of one person differ, a refusal wins."""
    lake, purpose = desk.parts.lake, desk.parts.workspace.policy.consent.purpose
    files = lake.files_latest("consent", day)
    if not files:
        return []
    mine = scan(lake.files_current("identity_map", day)).filter(pl.col("customer_id") == customer_id)
    asked = scan(files).filter(pl.col("purpose") == purpose).join(mine, on=list(PARTY_KEY), how="semi")
    rows = asked.sort("granted", "at", descending=[False, True]).unique("channel", keep="first").collect().to_dicts()
    return [
        ConsentShape(
            channel=row["channel"],
            granted=row["granted"],
            at=desk.local(row["at"]),
            evidence=row["evidence"] or "",
            source="bank",
        )
        for row in rows
    ]


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
