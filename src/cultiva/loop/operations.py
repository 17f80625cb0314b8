"""Operations: how runs went, what deliveries brought, and which definitions there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import polars as pl

from cultiva.kit.masking import mask_value
from cultiva.kit.words import say
from cultiva.loop.parts import Parts
from cultiva.loop.shows import read
from cultiva.loop.titles import STEPS
from cultiva.store.records import Run

COUNTS = ("read", "kept", "quarantined", "duplicate", "redelivered", "late", "not_yet")
"""What becomes of delivered rows; all but the first add up to it."""


@dataclass(frozen=True)
class StepLine:
    """One step of a run, for people."""

    name: str
    title: str
    state: str
    seconds: float | None
    rows: int | None
    attempts: int


@dataclass(frozen=True)
class Reason:
    """Why rows were set aside."""

    table: str
    rule: str
    column: str
    rows: int
    example: str
    """One value, masked."""


@dataclass(frozen=True)
class Quality:
    """What deliveries of a business date brought."""

    on: date
    tables: tuple[tuple[str, Mapping[str, int]], ...]
    """Table -> counts as `COUNTS` names them; tables with most rows set aside first."""
    reasons: tuple[Reason, ...]
    coverage: tuple[tuple[str, str, float], ...]
    """Tag, label, share of customers with a value; the emptiest first."""


def steps_of(run: Run, language: str) -> tuple[StepLine, ...]:
    """The steps of a run as far as it got.

    Args:
        run: As recorded.
        language: zh or en.
    """
    return tuple(
        StepLine(one.name, say(STEPS[one.name], language), str(one.state), one.seconds, one.rows, one.attempts)
        for one in run.steps
    )


def quality_of(parts: Parts, on: date) -> Quality:
    """What the deliveries of a business date brought, and how full the tags are."""
    run = parts.store.runs.newest(on)
    sources = run.step("sources") if run is not None else None
    tables = cast(Mapping[str, Any], sources.detail.get("tables", {}) if sources is not None else {})
    counted = [(name, {count: int(found.get(count, 0)) for count in COUNTS}) for name, found in tables.items()]
    return Quality(
        on=on,
        tables=tuple(sorted(counted, key=lambda one: (-one[1]["quarantined"], -one[1]["read"], one[0]))),
        reasons=_reasons(parts, on),
        coverage=_coverage(parts, on),
    )


def kinds_of(parts: Parts) -> Mapping[str, Sequence[str]]:
    """Kinds of definitions and their names, as the newest recorded version of the workspace has them."""
    run = parts.store.runs.newest()
    if run is None:
        return {}
    found: dict[str, list[str]] = {}
    for kind, name in sorted(parts.store.registry.workspace(run.request.workspace_version).definitions):
        found.setdefault(kind, []).append(name)
    return found


def _reasons(parts: Parts, on: date) -> tuple[Reason, ...]:
    if not parts.lake.files_current("quarantine", on):
        return ()
    grouped = (
        read(parts, "quarantine", on)
        .group_by("table", "rule", "column")
        .agg(pl.len().alias("rows"), pl.col("value").drop_nulls().first().alias("example"))
        .sort("rows", "table", "rule", "column", descending=[True, False, False, False])
    )
    return tuple(
        Reason(row["table"], row["rule"], row["column"] or "", row["rows"], _shown(row["column"], row["example"]))
        for row in grouped.to_dicts()
    )


def _shown(column: str | None, value: object) -> str:
    return "" if value is None else str(mask_value(column or "", value))


def _coverage(parts: Parts, on: date) -> tuple[tuple[str, str, float], ...]:
    language = parts.workspace.settings.language
    tags = parts.workspace.tags
    rows = read(parts, "catalogue", on).select("tag", "coverage").sort("coverage", "tag").iter_rows()
    return tuple((tag, say(tags[tag].label, language) if tag in tags else tag, float(share)) for tag, share in rows)
