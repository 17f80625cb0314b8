"""One strategy: its money, every metric, its groups, checks, and how the effect has moved."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.review.found import Wording, found_on
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.contracts.readout import Contrast, Readout, StrategyReview
from cultiva.execution.access.roles import Right
from cultiva.kit.words import Words, say
from cultiva.loop.report.review_page import drawn_bridge, drawn_curve, drawn_forest, texts_in
from cultiva.review.wording import metric_words

routes = router("/review")
FOREST_MAX = 40
"""Groups that a picture shows; the table has all."""


@routes.get("/{strategy}", **needs(Right.REVIEW))
def single(
    request: Request,
    strategy: Annotated[str, Path(max_length=200)],
    who: Who,
    desk: Ours,
    on: Annotated[date | None, Query()] = None,
    by: Annotated[str, Query(max_length=80)] = "",
) -> HTMLResponse:
    """Everything about one strategy."""
    found = found_on(desk, on)
    if found is None:
        return page(request, who, "review/none.html")
    one, words, texts = found.one(strategy), Wording(desk, who), texts_in(who.language)
    dimensions = dimensions_of(one)
    chosen = by if by in dimensions else next(iter(dimensions), "")
    groups = groups_of(one, chosen)
    history = found.histories.get(strategy, [])
    labels = {made.name: Words(made.label.zh, made.label.en) for made in desk.parts.workspace.review.metrics}
    metrics = [row for row in one.readouts if row.dimension == "all"]
    return page(
        request, who, "review/single.html",
        found=found, one=one, words=words, texts=texts, main=one.main(), dimensions=dimensions, by=chosen,
        groups=groups,
        metrics=[(say(metric_words(row.metric, labels), who.language), row) for row in metrics],
        history=list(reversed(history)), defined=strategy in desk.parts.workspace.strategies,
        champion=words.name(one.recommendation.champion),
        pictures={
            "bridge": drawn_bridge(one, texts),
            "curve": drawn_curve(history, texts),
            "forest": drawn_forest([(words.group(row), row) for row in groups[:FOREST_MAX]], texts),
        },
    )  # fmt: skip


def dimensions_of(one: StrategyReview) -> list[str]:
    """By what the strategy's groups are made, in the order of the readouts."""
    found = dict.fromkeys(row.dimension for row in one.readouts if row.dimension != "all")
    return list(found)


def groups_of(one: StrategyReview, dimension: str) -> list[Readout]:
    """The money of the groups of a dimension, the best guess first, those of which nothing can be said last."""
    rows = [
        row
        for row in one.readouts
        if row.dimension == dimension and row.contrast is Contrast.ITT and row.metric == "contribution"
    ]
    return sorted(rows, key=lambda row: (row.shrunk is None, -(row.shrunk or 0.0), row.group))
