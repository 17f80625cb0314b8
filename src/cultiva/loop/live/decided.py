"""What was decided live is taken into the lake by the next run: every candidate with its fate, and what came of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow.parquet as pq

from cultiva.engine.parquet import COMPRESSION, COMPRESSION_LEVEL, new_folder, part_files, part_path, seal
from cultiva.execution.present.service import Present
from cultiva.loop.live.recording import FOLDER, DecisionRecord, days_recorded, read_records
from cultiva.loop.parts import Parts
from cultiva.loop.steps import StepContext
from cultiva.store import StepResult

DECISIONS, ANSWERS = "live_decision", "live_answer"
"""Lake tables."""
TOGETHER = 20_000
"""Decisions put together in memory."""
TEXT, NUMBER, INSTANT, TRUTH = pl.String, pl.Float64, pl.Datetime("us"), pl.Boolean
DECISION: dict[str, Any] = {
    "decision_id": TEXT, "at": INSTANT, "day": pl.Date, "customer_id": pl.Int64, "placement": TEXT, "asked": TEXT,
    "caller": TEXT, "context": TEXT, "run": TEXT, "workspace_version": TEXT, "models": TEXT, "ranked_by": TEXT,
    "degraded": TEXT, "neutral": TRUTH, "spent": TEXT, "strategy": TEXT, "offer": TEXT, "channel": TEXT, "fate": TEXT,
    "worth": NUMBER, "charge": NUMBER, "decided_by": TEXT, "decided_value": NUMBER, "assigned_share": NUMBER,
    "exposed": TRUTH, "worth_by": TEXT, "prices": TEXT,
}  # fmt: skip
"""Columns of `live_decision`: a row per candidate, one without a strategy where there was none; `at` is local."""
ANSWER: dict[str, Any] = {
    "decision_id": TEXT, "customer_id": pl.Int64, "placement": TEXT, "strategy": TEXT, "offer": TEXT, "kind": TEXT,
    "at": INSTANT,
}  # fmt: skip
"""Columns of `live_answer`: what was reported of slots."""


@dataclass(frozen=True)
class Taking:
    """The step that takes decisions into the lake."""

    parts: Parts
    on: date

    def run(self, context: StepContext) -> StepResult:
        """Decisions and answers up to the business date that no earlier run has taken."""
        lake = self.parts.lake
        folders = {name: lake.stage(name, self.on, run_id=context.run_id) for name in (DECISIONS, ANSWERS)}
        counts = self._decisions(folders[DECISIONS])
        self._answers(folders[ANSWERS])
        outputs = [lake.snapshot(name, self.on, folder, seal(folder), run_id=context.run_id)
                   for name, folder in folders.items()]  # fmt: skip
        forget(self.parts.root, before=self.on - timedelta(days=self.parts.workspace.settings.lake.keep_days))
        return StepResult(tuple(outputs), rows=counts, detail={"decisions": counts})

    def _decisions(self, folder: Path) -> int:
        """Writes the candidates, some thousand decisions a file; gives how many decisions."""
        new_folder(folder)
        before = self.parts.lake.catalogue.before(DECISIONS, self.on)
        since = None if before is None else before.business_date
        known = set() if before is None else _ids(self.parts.lake.files_before(DECISIONS, self.on))
        zone, number, count = ZoneInfo(self.parts.workspace.settings.timezone), 0, 0
        rows: list[dict[str, Any]] = []
        for record in _records(self.parts.root, since, self.on):
            if record.decision_id in known:
                continue
            count += 1
            rows += _rows(record, zone)
            if count % TOGETHER == 0:
                _write(rows, DECISION, part_path(folder, number))
                rows, number = [], number + 1
        if rows or number == 0:
            _write(rows, DECISION, part_path(folder, number))
        return count

    def _answers(self, folder: Path) -> None:
        zone = ZoneInfo(self.parts.workspace.settings.timezone)
        before = self.parts.lake.catalogue.before(ANSWERS, self.on)
        after = datetime(1970, 1, 1, tzinfo=UTC) if before is None else _end_of(before.business_date, zone)
        found = Present(self.parts.store.database).reported(after, _end_of(self.on, zone))
        rows = [{**one._asdict(), "at": _local(one.at, zone)} for one in found]
        _write(rows, ANSWER, part_path(new_folder(folder), 0))


def forget(root: Path, *, before: date) -> None:
    """Lets files of days go that the lake has kept long enough."""
    for day in days_recorded(root):
        if day < before:
            shutil.rmtree(root / FOLDER / day.isoformat(), ignore_errors=True)


def _records(root: Path, since: date | None, until: date) -> Iterator[DecisionRecord]:
    for day in days_recorded(root):
        if (since is None or day >= since) and day <= until:
            yield from read_records(root, day)


def _ids(files: list[Path]) -> set[str]:
    """Decisions of the last day that was taken; some of that day may have come after the run."""
    rows = pl.scan_parquet(part_files(files)).filter(pl.col("day") == pl.col("day").max()).select("decision_id")
    return set(rows.unique().collect()["decision_id"])


def _rows(one: DecisionRecord, zone: ZoneInfo) -> list[dict[str, Any]]:
    common = {
        "decision_id": one.decision_id, "at": _local(one.at, zone), "day": one.on, "customer_id": one.customer_id,
        "placement": one.placement, "asked": one.channel, "caller": one.caller, "context": _json(one.context),
        "run": one.run, "workspace_version": one.workspace_version, "models": ",".join(one.models),
        "ranked_by": one.ranked_by, "degraded": ",".join(one.degraded), "neutral": one.neutral,
        "spent": _json(one.spent), "prices": one.prices,
    }  # fmt: skip
    if not one.candidates:
        return [common]
    names = one.candidates[0].__struct_fields__
    return [{**common, **{name: getattr(each, name) for name in names}} for each in one.candidates]


def _write(rows: list[dict[str, Any]], schema: dict[str, Any], path: Path) -> None:
    keys = [name for name in ("customer_id", "at", "decision_id", "strategy", "offer") if name in schema]
    table = pl.DataFrame(rows, schema=schema).sort(keys).to_arrow()
    pq.write_table(table, path, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last moment of a bank's day."""
    return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC) - timedelta(microseconds=1)
