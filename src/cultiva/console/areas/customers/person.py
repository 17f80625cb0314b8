"""One customer: overview, holdings, tags, people around, timeline, decisions; each its own page, loaded alone."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.customers.definitions import tag_groups
from cultiva.console.areas.customers.moments import Told, told_moments
from cultiva.console.areas.customers.whom import Whom, head, whom
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import fragment, is_part, page
from cultiva.execution.access.roles import Right
from cultiva.insight.assets.wording import Wording
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.masking import mask_id
from cultiva.loop.advising import advice_for
from cultiva.loop.person.around import circle_of
from cultiva.loop.person.owned import holdings_of
from cultiva.loop.person.past import MomentKind, stages_of, timeline
from cultiva.loop.person.rows import rows_of
from cultiva.loop.person.worth import worth_of
from cultiva.loop.questions import decisions_of, proposal_key
from cultiva.loop.report.assets_page import bars as asset_bars
from cultiva.loop.shows import labels
from cultiva.strategy.words import FATES

routes = router("/customers")
Customer = Annotated[str, Path(max_length=200)]
PAGE = 50
"""Moments of the timeline shown at once."""


@routes.get("/{customer}", **needs(Right.CUSTOMERS))
def overview(request: Request, who: Who, desk: Ours, customer: Customer) -> HTMLResponse:
    """Who it is, what they are worth, where they stand."""
    one = whom(desk, who, customer)
    profile = rows_of(one.parts, "profile", [one.customer_id], one.on)
    return page(
        request,
        who,
        "customers/overview.html",
        **head(desk, who, one, ""),
        worth=worth_of(profile[0] if profile else {}, one.parts.workspace),
        spells=stages_of(one.parts, one.customer_id, one.on, sight=one.sight),
    )


@routes.get("/{customer}/holdings", **needs(Right.CUSTOMERS))
def holdings(request: Request, who: Who, desk: Ours, customer: Customer) -> HTMLResponse:
    """What they have at the bank."""
    one = whom(desk, who, customer)
    held = holdings_of(one.parts, one.customer_id, one.on, sight=one.sight)
    account = (lambda text: text) if one.sight.personal else mask_id
    return page(request, who, "customers/holdings.html", **head(desk, who, one, "holdings"), held=held, account=account)


@routes.get("/{customer}/advice", **needs(Right.CUSTOMERS))
def advice(request: Request, who: Who, desk: Ours, customer: Customer) -> HTMLResponse:
    """Their assets beside the model: a part of the page of holdings, asked for when that page stands."""
    one = whom(desk, who, customer)
    language = who.language
    try:
        found = advice_for(one.parts, one.customer_id, one.on, sight=one.sight)
    except CultivaError as error:
        if error.kind not in (ErrorKind.CONFLICT, ErrorKind.NOT_FOUND):
            raise
        return fragment(request, who, "customers/no_advice.html", reason=error)
    says = Wording(one.parts.workspace, language)
    return fragment(
        request, who, "customers/advice.html", found=found, says=says, bars=asset_bars(found, says),
        portfolios=one.parts.workspace.portfolios,
    )  # fmt: skip


@routes.get("/{customer}/tags", **needs(Right.CUSTOMERS))
def tags(
    request: Request, who: Who, desk: Ours, customer: Customer, q: Annotated[str, Query(max_length=100)] = ""
) -> HTMLResponse:
    """Every tag with its definition and how fresh it is."""
    one = whom(desk, who, customer)
    groups = tag_groups(one.parts, one.customer_id, one.on, sight=one.sight, text=q)
    if is_part(request):
        return fragment(request, who, "customers/tag_groups.html", groups=groups, labels=labels(one.parts))
    return page(request, who, "customers/tags.html", **head(desk, who, one, "tags"), groups=groups, q=q)


@routes.get("/{customer}/people", **needs(Right.CUSTOMERS))
def people(request: Request, who: Who, desk: Ours, customer: Customer) -> HTMLResponse:
    """Who is around them."""
    one = whom(desk, who, customer)
    circle = circle_of(one.parts, one.customer_id, one.on, sight=one.sight)
    return page(request, who, "customers/people.html", **head(desk, who, one, "people"), circle=circle)


@routes.get("/{customer}/timeline", **needs(Right.CUSTOMERS))
def history(
    request: Request,
    who: Who,
    desk: Ours,
    customer: Customer,
    kind: Annotated[str, Query(max_length=40)] = "",
    begin: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> HTMLResponse:
    """Everything that happened, the newest first."""
    one = whom(desk, who, customer)
    facts = _moments(one, kind, begin)
    if is_part(request):
        return fragment(request, who, "customers/moments.html", one=one, **facts)
    return page(request, who, "customers/timeline.html", **head(desk, who, one, "timeline"), **facts)


def _moments(one: Whom, kind: str, begin: int) -> dict[str, Any]:
    every = timeline(one.parts, one.customer_id, one.on, sight=one.sight)
    counts = {each.value: sum(1 for moment in every if moment.kind is each) for each in MomentKind}
    mine = [moment for moment in every if not kind or moment.kind.value == kind]
    shown: list[Told] = told_moments(one.parts, mine[begin : begin + PAGE])
    rest = len(mine) - begin - PAGE
    after = begin + PAGE if rest > 0 else None
    return {"moments": shown, "counts": counts, "kind": kind, "after": after, "rest": rest, "total": len(every)}


@routes.get("/{customer}/decisions", **needs(Right.CUSTOMERS))
def decisions(request: Request, who: Who, desk: Ours, customer: Customer) -> HTMLResponse:
    """What the newest run decided about them, and why."""
    one = whom(desk, who, customer)
    found = decisions_of(one.parts, one.customer_id, one.on, sight=one.sight, reasons=False)
    return page(
        request, who, "customers/decisions.html", **head(desk, who, one, "decisions"), found=found, fates=FATES,
        reasons=None, key=proposal_key,
    )  # fmt: skip


@routes.get("/{customer}/reasons", **needs(Right.CUSTOMERS))
def reasons(request: Request, who: Who, desk: Ours, customer: Customer) -> HTMLResponse:
    """The same with what moved the models' forecasts: asks the models once more, which takes a moment."""
    one = whom(desk, who, customer)
    with desk.engine():
        found = decisions_of(one.parts, one.customer_id, one.on, sight=one.sight)
    return fragment(
        request, who, "customers/decided.html", found=found, fates=FATES, reasons=found.reasons, key=proposal_key,
        labels=labels(one.parts), one=one,
    )  # fmt: skip
