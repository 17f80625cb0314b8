"""Jobs: one of a kind at a time, written only by who holds the lease, and everything in the audit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cultiva.execution.audit.service import Audit
from cultiva.execution.jobs.job import ATTEMPTS_MAX, Job, JobState
from cultiva.execution.jobs.service import Jobs
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.processes import this_process
from cultiva.store import Lease, Store
from cultiva.store.repositories.leases import TERM

NOW = datetime(1994, 5, 26, 1, tzinfo=UTC)
LATER = NOW + TERM + timedelta(seconds=1)


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return Jobs(store.database)


def lease_of(store: Store, job: Job, at: datetime = NOW) -> Lease:
    return store.leases.acquire(f"job {job.job_id}", this_process(), at=at)


def actions(store: Store) -> list[tuple[str, str]]:
    return [(one.entry.action, one.entry.actor) for one in Audit(store.database).lines()]


def test_one_of_a_kind_is_open_at_a_time(jobs: Jobs) -> None:
    first = jobs.ask("forecast", {"weeks": 13}, by="li.na", at=NOW)
    with pytest.raises(CultivaError) as raised:
        jobs.ask("forecast", {"weeks": 4}, by="wang", at=NOW)
    assert raised.value.kind is ErrorKind.CONFLICT
    other = jobs.ask("another", {}, by="wang", at=LATER)
    assert [one.job_id for one in jobs.unfinished()] == [first.job_id, other.job_id]
    jobs.stop(first.job_id, by="wang", at=LATER)
    second = jobs.ask("forecast", {}, by="wang", at=LATER)
    assert jobs.newest("forecast") == second and jobs.newest("nothing") is None
    with pytest.raises(CultivaError, match="any more"):
        jobs.stop(first.job_id, by="wang", at=LATER)


def test_a_worker_tells_how_far_it_is_and_what_came_of_it(jobs: Jobs, store: Store) -> None:
    job = jobs.ask("forecast", {"weeks": 13}, by="li.na", at=NOW)
    lease = lease_of(store, job)
    begun = jobs.begin(job.job_id, lease, NOW)
    assert (begun.state, begun.attempts, begun.begun) == (JobState.RUNNING, 1, NOW)
    jobs.advance(job.job_id, lease, share=0.25, note={"zh": "第 1 周", "en": "week 1"})
    seen = jobs.newest("forecast")
    assert seen is not None and (seen.share, seen.note["en"], seen.open) == (0.25, "week 1", True)
    done = jobs.finish(job.job_id, lease, {"net": [1.0, 2.5]}, LATER)
    assert jobs.newest("forecast", state=JobState.DONE) == done
    assert (done.share, done.result, done.ended, done.by) == (1.0, {"net": [1.0, 2.5]}, LATER, "li.na")
    assert jobs.unfinished() == ()
    assert sorted(actions(store)) == [("forecast.asked", "li.na"), ("forecast.done", "li.na")]


def test_who_has_lost_the_lease_writes_nothing_more(jobs: Jobs, store: Store) -> None:
    job = jobs.ask("forecast", {}, by="li.na", at=NOW)
    slow = lease_of(store, job)
    jobs.begin(job.job_id, slow, NOW)
    quick = lease_of(store, job, LATER)
    assert jobs.begin(job.job_id, quick, LATER).attempts == 2
    for word in (
        lambda: jobs.advance(job.job_id, slow, share=0.9, note={}),
        lambda: jobs.finish(job.job_id, slow, {"mine": 1}, LATER),
        lambda: jobs.fail(job.job_id, slow, "tired", LATER),
        lambda: jobs.begin(job.job_id, slow, LATER),
    ):
        with pytest.raises(CultivaError) as raised:
            word()
        assert raised.value.code == "store.lease_lost"
    assert jobs.finish(job.job_id, quick, {"mine": 2}, LATER).result == {"mine": 2}


def test_a_stopped_job_is_nobodys_any_more(jobs: Jobs, store: Store) -> None:
    job = jobs.ask("forecast", {}, by="li.na", at=NOW)
    lease = lease_of(store, job)
    jobs.begin(job.job_id, lease, NOW)
    jobs.stop(job.job_id, by="wang", at=LATER)
    with pytest.raises(CultivaError) as raised:
        jobs.advance(job.job_id, lease, share=0.5, note={})
    assert raised.value.code == "jobs.ended"
    found = jobs.newest("forecast")
    assert found is not None and (found.state, found.error, found.ended) == (JobState.STOPPED, "wang", LATER)


def test_what_kills_every_worker_is_given_up(jobs: Jobs, store: Store) -> None:
    job = jobs.ask("forecast", {}, by="li.na", at=NOW)
    for number in range(ATTEMPTS_MAX):
        lease = lease_of(store, job, NOW + number * (TERM + timedelta(seconds=1)))
        assert jobs.begin(job.job_id, lease, NOW).attempts == number + 1
    lease = lease_of(store, job, NOW + 10 * TERM)
    assert jobs.begin(job.job_id, lease, LATER).state is JobState.FAILED
    assert ("forecast.failed", "li.na") in actions(store)
    assert jobs.ask("forecast", {}, by="li.na", at=LATER).state is JobState.WAITING
