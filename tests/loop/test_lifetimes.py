"""When lifetime values are found: only where they are asked for, and anew only when the last ones are too old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from tests.insight.bank import ON, deliveries, smallbank, write

from cultiva.definitions.value import Lifetime
from cultiva.engine.lake import Lake
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.loop.daily import daily_plan
from cultiva.loop.lifetimes import SCORES, lifetime_steps
from cultiva.loop.parts import Parts
from cultiva.loop.steps import StepContext
from cultiva.store import StepResult, Store

NOW = datetime(1994, 3, 31, 2, tzinfo=UTC)


@pytest.fixture
def parts(tmp_path: Path, store: Store, duckdb_engine: Engine) -> Parts:
    """The small bank, asking for lifetime values every ten days, with its customers and holdings published."""
    small = smallbank()
    value = small.value.model_copy(update={"lifetime": Lifetime(refresh_days=10)})
    lake = Lake(tmp_path / "lake", store.snapshots)
    inputs = write(deliveries(40), tmp_path / "bank")
    for day in (ON, ON + timedelta(days=9), ON + timedelta(days=10)):
        for table, source in (
            ("customer", tmp_path / "bank" / "customer"),
            ("holding", inputs.views["holding"].files[0]),
        ):
            publish(lake, store, table, day, pl.read_parquet(part_files([source])).to_arrow())
        publish(lake, store, "account", day, pa.table({"account_id": ["A1"]}))
    return Parts(replace(small, value=value), duckdb_engine, lake, store, lambda: NOW)


def publish(lake: Lake, store: Store, table: str, day: date, rows: pa.Table) -> None:
    folder = lake.stage(table, day, run_id=f"made-{day}")
    snapshot = lake.snapshot(table, day, folder, write_arrow(rows, folder), run_id=f"made-{day}")
    store.snapshots.publish([snapshot], step=table, at=NOW)


@pytest.fixture
def run(parts: Parts) -> Callable[[date], StepResult]:
    """Runs the step of a day and publishes what it gives."""

    def ran(day: date) -> StepResult:
        (step,) = lifetime_steps(parts, day)
        result = step.run(StepContext(f"run-{day}", day, step.name, NOW, {}, lambda *_: None))
        parts.store.snapshots.publish(result.outputs, step=step.name, at=NOW)
        return result

    return ran


def test_nobody_asks_and_there_is_no_step(parts: Parts) -> None:
    value = parts.workspace.value.model_copy(update={"lifetime": None})
    silent = replace(parts, workspace=replace(parts.workspace, value=value))
    assert lifetime_steps(silent, ON) == ()
    assert "lifetime" not in [step.name for step in daily_plan(silent, ON)]


def test_the_step_comes_before_the_profile_that_reads_it(parts: Parts) -> None:
    names = [step.name for step in daily_plan(parts, ON)]
    assert names.index("holding") < names.index("lifetime") < names.index("profile")


def test_values_are_found_and_stand_until_they_are_too_old(parts: Parts, run: Callable[[date], StepResult]) -> None:
    first = run(ON)
    assert (first.rows, first.detail["found_on"]) == (40, ON.isoformat())
    scores = pl.read_parquet(part_files(parts.lake.files_current(SCORES, ON)))
    assert scores["customer_id"].to_list() == list(range(1, 41))
    assert scores["score"].max() > Decimal(0)  # type: ignore[operator]
    later, too_late = ON + timedelta(days=9), ON + timedelta(days=10)
    kept = run(later)
    assert (kept.outputs, kept.detail) == ((), {"found_on": ON.isoformat()})
    assert parts.lake.files_latest(SCORES, later) == parts.lake.files_current(SCORES, ON)
    assert run(too_late).detail["found_on"] == too_late.isoformat()


def test_a_rerun_of_a_day_finds_them_again(run: Callable[[date], StepResult]) -> None:
    first, second = run(ON), run(ON)
    assert first.outputs[0].fingerprint == second.outputs[0].fingerprint
    assert second.detail["found_on"] == ON.isoformat()
