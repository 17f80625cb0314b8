"""Gathers what a run report says, from the store's record of the run and the lake's small tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from cultiva.contracts.decision import Fate
from cultiva.insight.profile.service import frame_of
from cultiva.kit.words import say
from cultiva.loop.parts import Parts
from cultiva.loop.report.facts import (
    CellFact,
    CoverageFact,
    Move,
    ReportFacts,
    ReviewFact,
    SegmentFact,
    StepFact,
    StrategyFact,
    TableFact,
)
from cultiva.loop.reviewing import reviews_of
from cultiva.loop.shows import labels, read, scan
from cultiva.loop.titles import STEPS
from cultiva.review.wording import VERDICTS
from cultiva.store import Run

FAULTS_SHOWN = 20
"""Kinds of faults that a report lists."""


def gather(parts: Parts, on: date, run_id: str) -> ReportFacts:
    """Everything that the report of a run says.

    Args:
        parts: Of the workspace.
        on: The run's business date.
        run_id: The run, whose earlier steps are finished.
    """
    run = parts.store.runs.get(run_id)
    details = {step.name: step.detail for step in run.steps}
    frame, words, cells = frame_of(parts.workspace), labels(parts), _cells(parts, on)
    steps = _steps(run, parts.workspace.settings.language)
    return ReportFacts(
        workspace=parts.workspace.settings.name,
        currency=parts.workspace.settings.currency,
        business_date=on,
        run_id=run_id,
        version=run.request.workspace_version,
        engine=run.request.engine,
        seconds=sum(step.seconds for step in steps),
        customers=sum(cell.customers for cell in cells),
        current_value=sum(cell.current_value for cell in cells),
        steps=steps,
        tables=_tables(details["sources"]),
        faults=_faults(details["sources"]),
        stages=frame.stages,
        tiers=frame.tiers or ("",),
        labels=dict(words),
        cells=cells,
        moves=_moves(parts, on),
        segments=_segments(parts, on, words),
        coverage=_coverage(parts, on, words),
        strategies=_strategies(parts, on, words),
        reviews=_reviews(parts, on),
        identity=_identity(details["identity"]),
    )


def _steps(run: Run, language: str) -> tuple[StepFact, ...]:
    return tuple(
        StepFact(step.name, say(STEPS[step.name], language), step.seconds or 0.0, step.rows or 0)
        for step in run.steps
        if step.ended is not None
    )


def _tables(detail: Mapping[str, Any]) -> tuple[TableFact, ...]:
    names = ("read", "kept", "quarantined", "duplicate", "redelivered", "late", "not_yet")
    return tuple(
        TableFact(table, **{name: int(counts[name]) for name in names}) for table, counts in detail["tables"].items()
    )


def _faults(detail: Mapping[str, Any]) -> tuple[tuple[str, str, int], ...]:
    found = [(one["table"], f"{one['rule']} ({one['column']})", int(one["rows"])) for one in detail["broken"]]
    return tuple(sorted(found, key=lambda one: (-one[2], one))[:FAULTS_SHOWN])


def _cells(parts: Parts, on: date) -> tuple[CellFact, ...]:
    rows = read(parts, "grid", on).to_dicts()
    return tuple(
        CellFact(row["stage"], row["value_tier"] or "", row["customers"], float(row["current_value"] or 0))
        for row in rows
    )


def _moves(parts: Parts, on: date) -> tuple[Move, ...]:
    rows = read(parts, "transitions", on).to_dicts()
    moved = [row for row in rows if row["from_stage"] not in (row["to_stage"], "none")]
    found = [Move(row["from_stage"], row["to_stage"], row["customers"]) for row in moved]
    return tuple(sorted(found, key=lambda one: (-one.customers, one.before, one.after)))


def _segments(parts: Parts, on: date, words: Mapping[str, str]) -> tuple[SegmentFact, ...]:
    said = f"words_{parts.workspace.settings.language}"
    return tuple(
        SegmentFact(
            row["segment"], words.get(row["segment"], row["segment"]), row["size"], row["share"],
            row["entered"], row["left"], row[said],
        )
        for row in read(parts, "segments", on).to_dicts()
    )  # fmt: skip


def _coverage(parts: Parts, on: date, words: Mapping[str, str]) -> tuple[CoverageFact, ...]:
    tags = parts.workspace.tags
    return tuple(
        CoverageFact(row["tag"], words.get(row["tag"], row["tag"]), row["coverage"])
        for row in read(parts, "catalogue", on).to_dicts()
        if row["tag"] in tags
    )


def _strategies(parts: Parts, on: date, words: Mapping[str, str]) -> tuple[StrategyFact, ...]:
    import polars as pl

    counted = scan(parts.lake.files_current("decisions", on)).group_by("strategy", "fate").agg(pl.len()).collect()
    found = {(strategy, fate): int(count) for strategy, fate, count in counted.iter_rows()}
    return tuple(
        StrategyFact(one.name, words[one.name], {fate.value: found.get((one.name, fate.value), 0) for fate in Fate})
        for one in parts.workspace.strategies.values()
        if one.active
    )


def _reviews(parts: Parts, on: date) -> tuple[ReviewFact, ...]:
    language = parts.workspace.settings.language
    found = [(one, one.main(), one.recommendation) for one in reviews_of(parts, on)]
    return tuple(
        ReviewFact(
            one.strategy, say(one.label, language), main.effect if main else None, one.net,
            say(VERDICTS[said.verdict], language), say(said.reason, language),
        )
        for one, main, said in found
    )  # fmt: skip


def _identity(detail: Mapping[str, Any]) -> dict[str, int]:
    counts = {name: int(detail[name]) for name in ("party_records", "customers", "newcomers", "merges", "splits")}
    return {**counts, "refused": sum(detail["refused"].values())}
