"""The strategy map of a workspace: what it reads from the lake, and the map as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from cultiva.insight.groups.vocabulary import VALUE_TAGS
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.words import Words
from cultiva.loop.parts import Parts
from cultiva.loop.shows import labels, scan
from cultiva.strategy.map.axes import EVERYBODY, NOBODYS, TIER, Axes
from cultiva.strategy.map.places import Cell, DrawnMap, StrategyPlace
from cultiva.strategy.map.service import MapInputs, draw_map

EVERYBODY_WORDS, NOBODYS_WORDS = Words("全部客户", "all customers"), Words("不在任何客群", "in none of the groups")


DIGITS = 6
"""Behind the point, in JSON."""


def map_of(parts: Parts, on: date, *, tier: str = "") -> DrawnMap:
    """The strategy map of a business date.

    Args:
        parts: Of the workspace.
        on: Business date with a profile; plan and review may be missing.
        tier: Only customers of this value tier; empty: all.

    Raises:
        CultivaError: if there is no such tier, or the profile lacks what a definition reads.
    """
    demand_tier(parts, tier)
    with TemporaryDirectory(dir=parts.root, prefix=".map-") as folder:
        return draw_map(parts.engine, map_inputs(parts, on), parts.workspace, on, Path(folder), tier=tier)


def tiers_of(parts: Parts) -> tuple[str, ...]:
    """Value tiers of the workspace, from lowest to highest."""
    tierings = parts.workspace.value.tierings
    return tuple(band.name for one in tierings if one.name == TIER for band in one.bands)


def demand_tier(parts: Parts, tier: str) -> None:
    """Refuses a value tier that there is not; empty: all.

    Raises:
        CultivaError: if there is no such tier.
    """
    tiers = tiers_of(parts)
    if tier and tier not in tiers:
        raise CultivaError(
            "there is no such value tier",
            code="loop.no_tier",
            kind=ErrorKind.NOT_FOUND,
            seen=tier,
            allowed=", ".join(tiers),
            hint=did_you_mean(tier, tiers) or "name a band of the tiering value_tier in value.yaml",
        )


def map_inputs(parts: Parts, on: date) -> MapInputs:
    """Everything that the map of a day reads."""
    from cultiva.review.tables import read_reviews

    lake, since = parts.lake, on - timedelta(days=parts.workspace.map.touched_days)
    proposals = [
        lake.folder(one) for one in lake.catalogue.history("decisions", on) if one.business_date > since
    ]  # fmt: skip
    verdict = lake.files_current("verdict", on)
    reviews = (
        read_reviews(lake.files_current("readout", on), verdict, lake.files_current("flag", on)) if verdict else ()
    )
    return MapInputs(
        profile=lake.files_current("profile", on),
        decisions=lake.files_current("decisions", on),
        proposals=proposals,
        contact=lake.files_history("contact", on),
        identity_map=lake.files_current("identity_map", on),
        exposure=lake.files_current("exposure", on),
        reviews=reviews,
        take_up=take_up(parts, on),
    )


def take_up(parts: Parts, on: date) -> dict[str, float]:
    """Share of those touched who took something up, by strategy, as the newest review up to the date has learnt."""
    files = parts.lake.files_latest("learnt", on)
    if not files:
        return {}
    rows = scan(files).filter((pl.col("offer") == "") & (pl.col("cell") == "")).select("strategy", "response")
    return {name: float(share) for name, share in rows.collect().iter_rows() if share is not None}


def place_of(drawn: DrawnMap, strategy: str) -> StrategyPlace:
    """One strategy's place.

    Raises:
        CultivaError: if there is no such strategy.
    """
    found = {one.strategy: one for one in drawn.places}
    if strategy not in found:
        raise CultivaError(
            "there is no such strategy",
            code="loop.no_strategy",
            kind=ErrorKind.NOT_FOUND,
            seen=strategy,
            allowed=", ".join(found),
            hint=did_you_mean(strategy, list(found)) or "name one of the strategies in strategies/",
        )
    return found[strategy]


def names_of(parts: Parts) -> dict[str, str]:
    """Labels of everything on the map in the workspace's language; rows of the map have their own."""
    workspace, language = parts.workspace, parts.workspace.settings.language
    rows = {one.segment: getattr(one.label, language) for one in workspace.map.groups if one.label is not None}
    whole = {EVERYBODY: getattr(EVERYBODY_WORDS, language), NOBODYS: getattr(NOBODYS_WORDS, language)}
    channels = {one.name: getattr(one.label, language) for one in workspace.policy.channels}
    resources = {one.name: getattr(one.label, language) for one in workspace.arbitration.resources}
    made = {name: getattr(label, language) for name, label in VALUE_TAGS.items()}
    return {**made, **channels, **resources, **labels(parts), **rows, **whole}


def data(parts: Parts, drawn: DrawnMap, strategy: str | None = None) -> dict[str, Any]:
    """The map as JSON-like data; of one strategy only what concerns it."""
    concerned = _concerned(drawn, strategy)
    told = {
        "workspace": parts.workspace.settings.name,
        "date": drawn.on,
        "currency": parts.workspace.settings.currency,
        "touched_days": drawn.days,
        "tier": drawn.tier or None,
        "groups": list(drawn.axes.lines),
        "stages": list(drawn.axes.stages),
        "tiers": list(drawn.axes.tiers),
        "labels": _used(names_of(parts), drawn.axes, parts),
        "cells": [_cell(one, strategy) for one in drawn.cells if one.customers],
        "strategies": [
            {**asdict(one), "budget_share": one.budget_share}
            for one in drawn.places
            if strategy in (None, one.strategy)
        ],
        **concerned,
        "rollups": [
            {**asdict(one), "net": one.net}
            for one in drawn.rollups
            if strategy is None or (one.dimension, one.name) == ("strategy", strategy)
        ],
        "whole": None if drawn.whole is None else asdict(drawn.whole),
        "unmeasured": list(drawn.unmeasured),
    }
    return {name: _settled(value) for name, value in told.items()}


def _settled(value: Any) -> Any:
    """The same without digits that nobody reads."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {name: _settled(one) for name, one in value.items()}
    return [_settled(one) for one in value] if isinstance(value, list | tuple) else value


def _concerned(drawn: DrawnMap, strategy: str | None) -> dict[str, Any]:
    return {
        "overlaps": [asdict(one) for one in drawn.overlaps if strategy in (None, one.first, one.second)],
        "conflicts": [asdict(one) for one in drawn.conflicts if strategy in (None, one.first, one.second)],
        "gaps": [{**asdict(one), "empty": one.empty} for one in drawn.gaps] if strategy is None else [],
    }


def _cell(one: Cell, strategy: str | None) -> dict[str, Any]:
    told = asdict(one)
    told["presences"] = [each for each in told["presences"] if strategy in (None, each["strategy"])]
    return {**told, "uncovered": one.uncovered, "uncovered_potential": round(one.uncovered_potential, 2)}


def _used(names: Mapping[str, str], axes: Axes, parts: Parts) -> dict[str, str]:
    """Labels of what the map names."""
    workspace = parts.workspace
    offers = {name for one in workspace.strategies.values() for name in one.offers}
    channels = {name for one in workspace.strategies.values() for name in one.channels}
    metrics = {one.objective.metric for one in workspace.strategies.values()}
    resources = {one.name for one in workspace.arbitration.resources}
    wanted = {*axes.lines, *axes.stages, *axes.tiers, *axes.strategies, *offers, *channels, *metrics, *resources}
    return {name: names[name] for name in sorted(wanted) if name in names}
