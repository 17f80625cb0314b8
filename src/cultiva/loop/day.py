"""One business date's steps; each reads what is published and gives what is to be published."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.contracts.snapshots import Snapshot
from cultiva.engine.port import Written
from cultiva.insight.groups.memberships import read_members
from cultiva.insight.groups.microsegments import make_microsegments
from cultiva.insight.groups.service import GroupFolders, make_segments
from cultiva.insight.identity.customer import write_customers
from cultiva.insight.identity.households import write_households
from cultiva.insight.identity.unification import Deliveries, Folders, unify
from cultiva.insight.performance.service import make_performance
from cultiva.insight.profile.service import ProfileFolders, describe_profile, make_profile
from cultiva.insight.views.holding import Worth, write_holdings
from cultiva.insight.views.ownership import write_account_owners
from cultiva.loop.erasing.ingestion import take_in
from cultiva.loop.inputs import (
    accounts_of,
    exposure_inputs,
    group_day,
    performance_inputs,
    period_of,
    plan_inputs,
    profile_inputs,
    review_inputs,
)
from cultiva.loop.parts import Parts
from cultiva.loop.replay import PINNED, plan_pins
from cultiva.loop.report.gather import gather
from cultiva.loop.report.pages import write_report
from cultiva.loop.report.review_page import write_review_page
from cultiva.loop.shows import scan
from cultiva.loop.steps import StepContext
from cultiva.review.exposure import write_exposures
from cultiva.review.service import ReviewFolders
from cultiva.review.service import review as review_day
from cultiva.store import StepResult
from cultiva.strategy.lists import write_lists
from cultiva.strategy.service import plan as plan_day


@dataclass(frozen=True)
class Day:
    """The steps of a business date."""

    parts: Parts
    on: date

    def sources(self, context: StepContext) -> StepResult:
        """Every table's delivery, typed and judged."""
        found = take_in(self.parts, self.on, context)
        broken = [
            {"table": name, "rule": one.rule, "column": one.column, "rows": one.rows}
            for name, table in found.tables.items()
            for one in table.broken
        ]
        counts = {name: asdict(table.counts) for name, table in found.tables.items()}
        notes = [note for table in found.tables.values() for note in table.notes]
        return StepResult(found.snapshots, detail={"tables": counts, "broken": broken, "notes": notes})

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
            "merges": sum(change.kind == "merge" for change in found.changes),
            "splits": sum(change.kind == "split" for change in found.changes),
            "refused": dict(found.refused),
        }
        record = store.identity.recording(found.changes, run_id=context.run_id, at=context.started)
        return StepResult(outputs, rows=found.customers, detail=detail, writes=(record,))

    def customer(self, context: StepContext) -> StepResult:
        """One row per customer: every column from the most trusted record that has it; and who lives with whom."""
        lake, folder = self.parts.lake, self._stage("customer", context)
        written = write_customers(
            self.parts.engine,
            lake.files_latest("party", self.on),
            lake.files_current("identity_map", self.on),
            folder,
            source_order=self.parts.workspace.identity.source_order,
        )
        home = self._stage("household", context)
        found = write_households(
            self.parts.engine,
            lake.files_latest("relationship", self.on),
            lake.files_current("identity_map", self.on),
            home,
            kinds=self.parts.workspace.policy.household_kinds,
        )
        outputs = (
            self._snapshot("customer", folder, written, context),
            self._snapshot("household", home, found.written, context),
        )
        detail = {"households": found.households, "households_refused": found.refused}
        return StepResult(outputs, rows=written.rows, detail=detail)

    def holding(self, context: StepContext) -> StepResult:
        """Who owns which account, and what every customer holds."""
        engine, lake, accounts = self.parts.engine, self.parts.lake, accounts_of(self.parts.lake, self.on)
        owners, holdings = self._stage("account_owner", context), self._stage("holding", context)
        owned = write_account_owners(engine, accounts, owners, business_date=self.on)
        worth = Worth(lake.files_history("balance", self.on), lake.files_history("transaction", self.on))
        days = period_of(lake, self.on).days
        held = write_holdings(engine, accounts, worth, holdings, business_date=self.on, period_days=days)
        outputs = (
            self._snapshot("account_owner", owners, owned, context),
            self._snapshot("holding", holdings, held.written, context),
        )
        return StepResult(outputs, rows=held.written.rows, detail={"notes": list(held.notes)})

    def profile(self, context: StepContext) -> StepResult:
        """Tags, value, tiers and stage of every customer."""
        folder = self._stage("profile", context)
        inputs = profile_inputs(self.parts, self.on)
        written = make_profile(self.parts.engine, inputs, self.parts.workspace, self.on, folder)
        return StepResult((self._snapshot("profile", folder, written, context),))

    def performance(self, context: StepContext) -> StepResult:
        """What every customer brought in and did since the last run."""
        folder = self._stage("performance", context)
        inputs, period = performance_inputs(self.parts, self.on), period_of(self.parts.lake, self.on)
        written = make_performance(self.parts.engine, inputs, self.parts.workspace, period, folder)
        return StepResult((self._snapshot("performance", folder, written, context),))

    def standing(self, context: StepContext) -> StepResult:
        """Where customers stand and how they moved; what every tag holds."""
        names = ("transitions", "grid", "catalogue")
        folders = ProfileFolders(*(self._stage(name, context) for name in names))
        found = describe_profile(
            self.parts.engine,
            self._current("profile"),
            profile_inputs(self.parts, self.on),
            self.parts.workspace,
            self.on,
            folders,
        )
        outputs = [self._snapshot(name, getattr(folders, name), getattr(found, name), context) for name in names]
        return StepResult(tuple(outputs))

    def segments(self, context: StepContext) -> StepResult:
        """Who is in which segment, who came and went, what sets each apart."""
        names = ("memberships", "segments", "overlaps")
        folders = GroupFolders(*(self._stage(name, context) for name in names))
        found = make_segments(
            group_day(self.parts, self.on), self.parts.lake.files_before("memberships", self.on), folders
        )
        outputs = [self._snapshot(name, getattr(folders, name), getattr(found, name), context) for name in names]
        return StepResult(tuple(outputs), rows=found.segments.rows)

    def microsegments(self, context: StepContext) -> StepResult:
        """Clusters of the groups that the workspace wants divided."""
        folder = self._stage("microsegments", context)
        members = read_members(self._current("memberships"))
        previous = self.parts.lake.files_before("microsegments", self.on)
        written = make_microsegments(group_day(self.parts, self.on), members, previous, folder)
        return StepResult((self._snapshot("microsegments", folder, written, context),))

    def plan(self, context: StepContext) -> StepResult:
        """One fate for every candidate of every strategy."""
        folder = self._stage("decisions", context)
        inputs = plan_inputs(self.parts, self.on)
        prices = self._stage("price", context)
        planned = plan_day(self.parts.engine, inputs, self.parts.workspace, self.on, folder, prices=prices)
        counted = dict(scan([folder]).group_by("fate").agg(pl.len()).collect().iter_rows())
        fates = {fate.value: int(counted.get(fate.value, 0)) for fate in Fate}
        outputs = (
            self._snapshot("decisions", folder, planned.decisions, context),
            self._snapshot("price", prices, planned.prices, context),
        )
        return StepResult(
            outputs,
            rows=planned.decisions.rows,
            detail={"fates": fates, PINNED: plan_pins(self.parts, inputs), **planned.summary},
        )

    def exposure(self, context: StepContext) -> StepResult:
        """Who takes part in which experiment since when."""
        folder = self._stage("exposure", context)
        inputs = exposure_inputs(self.parts, self.on)
        written = write_exposures(self.parts.engine, inputs, self.parts.workspace, self.on, folder)
        return StepResult((self._snapshot("exposure", folder, written, context),), rows=written.rows)

    def review(self, context: StepContext) -> StepResult:
        """What strategies changed, what to do about them, and what the next plan may know."""
        names = ("readout", "verdict", "flag", "learnt")
        folders = ReviewFolders(*(self._stage(name, context) for name in names))
        inputs = review_inputs(self.parts, self.on)
        found = review_day(self.parts.engine, inputs, self.parts.workspace, self.on, folders)
        outputs = [
            self._snapshot(name, getattr(folders, name), written, context) for name, written in found.written.items()
        ]
        verdicts = {one.strategy: one.recommendation.verdict.value for one in found.reviews}
        return StepResult(tuple(outputs), rows=found.written["readout"].rows, detail={"verdicts": verdicts})

    def lists(self, context: StepContext) -> StepResult:
        """Worklists for people and machines; replaced as a whole, so that doing it twice does no harm."""
        folder = self.parts.root / "lists" / self.on.isoformat()
        files = write_lists(
            self._current("decisions"),
            self._current("profile"),
            self._current("customer"),
            self.parts.workspace,
            folder,
        )
        return StepResult(rows=sum(one.rows for one in files), detail={"files": [asdict(one) for one in files]})

    def report(self, context: StepContext) -> StepResult:
        """The run report; replaced as a whole."""
        facts = gather(self.parts, self.on, context.run_id)
        folder = self.parts.root / "reports" / self.on.isoformat()
        files = write_report(facts, folder, language=self.parts.workspace.settings.language)
        files = (*files, *write_review_page(self.parts, self.on, folder))
        return StepResult(rows=len(files), detail={"files": [path.name for path in files]})

    def _current(self, table: str) -> list[Path]:
        return self.parts.lake.files_current(table, self.on)

    def _stage(self, table: str, context: StepContext) -> Path:
        return self.parts.lake.stage(table, self.on, run_id=context.run_id)

    def _snapshot(self, table: str, folder: Path, written: Written, context: StepContext) -> Snapshot:
        return self.parts.lake.snapshot(table, self.on, folder, written, run_id=context.run_id)
