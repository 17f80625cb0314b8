"""A small plan on a small lake of text files, and a process that runs it and is killed at a chosen point."""

from __future__ import annotations

import hashlib
import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine, event

from cultiva.contracts.snapshots import Snapshot
from cultiva.kit.progress import StepShown, Unseen
from cultiva.kit.words import Words
from cultiva.loop.runner import execute
from cultiva.loop.steps import Plan, Step, StepContext
from cultiva.store import IdentityChange, IdentityChangeKind, Run, RunRequest, StepResult, Store, open_store

DAY = date(1994, 3, 30)
STEPS = ("deliver", "identity", "profile", "lists")
PARTS = 3
POINTS = ("before", "half_written", "written", "publishing", "published")
"""Where a process can be killed within a step: before it writes, with some of its files written, with all of them,
just before the transaction that finishes it is committed, and just after."""
Reach = Callable[[str, str], None]
"""Is told the step and the point that the process has come to."""


def request(version: str = "v1") -> RunRequest:
    return RunRequest(business_date=DAY, workspace_version=version, inputs={"bank": "f1"}, engine="none")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class SmallLake:
    """Folders of text files."""

    root: Path
    reach: Reach = field(default=lambda step, point: None)

    def write(self, table: str, lines: list[str], context: StepContext) -> Snapshot:
        folder = f"{table}/{uuid.uuid4().hex}"
        (self.root / folder).mkdir(parents=True)
        for part in range(PARTS):
            if part == PARTS - 1:
                self.reach(context.step, "half_written")
            (self.root / folder / f"part-{part}.txt").write_text("\n".join(lines[part::PARTS]))
        self.reach(context.step, "written")
        day = context.business_date
        return Snapshot(table, day, folder, len(lines), 1, self.fingerprint(folder), context.run_id)

    def read(self, snapshot: Snapshot) -> list[str]:
        texts = [(self.root / snapshot.path / f"part-{part}.txt").read_text() for part in range(PARTS)]
        return sorted(line for text in texts for line in text.splitlines())

    def fingerprint(self, folder: str) -> str:
        texts = [(self.root / folder / f"part-{part}.txt").read_text() for part in range(PARTS)]
        return hashlib.sha256("|".join(texts).encode()).hexdigest()


def small_plan(lake: SmallLake, store: Store, version: str) -> Plan:
    """Four steps, each of which reads what the one before it has published."""

    def published(table: str) -> list[str]:
        snapshot = store.snapshots.current(table, DAY)
        assert snapshot is not None, f"{table} is published before it is read"
        return lake.read(snapshot)

    def deliver(context: StepContext) -> StepResult:
        return StepResult((lake.write("party", [f"{version} party {n}" for n in range(20)], context),))

    def identity(context: StepContext) -> StepResult:
        parties = published("party")
        first = store.identity.allocate_ids(len(parties), run_id=context.run_id, step=context.step)
        lines = [f"{first + n} {party}" for n, party in enumerate(parties)]
        merge = IdentityChange(IdentityChangeKind.MERGE, DAY, (first, first + 1), (first,), version)
        write = store.identity.recording([merge], run_id=context.run_id, at=context.started)
        return StepResult((lake.write("identity_map", lines, context),), writes=(write,))

    def profile(context: StepContext) -> StepResult:
        mapped = context.earlier["identity"].outputs[0].rows
        lines = [f"{line} of {mapped}" for line in published("identity_map")]
        grid = [f"{version} grid {len(lines)}"]
        return StepResult((lake.write("profile", lines, context), lake.write("grid", grid, context)), rows=len(lines))

    def lists(context: StepContext) -> StepResult:
        lines = [line for line in published("profile") if not line.startswith("1")]
        return StepResult((lake.write("decisions", lines, context),), detail={"chosen": len(lines)})

    works = {"deliver": deliver, "identity": identity, "profile": profile, "lists": lists}
    needs: Mapping[str, tuple[str, ...]] = {"profile": ("identity",), "lists": ("profile",)}

    def reaching(name: str) -> Callable[[StepContext], StepResult]:
        def run(context: StepContext) -> StepResult:
            lake.reach(name, "before")
            return works[name](context)

        return run

    return tuple(Step(name, Words(name, name), needs.get(name, ()), reaching(name)) for name in STEPS)


class Killer(Unseen):
    """Kills its own process when it comes to a point of a step."""

    def __init__(self, step: str, point: str) -> None:
        self._step, self._point = step, point
        self._writing: str | None = None
        event.listen(Engine, "commit", self._committing)

    def reach(self, step: str, point: str) -> None:
        self._writing = step if point == "written" else None
        if (step, point) == (self._step, self._point):
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)

    def finished(self, step: StepShown, *, seconds: float, rows: int | None) -> None:
        self.reach(step.name, "published")

    def _committing(self, _connection: object) -> None:
        # With its files written, all that a step still commits is its finish.
        if self._writing is not None:
            self.reach(self._writing, "publishing")


def run_small(url: str, root: Path, version: str, step: str = "", point: str = "") -> Run:
    """Runs the small plan in this process, which is killed on the way if a step and a point are given."""
    killer = Killer(step, point)
    store = open_store(url, root)
    lake = SmallLake(root / "lake", killer.reach)
    try:
        return execute(small_plan(lake, store, version), request(version), store=store, clock=now, progress=killer)
    finally:
        store.close()
