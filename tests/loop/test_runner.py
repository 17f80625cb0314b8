from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.loop.small_plan import DAY, STEPS, SmallLake, now, request, small_plan

from cultiva.kit.errors import CultivaError
from cultiva.kit.processes import this_process
from cultiva.kit.progress import StepShown, Unseen
from cultiva.kit.words import Words
from cultiva.loop import tenure
from cultiva.loop.runner import execute, preview, told
from cultiva.loop.steps import Action, Plan, Step, StepContext, explain
from cultiva.store import RunState, StepResult, StepState, Store
from cultiva.store.repositories.leases import TERM


def step(name: str, run: Callable[[StepContext], StepResult] | None = None, *needs: str) -> Step:
    return Step(name, Words(name, name), needs, run or (lambda _context: StepResult()))


def raises(error: BaseException) -> Callable[[StepContext], StepResult]:
    def run(_context: StepContext) -> StepResult:
        raise error

    return run


class Heard(Unseen):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []

    def kept(self, step: StepShown) -> None:
        self.said.append(("kept", step.name))

    def started(self, step: StepShown) -> None:
        self.said.append(("started", step.name, step.position, step.count))

    def advanced(self, step: StepShown, share: float, note: str) -> None:
        self.said.append(("advanced", step.name, share, note))

    def finished(self, step: StepShown, *, seconds: float, rows: int | None) -> None:
        self.said.append(("finished", step.name, rows))

    def failed(self, step: StepShown, *, seconds: float) -> None:
        self.said.append(("failed", step.name))


def test_steps_run_in_order_and_what_they_say_is_on_record(store: Store, tmp_path: Path) -> None:
    run = execute(small_plan(SmallLake(tmp_path), store, "v1"), request(), store=store, clock=now)
    assert run.state is RunState.FINISHED
    assert [(one.name, one.position, one.rows) for one in run.steps] == [
        ("deliver", 1, 20),
        ("identity", 2, 20),
        ("profile", 3, 20),
        ("lists", 4, 9),
    ]
    assert run.steps[3].detail == {"chosen": 9}
    assert {found.table for found in store.snapshots.published()} == {
        *("party", "identity_map", "profile", "grid", "decisions")
    }


def test_a_run_of_the_same_date_again_replaces_its_snapshots(store: Store, tmp_path: Path) -> None:
    plan = small_plan(SmallLake(tmp_path), store, "v1")
    execute(plan, request(), store=store, clock=now)
    before = store.snapshots.published()
    again = execute(plan, request(), store=store, clock=now)
    after = store.snapshots.published()
    assert again.run_id == f"{DAY}.2"
    assert [one.table for one in before] == [one.table for one in after]
    assert {one.path for one in before}.isdisjoint(one.path for one in after)
    assert {one.run_id for one in after} == {again.run_id}


def test_a_failing_step_fails_the_run_and_is_resumed_where_it_failed(store: Store) -> None:
    plan = (step("one"), step("two", raises(ValueError("no such column"))), step("three"))
    with pytest.raises(ValueError, match="no such column"):
        execute(plan, request(), store=store, clock=now)
    failed = store.runs.newest(DAY)
    assert failed is not None
    assert failed.state is RunState.FAILED
    assert failed.error == "two: ValueError: no such column"
    assert [(one.name, one.state) for one in failed.steps] == [("one", StepState.FINISHED), ("two", StepState.FAILED)]
    assert store.leases.holder(f"run:{DAY}", at=now()) is None

    heard = Heard()
    mended = (plan[0], step("two"), plan[2])
    run = execute(mended, request(), store=store, clock=now, progress=heard)
    assert (run.run_id, run.state, run.attempts) == (failed.run_id, RunState.FINISHED, 2)
    assert heard.said == [
        ("kept", "one"),
        ("started", "two", 2, 3),
        ("finished", "two", None),
        ("started", "three", 3, 3),
        ("finished", "three", None),
    ]


def test_progress_hears_how_far_a_step_is_and_that_it_failed(store: Store) -> None:
    def half(context: StepContext) -> StepResult:
        context.advance(0.5, "branch 3")
        raise CultivaError("too many bad rows", code="sources.share", seen="12 %", allowed="1 %")

    heard = Heard()
    with pytest.raises(CultivaError, match="too many bad rows"):
        execute((step("one", half),), request(), store=store, clock=now, progress=heard)
    assert heard.said == [("started", "one", 1, 1), ("advanced", "one", 0.5, "branch 3"), ("failed", "one")]
    newest = store.runs.newest(DAY)
    assert newest is not None
    assert "12 %" in newest.error


def test_an_interrupted_run_says_so_and_can_be_resumed(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt):
        execute((step("one", raises(KeyboardInterrupt())),), request(), store=store, clock=now)
    newest = store.runs.newest(DAY)
    assert newest is not None
    assert (newest.state, newest.error) == (RunState.FAILED, "one: interrupted")
    assert execute((step("one"),), request(), store=store, clock=now).run_id == newest.run_id


def test_a_step_is_told_of_the_steps_it_needs_and_no_others(store: Store) -> None:
    told_of: list[StepContext] = []

    def listen(context: StepContext) -> StepResult:
        told_of.append(context)
        return StepResult()

    plan = (
        step("one", lambda _: StepResult(rows=7, detail={"bad": 2})),
        step("two"),
        step("three", listen, "one"),
    )
    run = execute(plan, request(), store=store, clock=now)
    context = told_of[0]
    assert (context.run_id, context.business_date, context.step) == (run.run_id, DAY, "three")
    assert {name: (one.rows, one.detail) for name, one in context.earlier.items()} == {"one": (7, {"bad": 2})}


def test_another_plan_or_version_of_the_software_is_another_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: Plan = (step("one"), step("two", raises(RuntimeError("no"))))
    with pytest.raises(RuntimeError):
        execute(broken, request(), store=store, clock=now)
    longer = (*broken[:1], step("between"), step("two"))
    assert {one.action for one in preview(longer, request(), store=store)} == {Action.RUN}
    assert [one.action for one in preview(broken, request(), store=store)] == [Action.KEEP, Action.RUN]
    with monkeypatch.context() as patch:
        patch.setattr("cultiva.loop.runner.__version__", "99")
        assert {one.action for one in preview(broken, request(), store=store)} == {Action.RUN}
    assert execute(longer, request(), store=store, clock=now).run_id == f"{DAY}.2"


def test_what_runs_is_what_the_dry_run_says(store: Store, tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    plan = small_plan(lake, store, "v1")

    def fails_at(name: str) -> Plan:
        return tuple(replace(one, run=raises(RuntimeError("x"))) if one.name == name else one for one in plan)

    for name in STEPS:
        with pytest.raises(RuntimeError):
            execute(fails_at(name), request(name), store=store, clock=now)
        heard = Heard()
        planned = preview(plan, request(name), store=store)
        with pytest.raises(RuntimeError):
            execute(fails_at("lists"), request(name), store=store, clock=now, progress=heard)
        kept = [said[1] for said in heard.said if said[0] == "kept"]
        started = [said[1] for said in heard.said if said[0] == "started"]
        assert kept == [one.step.name for one in planned if one.action is Action.KEEP]
        assert started == [one.step.name for one in planned if one.action is Action.RUN]


def test_a_finished_step_behind_an_unfinished_one_runs_again(store: Store) -> None:
    run = execute((step("one"), step("two")), request(), store=store, clock=now)
    unfinished = replace(run, steps=(replace(run.steps[0], state=StepState.FAILED), run.steps[1]))
    assert [one.action for one in explain((step("one"), step("two")), unfinished)] == [Action.RUN, Action.RUN]


@pytest.mark.parametrize(
    ("plan", "hint"),
    [
        ((step("one"), step("one")), "mend"),
        ((step("one", None, "two"), step("two")), "mend"),
        ((step("identity"), step("two", None, "identiti")), "did you mean 'identity'?"),
        ((step("one", None, "one"),), "mend"),
    ],
)
def test_a_plan_out_of_order_is_refused_before_anything_is_written(store: Store, plan: Plan, hint: str) -> None:
    with pytest.raises(CultivaError) as caught:
        execute(plan, request(), store=store, clock=now)
    assert caught.value.code == "loop.bad_plan"
    assert hint in caught.value.hint
    assert store.runs.history() == ()


def test_the_lease_outlives_a_step_longer_than_its_term(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenure, "RENEWAL_SECONDS", 0.01)
    instant = [datetime(2026, 1, 5, tzinfo=UTC)]
    renewed = threading.Event()

    def clock() -> datetime:
        return instant[0]

    def long(_context: StepContext) -> StepResult:
        for _ in range(4):
            instant[0] += TERM / 2
            renewed.wait(0.3)
            assert store.leases.holder(f"run:{DAY}", at=clock() + TERM / 3) is not None
        return StepResult()

    run = execute((step("long", long),), request(), store=store, clock=clock)
    assert run.steps[0].seconds == (2 * TERM).total_seconds()


def test_a_process_that_slept_through_its_lease_publishes_nothing(store: Store, tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)

    def sleeps(context: StepContext) -> StepResult:
        lease_of_other = now() + 2 * TERM
        far = replace(this_process(), machine="another")
        store.leases.acquire(f"run:{DAY}", far, at=lease_of_other)
        return StepResult((lake.write("profile", ["late"], context),))

    with pytest.raises(CultivaError) as caught:
        execute((step("one", sleeps),), request(), store=store, clock=now)
    assert caught.value.code == "store.lease_lost"
    assert any("could not be recorded" in note for note in caught.value.__notes__)
    assert store.snapshots.published() == ()
    assert store.leases.holder(f"run:{DAY}", at=now() + timedelta(seconds=1)) is not None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("could not convert '王小芳' to INT64"), "ValueError: could not convert '***' to INT64"),
        (ValueError('row "13812345678" and 13812345678'), 'ValueError: row "***" and 138******78'),
        (CultivaError("bad row", code="x", seen="fang@example.com"), "bad row\n  seen    f***@example.com"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_the_record_of_an_error_has_no_personal_data(error: BaseException, said: str) -> None:
    assert told(error) == said
