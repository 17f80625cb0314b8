"""Audit: who did what to which, when; and whether the chain holds."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse

from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import fragment, page
from cultiva.execution.access.roles import Right
from cultiva.loop.customers import unmasking_of

routes = router("/admin/audit")
SHOWN = 200
"""Lines at a time, the newest first."""
LATELY_DAYS = 31
"""How far back those are listed who were shown personal data."""


@routes.get("", **needs(Right.AUDIT))
def search(  # noqa: PLR0913, PLR0917  (what a search asks)
    request: Request, who: Who, desk: Ours, actor: str = "", action: str = "", subject: str = "",
    since: str = "", until: str = "",
) -> HTMLResponse:  # fmt: skip
    """Lines by who, what, of which and when."""
    zone = ZoneInfo(desk.parts.workspace.settings.timezone)
    lines = desk.audit.lines(
        actor=actor.strip() or None,
        action=action.strip() or None,
        subject=subject.strip() or None,
        since=_instant(since, zone),
        until=_instant(until, zone, days=1),
        last=SHOWN,
    )
    asked = {"actor": actor, "action": action, "subject": subject, "since": since, "until": until}
    return page(request, who, "admin/audit.html", lines=lines[::-1], asked=asked, shown=SHOWN, local=desk.local)


@routes.get("/unmasked", **needs(Right.AUDIT))
def unmasked(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """Who was shown whose personal data in the last month, and why."""
    found = unmasking_of(desk.parts).listed(desk.now() - timedelta(days=LATELY_DAYS))
    return page(request, who, "admin/unmasked.html", found=found, days=LATELY_DAYS, local=desk.local)


@routes.get("/verify", **needs(Right.AUDIT))
def verify(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """Follows the whole chain; asked for by a button, since it reads every line."""
    return fragment(request, who, "admin/verified.html", found=desk.audit.verify())


def _instant(day: str, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    """The first moment of a day as typed, or of one some days later; None for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), zone)
    except ValueError:
        return None
