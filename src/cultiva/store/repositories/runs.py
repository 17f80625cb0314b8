"""Runs and their steps: what is finished stays finished, and what is finished is published, at one stroke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from cultiva.contracts.snapshots import Snapshot
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.store.database import Database, Write, put
from cultiva.store.records import Lease, Run, RunRequest, RunState, StepRecord, StepState
from cultiva.store.repositories.leases import require
from cultiva.store.repositories.snapshots import publish, written_by
from cultiva.store.tables import RUN, RUN_STEP

_UNFINISHED = (RunState.RUNNING, RunState.FAILED)


@dataclass(frozen=True)
class StepResult:
    """What a finished step leaves behind."""

    outputs: tuple[Snapshot, ...] = ()
    """Published as the step is marked finished, in the same transaction."""
    rows: int | None = None
    """Rows written, if that is not simply the rows of the outputs."""
    detail: Mapping[str, object] = field(default_factory=dict)
    """What else it found, as JSON-like data without personal data."""
    writes: tuple[Write, ...] = ()
    """Changes of the store prepared by repositories, made in the same transaction."""

    @property
    def row_count(self) -> int | None:
        """Rows written: as said, else those of the outputs, None without any."""
        if self.rows is not None or not self.outputs:
            return self.rows
        return sum(snapshot.rows for snapshot in self.outputs)


def lease_name(business_date: date) -> str:
    """What a process must hold to work on the run of a business date."""
    return f"run:{business_date.isoformat()}"


class Runs:
    """Runs of the main job; every change needs the lease of the business date.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def unfinished(self, request: RunRequest) -> Run | None:
        """The run that `begin` would resume; None if it would begin a new one."""
        with self._database.reading() as connection:
            return _resumable(connection, request)

    def begin(self, request: RunRequest, *, lease: Lease, at: datetime) -> Run:
        """Resumes the unfinished run on an equal request, or begins a new one and abandons what else is unfinished.

        Args:
            request: What the run is on.
            lease: The lease `lease_name(request.business_date)`.
            at: The present instant.
        """
        with self._database.writing() as connection:
            require(connection, lease)
            found = _resumable(connection, request)
            run_id = _resume(connection, found) if found else _insert(connection, request, at)
            return _one(connection, run_id)

    def start_step(self, run: Run, name: str, *, position: int, lease: Lease, at: datetime) -> None:
        """Notes that a step has begun.

        Args:
            run: Its run.
            name: Its name.
            position: Its place in the plan, from 1.
            lease: As for `begin`.
            at: The present instant.
        """
        with self._database.writing() as connection:
            require(connection, lease)
            before = connection.scalar(select(RUN_STEP.c.attempts).where(_is_step(run.run_id, name)))
            row = {"run_id": run.run_id, "name": name, "position": position, "state": StepState.RUNNING}
            row |= {"started": at, "ended": None, "attempts": (before or 0) + 1}
            put(connection, RUN_STEP, row | {"rows": None, "detail": {}, "error": ""})

    def finish_step(self, run: Run, name: str, result: StepResult, *, lease: Lease, at: datetime) -> StepRecord:
        """Marks a step finished and publishes its outputs: after it all of that is visible, before it nothing.

        Args:
            run: Its run.
            name: Its name.
            result: What it leaves behind.
            lease: As for `begin`.
            at: The present instant.
        """
        with self._database.writing() as connection:
            require(connection, lease)
            publish(connection, _own(result.outputs, run), step=name, at=at)
            for write in result.writes:
                write(connection)
            values = {"state": StepState.FINISHED, "ended": at, "rows": result.row_count}
            values["detail"] = dict(result.detail)
            connection.execute(update(RUN_STEP).where(_is_step(run.run_id, name)).values(**values))
            step = _one(connection, run.run_id).step(name)
        assert step is not None, "a step is started before it is finished"
        return step

    def fail_step(self, run: Run, name: str, error: str, *, lease: Lease, at: datetime) -> None:
        """Marks a step and its run failed; nothing of the step becomes visible.

        Args:
            run: Its run.
            name: Its name.
            error: Why, without personal data.
            lease: As for `begin`.
            at: The present instant.
        """
        with self._database.writing() as connection:
            require(connection, lease)
            values = {"state": StepState.FAILED, "ended": at, "error": error}
            connection.execute(update(RUN_STEP).where(_is_step(run.run_id, name)).values(**values))
            values = {"state": RunState.FAILED, "ended": at, "error": f"{name}: {error}"}
            connection.execute(update(RUN).where(RUN.c.run_id == run.run_id).values(**values))

    def finish(self, run: Run, *, lease: Lease, at: datetime) -> Run:
        """Marks a run finished."""
        with self._database.writing() as connection:
            require(connection, lease)
            values = {"state": RunState.FINISHED, "ended": at}
            connection.execute(update(RUN).where(RUN.c.run_id == run.run_id).values(**values))
            return _one(connection, run.run_id)

    def get(self, run_id: str) -> Run:
        """One run.

        Raises:
            CultivaError: if there is none of that id.
        """
        with self._database.reading() as connection:
            found = _read(connection, RUN.c.run_id == run_id)
            if not found:
                known = list(connection.scalars(select(RUN.c.run_id)))
                raise _unknown(run_id, known)
            return found[0]

    def history(self, business_date: date | None = None, *, limit: int = 50) -> Sequence[Run]:
        """Runs, the newest first.

        Args:
            business_date: Of this business date only.
            limit: At most so many.
        """
        where = RUN.c.business_date == business_date if business_date else RUN.c.number > 0
        with self._database.reading() as connection:
            return _read(connection, where, limit=limit)

    def newest(self, business_date: date | None = None, *, state: RunState | None = None) -> Run | None:
        """The run begun last, of a business date and in a state if given; None if there is none."""
        where = RUN.c.business_date == business_date if business_date else RUN.c.number > 0
        if state is not None:
            where = where & (RUN.c.state == state)
        with self._database.reading() as connection:
            return next(iter(_read(connection, where, limit=1)), None)


def _resumable(connection: Connection, request: RunRequest) -> Run | None:
    """The newest run of the date, if it is unfinished and on an equal request."""
    same_day = select(RUN.c.run_id).where(RUN.c.business_date == request.business_date)
    newest = connection.scalar(same_day.order_by(RUN.c.number.desc()).limit(1))
    run = _one(connection, newest) if newest else None
    return run if run and run.state in _UNFINISHED and run.request == request else None


def _resume(connection: Connection, run: Run) -> str:
    values = {"state": RunState.RUNNING, "ended": None, "error": "", "attempts": run.attempts + 1}
    connection.execute(update(RUN).where(RUN.c.run_id == run.run_id).values(**values))
    return run.run_id


def _insert(connection: Connection, request: RunRequest, at: datetime) -> str:
    day = RUN.c.business_date == request.business_date
    stale = day & RUN.c.state.in_(_UNFINISHED)
    connection.execute(update(RUN).where(stale).values(state=RunState.ABANDONED, ended=at))
    number = (connection.scalar(select(func.max(RUN.c.number)).where(day)) or 0) + 1
    row = {"run_id": f"{request.business_date.isoformat()}.{number}", "number": number}
    row |= {"business_date": request.business_date, "workspace_version": request.workspace_version}
    row |= {"inputs": dict(request.inputs), "engine": request.engine}
    row |= {"state": RunState.RUNNING, "started": at, "attempts": 1, "error": ""}
    connection.execute(insert(RUN).values(**row))
    return str(row["run_id"])


def _own(outputs: tuple[Snapshot, ...], run: Run) -> tuple[Snapshot, ...]:
    strangers = [snapshot.path for snapshot in outputs if snapshot.run_id != run.run_id]
    assert not strangers, f"snapshots of another run than {run.run_id}: {strangers}"
    return outputs


def _is_step(run_id: str, name: str) -> ColumnElement[bool]:
    return (RUN_STEP.c.run_id == run_id) & (RUN_STEP.c.name == name)


def _one(connection: Connection, run_id: str) -> Run:
    return _read(connection, RUN.c.run_id == run_id)[0]


def _read(connection: Connection, where: ColumnElement[bool], *, limit: int | None = None) -> Sequence[Run]:
    newest_first = select(RUN).where(where).order_by(RUN.c.started.desc(), RUN.c.number.desc()).limit(limit)
    rows = connection.execute(newest_first).all()
    ids = [row.run_id for row in rows]
    outputs = written_by(connection, ids)
    steps: dict[str, tuple[StepRecord, ...]] = {}
    query = select(RUN_STEP).where(RUN_STEP.c.run_id.in_(ids)).order_by(RUN_STEP.c.position)
    for row in connection.execute(query):
        step = _step(row, outputs.get((row.run_id, row.name), ()))
        steps[row.run_id] = (*steps.get(row.run_id, ()), step)
    return tuple(_run(row, steps.get(row.run_id, ())) for row in rows)


def _run(row: Row[Any], steps: tuple[StepRecord, ...]) -> Run:
    request = RunRequest(
        business_date=row.business_date,
        workspace_version=row.workspace_version,
        inputs=row.inputs,
        engine=row.engine,
    )
    return Run(
        run_id=row.run_id,
        request=request,
        state=RunState(row.state),
        started=row.started,
        ended=row.ended,
        attempts=row.attempts,
        error=row.error,
        steps=steps,
    )


def _step(row: Row[Any], outputs: tuple[Snapshot, ...]) -> StepRecord:
    return StepRecord(
        name=row.name,
        position=row.position,
        state=StepState(row.state),
        started=row.started,
        ended=row.ended,
        attempts=row.attempts,
        rows=row.rows,
        detail=row.detail,
        outputs=outputs,
        error=row.error,
    )


def _unknown(run_id: str, known: Sequence[str]) -> CultivaError:
    return CultivaError(
        "no such run",
        code="store.unknown_run",
        kind=ErrorKind.NOT_FOUND,
        seen=run_id,
        allowed=f"one of the {len(known)} runs on record",
        hint=did_you_mean(run_id, known) or "cultiva show WORKSPACE runs",
    )
