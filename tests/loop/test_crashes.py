"""Kill -9 at every point of every step, then run again: as if nothing had happened, and nothing half-made was seen."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.loop.small_plan import DAY, POINTS, STEPS, SmallLake, now, request, run_small, small_plan

from cultiva.kit.errors import CultivaError
from cultiva.loop.runner import execute, preview
from cultiva.loop.steps import Action
from cultiva.store import Run, RunState, StepState, Store, open_store

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.store.racers", "tests.loop.small_plan", "psycopg", "alembic.command"])


def run_killed(url: str, root: Path, version: str, step: str, point: str) -> None:
    child = PROCESSES.Process(target=run_small, args=(url, root, version, step, point))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL


def state(store: Store, lake: SmallLake) -> dict[str, object]:
    """All that a run leaves, but for folder names and instants."""
    tables = {found.table: (found.fingerprint, found.rows, lake.read(found)) for found in store.snapshots.published()}
    changes = [(one.from_ids, one.to_ids, one.reason) for one in store.identity.changes()]
    return {**tables, "changes": changes, "highest_id": store.identity.highest_id()}


@contextmanager
def watched(store: Store, lake: SmallLake) -> Iterator[None]:
    """A reader that all the while demands that whatever is published is whole."""
    over, faults, reads = threading.Event(), list[str](), list[int]()

    def read() -> None:
        while not over.wait(0.005):
            for found in store.snapshots.published():
                try:
                    if lake.fingerprint(found.path) != found.fingerprint:
                        faults.append(f"{found.path} is not what was published")
                except FileNotFoundError as error:
                    faults.append(str(error))
            reads.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()
    assert faults == []
    assert reads


@pytest.fixture
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What two runs leave that nothing interrupts: one of definitions v1, one of v2."""
    root = tmp_path_factory.mktemp("undisturbed")
    url = "sqlite:///store.db"
    for version in ("v1", "v2"):
        run_small(url, root, version)
    store = open_store(url, root)
    return state(store, SmallLake(root / "lake"))


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_every_point_of_a_step_a_run_ends_as_if_undisturbed(
    step: str, store_url: str, tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    run_small(store_url, tmp_path, "v1")
    store, lake = open_store(store_url, tmp_path), SmallLake(tmp_path / "lake")
    before = state(store, lake)
    with watched(store, lake):
        for point in POINTS:
            run_killed(store_url, tmp_path, "v2", step, point)
            _demand_nothing_half_made(store, lake, before, step, finished=point == "published")
        resumed = run_small(store_url, tmp_path, "v2")
    assert state(store, lake) == undisturbed
    _demand_one_resumed_run(resumed, step)
    store.close()


def _demand_nothing_half_made(
    store: Store, lake: SmallLake, before: dict[str, object], step: str, *, finished: bool
) -> None:
    run = store.runs.newest(DAY)
    assert run is not None
    assert run.state is RunState.RUNNING  # nobody was left to say that it stopped
    done = [one.name for one in run.steps if one.state is StepState.FINISHED]
    assert done == list(STEPS[: STEPS.index(step) + finished])
    new = {output.table for one in run.steps for output in one.outputs}
    seen = state(store, lake)
    for table in ("party", "identity_map", "profile", "grid", "decisions"):
        assert (seen[table] == before[table]) is (table not in new), table


def _demand_one_resumed_run(run: Run, step: str) -> None:
    assert run.run_id == f"{DAY}.2"
    assert run.state is RunState.FINISHED
    assert run.attempts == len(POINTS) + 1
    # The attempt killed just after the step's finish kept it; only the killed step ran more than once.
    assert {one.name: one.attempts for one in run.steps} == {name: len(POINTS) if name == step else 1 for name in STEPS}


def test_killed_before_its_very_first_step_a_first_run_ends_as_if_undisturbed(store_url: str, tmp_path: Path) -> None:
    run_killed(store_url, tmp_path, "v1", "deliver", "before")
    store, lake = open_store(store_url, tmp_path), SmallLake(tmp_path / "lake")
    assert store.snapshots.published() == ()
    run_small(store_url, tmp_path, "v1")
    (tmp_path / "other").mkdir()
    run_small("sqlite:///store.db", tmp_path / "other", "v1")
    other = open_store("sqlite:///store.db", tmp_path / "other")
    assert state(store, lake) == state(other, SmallLake(tmp_path / "other" / "lake"))
    store.close()


def test_after_a_kill_the_dry_run_says_what_will_be_kept(store_url: str, tmp_path: Path) -> None:
    run_killed(store_url, tmp_path, "v1", "profile", "written")
    store = open_store(store_url, tmp_path)
    plan = small_plan(SmallLake(tmp_path / "lake"), store, "v1")
    assert [one.action for one in preview(plan, request(), store=store)] == [
        Action.KEEP,
        Action.KEEP,
        Action.RUN,
        Action.RUN,
    ]
    assert {one.action for one in preview(plan, request("v2"), store=store)} == {Action.RUN}
    assert {one.action for one in preview(plan[:3], request(), store=store)} == {Action.RUN}
    store.close()


def test_a_second_run_is_refused_while_the_first_is_alive(store_url: str, tmp_path: Path) -> None:
    store, lake = open_store(store_url, tmp_path), SmallLake(tmp_path / "lake")
    at_work, may_go_on = threading.Event(), threading.Event()

    def wait(step: str, point: str) -> None:
        if (step, point) == ("profile", "half_written"):
            at_work.set()
            may_go_on.wait(60)

    lake.reach = wait
    plan = small_plan(lake, store, "v1")
    first = threading.Thread(target=execute, args=(plan, request()), kwargs={"store": store, "clock": now})
    first.start()
    assert at_work.wait(60)
    with pytest.raises(CultivaError) as caught:
        run_small(store_url, tmp_path, "v1")
    assert caught.value.code == "store.leased"
    may_go_on.set()
    first.join()
    newest = store.runs.newest(DAY)
    assert newest is not None
    assert (newest.run_id, newest.state, newest.attempts) == (f"{DAY}.1", RunState.FINISHED, 1)
    store.close()
