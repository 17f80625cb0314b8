"""All strategies: incremental beside gross, cost, net, verdict; and where the money went."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.review.found import Wording, found_on
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.execution.access.roles import Right
from cultiva.kit.words import say
from cultiva.loop.report.review_page import drawn_bridge, drawn_curve, drawn_forest, texts_in

routes = router("/review")
WORST_FIRST = ("stop", "change", "wait", "keep", "scale")
"""Verdicts in the order in which they ask for somebody."""


@routes.get("", **needs(Right.REVIEW))
def overview(request: Request, who: Who, desk: Ours, on: Annotated[date | None, Query()] = None) -> HTMLResponse:
    """The review of a day."""
    found = found_on(desk, on)
    if found is None:
        return page(request, who, "review/none.html")
    texts, whole = texts_in(who.language), found.whole
    rows = sorted(
        found.strategies, key=lambda one: (WORST_FIRST.index(one.recommendation.verdict.value), -(one.net or 0))
    )
    pictures = {
        "forest": drawn_forest([(say(one.label, who.language), one.main()) for one in found.reviews], texts),
        "curve": drawn_curve(found.histories.get(whole.strategy, []) if whole is not None else [], texts),
        "bridge": drawn_bridge(whole, texts),
    }
    settings = desk.parts.workspace.review
    return page(
        request, who, "review/index.html",
        found=found, rows=rows, whole=whole, pictures=pictures, texts=texts, words=Wording(desk, who),
        horizon=settings.horizon_days, confidence=settings.confidence,
        flags=[(one, flag) for one in found.reviews for flag in one.flags],
    )  # fmt: skip
