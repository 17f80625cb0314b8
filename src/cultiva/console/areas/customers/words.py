"""Contact: consent, what the policy leaves, tasks; recording what a customer says; unmasking for a reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from cultiva.console.areas.customers.whom import head, whom
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, page
from cultiva.console.security import local
from cultiva.execution.access.roles import Right
from cultiva.execution.audit.chain import Entry
from cultiva.execution.recipients.people import EVERY_CHANNEL, ConsentWord
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.loop.consents import consents_of, speak
from cultiva.loop.customers import unmask
from cultiva.loop.desk import moment
from cultiva.loop.desk_sheets import STANDINGS
from cultiva.loop.parts import Parts
from cultiva.loop.person.past import tasks_of
from cultiva.loop.person.room import room_of

routes = router("/customers")
Customer = Annotated[str, Path(max_length=200)]
AHEAD_MAX = timedelta(minutes=5)
"""A word may bear a moment so far ahead: clocks differ."""


@routes.get("/{customer}/contact", **needs(Right.CUSTOMERS))
def contact(request: Request, who: Who, desk: Ours, customer: Customer) -> HTMLResponse:
    """What a customer allows, what is left of the contact budget, tasks."""
    one = whom(desk, who, customer)
    policy = one.parts.workspace.policy
    return page(
        request,
        who,
        "customers/contact.html",
        **head(desk, who, one, "contact"),
        consents=consents_of(one.parts, one.customer_id, one.on, sight=one.sight),
        channels=policy.channels,
        every=EVERY_CHANNEL,
        silence_closes=policy.consent.required,
        room=room_of(one.parts, one.customer_id, one.on, sight=one.sight),
        tasks=tasks_of(one.parts, one.customer_id, sight=one.sight),
        standings=STANDINGS,
        local=desk.local,
    )


@routes.post("/{customer}/consent", **needs(Right.CONSENT))
def record(  # noqa: PLR0913, PLR0917  (a form has its fields)
    who: Who,
    desk: Ours,
    customer: Customer,
    channel: Annotated[str, Form(max_length=63)],
    word: Annotated[Literal["granted", "withdrawn"], Form()],
    evidence: Annotated[str, Form(min_length=3, max_length=200)],
    said_at: Annotated[str, Form(max_length=40)] = "",
) -> RedirectResponse:
    """Records what a customer said about being contacted; it counts at once."""
    one = whom(desk, who, customer)
    _require_channel(one.parts, channel)
    now = desk.now()
    at = moment(one.parts, said_at) if said_at else now
    if at > now + AHEAD_MAX:
        raise CultivaError(
            "a word of consent lies in the future",
            code="console.consent_ahead",
            seen=said_at,
            allowed="the moment when it was said",
            hint="see to the day and the hour",
        )
    heard = ConsentWord(
        one.customer_id, channel, word == "granted", at, evidence.strip(), actor=who.user.login, through="console"
    )
    speak(one.parts, heard, sight=who.sight)
    detail = {"channel": channel, "word": word, "via": "console"}
    desk.audit.write(Entry(now, who.user.login, "consent.recorded", f"customer:{one.customer_id}", detail))
    return back(f"{one.path}/contact")


@routes.post("/{customer}/unmask", **needs(Right.UNMASK))
def show_personal(
    who: Who,
    desk: Ours,
    customer: Customer,
    reason: Annotated[str, Form(max_length=600)] = "",
    next: Annotated[str, Form(max_length=500)] = "",
) -> RedirectResponse:
    """Shows the personal data of a customer for a while; the audit keeps why."""
    one = whom(desk, who, customer)
    user = who.user
    unmask(one.parts, user.user_id, user.login, one.customer_id, reason, desk.now(), sight=who.sight)
    return back(local(next) if next else one.path)


def _require_channel(parts: Parts, channel: str) -> None:
    known = {one.name for one in parts.workspace.policy.channels} | {EVERY_CHANNEL}
    if channel not in known:
        raise CultivaError(
            "there is no such channel",
            code="console.no_channel",
            kind=ErrorKind.NOT_FOUND,
            seen=channel,
            allowed=", ".join(sorted(known)),
            hint=did_you_mean(channel, known) or "choose one of the list",
        )
