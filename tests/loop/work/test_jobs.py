"""Workers carry jobs out: one at a time, resumed after a death, given up when nobody wants them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cultiva import bootstrap
from cultiva.definitions.packs import init_workspace
from cultiva.execution.jobs.job import Job, JobState
from cultiva.execution.jobs.service import Jobs
from cultiva.kit.progress import StepShown
from cultiva.kit.words import Words
from cultiva.loop.parts import Parts
from cultiva.loop.quarter_flown import Advance, _Told, band, quarter_of
from cultiva.loop.work.jobs import FOLDER, JobWorker

NOTE = {"zh": "第 1 周", "en": "week 1"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    root = tmp_path_factory.mktemp("jobs") / "bank"
    init_workspace(root)
    with bootstrap.opened(root) as found:
        yield found


@pytest.fixture
def jobs(parts: Parts) -> Iterator[Jobs]:
    """Nothing is open at the end of a test."""
    found = Jobs(parts.store.database)
    yield found
    for job in found.unfinished():
        found.stop(job.job_id, by="test", at=parts.clock())


Perform = Callable[[Job, Path, Advance], Mapping[str, Any]]


def worker(parts: Parts, perform: Perform) -> JobWorker:
    return JobWorker(parts, {"sum": perform})


def ask(jobs: Jobs, parts: Parts) -> Job:
    return jobs.ask("sum", {"of": [1, 2]}, by="li.na", at=parts.clock())


def test_a_job_is_done_and_leaves_only_what_came_of_it(parts: Parts, jobs: Jobs) -> None:
    told: list[float] = []

    def perform(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        (folder / "half").write_text("x", encoding="utf-8")
        advance(0.5, NOTE)
        seen = jobs.newest("sum")
        told.append(0.0 if seen is None else seen.share)
        return {"sum": sum(job.asked["of"])}

    ask(jobs, parts)
    (done,) = worker(parts, perform).once()
    assert (done.state, done.result, told) == (JobState.DONE, {"sum": 3}, [0.5])
    assert not list((parts.root / FOLDER).iterdir())
    assert worker(parts, perform).once() == []


def test_a_job_survives_its_worker(parts: Parts, jobs: Jobs) -> None:
    """The next one finds what the dead one has left."""

    def dies(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        (folder / "half").write_text("1", encoding="utf-8")
        raise KeyboardInterrupt

    def goes_on(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        return {"from": (folder / "half").read_text(encoding="utf-8"), "attempt": job.attempts}

    job = ask(jobs, parts)
    with pytest.raises(KeyboardInterrupt):
        worker(parts, dies).once()
    (open_one,) = jobs.unfinished()
    assert (open_one.job_id, open_one.state, open_one.attempts) == (job.job_id, JobState.RUNNING, 1)
    (done,) = worker(parts, goes_on).once()
    assert done.result == {"from": "1", "attempt": 2}


def test_two_workers_never_do_the_same(parts: Parts, jobs: Jobs) -> None:
    inside, go = threading.Event(), threading.Event()

    def slow(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        inside.set()
        assert go.wait(60)
        return {"by": "first"}

    def never(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        raise AssertionError("done twice")

    ask(jobs, parts)
    first = worker(parts, slow)
    first.start()
    assert inside.wait(60)
    assert worker(parts, never).once() == []
    go.set()
    first.close()
    found = jobs.newest("sum")
    assert found is not None and (found.state, found.result) == (JobState.DONE, {"by": "first"})


def test_a_worker_that_ends_leaves_its_job_to_another(parts: Parts, jobs: Jobs) -> None:
    inside = threading.Event()

    def forever(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        inside.set()
        while True:
            advance(0.1, NOTE)

    ask(jobs, parts)
    first = worker(parts, forever)
    first.start()
    assert inside.wait(60)
    first.close()
    assert [job.state for job in jobs.unfinished()] == [JobState.RUNNING]
    found = worker(parts, lambda job, folder, advance: {"done": 1}).once()
    assert [job.attempts for job in found] == [1]  # nobody has died at it


def test_who_is_at_a_stopped_job_hears_of_it(parts: Parts, jobs: Jobs) -> None:
    def stopped(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        jobs.stop(job.job_id, by="wang", at=parts.clock())
        advance(0.5, NOTE)
        raise AssertionError("went on")

    ask(jobs, parts)
    assert worker(parts, stopped).once() == []
    found = jobs.newest("sum")
    assert found is not None and found.state is JobState.STOPPED
    assert not list((parts.root / FOLDER).iterdir())


def test_what_cannot_be_done_has_failed_and_tells_no_values(parts: Parts, jobs: Jobs) -> None:
    def fails(job: Job, folder: Path, advance: Advance) -> Mapping[str, Any]:
        raise ValueError("bad cell 'Li Na, 13800001111'")

    ask(jobs, parts)
    (done,) = worker(parts, fails).once()
    assert done.state is JobState.FAILED and "ValueError" in done.error and "Li Na" not in done.error


def test_jobs_of_other_kinds_are_left_alone(parts: Parts, jobs: Jobs) -> None:
    other = jobs.ask("another", {}, by="li.na", at=parts.clock())
    assert worker(parts, lambda job, folder, advance: {}).once() == []
    assert [one.job_id for one in jobs.unfinished()] == [other.job_id]


def test_the_share_grows_over_all_banks_from_nothing_to_nearly_all(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    told = _Told(2, lambda share, note: shares.append(round(share, 3)))
    for kept in (False, True):
        for position in (1, 2, 3, 4):
            step = StepShown(str(position), Words(str(position), str(position)), position, 4)
            (told.kept if kept and position == 1 else told.started)(step)
    assert shares == [0.0, 0.125, 0.25, 0.375, 0.625, 0.625, 0.75, 0.875]


def test_a_forecast_is_scaled_to_the_own_bank_and_has_its_span_over_all_banks() -> None:
    row = {"strategy": "a", "customers": [10, 20], "touches": [5, 5], "cost": [1.0, 3.0], "incremental": [11.0, 5.0]}
    asked = {"world": "ordinary", "weeks": 13, "banks": 2, "customers": 500}
    told = {"on": "1994-05-25", "version": "v", "asked": asked, "scale": 2.0, "rows": [row]}
    (found,) = quarter_of(told).rows
    assert found.net == band([20.0, 4.0]) and found.customers == band([20.0, 40.0])
    assert quarter_of({**told, "scale": None}).rows[0].net == band([10.0, 2.0])
