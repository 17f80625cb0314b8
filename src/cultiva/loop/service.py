"""The main job as a use case: what a run of a date would do, and the run itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cultiva.insight.sources.fingerprints import input_fingerprints
from cultiva.kit.progress import StepProgress
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import say
from cultiva.loop.daily import daily_plan
from cultiva.loop.housekeeping import tidy
from cultiva.loop.live.nightly import with_live_events
from cultiva.loop.parts import Parts
from cultiva.loop.returns import with_returns
from cultiva.loop.runner import execute
from cultiva.loop.runner import preview as preview_steps
from cultiva.loop.steps import Action, Plan, PlannedStep
from cultiva.loop.tenure import held
from cultiva.loop.versions import keep_version
from cultiva.store import Run, RunRequest, RunState

LAKE = "lake:"
"""Begins the names of inputs that earlier dates have published."""
MAIN_JOB = "main job"
"""Held while a date runs: identity goes from date to date, so that no two dates may run at once."""


def request_of(parts: Parts, on: date) -> RunRequest:
    """What a run of a date rests on: definitions, deliveries, and what earlier dates have published."""
    return RunRequest(on, parts.workspace.version, _inputs(parts, on), parts.engine.name)


def _inputs(parts: Parts, on: date) -> dict[str, str]:
    """Fingerprints of all that is read and not written by the run."""
    deliveries = input_fingerprints(parts.workspace, on)
    earlier = [one for one in parts.store.snapshots.published() if one.business_date < on]
    newest = {one.table: one for one in sorted(earlier, key=lambda one: one.business_date)}
    return {**deliveries, **{f"{LAKE}{one.table}": f"{one.business_date} {one.fingerprint}" for one in newest.values()}}


@dataclass(frozen=True)
class Preview:
    """What a run of a date would do."""

    on: date
    steps: tuple[PlannedStep, ...]
    inputs: Mapping[str, str]
    """Input -> fingerprint."""
    changes: tuple[tuple[str, str, str], ...]
    """(kind, name, added, changed or removed) against the last finished run."""
    since: str
    """The run compared with; empty at the first."""
    before: Mapping[str, str]
    """Input -> fingerprint in that run."""
    language: str

    def sheets(self) -> list[Sheet]:
        """As tables."""
        steps = tuple(
            (one.position, one.step.name, say(one.step.label, self.language), str(one.action)) for one in self.steps
        )
        against = f"definitions changed since run {self.since}" if self.since else "definitions: first run, all are new"
        tables = [Sheet(f"steps of {self.on}", ("no", "step", "what", "action"), steps)]
        tables.append(Sheet("deliveries", ("input", "state", "fingerprint"), tuple(self._deliveries())))
        if self.since:
            tables.append(Sheet(against, ("kind", "name", "change"), self.changes))
        return tables

    def _deliveries(self) -> Iterator[tuple[str, str, str]]:
        for name, mark in sorted(self.inputs.items()):
            if not name.startswith(LAKE):
                before = self.before.get(name)
                yield name, "new" if before is None else "same" if before == mark else "changed", mark

    def conclusion(self) -> str:
        """In one line."""
        kept = sum(one.action is Action.KEEP for one in self.steps)
        begun = f"goes on after {kept} finished steps" if kept else "begins anew"
        return f"a run of {self.on} {begun}: {len(self.steps) - kept} steps to run; nothing has been written"

    def data(self) -> dict[str, Any]:
        """As JSON-like data."""
        steps = [{"step": one.step.name, "action": one.action} for one in self.steps]
        changes = [{"kind": kind, "name": name, "change": change} for kind, name, change in self.changes]
        return {"date": self.on, "steps": steps, "inputs": dict(self.inputs), "changes": changes, "since": self.since}


def preview(parts: Parts, on: date) -> Preview:
    """What `run` would do now, without doing it."""
    parts = with_live_events(with_returns(parts, on, write=False), on, write=False)
    request = request_of(parts, on)
    last = parts.store.runs.newest(state=RunState.FINISHED)
    return Preview(
        on=on,
        steps=preview_steps(daily_plan(parts, on), request, store=parts.store),
        inputs=request.inputs,
        changes=_changes(parts, last) if last else (),
        since=last.run_id if last else "",
        before=last.request.inputs if last else {},
        language=parts.workspace.settings.language,
    )


def _changes(parts: Parts, last: Run) -> tuple[tuple[str, str, str], ...]:
    before = parts.store.registry.workspace(last.request.workspace_version).definitions
    now = parts.workspace.hashes
    named = [(key, "added") for key in now.keys() - before.keys()]
    named += [(key, "removed") for key in before.keys() - now.keys()]
    named += [(key, "changed") for key in now.keys() & before.keys() if now[key] != before[key]]
    return tuple((kind, name, change) for (kind, name), change in sorted(named))


@dataclass(frozen=True)
class Outcome:
    """A finished run and what it left for people."""

    run: Run
    files: tuple[Path, ...]
    """Reports and folders to open."""
    headline: tuple[str, ...]
    """A few lines of what came out."""

    def lines(self) -> Sequence[str]:
        """For people."""
        return (*self.headline, *(str(path) for path in self.files))

    def data(self) -> dict[str, Any]:
        """As JSON-like data."""
        steps = [asdict(step) for step in self.run.steps]
        return {"run_id": self.run.run_id, "state": self.run.state, "steps": steps, "files": [*map(str, self.files)]}


def run(parts: Parts, on: date, *, progress: StepProgress | None = None, steps: Plan | None = None) -> Outcome:
    """Runs the main job of a business date to its end, resuming an unfinished run on equal definitions and inputs.

    Args:
        parts: Of the workspace.
        on: Business date.
        progress: Is told how far the work has come.
        steps: Instead of the main job's own; a simulation adds or leaves out some.

    Raises:
        CultivaError: if another process runs this date, or a step fails.
    """
    with held(MAIN_JOB, store=parts.store, clock=parts.clock):
        parts = with_live_events(with_returns(parts, on), on)
        workspace = parts.workspace
        keep_version(parts, workspace, at=parts.clock())
        finished = execute(
            daily_plan(parts, on) if steps is None else steps,
            request_of(parts, on),
            store=parts.store,
            clock=parts.clock,
            progress=progress,
        )
        tidy(parts, on)
    return Outcome(finished, _files(parts, on), _headline(finished))


def _files(parts: Parts, on: date) -> tuple[Path, ...]:
    report, lists = parts.root / "reports" / on.isoformat() / "run.html", parts.root / "lists" / on.isoformat()
    return tuple(path for path in (report, lists) if path.exists())


def _headline(run: Run) -> tuple[str, ...]:
    details = {step.name: step.detail for step in run.steps}
    tables = details.get("sources", {}).get("tables", {})
    assert isinstance(tables, Mapping)
    bad = sum(int(counts["quarantined"]) for counts in tables.values())
    identity, plan = details.get("identity", {}), details.get("plan", {})
    fates = plan.get("fates", {})
    assert isinstance(fates, Mapping)
    return (
        f"run {run.run_id} finished: {identity.get('customers', 0):,} customers from "
        f"{identity.get('party_records', 0):,} party records; {fates.get('chosen', 0):,} proposals of "
        f"{sum(fates.values()):,} candidates; {bad:,} rows in quarantine",
    )
