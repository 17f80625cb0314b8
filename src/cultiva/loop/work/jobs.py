"""Carrying out jobs: one worker at a time, resumed or begun anew by another when one has died."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import structlog

from cultiva.execution.jobs.job import Job, JobState
from cultiva.execution.jobs.service import Jobs
from cultiva.kit.errors import CultivaError
from cultiva.loop.erasing import asked
from cultiva.loop.parts import Parts
from cultiva.loop.quarter_flown import KIND, Advance, Asked, fly_quarter
from cultiva.loop.runner import told
from cultiva.loop.simulation.flight import OpenParts
from cultiva.loop.tenure import held
from cultiva.store import Lease

FOLDER = ".cultiva/jobs"
"""Where jobs keep what they are at; emptied when they end."""
LOOK_SECONDS = 2.0
"""How often a worker looks for jobs."""
TAKEN, LOST = "store.leased", frozenset({"jobs.ended", "store.lease_lost"})
Performer = Callable[[Job, Path, Advance], Mapping[str, Any]]
"""Does a job in a folder of its own, where it may find what an earlier attempt has left; gives what came of it."""
_LOG = structlog.get_logger("cultiva.jobs")


class _Leaving(Exception):
    """The worker was told to end; another takes the job up."""


class JobWorker:
    """Carries out what people have asked for.

    Args:
        parts: Of the workspace.
        performers: Kind of job -> who does it.
    """

    def __init__(self, parts: Parts, performers: Mapping[str, Performer]) -> None:
        self._parts, self._performers = parts, performers
        self._jobs = Jobs(parts.store.database)
        self._over = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Looks for jobs from now on, beside whatever else the process does."""
        self._thread = Thread(target=self._look, name="jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leaves the job that it is at to another worker."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def once(self) -> list[Job]:
        """Does every job that nobody else is at; those that have ended by it."""
        folders = list((self._parts.root / FOLDER).glob("*"))  # before jobs are read: none of a job still to come
        jobs = self._jobs.unfinished()
        for folder in folders:
            if folder.name not in {job.job_id for job in jobs}:
                shutil.rmtree(folder, ignore_errors=True)
        found = [self._try(job) for job in jobs if job.kind in self._performers]
        return [job for job in found if job is not None]

    def _look(self) -> None:
        while not self._over.is_set():
            try:
                self.once()
            except Exception as error:  # the store may be away for a moment; the process has other work too
                _LOG.warning("jobs.not_looked", reason=told(error))
            self._over.wait(LOOK_SECONDS)

    def _try(self, job: Job) -> Job | None:
        """Does a job if nobody else is at it."""
        with ExitStack() as stack:
            try:
                lease = stack.enter_context(held(f"job {job.job_id}", store=self._parts.store, clock=self._parts.clock))
            except CultivaError as error:
                if error.code == TAKEN:
                    return None
                raise
            return self._carry_out(job, lease)

    def _carry_out(self, job: Job, lease: Lease) -> Job | None:
        folder, clock = self._parts.root / FOLDER / job.job_id, self._parts.clock
        try:
            begun = self._jobs.begin(job.job_id, lease, clock())
            made = self._done(begun, lease, folder) if begun.state is JobState.RUNNING else begun
        except _Leaving:
            self._jobs.leave(job.job_id, lease)
            return None
        except CultivaError as error:
            if error.code not in LOST:
                raise
            made = None  # stopped, or taken over
            if error.code != "jobs.ended":
                return None
        shutil.rmtree(folder, ignore_errors=True)
        return made

    def _done(self, job: Job, lease: Lease, folder: Path) -> Job:
        def advance(share: float, note: Mapping[str, str]) -> None:
            if self._over.is_set():
                raise _Leaving
            self._jobs.advance(job.job_id, lease, share=share, note=note)

        clock = self._parts.clock
        folder.mkdir(parents=True, exist_ok=True)
        try:
            result = self._performers[job.kind](job, folder, advance)
        except _Leaving:
            raise
        except Exception as error:
            if isinstance(error, CultivaError) and error.code in LOST:
                raise
            _LOG.warning("jobs.failed", job=job.job_id, kind=job.kind, reason=told(error))
            return self._jobs.fail(job.job_id, lease, told(error), clock())
        return self._jobs.finish(job.job_id, lease, result, clock())


def job_worker(parts: Parts, open_parts: OpenParts) -> JobWorker:
    """A worker for every kind of job.

    Args:
        parts: Of the workspace.
        open_parts: Opens another workspace, for simulations.
    """

    def forecast(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        return fly_quarter(parts, Asked(**job.asked), folder, open_parts, advance)

    def erasure(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        del folder
        return asked.carry_out(parts, job, advance)

    return JobWorker(parts, {KIND: forecast, asked.KIND: erasure})
