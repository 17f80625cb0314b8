from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.store.days import AT, DAY, REQUEST, later, snapshot

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.processes import this_process
from cultiva.store import Lease, RunRequest, RunState, StepResult, StepState, Store, lease_name


def test_a_run_is_remembered_with_its_steps_and_outputs(store: Store, lease: Lease) -> None:
    run = store.runs.begin(REQUEST, lease=lease, at=AT)
    store.runs.start_step(run, "tags", position=1, lease=lease, at=later(1))
    result = StepResult(outputs=(snapshot("profile"), snapshot("grid")), detail={"种类": ["标签", 3]})
    step = store.runs.finish_step(run, "tags", result, lease=lease, at=later(3.5))
    finished = store.runs.finish(run, lease=lease, at=later(4))

    assert finished.run_id == "1994-03-30.1"
    assert finished.request == REQUEST
    assert (finished.state, finished.started, finished.ended, finished.attempts) == (RunState.FINISHED, AT, later(4), 1)
    assert finished.steps == (step,)
    assert (step.state, step.rows, step.seconds) == (StepState.FINISHED, 6, 2.5)
    assert step.detail == {"种类": ["标签", 3]}
    assert step.outputs == (snapshot("grid"), snapshot("profile"))
    assert store.runs.get(run.run_id) == finished


def test_a_step_that_is_not_finished_shows_nothing(store: Store, lease: Lease) -> None:
    run = store.runs.begin(REQUEST, lease=lease, at=AT)
    store.runs.start_step(run, "tags", position=1, lease=lease, at=AT)
    assert store.snapshots.latest("profile") is None

    def fails(connection: object) -> None:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        store.runs.finish_step(run, "tags", StepResult((snapshot(),), writes=(fails,)), lease=lease, at=AT)
    assert store.snapshots.latest("profile") is None
    step = store.runs.get(run.run_id).step("tags")
    assert step is not None
    assert step.state is StepState.RUNNING


def test_a_failed_run_is_resumed_on_an_equal_request(store: Store, lease: Lease) -> None:
    run = store.runs.begin(REQUEST, lease=lease, at=AT)
    store.runs.start_step(run, "tags", position=1, lease=lease, at=AT)
    store.runs.fail_step(run, "tags", "no space left", lease=lease, at=later(5))
    failed = store.runs.get(run.run_id)
    assert (failed.state, failed.error, failed.ended) == (RunState.FAILED, "tags: no space left", later(5))
    assert store.runs.unfinished(REQUEST) == failed

    resumed = store.runs.begin(REQUEST, lease=lease, at=later(9))
    assert (resumed.run_id, resumed.state, resumed.attempts) == (run.run_id, RunState.RUNNING, 2)
    assert (resumed.started, resumed.ended, resumed.error) == (AT, None, "")
    store.runs.start_step(resumed, "tags", position=1, lease=lease, at=later(10))
    again = store.runs.get(run.run_id).step("tags")
    assert again is not None
    assert (again.state, again.attempts, again.error, again.ended) == (StepState.RUNNING, 2, "", None)


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, workspace_version="v2"),
        replace(REQUEST, inputs={"transaction": "f2"}),
        replace(REQUEST, inputs={}),
        replace(REQUEST, engine="spark"),
    ],
    ids=["definitions", "inputs", "fewer inputs", "engine"],
)
def test_an_unfinished_run_on_anything_else_is_abandoned(store: Store, lease: Lease, other: RunRequest) -> None:
    first = store.runs.begin(REQUEST, lease=lease, at=AT)
    second = store.runs.begin(other, lease=lease, at=later(1))
    assert second.run_id == "1994-03-30.2"
    assert store.runs.get(first.run_id).state is RunState.ABANDONED
    third = store.runs.begin(REQUEST, lease=lease, at=later(2))
    assert third.run_id == "1994-03-30.3"
    assert third.steps == ()


def test_a_finished_run_is_not_resumed(store: Store, lease: Lease) -> None:
    run = store.runs.begin(REQUEST, lease=lease, at=AT)
    store.runs.finish(run, lease=lease, at=AT)
    assert store.runs.unfinished(REQUEST) is None
    assert store.runs.begin(REQUEST, lease=lease, at=AT).run_id == "1994-03-30.2"


def test_a_process_that_lost_its_lease_publishes_nothing(store: Store, lease: Lease) -> None:
    run = store.runs.begin(REQUEST, lease=lease, at=AT)
    store.runs.start_step(run, "tags", position=1, lease=lease, at=AT)
    store.leases.release(lease)
    store.leases.acquire(lease.name, this_process(), at=later(90))
    for late in (
        lambda: store.runs.finish_step(run, "tags", StepResult((snapshot(),)), lease=lease, at=AT),
        lambda: store.runs.fail_step(run, "tags", "late", lease=lease, at=AT),
        lambda: store.runs.start_step(run, "more", position=2, lease=lease, at=AT),
        lambda: store.runs.finish(run, lease=lease, at=AT),
        lambda: store.runs.begin(REQUEST, lease=lease, at=AT),
    ):
        with pytest.raises(CultivaError) as caught:
            late()
        assert caught.value.code == "store.lease_lost"
    assert store.snapshots.latest("profile") is None
    assert store.runs.get(run.run_id).state is RunState.RUNNING


def test_history_is_newest_first_and_by_date(store: Store, lease: Lease) -> None:
    other_day = date(1994, 3, 31)
    other_lease = store.leases.acquire(lease_name(other_day), this_process(), at=AT)
    first = store.runs.begin(REQUEST, lease=lease, at=AT)
    store.runs.finish(first, lease=lease, at=AT)
    second = store.runs.begin(replace(REQUEST, business_date=other_day), lease=other_lease, at=later(1))
    third = store.runs.begin(REQUEST, lease=lease, at=later(2))
    assert [run.run_id for run in store.runs.history()] == [third.run_id, second.run_id, first.run_id]
    assert [run.run_id for run in store.runs.history(DAY)] == [third.run_id, first.run_id]
    assert [run.run_id for run in store.runs.history(limit=1)] == [third.run_id]
    assert store.runs.newest() == third
    assert store.runs.newest(other_day) == second
    assert store.runs.newest(DAY, state=RunState.FINISHED) == store.runs.get(first.run_id)
    assert store.runs.newest(date(1993, 1, 1)) is None


def test_an_unknown_run_is_named_with_the_nearest(store: Store, lease: Lease) -> None:
    store.runs.begin(REQUEST, lease=lease, at=AT)
    with pytest.raises(CultivaError) as caught:
        store.runs.get("1994-03-30")
    assert caught.value.kind is ErrorKind.NOT_FOUND
    assert "1994-03-30.1" in caught.value.hint


def test_a_step_may_not_publish_for_another_run(store: Store, lease: Lease) -> None:
    run = store.runs.begin(REQUEST, lease=lease, at=AT)
    store.runs.start_step(run, "tags", position=1, lease=lease, at=AT)
    with pytest.raises(AssertionError, match="another run"):
        store.runs.finish_step(run, "tags", StepResult((snapshot(run_id="other"),)), lease=lease, at=AT)
    assert store.snapshots.published() == ()
