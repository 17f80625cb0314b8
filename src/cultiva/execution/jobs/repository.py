"""Jobs in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, Row, select

from cultiva.execution.jobs.job import OPEN, Job, JobState
from cultiva.execution.jobs.tables import JOB
from cultiva.store.database import insert_new, put


def add(connection: Connection, job: Job) -> bool:
    """Keeps a new job; False: one of its kind is open."""
    return bool(insert_new(connection, JOB, [_row(job)]))


def write(connection: Connection, job: Job) -> None:
    """Keeps a job as it is now."""
    put(connection, JOB, _row(job))


def find(connection: Connection, job_id: str, *, locked: bool = False) -> Job | None:
    """One job; `locked`: nobody else changes it until the transaction ends."""
    asked = select(JOB).where(JOB.c.job_id == job_id)
    row = connection.execute(asked.with_for_update() if locked else asked).one_or_none()
    return None if row is None else _job(row)


def listed(connection: Connection, kind: str, *, state: JobState | None = None, last: int) -> Sequence[Job]:
    """The newest jobs of a kind, the newest first."""
    asked = select(JOB).where(JOB.c.kind == kind).order_by(JOB.c.asked_at.desc(), JOB.c.job_id).limit(last)
    rows = connection.execute(asked if state is None else asked.where(JOB.c.state == state.value))
    return tuple(_job(row) for row in rows)


def unfinished(connection: Connection) -> Sequence[Job]:
    """Open jobs of all kinds, the oldest first."""
    asked = select(JOB).where(JOB.c.state.in_([one.value for one in OPEN])).order_by(JOB.c.asked_at, JOB.c.job_id)
    return tuple(_job(row) for row in connection.execute(asked))


def _row(job: Job) -> dict[str, object]:
    texts = {"asked": dict(job.asked), "note": dict(job.note), "result": dict(job.result)}
    return {**asdict(job), **texts, "state": job.state.value, "slot": _slot(job)}


def _slot(job: Job) -> str | None:
    """What a second person has to allow stands alone; of the other jobs one of a kind is open at a time."""
    if not job.open:
        return None
    return job.job_id if job.second else job.kind


def _job(row: Row[tuple[object, ...]]) -> Job:
    known = row._asdict()
    known.pop("slot")
    return Job(**{**known, "state": JobState(known["state"])})
