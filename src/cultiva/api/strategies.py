"""Strategies as they are defined, with what became of their candidates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import polars as pl
from fastapi import Path

from cultiva.api.customers import On
from cultiva.api.desk import Desk
from cultiva.api.guard import OurDesk, needs, router
from cultiva.api.paging import PAGE_DEFAULT, Cursor, Limit, cut, read_cursor
from cultiva.api.shapes import Page, Shape
from cultiva.definitions.strategies import Strategy
from cultiva.execution.access.keys import Scope
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.loop.customers import label_of
from cultiva.loop.shows import scan

routes = router("/strategies", "strategies")


class StrategyShape(Shape):
    """A strategy: audience x objective x offers x channels, and its candidates of a business date."""

    name: str
    label: str
    active: bool
    audience: str
    """Who: a rule."""
    metric: str
    """The tag that it is to change."""
    offers: list[str]
    channels: list[str]
    """In order of preference."""
    holdout: float
    """Share left alone to measure the effect."""
    fates: dict[str, int]
    """Candidates by what became of them on the business date; empty if it was not planned then."""
    business_date: date | None
    """null: nothing has been run yet."""


@routes.get("", **needs(Scope.STRATEGIES, 404))
def strategies(desk: OurDesk, on: On = None, limit: Limit = PAGE_DEFAULT, cursor: Cursor = None) -> Page[StrategyShape]:
    """Every strategy that is defined, by name."""
    query = ["strategies", None if on is None else on.isoformat()]
    after = read_cursor(cursor, query, str) or ""
    day = desk.day(on)
    fates = _fates(desk, day)
    named = sorted(desk.parts.workspace.strategies.items())
    found = [_strategy(desk, one, fates, day) for name, one in named if name > after]
    page, rest = cut(found, limit, query, lambda one: one.name)
    return Page[StrategyShape](items=page, next_cursor=rest)


@routes.get("/{strategy}", **needs(Scope.STRATEGIES, 404))
def strategy(
    strategy: Annotated[str, Path(max_length=200, description="Name of a strategy.", examples=["car_owner_card"])],
    desk: OurDesk,
    on: On = None,
) -> StrategyShape:
    """One strategy."""
    known = desk.parts.workspace.strategies
    if strategy not in known:
        raise CultivaError(
            "there is no such strategy",
            code="api.no_strategy",
            kind=ErrorKind.NOT_FOUND,
            seen=strategy,
            allowed=f"one of {len(known)} strategies",
            hint=did_you_mean(strategy, known) or "GET /v1/strategies",
        )
    day = desk.day(on)
    return _strategy(desk, known[strategy], _fates(desk, day), day)


def _fates(desk: Desk, day: date) -> Mapping[str, dict[str, int]]:
    """Candidates by strategy and fate."""
    files = desk.parts.lake.files_current("decisions", day)
    found: dict[str, dict[str, int]] = {}
    if files:
        counted = scan(files).group_by("strategy", "fate").agg(pl.len().alias("count")).collect()
        for row in counted.sort("strategy", "fate").iter_rows(named=True):
            found.setdefault(row["strategy"], {})[row["fate"]] = row["count"]
    return found


def _strategy(desk: Desk, one: Strategy, fates: Mapping[str, dict[str, Any]], day: date) -> StrategyShape:
    return StrategyShape(
        name=one.name,
        label=label_of(desk.parts, "strategy", one.name),
        active=one.active,
        audience=one.audience,
        metric=one.objective.metric,
        offers=list(one.offers),
        channels=list(one.channels),
        holdout=one.holdout,
        fates=fates.get(one.name, {}),
        business_date=day,
    )
