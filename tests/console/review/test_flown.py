"""The next quarter simulated: asked for by a person, seen while a worker is at it, read beside the map when done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.console.desks import ConsoleUnderTest

from cultiva.execution.access.roles import Role
from cultiva.execution.jobs.job import Job, JobState
from cultiva.execution.jobs.service import Jobs
from cultiva.kit.processes import this_process
from cultiva.loop.quarter_flown import KIND, Asked
from cultiva.review.design import PROGRAMME
from cultiva.store import Lease

POLLS = 'hx-trigger="every 2s"'


def begun(console: ConsoleUnderTest) -> tuple[Jobs, Job, Lease]:
    """A worker is at what was asked for last."""
    jobs = Jobs(console.parts.store.database)
    (job,) = jobs.unfinished()
    lease = console.parts.store.leases.acquire(f"job {job.job_id}", this_process(), at=console.parts.clock())
    return jobs, jobs.begin(job.job_id, lease, console.parts.clock()), lease


def result(console: ConsoleUnderTest, version: str) -> dict[str, Any]:
    strategy = next(iter(console.parts.workspace.strategies))
    figures = {"customers": [100, 300], "touches": [10, 20], "cost": [5.0, 7.0], "incremental": [50.0, 107.0]}
    rows = [{"strategy": name, **figures} for name in (PROGRAMME, strategy)]
    on = console.parts.newest_date().isoformat()
    return {"on": on, "version": version, "asked": vars(Asked(banks=2)), "scale": 10.0, "rows": rows}


def test_it_is_asked_for_once_watched_and_read(own_console: ConsoleUnderTest) -> None:
    window, reader = own_console.as_role(Role.EXECUTIVE), own_console.as_role(Role.EXPERIENCE_MANAGER)
    assert POLLS not in window.text("/review/next/flown") and "Have the next quarter simulated" in window.text("/map")
    assert "/review/next/fly" not in reader.text("/review/next/flown")
    assert reader.post("/review/next/fly").status_code == 403
    assert window.post("/review/next/fly").headers["location"] == "/review/next#flown"
    assert window.post("/review/next/fly").status_code == 409, "one at a time"
    waiting = reader.text("/review/next/flown")
    assert "Waits for a worker." in waiting and POLLS in waiting and "Test executive" in waiting

    jobs, job, lease = begun(own_console)
    assert (job.asked, job.by) == (vars(Asked()), window.login)
    jobs.advance(job.job_id, lease, share=0.42, note={"zh": "第 5 周", "en": "week 5"})
    seen = window.text("/review/next/flown")
    assert "week 5" in seen and 'value="0.42"' in seen and POLLS in seen
    version = own_console.parts.workspace.version
    jobs.finish(job.job_id, lease, result(own_console, version), own_console.parts.clock())
    done = window.text("/review/next/flown")
    assert POLLS not in done and "Simulate again" in done
    for page in (done, window.text("/map")):
        assert "+CN¥725" in page and "+CN¥450 … +CN¥1,000" in page, "scaled to the own bank, with its span"
        assert "Definitions have changed" not in page
    assert "Measured so far, net" in window.text("/map")


def test_it_can_be_given_up_and_an_earlier_forecast_stays(own_console: ConsoleUnderTest) -> None:
    window = own_console.as_role(Role.OPERATOR)
    yesterday = own_console.parts.clock() - timedelta(days=1)  # the console's clock stands still
    Jobs(own_console.parts.store.database).ask(KIND, vars(Asked()), by=window.login, at=yesterday)
    jobs, job, lease = begun(own_console)
    jobs.finish(job.job_id, lease, result(own_console, "of yesterday"), own_console.parts.clock())
    window.post("/review/next/fly")
    (again,) = jobs.unfinished()
    assert window.post(f"/review/next/fly/{again.job_id}/stop").status_code == 303
    page = window.text("/review/next/flown")
    assert "stopped by Test operator" in page and "Definitions have changed" in page
    assert window.post(f"/review/next/fly/{again.job_id}/stop").status_code == 409
    own_console.wait(minutes=1)
    window.post("/review/next/fly")
    jobs, job, lease = begun(own_console)
    jobs.fail(job.job_id, lease, "ValueError: ***", own_console.parts.clock())
    assert "The last simulation failed: ValueError" in window.text("/review/next/flown")
    found = jobs.newest(KIND, state=JobState.DONE)
    assert found is not None and found.result["version"] == "of yesterday"
