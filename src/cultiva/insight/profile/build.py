"""Builds the profile of a day as the plan says: aggregates, parts, peers, then everything in order."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Form, Written
from cultiva.insight.profile.inputs import ProfileInputs, ViewRows
from cultiva.insight.profile.parts import (
    external_tags,
    write_externals,
    write_lists,
    write_previous_stage,
    write_scores,
)
from cultiva.insight.profile.plan import Available, ProfilePlan, profile_plan
from cultiva.insight.profile.potential import check_peers, peer_values
from cultiva.insight.profile.rulebook import rule_book
from cultiva.insight.profile.windows import EventPass, write_typed_events


@dataclass(frozen=True)
class Part:
    """A folder that is joined to the customers."""

    folder: Path
    """One row per customer."""
    columns: frozenset[str]
    """Its columns beside customer_id."""


def available(inputs: ProfileInputs) -> Available:
    """Which sources there are."""
    return Available(
        views=frozenset(name for name, rows in inputs.views.items() if rows.files),
        externals=frozenset(name for name, files in inputs.externals.items() if files),
        scores=frozenset(name for name, files in inputs.scores.items() if files),
        previous=bool(inputs.previous),
    )


def plan_of(inputs: ProfileInputs, workspace: Workspace, on: date) -> ProfilePlan:
    """The plan of the day's profile."""
    return profile_plan(workspace, rule_book(workspace), available(inputs), on)


def build_profile(
    engine: Engine,
    inputs: ProfileInputs,
    workspace: Workspace,
    on: date,
    folder: Path,
    *,
    keep: Sequence[str] | None = None,
) -> tuple[Written, ProfilePlan]:
    """Writes the profile of a day: one row per customer, sorted by customer_id.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: A checked workspace.
        on: Business date.
        folder: New folder; folders beside it, beginning with its name, hold the parts meanwhile.
        keep: Columns to write, inner ones and the peers' value among them; None: those of the profile.

    Returns:
        What was written, and the plan that says what its columns are.

    Raises:
        CultivaError: if the plan cannot be carried out, e.g. peer tags that form no groups.
    """
    plan = plan_of(inputs, workspace, on)
    work = folder.with_name(folder.name + "-parts")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        builder = _Builder(engine, inputs, workspace, plan, work, None if keep is None else _parts_for(plan, keep))
        written = builder.assemble(folder, keep)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return written, plan


def _parts_for(plan: ProfilePlan, keep: Sequence[str]) -> frozenset[str]:
    """What columns and the peers' values read of the joined parts."""
    steps = plan.steps(frozenset((*keep, *plan.peers, "current_value")))
    return frozenset[str]().union(*(form.columns for step in steps for form in step.values()))


@dataclass(frozen=True)
class _Builder:
    engine: Engine
    inputs: ProfileInputs
    workspace: Workspace
    plan: ProfilePlan
    work: Path
    wanted: frozenset[str] | None
    """Columns of parts that are read; None: all."""

    def assemble(self, folder: Path, keep: Sequence[str] | None) -> Written:
        parts = [*self._aggregates(), *self._windows(), *self._tables()]
        parts.append(self._peers(parts))
        if keep is None:
            return self._join(parts, self.plan.steps(), self.plan.keep, folder)
        return self._join(parts, self.plan.steps(frozenset(keep)), keep, folder)

    def _join(
        self, parts: Sequence[Part], steps: Sequence[dict[str, Form]], keep: Sequence[str], folder: Path
    ) -> Written:
        read = frozenset(keep).union(*(form.columns for step in steps for form in step.values()))
        joined = [[part.folder] for part in parts if part.columns & read]
        return self.engine.assemble(self.inputs.customer, joined, steps, folder, keep=keep)

    def _aggregates(self) -> list[Part]:
        found = []
        for view, planned in self.plan.passes.items():
            columns = {name: form for name, form in planned.items() if self._reads(name)}
            if not columns:
                continue
            rows, folder = self.inputs.views[view], self.work / f"view-{view}"
            self.engine.aggregate(rows.files, columns, folder, through=rows.through)
            found.append(Part(folder, frozenset(columns)))
        return found

    def _windows(self) -> list[Part]:
        return [
            write_windows(self.engine, self.inputs.views["event"], one, self.work / f"windows-{number}")
            for number, one in enumerate(self.plan.event_passes)
            if any(self._reads(name) for name in one.aggregates())
        ]

    def _reads(self, column: str) -> bool:
        return self.wanted is None or column in self.wanted

    def _tables(self) -> list[Part]:
        return [*self._lists(), *self._externals(), *self._scores(), *self._previous()]

    def _lists(self) -> list[Part]:
        listed = [segment for segment in self.workspace.segments.values() if segment.list is not None]
        if not listed:
            return []
        folder = self.work / "lists"
        ids = self.inputs.identity_map
        write_lists(self.workspace.root, listed, ids, folder, mergers=self.inputs.mergers)
        return [self._part(folder)]

    def _externals(self) -> list[Part]:
        folders: list[Path] = []
        for source, tags in external_tags(self.workspace.tags).items():
            if files := self.inputs.externals.get(source):
                begin = self.work / f"external-{source}"
                folders += write_externals(self.engine, files, tags, self.inputs.identity_map, begin)
        return [self._part(folder) for folder in folders]

    def _scores(self) -> list[Part]:
        models = {tag.score.model for tag in self.workspace.tags.values() if tag.score is not None}
        found = []
        for model in sorted(models):
            if files := self.inputs.scores.get(model):
                write_scores(self.engine, model, files, self.work / f"score-{model}")
                found.append(self._part(self.work / f"score-{model}"))
        return found

    def _previous(self) -> list[Part]:
        if not self.inputs.previous:
            return []
        write_previous_stage(self.engine, self.inputs.previous, self.work / "previous")
        return [self._part(self.work / "previous")]

    def _peers(self, parts: Sequence[Part]) -> Part:
        types = {column.name: column.type for column in self.plan.columns}
        check_peers(self.plan.peers, types)
        targets = tuple(dict.fromkeys((*self.plan.peers, "current_value")))
        base, reached = self.work / "peers", self.work / "peer-values"
        self._join(parts, self.plan.steps(frozenset(targets)), ("customer_id", *targets), base)
        peer_values(self.engine, [base], self.workspace.value.potential, reached)
        return self._part(reached)

    def _part(self, folder: Path) -> Part:
        return Part(folder, frozenset(self.engine.scan([folder]).columns) - {"customer_id"})


def write_windows(engine: Engine, rows: ViewRows, one: EventPass, folder: Path) -> Part:
    """Writes event windows: one row per customer with such an event.

    Args:
        engine: Where sets are computed.
        rows: The event view.
        one: The windows.
        folder: New folder; a folder beside it holds the typed events meanwhile.
    """
    events = folder.with_name(folder.name + "-events")
    write_typed_events(engine, rows.files, one, events)
    columns = one.aggregates()
    engine.aggregate([events], columns, folder, through=rows.through)
    shutil.rmtree(events)
    return Part(folder, frozenset(columns))
