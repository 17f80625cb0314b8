"""Asking for jobs, carrying them out one worker at a time, and seeing how far they are.

Whoever carries a job out holds its lease, and every word that is written of it demands the lease in the same
transaction: a worker that was thought dead and is not can neither go on nor finish what another has taken over.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cultiva.execution.access.entering.users import login_key
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import write as audited
from cultiva.execution.jobs import repository
from cultiva.execution.jobs.job import ATTEMPTS_MAX, Job, JobState
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Lease
from cultiva.store.database import Database
from cultiva.store.repositories.leases import require

LISTED = 10
CUSTOMERS = "customers_named"
"""Under which a job that is about customers has their numbers."""


class Jobs:
    """Long work that people have asked for.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, kind: str, asked: Mapping[str, Any], *, by: str, at: datetime) -> Job:
        """Asks for a job.

        Args:
            kind: What is to be done.
            asked: What exactly.
            by: Login of who asks.
            at: The present instant.

        Raises:
            CultivaError: a conflict, if one of the kind is open.
        """
        return self._add(Job(secrets.token_hex(8), kind, dict(asked), by, at))

    def propose(self, kind: str, asked: Mapping[str, Any], *, by: str, at: datetime) -> Job:
        """Asks for a job that a second person has to say yes to; see `ask`. Any number of them may be open."""
        return self._add(Job(secrets.token_hex(8), kind, dict(asked), by, at, JobState.PROPOSED))

    def confirm(self, job_id: str, *, by: str, at: datetime) -> Job:
        """A second person says yes.

        Raises:
            CultivaError: if there is no such proposal, or it is their own.
        """
        with self._database.writing() as connection:
            job = _known(connection, job_id)
            if job.state is not JobState.PROPOSED or login_key(job.by) == login_key(by):
                raise _not_yours(job)
            made = replace(job, state=JobState.WAITING, second=by)
            repository.write(connection, made)
            _note(connection, made, "confirmed", by=by, at=at)
        return made

    def listed(self, kind: str, *, last: int = LISTED) -> Sequence[Job]:
        """The newest jobs of a kind, the newest first."""
        with self._database.reading() as connection:
            return repository.listed(connection, kind, last=last)

    def _add(self, job: Job) -> Job:
        with self._database.writing() as connection:
            if not repository.add(connection, job):
                raise _one_at_a_time(job.kind)
            _note(connection, job, "asked", by=job.by, at=job.asked_at)
        return job

    def newest(self, kind: str, *, state: JobState | None = None) -> Job | None:
        """The newest job of a kind, in any state or in one; None: there is none."""
        with self._database.reading() as connection:
            return next(iter(repository.listed(connection, kind, state=state, last=1)), None)

    def unfinished(self) -> Sequence[Job]:
        """Open jobs of all kinds, the oldest first."""
        with self._database.reading() as connection:
            return repository.unfinished(connection)

    def stop(self, job_id: str, *, by: str, at: datetime) -> Job:
        """Ends a job that is not wanted any more; whoever is at it hears of it with their next word.

        Raises:
            CultivaError: if there is no such job, or it has ended.
        """
        with self._database.writing() as connection:
            job = _known(connection, job_id)
            made = replace(_forgotten(job), state=JobState.STOPPED, ended=at, error=by)
            repository.write(connection, made)
            _note(connection, made, "stopped", by=by, at=at)
        return made

    def begin(self, job_id: str, lease: Lease, at: datetime) -> Job:
        """A worker takes a job up, also one at which another has died.

        Returns:
            The job; it has failed if too many have died at it.

        Raises:
            CultivaError: a conflict, if it has ended or the lease is lost.
        """
        with self._database.writing() as connection:
            require(connection, lease)
            job = _known(connection, job_id)
            if not job.open:
                raise _not_yours(job)
            if job.attempts >= ATTEMPTS_MAX:
                return _failed(connection, job, f"{job.attempts} workers have died at it", at)
            made = replace(job, state=JobState.RUNNING, attempts=job.attempts + 1, begun=at)
            repository.write(connection, made)
        return made

    def advance(self, job_id: str, lease: Lease, *, share: float, note: Mapping[str, str]) -> None:
        """Says how far it is.

        Args:
            job_id: Which.
            lease: Of whoever carries it out.
            share: 0 to 1.
            note: Language -> what it is at.

        Raises:
            CultivaError: a conflict, if it was stopped or another worker has it.
        """
        with self._database.writing() as connection:
            require(connection, lease)
            repository.write(connection, replace(_known(connection, job_id), share=share, note=dict(note)))

    def leave(self, job_id: str, lease: Lease) -> None:
        """A worker that was told to end leaves it to another: nobody has died at it.

        Raises:
            CultivaError: a conflict, if it was stopped or another worker has it.
        """
        with self._database.writing() as connection:
            require(connection, lease)
            job = _known(connection, job_id)
            repository.write(connection, replace(job, attempts=job.attempts - 1))

    def finish(self, job_id: str, lease: Lease, result: Mapping[str, Any], at: datetime) -> Job:
        """Keeps what came of it.

        Args:
            job_id: Which.
            lease: Of whoever carries it out.
            result: As JSON-like data.
            at: The present instant.

        Raises:
            CultivaError: a conflict, if it was stopped or another worker has it.
        """
        with self._database.writing() as connection:
            require(connection, lease)
            job = _known(connection, job_id)
            made = replace(_forgotten(job), state=JobState.DONE, share=1.0, note={}, ended=at, result=dict(result))
            repository.write(connection, made)
            _note(connection, made, "done", by=job.by, at=at)
        return made

    def fail(self, job_id: str, lease: Lease, error: str, at: datetime) -> Job:
        """It cannot be done.

        Args:
            job_id: Which.
            lease: Of whoever carries it out.
            error: Why, masked.
            at: The present instant.

        Raises:
            CultivaError: a conflict, if it was stopped or another worker has it.
        """
        with self._database.writing() as connection:
            require(connection, lease)
            return _failed(connection, _known(connection, job_id), error, at)


def _forgotten(job: Job) -> Job:
    """A job that ends: it keeps how many customers it was about, and not who."""
    if CUSTOMERS not in job.asked:
        return job
    return replace(job, asked={**job.asked, CUSTOMERS: len(job.asked[CUSTOMERS])})


def _failed(connection: Connection, job: Job, error: str, at: datetime) -> Job:
    made = replace(_forgotten(job), state=JobState.FAILED, ended=at, error=error)
    repository.write(connection, made)
    _note(connection, made, "failed", by=job.by, at=at)
    return made


def _known(connection: Connection, job_id: str) -> Job:
    """A job that has not ended, kept from others until the transaction ends."""
    found = repository.find(connection, job_id, locked=True)
    if found is None or found.ended_already:
        raise CultivaError(
            "there is no such job any more",
            code="jobs.ended",
            kind=ErrorKind.NOT_FOUND if found is None else ErrorKind.CONFLICT,
            seen=job_id if found is None else found.state.value,
            allowed="a job that waits or runs",
            hint="ask for a new one",
        )
    return found


def _note(connection: Connection, job: Job, word: str, *, by: str, at: datetime) -> None:
    asked = {name: len(value) if isinstance(value, list) else value for name, value in job.asked.items()}
    detail = {"asked": asked, "attempts": job.attempts} | ({"error": job.error} if job.error else {})
    audited(connection, Entry(at, by, f"{job.kind}.{word}", f"job:{job.job_id}", detail))


def _not_yours(job: Job) -> CultivaError:
    return CultivaError(
        "a second person has to say yes to this",
        code="jobs.own",
        kind=ErrorKind.FORBIDDEN if job.state is JobState.PROPOSED else ErrorKind.CONFLICT,
        seen=f"asked for by {job.by}, {job.state.value}",
        allowed="somebody else with the right, while it waits for a word",
        hint="ask a colleague",
    )


def _one_at_a_time(kind: str) -> CultivaError:
    return CultivaError(
        "one of these is waiting or running already",
        code="jobs.one_at_a_time",
        kind=ErrorKind.CONFLICT,
        seen=kind,
        allowed="one at a time",
        hint="wait for it, or stop it",
    )
