"""Kill -9 in the middle of each step of the main job, then run again: as if nothing had happened."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cli.commands import done
from tests.servers.warm import Warm
from tests.stories.killing import Job, kill_within, left, leftovers, watched
from tests.stories.workspaces import DAY, STORE, published

from cultiva.store import Run, RunState

CUSTOMERS = 200
SHARE = 0.4
"""How far into a step the kill comes, as a share of its undisturbed time."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kills")]


@pytest.fixture(scope="module")
def the_day_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bank that was run on the day before."""
    root = tmp_path_factory.mktemp("kills") / "bank"
    done("init", root, "--customers", CUSTOMERS)
    done("run", root, "--date", DAY - timedelta(days=1))
    return root


@pytest.fixture(scope="module")
def undisturbed(the_day_before: Path, warm: Warm) -> Job:
    """The same bank after a run that nothing interrupts."""
    root = the_day_before.with_name("undisturbed")
    shutil.copytree(the_day_before, root)
    done("run", root, "--date", DAY)
    return Job(warm, root, DAY)


@pytest.fixture(scope="module")
def expected(undisturbed: Job) -> Mapping[str, object]:
    """All that the undisturbed run has left."""
    assert leftovers(undisturbed.root, list(published(undisturbed.root).values())) == []
    return left(undisturbed)


def newest(job: Job) -> Run:
    """The run begun last."""
    store = job.store()
    found = store.runs.newest(job.on)
    store.close()
    assert found is not None
    return found


def chain(job: Job, steps: Mapping[str, float | None]) -> list[str]:
    """Runs the job again and again, killed one step further every time, and at last lets it finish.

    Args:
        job: The run.
        steps: Step -> seconds after which it is killed; None: when its work is done.

    Returns:
        The steps that were over before the kill came.
    """
    missed = []
    store = job.store()
    for name, seconds in steps.items():
        if not kill_within(job, name, store=store, after_seconds=seconds):
            missed.append(name)
            continue
        run = store.runs.newest(job.on)
        assert run is not None
        assert run.state is RunState.RUNNING  # nobody was left to say that it stopped
    store.close()
    if newest(job).state is not RunState.FINISHED:
        job.finish()
    return missed


def test_killed_in_the_middle_of_each_step_a_run_ends_as_if_undisturbed(
    warm: Warm, the_day_before: Path, undisturbed: Job, expected: Mapping[str, object]
) -> None:
    steps = {one.name: one.seconds or 0.0 for one in newest(undisturbed).steps}
    open_steps: dict[str, float | None] = {name: seconds * SHARE for name, seconds in steps.items()}
    for number in range(2):
        job = Job(warm, the_day_before.with_name(f"killed-{number}"), DAY)
        shutil.copytree(the_day_before, job.root)
        with watched(job) as reader:
            missed = chain(job, open_steps)
        assert reader.faults == []
        assert reader.looks > len(open_steps)
        run = newest(job)
        assert (run.state, [one.name for one in run.steps]) == (RunState.FINISHED, list(steps))
        assert left(job) == expected
        assert leftovers(job.root, list(published(job.root).values())) == []
        open_steps = dict.fromkeys(missed)  # a step of some milliseconds waits for the kill
        if not open_steps:
            return
    pytest.fail(f"over before they could be killed: {list(open_steps)}")


@pytest.mark.postgres
def test_with_the_store_on_postgresql_too(
    warm: Warm, the_day_before: Path, expected: Mapping[str, object], postgres_url: str
) -> None:
    job = Job(warm, the_day_before.with_name("on-postgres"), DAY, postgres_url)
    shutil.copytree(the_day_before, job.root, ignore=shutil.ignore_patterns(".cultiva", "reports", "1994-*"))
    done("run", job.root, "--date", DAY - timedelta(days=1), "--set", f"store.url={job.url}")
    store = job.store()
    with watched(job) as reader:
        for step in ("identity", "profile"):
            assert kill_within(job, step, store=store, after_seconds=None)
        job.finish()
    assert reader.faults == []
    assert left(job) == expected
    assert leftovers(job.root, store.snapshots.published()) == []
    store.close()


def test_a_run_given_up_for_other_definitions_leaves_nothing_behind(warm: Warm, the_day_before: Path) -> None:
    job = Job(warm, the_day_before.with_name("given-up"), DAY, STORE)
    shutil.copytree(the_day_before, job.root)
    store = job.store()
    assert kill_within(job, "profile", store=store, after_seconds=None)
    store.close()
    segments = job.root / "segments" / "later.yaml"
    segments.write_text("- name: elderly\n  label: { zh: 高龄, en: Elderly }\n  owner: retail\n  rule: age >= 80\n")
    done("run", job.root, "--date", DAY, "--set", "lake.grace_minutes=0")
    run = newest(job)
    assert (run.run_id, run.state, run.attempts) == (f"{DAY}.2", RunState.FINISHED, 1)
    assert leftovers(job.root, list(published(job.root).values())) == []
