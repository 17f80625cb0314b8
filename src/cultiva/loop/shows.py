"""What `cultiva show` prints: sheets made from the lake's small tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.definitions.base import Label
from cultiva.engine.parquet import part_files
from cultiva.insight.groups.vocabulary import vocabulary
from cultiva.insight.profile.service import frame_of
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import say
from cultiva.loop.parts import Parts
from cultiva.loop.reprices import reprices
from cultiva.loop.scarcity import levers, prices
from cultiva.strategy.words import FATES

Show = Callable[[Parts, date], Sheet]
"""Makes one sheet for one business date."""


def show(parts: Parts, what: str, on: date) -> Sheet:
    """One of the sheets.

    Raises:
        CultivaError: if there is no such sheet, or its run has not been.
    """
    maker = SHOWS.get(what)
    if maker is None:
        raise CultivaError(
            "there is nothing of that name to show",
            code="loop.no_show",
            kind=ErrorKind.NOT_FOUND,
            seen=what,
            allowed=", ".join(SHOWS),
            hint="cultiva show WORKSPACE run",
        )
    return maker(parts, on)


def read(parts: Parts, table: str, on: date) -> pl.DataFrame:
    """A small lake table of one business date.

    Raises:
        CultivaError: if no run has published it for that date.
    """
    files = parts.lake.files_current(table, on)
    if not files:
        raise CultivaError(
            f"no {table} has been published for that day",
            code="loop.not_published",
            kind=ErrorKind.NOT_FOUND,
            seen=str(on),
            allowed="the business date of a finished step",
            hint=f"cultiva run {parts.root} --date {on}",
        )
    return scan(files).collect()


def scan(files: Sequence[Path]) -> pl.LazyFrame:
    """Lake folders as one lazy frame."""
    return pl.scan_parquet(part_files(files))


def labels(parts: Parts) -> Mapping[str, str]:
    """Labels of stages, tiers, segments, strategies, kinds of tasks and fates in the workspace's language."""
    workspace, language = parts.workspace, parts.workspace.settings.language
    bench = workspace.workbench
    named: list[Any] = [
        *([] if bench is None else [*bench.results, *bench.kinds]),
        *workspace.lifecycle.stages,
        *(band for tiering in workspace.value.tierings for band in tiering.bands),
        *workspace.segments.values(),
        *workspace.tags.values(),
        *workspace.strategies.values(),
        *workspace.offers.values(),
    ]
    found = {one.name: getattr(one.label, language) for one in named}
    return found | {fate.value: getattr(label, language) for fate, label in FATES.items()}


def _named(label: Label | None, parts: Parts) -> str:
    return "" if label is None else say(label, parts.workspace.settings.language)


def tags(parts: Parts, on: date) -> Sheet:
    """The tag catalogue."""
    words = vocabulary(parts.workspace).tags
    rows = [
        (
            row["tag"], _named(words.get(row["tag"]), parts), row["type"], row["coverage"], row["distinct"],
            row["minimum"], row["mean"], row["maximum"], row["fresh_on"], row["coverage_change"],
            row["stability_index"], row["status"],
        )
        for row in read(parts, "catalogue", on).to_dicts()
    ]  # fmt: skip
    return Sheet(
        title=f"tags · {on}",
        columns=("tag", "label", "type", "coverage", "distinct", "min", "mean", "max", "fresh_on", "coverage_change",
                 "stability_index", "status"),
        rows=tuple(rows),
        formats={"coverage": ".0%", "coverage_change": "+.1%", "stability_index": ".3f", "mean": ",.2f"},
    )  # fmt: skip


def segments(parts: Parts, on: date) -> Sheet:
    """Segments by size, with changes and what sets them apart."""
    words, said = labels(parts), f"words_{parts.workspace.settings.language}"
    rows = sorted(read(parts, "segments", on).to_dicts(), key=lambda row: (-row["size"], row["segment"]))
    return Sheet(
        title=f"segments · {on}",
        columns=("segment", "label", "purpose", "customers", "share", "entered", "left", "words"),
        rows=tuple(
            (row["segment"], words.get(row["segment"], ""), row["purpose"], row["size"], row["share"], row["entered"],
             row["left"], row[said])
            for row in rows
        ),
        formats={"share": ".1%"},
    )  # fmt: skip


def overlaps(parts: Parts, on: date) -> Sheet:
    """Pairs of segments that share customers, most alike first."""
    rows = read(parts, "overlaps", on).filter(pl.col("both") > 0)
    ordered = rows.sort("jaccard", "first", "second", descending=[True, False, False])
    columns = ("first", "second", "both", "jaccard")
    return Sheet(f"overlaps · {on}", columns, tuple(ordered.select(columns).iter_rows()), formats={"jaccard": ".3f"})


def grid(parts: Parts, on: date) -> Sheet:
    """Customers by lifecycle stage and value tier."""
    frame, words = frame_of(parts.workspace), labels(parts)
    tiers = frame.tiers or ("",)
    cells = {(row["stage"], row["value_tier"] or ""): row for row in read(parts, "grid", on).to_dicts()}
    rows = []
    for stage in frame.stages:
        counts = [cells[stage, tier]["customers"] for tier in tiers]
        worth = sum(float(cells[stage, tier]["current_value"] or 0) for tier in tiers)
        rows.append((words.get(stage, stage), *counts, sum(counts), worth))
    totals = [sum(row[place] for row in rows) for place in range(1, len(tiers) + 3)]
    return Sheet(
        title=f"stage x value tier · {on}",
        columns=("stage", *tiers, "customers", "current_value"),
        rows=(*rows, ("", *totals)),
        headings={**{tier: words.get(tier, tier) for tier in tiers}, "current_value": "contribution, 12 months"},
        formats={"current_value": ",.0f"},
    )


def moves(parts: Parts, on: date) -> Sheet:
    """Who went from which stage to which since the last run."""
    rows = read(parts, "transitions", on).sort("customers", "from_stage", "to_stage", descending=[True, False, False])
    columns = ("from_stage", "to_stage", "customers")
    return Sheet(f"stages, last run to {on}", columns, tuple(rows.select(columns).iter_rows()))


def microsegments(parts: Parts, on: date) -> Sheet:
    """Clusters, in words and as rules."""
    said = f"words_{parts.workspace.settings.language}"
    rows = read(parts, "microsegments", on).select(
        "micro_segmentation", "number", "size", "share", "accuracy", "silhouette", said, "rule"
    )
    columns = ("micro_segmentation", "number", "size", "share", "accuracy", "silhouette", "words", "rule")
    formats = {"share": ".1%", "accuracy": ".1%", "silhouette": ".3f"}
    return Sheet(f"micro-segments · {on}", columns, tuple(rows.iter_rows()), formats=formats)


def identity(parts: Parts, on: date) -> Sheet:
    """Merges and splits of customers up to a date."""
    changes = parts.store.identity.changes(upto=on)
    rows = tuple(
        (one.business_date, str(one.kind), _ids(one.from_ids), _ids(one.to_ids), one.reason) for one in changes
    )
    return Sheet("merges and splits", ("date", "kind", "from", "to", "reason"), rows)


def _ids(ids: Sequence[int]) -> str:
    return " ".join(map(str, ids))


def strategies(parts: Parts, on: date) -> Sheet:
    """The funnel of every strategy: candidates by fate."""
    counted = read(parts, "decisions", on).group_by("strategy", "fate").len()
    found = {(strategy, fate): count for strategy, fate, count in counted.iter_rows()}
    names = [one.name for one in parts.workspace.strategies.values() if one.active]
    rows = []
    for name in names:
        fates = [found.get((name, fate.value), 0) for fate in Fate]
        rows.append((name, sum(fates), *fates))
    words = labels(parts)
    return Sheet(
        title=f"{parts.workspace.settings.name} · {on}",
        columns=("strategy", "candidates", *(fate.value for fate in Fate)),
        rows=tuple(rows),
        headings={fate.value: words[fate.value] for fate in Fate},
    )


def lists(parts: Parts, on: date) -> Sheet:
    """The day's worklists."""
    folder = parts.root / "lists" / on.isoformat()
    files = sorted(folder.glob("*.csv"))
    rows = [(path.name, sum(1 for _ in path.open(encoding="utf-8-sig")) - 1) for path in files]
    return Sheet(title=str(folder), columns=("file", "people"), rows=tuple(rows))


def quarantine(parts: Parts, on: date) -> Sheet:
    """Why rows were set aside, with one example of each reason."""
    rows = read(parts, "quarantine", on)
    grouped = rows.group_by("table", "rule", "column").agg(pl.len().alias("rows"), pl.col("value").drop_nulls().first())
    ordered = grouped.sort("rows", "table", "rule", descending=[True, False, False])
    return Sheet(
        title=f"quarantine · {on}",
        columns=("table", "rule", "column", "rows", "example"),
        rows=tuple(ordered.select("table", "rule", "column", "rows", "value").iter_rows()),
    )


def runs(parts: Parts, on: date) -> Sheet:
    """The steps of the day's newest run."""
    run = parts.store.runs.newest(on)
    if run is None:
        raise CultivaError(
            "there is no run of that day",
            code="loop.no_run",
            kind=ErrorKind.NOT_FOUND,
            seen=str(on),
            hint=f"cultiva run {parts.root} --date {on}",
        )
    return Sheet(
        title=f"run {run.run_id} · {run.state} · definitions {run.request.workspace_version} · {run.request.engine}",
        columns=("step", "state", "seconds", "rows", "attempts"),
        rows=tuple((step.name, str(step.state), step.seconds, step.rows, step.attempts) for step in run.steps),
        note=run.error,
    )


SHOWS: dict[str, Show] = {
    "run": runs,
    "tags": tags,
    "segments": segments,
    "overlaps": overlaps,
    "grid": grid,
    "moves": moves,
    "microsegments": microsegments,
    "identity": identity,
    "strategies": strategies,
    "prices": prices,
    "reprices": reprices,
    "levers": levers,
    "lists": lists,
    "quarantine": quarantine,
}
"""Name -> sheet."""
