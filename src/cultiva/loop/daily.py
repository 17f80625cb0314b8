"""The main job of a business date: deliveries become customers, profiles, groups, decisions, lists and a report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from cultiva.contracts.snapshots import Snapshot
from cultiva.engine.port import Written
from cultiva.insight.identity.customer import write_customers
from cultiva.insight.identity.unification import Deliveries, Folders, unify
from cultiva.insight.sources.service import ingest
from cultiva.kit.words import Words
from cultiva.loop.parts import Parts
from cultiva.loop.steps import Plan, Step, StepContext
from cultiva.store import StepResult


def daily_plan(parts: Parts, on: date) -> Plan:
    """The steps of a business date, in order."""
    day = Day(parts, on)
    return (
        Step("sources", Words("数据接入", "Deliveries"), (), day.sources),
        Step("identity", Words("客户拉通", "Identity"), ("sources",), day.identity),
        Step("customer", Words("客户主档", "Customers"), ("identity",), day.customer),
    )


@dataclass(frozen=True)
class Day:
    """One business date's steps; each reads what is published and gives what is to be published."""

    parts: Parts
    on: date

    def sources(self, context: StepContext) -> StepResult:
        """Every table's delivery, typed and judged."""
        found = ingest(
            self.parts.workspace,
            self.on,
            self.parts.lake,
            run_id=context.run_id,
            progress=lambda done, count, name: context.advance(done / count, name),
        )
        detail = {
            "tables": {name: asdict(table.counts) for name, table in found.tables.items()},
            "broken": [
                {"table": name, "rule": one.rule, "column": one.column, "rows": one.rows}
                for name, table in found.tables.items()
                for one in table.broken
            ],
            "notes": [note for table in found.tables.values() for note in table.notes],
        }
        return StepResult(found.snapshots, detail=detail)

    def identity(self, context: StepContext) -> StepResult:
        """Party records of several systems become customers with stable ids."""
        lake, store = self.parts.lake, self.parts.store
        folders = Folders(self._stage("identity_map", context), self._stage("identity_conflict", context))
        deliveries = Deliveries(
            party=lake.files_latest("party", self.on),
            previous=lake.files_before("identity_map", self.on),
            newest=lake.files_latest("identity_map"),
        )
        found = unify(
            self.parts.engine,
            self.parts.workspace.identity,
            deliveries,
            folders,
            business_date=self.on,
            allocate=lambda count: store.identity.allocate_ids(count, run_id=context.run_id, step=context.step),
        )
        outputs = (
            self._snapshot("identity_map", folders.mapping, found.mapping, context),
            self._snapshot("identity_conflict", folders.conflicts, found.conflicts, context),
        )
        detail = {
            "party_records": found.records,
            "customers": found.customers,
            "newcomers": found.newcomers,
            "changes": len(found.changes),
            "refused": dict(found.refused),
        }
        record = store.identity.recording(found.changes, run_id=context.run_id, at=context.started)
        return StepResult(outputs, rows=found.mapping.rows, detail=detail, writes=(record,))

    def customer(self, context: StepContext) -> StepResult:
        """One row per customer: every column from the most trusted record that has it."""
        lake = self.parts.lake
        folder = self._stage("customer", context)
        written = write_customers(
            self.parts.engine,
            lake.files_latest("party", self.on),
            lake.files_current("identity_map", self.on),
            folder,
            source_order=self.parts.workspace.identity.source_order,
        )
        return StepResult((self._snapshot("customer", folder, written, context),))

    def _stage(self, table: str, context: StepContext) -> Path:
        return self.parts.lake.stage(table, self.on, run_id=context.run_id)

    def _snapshot(self, table: str, folder: Path, written: Written, context: StepContext) -> Snapshot:
        return self.parts.lake.snapshot(table, self.on, folder, written, run_id=context.run_id)
