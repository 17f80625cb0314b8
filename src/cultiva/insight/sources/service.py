"""Ingestion: each canonical table of a workspace from its deliveries to a staged snapshot."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

import duckdb

from cultiva.contracts.erased import Tombstones
from cultiva.contracts.snapshots import Snapshot
from cultiva.contracts.tables import CANONICAL
from cultiva.contracts.types import Column, TableSchema
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.definitions.workspace import Workspace
from cultiva.engine.lake import Lake
from cultiva.engine.parquet import seal
from cultiva.engine.port import Written
from cultiva.insight.sources.delivery import Delivery, unite
from cultiva.insight.sources.desk import Desk, open_desk
from cultiva.insight.sources.erased import open_erased
from cultiva.insight.sources.externals import external_mappings
from cultiva.insight.sources.faults import as_faults, first_line
from cultiva.insight.sources.files import Window
from cultiva.insight.sources.inputs import Inputs
from cultiva.insight.sources.plan import delivered_columns, plan_columns
from cultiva.insight.sources.quarantine import QUARANTINE, open_quarantine, quarantine_query
from cultiva.insight.sources.result import BrokenContract, Counts, IngestResult, TableResult
from cultiva.insight.sources.row_contract import JudgedMapping, judge
from cultiva.insight.sources.side_by_side import SIDE_BY_SIDE_MAX, TableSource, independent, is_small
from cultiva.insight.sources.table import TableRows, write_parquet
from cultiva.kit.errors import CultivaError, Fault, Faults

Progress = Callable[[int, int, str], None]
"""Told before each table: tables done, tables in all, the table's name."""


@dataclass(frozen=True)
class _Sealing:
    """A table that is written and not yet read back."""

    snapshot: Future[Snapshot]
    counts: Mapping[str, Counts]
    broken: tuple[BrokenContract, ...]
    notes: tuple[str, ...]
    returned: tuple[tuple[str, str], ...] = ()

    def result(self) -> TableResult:
        """Waits for it."""
        return TableResult(self.snapshot.result(), self.counts, self.broken, self.notes, self.returned)


def table_sources(workspace: Workspace) -> list[TableSource]:
    """The tables that a workspace fills, canonical ones first; inputs that tags read directly come last."""
    by_table: dict[str, list[TableMapping]] = {}
    for mapping in workspace.sources.tables:
        by_table.setdefault(mapping.table, []).append(mapping)
    order = [*(name for name in CANONICAL if name in by_table), *(name for name in by_table if name not in CANONICAL)]
    tables = [TableSource(_schema(name, by_table[name]), tuple(by_table[name])) for name in order]
    return [*tables, *(TableSource(schema, (mapping,)) for mapping, schema in external_mappings(workspace))]


def ingest(
    workspace: Workspace,
    on: date,
    lake: Lake,
    *,
    run_id: str,
    progress: Progress | None = None,
    erased: Tombstones | None = None,
) -> IngestResult:
    """Reads every table's deliveries for a business date and stages a snapshot of each; publishes nothing.

    Facts: the snapshot holds the rows that are new on this date; tables delivered whole: all rows. A re-run of a date
    sees the dates before it only, so it gives the same again.

    Args:
        workspace: Its sources, settings and tags.
        on: The business date.
        lake: Where snapshots are staged, and what was published before.
        run_id: The run that writes them.
        progress: Told before each table.
        erased: Of people who are not taken in again.

    Raises:
        Faults: every fault of every delivery at once; what was staged is removed.
        CultivaError: if one thing only went wrong and lies outside (a database that does not answer).
    """
    staged: list[Path] = []
    try:
        with open_desk(workspace.settings, workspace.root) as desk:
            return _Ingestion(workspace, on, lake, run_id, desk, staged, erased).run(progress or (lambda *_: None))
    except BaseException:
        for folder in staged:
            shutil.rmtree(folder, ignore_errors=True)
        raise


class _Ingestion:
    """One run over all tables."""

    def __init__(  # noqa: PLR0913, PLR0917  (what a run is)
        self,
        workspace: Workspace,
        on: date,
        lake: Lake,
        run_id: str,
        desk: Desk,
        staged: list[Path],
        erased: Tombstones | None,
    ) -> None:
        self._workspace = workspace
        self._on = on
        self._lake = lake
        self._run_id = run_id
        self._desk = desk
        self._staged = staged
        self._erased = erased if erased is not None and erased.rows else None

    def run(self, progress: Progress) -> IngestResult:
        """Reads every table, and writes quarantine last, when all rows that were refused are known.

        Raises:
            CultivaError: with the faults of all tables together, if any has one.
        """
        open_quarantine(self._desk)
        if self._erased is not None:
            open_erased(self._desk, self._erased)
        with ThreadPoolExecutor(max_workers=1) as sealer:
            found = self._all_tables(sealer, progress)
            errors = [one for one in found.values() if isinstance(one, CultivaError)]
            if errors:
                raise self._all_of(errors)
            folder = self.stage(QUARANTINE.name)
            write_parquet(self._desk, quarantine_query(), folder)
            quarantine = self.sealed(sealer, QUARANTINE.name, folder, seal(folder, threads=self._desk.threads))
            tables = {name: one.result() for name, one in found.items() if isinstance(one, _Sealing)}
            return IngestResult(quarantine=quarantine.result(), tables=tables)

    def _all_tables(self, sealer: ThreadPoolExecutor, progress: Progress) -> dict[str, _Sealing | CultivaError]:
        """Every table or what is wrong with it, in the order of the workspace; small deliveries side by side."""
        sources = table_sources(self._workspace)
        shown = _Shown(progress, len(sources))
        if not is_small(self._workspace, self._on):
            return _Tables(self, self._desk, sealer, shown).read(sources)
        groups = independent(sources, [one.name for one in self._workspace.sources.inputs])
        found: dict[str, _Sealing | CultivaError] = {}
        workers = min(self._desk.cores, SIDE_BY_SIDE_MAX)
        with ExitStack() as open_desks, ThreadPoolExecutor(max_workers=workers) as pool:
            free = SimpleQueue[Desk]()
            for _ in range(workers):
                free.put(open_desks.enter_context(self._desk.beside()))
            for one in pool.map(lambda group: self._group(group, free, sealer, shown), groups):
                found.update(one)
        return {one.schema.name: found[one.schema.name] for one in sources}

    def _group(
        self, sources: Sequence[TableSource], free: SimpleQueue[Desk], sealer: ThreadPoolExecutor, shown: _Shown
    ) -> dict[str, _Sealing | CultivaError]:
        desk = free.get()
        try:
            return _Tables(self, desk, sealer, shown).read(sources)
        finally:
            free.put(desk)

    def _all_of(self, errors: list[CultivaError]) -> CultivaError:
        if len(errors) == 1:
            return errors[0]
        faults: dict[Fault, None] = dict.fromkeys(fault for error in errors for fault in as_faults(error))
        return Faults(faults, what=f"the delivery of {self._on}")

    def sealed(self, sealer: ThreadPoolExecutor, table: str, folder: Path, written: Written) -> Future[Snapshot]:
        """A snapshot to come: what was written is read back and made durable while the next table is worked on."""
        return sealer.submit(self._lake.snapshot, table, self._on, folder, written, run_id=self._run_id)

    def stage(self, table: str) -> Path:
        """A new folder, removed if the run fails."""
        folder = self._lake.stage(table, self._on, run_id=self._run_id)
        self._staged.append(folder)
        return folder

    def delivery(self, source: TableSource, desk: Desk, inputs: Inputs) -> Delivery:
        """One table's rows, judged."""
        before = self._lake.catalogue.before(source.schema.name, self._on) if source.schema.is_fact else None
        previous = before.business_date if before else None
        history = self._lake.files_history(source.schema.name, self._on - timedelta(days=1)) if previous else []
        window = self._window(source.schema, previous)
        judged = tuple(self._judged(mapping, source.schema, window, desk, inputs) for mapping in source.mappings)
        return unite(desk, source.schema, judged, self._on, previous=previous, history=tuple(history))

    def inputs(self, desk: Desk) -> Inputs:
        """The workspace's inputs on a desk."""
        workspace = self._workspace
        return Inputs(desk, workspace.sources.inputs, workspace.root, workspace.settings.vars)

    def _judged(
        self, mapping: TableMapping, schema: TableSchema, window: Window, desk: Desk, inputs: Inputs
    ) -> JudgedMapping:
        if mapping.select is not None:
            relation = inputs.select(mapping, window)
        else:
            relation = inputs.relation(mapping.source or "", window, delivered_columns(mapping))
        plans = plan_columns(mapping, schema, relation, self._workspace.settings.timezone)
        kinds = frozenset() if self._erased is None else self._erased.kinds
        return judge(desk, mapping, schema, relation, plans, self._on, erased=kinds)

    def _window(self, schema: TableSchema, previous: date | None) -> Window:
        """Facts: files after the last published date; tables delivered whole: the file of the date."""
        if schema.is_fact:
            return Window(self._on, previous or date.min)
        return Window(self._on, self._on - timedelta(days=1))


class _Tables:
    """Tables read one after the other on one desk."""

    def __init__(self, run: _Ingestion, desk: Desk, sealer: ThreadPoolExecutor, shown: _Shown) -> None:
        self._run = run
        self._desk = desk
        self._sealer = sealer
        self._shown = shown
        self._inputs = run.inputs(desk)

    def read(self, sources: Sequence[TableSource]) -> dict[str, _Sealing | CultivaError]:
        """Every table, or what is wrong with it."""
        found: dict[str, _Sealing | CultivaError] = {}
        for source in sources:
            self._shown.next(source.schema.name)
            try:
                found[source.schema.name] = self._table(source)
            except CultivaError as error:
                found[source.schema.name] = error
        return found

    def _table(self, source: TableSource) -> _Sealing:
        delivery = self._run.delivery(source, self._desk, self._inputs)
        try:
            rows = TableRows(self._desk, delivery)
            returned = rows.returned()
            folder = self._run.stage(source.schema.name)
            written = rows.write(folder)
        except duckdb.Error as error:
            raise _unreadable(delivery, error) from error
        notes = tuple(note for one in delivery.mappings for note in _notes(one))
        snapshot = self._run.sealed(self._sealer, source.schema.name, folder, written)
        return _Sealing(snapshot, rows.counts(), rows.broken, notes, returned)


class _Shown:
    """Counts tables as they begin, whoever reads them."""

    def __init__(self, progress: Progress, tables: int) -> None:
        self._progress = progress
        self._tables = tables
        self._begun = 0
        self._lock = Lock()

    def next(self, table: str) -> None:
        """A table begins."""
        with self._lock:
            self._progress(self._begun, self._tables, table)
            self._begun += 1


def _schema(name: str, mappings: list[TableMapping]) -> TableSchema:
    known = CANONICAL.get(name, TableSchema(name, (), key=()))
    extra = {column: kind for mapping in mappings for column, kind in mapping.extra_columns.items()}
    added = tuple(Column(column, kind) for column, kind in extra.items() if column not in known.names)
    return replace(known, columns=(*known.columns, *added))


def _notes(one: JudgedMapping) -> list[str]:
    if one.mapping.select is not None:
        return []
    unread = [name for name in one.relation.columns if name not in delivered_columns(one.mapping)]
    return [f"{one.mapping.name}: columns that no mapping reads: {', '.join(unread)}"] if unread else []


def _unreadable(delivery: Delivery, error: duckdb.Error) -> Faults:
    files = [file for one in delivery.mappings for file in one.relation.files]
    fault = Fault(
        ", ".join(files[:3]),
        0,
        0,
        "sources.unreadable",
        f"the delivery of table {delivery.schema.name} cannot be read to its end",
        seen=first_line(error),
        allowed="data that DuckDB reads without an error",
        hint="if the file is damaged, ask for it again; if memory ran out, raise engine.memory_gb",
    )
    return Faults([fault], what=f"table {delivery.schema.name}")
