"""A run in a child process, killed in the middle of a step, and a reader that watches what is published meanwhile."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
from tests.servers.warm import Begun, Warm
from tests.stories.workspaces import STORE, lake_folder, store_of

from cultiva.contracts.snapshots import Snapshot
from cultiva.engine.fingerprint import fingerprint
from cultiva.store import Run, StepState, Store

LOOK_SECONDS = 0.002
"""How often the child's step is looked up."""
READ_SECONDS = 0.1
"""How often the reader looks: often enough to meet every step, seldom enough to leave the machine to the child."""
HELD_SECONDS = 0.2
"""A step that would be over in less is given so long to get to its end; it waits there, or is killed before it."""
CHILD_SECONDS = 300
"""A child that takes longer is stuck."""


@dataclass(frozen=True)
class Job:
    """`cultiva run` of one business date, as a process of its own."""

    warm: Warm
    """Where it is forked."""
    root: Path
    """The workspace."""
    on: date
    """Business date."""
    url: str = STORE
    """The store's address."""

    @contextmanager
    def started(self, *, held_in: str = "") -> Iterator[Begun]:
        """The child at work, in the end waiting in a step if told; whatever happens it does not outlive the block."""
        given = ("--set", f"store.url={self.url}", "--set", "lake.grace_minutes=0")
        child = self.warm.begin("run", self.root, "--date", self.on, *given, held_in=held_in)
        try:
            yield child
        finally:
            child.kill()
            child.wait()

    def store(self) -> Store:
        """The workspace's store."""
        return store_of(self.root, self.url)

    def finish(self) -> None:
        """Lets the run come to its end."""
        with self.started() as child:
            _, errors = child.communicate(timeout=CHILD_SECONDS)
            assert child.returncode == 0, errors


def kill_within(job: Job, step: str, *, store: Store, after_seconds: float | None) -> bool:
    """Runs the job and kills it within a step.

    Args:
        job: The run.
        step: The step to be killed in.
        store: The job's store.
        after_seconds: How long the step may work first; None: until all its work is done, but not yet visible.

    Returns:
        Whether the kill came in time; not, if the step was quicker.
    """
    before = _attempts(store.runs.newest(job.on), step)
    with job.started(held_in=step if after_seconds is None else "") as child:
        while child.poll() is None:
            if _attempts(store.runs.newest(job.on), step) > before:
                time.sleep(HELD_SECONDS if after_seconds is None else after_seconds)
                child.send_signal(signal.SIGKILL)
                child.wait()
                break
            time.sleep(LOOK_SECONDS)
        else:
            assert child.returncode == 0, child.communicate()[1]
    run = store.runs.newest(job.on)
    found = run.step(step) if run else None
    return child.returncode == -signal.SIGKILL and found is not None and found.state is StepState.RUNNING


def _attempts(run: Run | None, step: str) -> int:
    found = run.step(step) if run else None
    return found.attempts if found else 0


def kill_after(job: Job, seconds: float) -> bool:
    """Runs the job and kills it after a time; whether it was still at work then."""
    with job.started() as child:
        try:
            child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return True
        assert child.returncode == 0, "the run failed of itself"
        return False


class Reader(threading.Thread):
    """Demands over and over that everything published is whole.

    Args:
        job: Whose workspace.
    """

    def __init__(self, job: Job) -> None:
        super().__init__(name="reader", daemon=True)
        self._job = job
        self._over = threading.Event()
        self._checked: set[str] = set()
        self.faults: list[str] = []
        self.looks = 0

    def run(self) -> None:
        """Looks until told to stop."""
        store = self._job.store()
        while not self._over.wait(READ_SECONDS):
            for snapshot in store.snapshots.published():
                fault = self._fault(snapshot)
                # Only what is still published must be there: a finished run removes what it has replaced.
                if fault and snapshot in store.snapshots.published():
                    self.faults.append(fault)
            self.looks += 1
        store.close()

    def _fault(self, snapshot: Snapshot) -> str:
        try:
            parts = sorted(lake_folder(self._job.root, snapshot).glob("*.parquet"))
            rows = sum(pq.read_metadata(part).num_rows for part in parts)
            if not parts or rows != snapshot.rows:
                return f"{snapshot.path}: {rows} rows in {len(parts)} parts, not {snapshot.rows} rows"
            if snapshot.path not in self._checked and fingerprint(parts, threads=1) != snapshot.fingerprint:
                return f"{snapshot.path}: other content than was published"
        except OSError as error:
            return f"{snapshot.path}: {error}"
        self._checked.add(snapshot.path)
        return ""

    def finish(self) -> None:
        """Stops looking."""
        self._over.set()
        self.join()


@contextmanager
def watched(job: Job) -> Iterator[Reader]:
    """A reader at work beside the block."""
    reader = Reader(job)
    reader.start()
    try:
        yield reader
    finally:
        reader.finish()


def leftovers(root: Path, snapshots: Sequence[Snapshot]) -> list[str]:
    """What lies in a workspace that nobody will ever read: unpublished folders, spilt files, half-made lists."""
    named = {lake_folder(root, one) for one in snapshots}
    lake = root / ".cultiva" / "lake"
    found = [path for path in lake.glob("*/*/*") if path not in named]
    found += [path for path in (root / ".cultiva" / "spill").rglob("*") if path.is_file()]
    found += (lake / ".trash").glob("*")
    found += [path for name in ("lists", "reports") for path in (root / name).glob(".*")]
    return sorted(path.relative_to(root).as_posix() for path in found)


def left(job: Job) -> Mapping[str, object]:
    """All that a run leaves, but for folder names and instants."""
    store = job.store()
    tables = {(one.table, str(one.business_date)): one.fingerprint for one in store.snapshots.published()}
    changes = [(one.kind, one.from_ids, one.to_ids, one.reason) for one in store.identity.changes()]
    highest = store.identity.highest_id()
    store.close()
    lists = {path.name: path.read_text() for path in (job.root / "lists" / str(job.on)).glob("*.csv")}
    reports = sorted(path.name for path in (job.root / "reports" / str(job.on)).iterdir())
    return {"tables": tables, "changes": changes, "highest id": highest, "lists": lists, "reports": reports}
