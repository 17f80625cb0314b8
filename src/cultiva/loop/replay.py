"""Replay: the plan of an earlier day, made again from what it was made of, and compared with what was published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from cultiva.contracts.decision import Decision
from cultiva.definitions.registry import restored
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Files
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import content_hash
from cultiva.loop.inputs import plan_inputs
from cultiva.loop.parts import Parts
from cultiva.loop.questions import decision_of
from cultiva.store import Run, RunState
from cultiva.strategy.service import PlanInputs, plan

PINNED = "pinned"
"""Where the step of the plan keeps the content hashes of what it read."""


@dataclass(frozen=True)
class Replayed:
    """What making a plan again has shown."""

    run_id: str
    on: date
    version: str
    """Of the definitions, as the run pinned them."""
    fingerprint: str
    """Content hash of the decisions as they were published."""
    again: str
    """The same of those made now."""
    decisions: tuple[Decision, ...]
    """Of the customer, as published."""
    differing: tuple[str, ...]
    """Strategies for which the customer's decisions differ now."""

    @property
    def same(self) -> bool:
        """Whether every decision of the day is the same, bit for bit."""
        return self.fingerprint == self.again


def plan_pins(parts: Parts, inputs: PlanInputs) -> dict[str, str]:
    """Content hash of everything that a plan reads, by the name of its input."""
    known = {parts.lake.folder(one): one.fingerprint for one in parts.store.snapshots.published()}
    read = {each.name: getattr(inputs, each.name) for each in fields(inputs)}
    return {
        name: content_hash(sorted(known.get(one, str(one)) for one in _parts_of(value)))
        for name, value in read.items()
        if not isinstance(value, int)
    }


def _parts_of(value: Files | Mapping[int, int]) -> Iterable[Any]:
    """Folders, or pairs of ids."""
    return value.items() if isinstance(value, Mapping) else value


def replay(parts: Parts, customer_id: int, on: date) -> Replayed:
    """Makes the plan of a day again from the definitions and snapshots that its run pinned.

    Args:
        parts: Of the workspace as it is now; its definitions may have changed since.
        customer_id: Whose decisions are compared one by one.
        on: Business date of a finished run.

    Raises:
        CultivaError: if there is no such run, or something that it read is no longer there.
    """
    run = _run(parts, on)
    then = replace(parts, workspace=_definitions(parts, run.request.workspace_version))
    inputs = plan_inputs(then, on)
    _check_pins(parts, inputs, run)
    snapshot = parts.store.snapshots.current("decisions", on)
    assert snapshot is not None, "the run has published its plan"
    published = _rows(parts.lake.folder(snapshot), customer_id)
    with TemporaryDirectory(dir=parts.root, prefix=".replay-") as folder:
        made = Path(folder) / "decisions"
        planned = plan(then.engine, inputs, then.workspace, on, made)
        again = _rows(made, customer_id)
        fingerprint = planned.decisions.fingerprint
    differing = {row["strategy"] for one, other in ((published, again), (again, published)) for row in one
                 if row not in other}  # fmt: skip
    return Replayed(
        run_id=run.run_id,
        on=on,
        version=run.request.workspace_version,
        fingerprint=snapshot.fingerprint,
        again=fingerprint,
        decisions=tuple(decision_of(row) for row in published),
        differing=tuple(sorted(differing)),
    )


def _run(parts: Parts, on: date) -> Run:
    run = parts.store.runs.newest(on, state=RunState.FINISHED)
    if run is None or run.step("plan") is None:
        raise CultivaError(
            "there is no finished plan of that day",
            code="loop.no_plan",
            kind=ErrorKind.NOT_FOUND,
            seen=str(on),
            allowed="the business date of a finished run",
            hint=f"cultiva show {parts.root} run",
        )
    return run


def _definitions(parts: Parts, version: str) -> Any:
    """The definitions of a run; today's where they are the same."""
    if parts.workspace.version == version:
        return parts.workspace
    registry = parts.store.registry
    pinned = registry.workspace(version).definitions
    bodies = {(kind, name): registry.definition(kind, name, mark).body for (kind, name), mark in pinned.items()}
    return restored(parts.workspace, bodies)


def _check_pins(parts: Parts, inputs: PlanInputs, run: Run) -> None:
    step = run.step("plan")
    then = step.detail.get(PINNED, {}) if step is not None else {}
    now = plan_pins(parts, inputs)
    gone = sorted(name for name, mark in now.items() if isinstance(then, dict) and then.get(name, mark) != mark)
    if gone:
        raise CultivaError(
            "what the plan was made of is no longer there as it was",
            code="loop.replay_inputs",
            kind=ErrorKind.CONFLICT,
            seen=", ".join(gone),
            allowed="the snapshots that the run pinned",
            hint="a later run of the same date has replaced them, or `[lake] keep_days` has let them go",
        )


def _rows(folder: Path, customer_id: int) -> list[dict[str, Any]]:
    found = pl.scan_parquet(part_files([folder])).filter(pl.col("customer_id") == customer_id)
    return found.sort("strategy", "offer", "channel").collect().to_dicts()
