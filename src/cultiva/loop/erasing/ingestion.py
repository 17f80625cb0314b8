"""Deliveries are read so that nobody who was erased comes back, under whatever id."""

from __future__ import annotations

import shutil
from datetime import date

import structlog

from cultiva.contracts.erased import Tombstones
from cultiva.execution.erasure.service import Erasures
from cultiva.insight.sources.result import IngestResult
from cultiva.insight.sources.service import ingest
from cultiva.loop.erasing.finding import follow
from cultiva.loop.erasing.keys import tombstones_of
from cultiva.loop.parts import Parts
from cultiva.loop.steps import StepContext


def take_in(parts: Parts, on: date, context: StepContext) -> IngestResult:
    """Reads the deliveries of a business date.

    If an erased person comes under ids that nobody knew, what else names these ids has been read as somebody else's:
    they get tombstones, and the deliveries are read once more.

    Args:
        parts: Of the workspace.
        on: The business date.
        context: Of the step.
    """
    erased = tombstones_of(parts)
    found = _read(parts, on, context, erased)
    returned = [pair for table in found.tables.values() for pair in table.returned]
    if erased is None or not returned:
        return found
    structlog.get_logger().info("erased people came under new ids", records=len(returned))
    _throw_away(parts, found)
    stones = follow(returned, erased.key)
    Erasures(parts.store.database).follow(stones, parts.clock())
    return _read(parts, on, context, Tombstones(erased.key, erased.rows | stones.rows))


def _read(parts: Parts, on: date, context: StepContext, erased: Tombstones | None) -> IngestResult:
    return ingest(
        parts.workspace,
        on,
        parts.lake,
        run_id=context.run_id,
        progress=lambda done, count, name: context.advance(done / count, name),
        erased=erased,
    )


def _throw_away(parts: Parts, found: IngestResult) -> None:
    for snapshot in found.snapshots:
        shutil.rmtree(parts.lake.folder(snapshot), ignore_errors=True)
