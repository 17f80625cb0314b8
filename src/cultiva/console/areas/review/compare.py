"""Strategies, groups or branches side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.review.found import Wording, found_on
from cultiva.console.areas.review.single import FOREST_MAX, dimensions_of, groups_of
from cultiva.console.charts import Option, bars
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.console.visitor import Visitor
from cultiva.console.words import told
from cultiva.contracts.readout import StrategyReview
from cultiva.execution.access.roles import Right
from cultiva.kit.words import Words, say
from cultiva.loop.report.review_page import drawn_forest, texts_in
from cultiva.review.design import PROGRAMME
from cultiva.review.wording import metric_words

routes = router("/review")
SIDE_MAX = 6
"""Strategies side by side; more cannot be read."""


@routes.get("/compare", **needs(Right.REVIEW))
def compare(
    request: Request,
    who: Who,
    desk: Ours,
    one: Annotated[list[str] | None, Query(max_length=40)] = None,
    of: Annotated[str, Query(max_length=200)] = PROGRAMME,
    by: Annotated[str, Query(max_length=80)] = "",
) -> HTMLResponse:
    """Side by side: by default the strategies that brought most; with `by` the groups of one of them."""
    found = found_on(desk)
    if found is None:
        return page(request, who, "review/none.html")
    words, texts, whose = Wording(desk, who), texts_in(who.language), found.one(of)
    dimensions = dimensions_of(whose)
    groups = groups_of(whose, by) if by in dimensions else []
    chosen = [found.one(name) for name in (one or _largest(found.strategies))][:SIDE_MAX]
    labels = {made.name: Words(made.label.zh, made.label.en) for made in desk.parts.workspace.review.metrics}
    metrics = list(dict.fromkeys(row.metric for review in chosen for row in review.readouts if row.dimension == "all"))
    return page(
        request, who, "review/compare.html",
        found=found, words=words, chosen=chosen, names={review.strategy for review in chosen}, most=SIDE_MAX,
        metrics=[(name, say(metric_words(name, labels), who.language)) for name in metrics],
        of=whose, by=by if groups else "", dimensions=dimensions, groups=groups,
        chart=_chart(who, chosen),
        picture=drawn_forest([(words.group(row), row) for row in groups[:FOREST_MAX]], texts) if groups else "",
    )  # fmt: skip


def _largest(reviews: list[StrategyReview]) -> list[str]:
    known = [one for one in reviews if one.net is not None]
    return [one.strategy for one in sorted(known, key=lambda one: -(one.net or 0.0))[:4]]


def _chart(who: Visitor, chosen: list[StrategyReview]) -> Option:
    series = {
        told(who.language, "incremental"): [_whole(one.incremental) for one in chosen],
        told(who.language, "cost"): [_whole(one.cost) for one in chosen],
        told(who.language, "net"): [_whole(one.net) for one in chosen],
    }
    return bars([say(one.label, who.language) for one in chosen], series)


def _whole(value: float | None) -> float | None:
    return None if value is None else round(value)
