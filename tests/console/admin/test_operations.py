"""Runs, data quality and definitions say what the store and the lake hold."""

from __future__ import annotations

import polars as pl
from tests.console.desks import ConsoleUnderTest

from cultiva.execution.access.roles import Role
from cultiva.loop.operations import quality_of
from cultiva.loop.shows import read


def test_a_run_is_listed_and_its_steps_have_rows_and_times(console: ConsoleUnderTest) -> None:
    window, run = console.as_role(Role.ANALYST), console.parts.store.runs.newest()
    assert run is not None
    assert f"/admin/runs/{run.run_id}" in window.text("/admin/runs") and f"/admin/runs/{run.run_id}" in window.text(
        "/admin"
    )
    text = window.text(f"/admin/runs/{run.run_id}")
    for step in run.steps:
        assert f">{step.name}<" in text and (step.rows is None or f"{step.rows:,}" in text)
    assert window.get("/admin/runs/1990-01-01.1").status_code == 404


def test_every_delivered_row_is_accounted_for(console: ConsoleUnderTest) -> None:
    on = console.parts.newest_date()
    found = quality_of(console.parts, on)
    assert found.tables
    for _, row in found.tables:
        assert row["read"] == sum(count for name, count in row.items() if name not in {"read", "late"})
    quarantine = read(console.parts, "quarantine", on)
    assert (
        sum(one.rows for one in found.reasons)
        == quarantine.height
        == sum(row["quarantined"] for _, row in found.tables)
    )
    text = console.as_role(Role.ANALYST).text("/admin/quality")
    assert all(one.rule in text for one in found.reasons)


def test_examples_of_bad_rows_are_masked(console: ConsoleUnderTest) -> None:
    phones = read(console.parts, "quarantine", console.parts.newest_date()).filter(pl.col("column") == "phone")
    text = console.as_role(Role.ANALYST).text("/admin/quality")
    assert not any(str(value) in text for value in phones["value"].drop_nulls() if len(str(value)) >= 7)


def test_a_definition_is_shown_with_its_versions(console: ConsoleUnderTest) -> None:
    window = console.as_role(Role.ANALYST)
    assert "/admin/definitions/strategy/wealth_upgrade" in window.text("/admin/definitions")
    assert "wealth_upgrade" in window.text("/admin/definitions/strategy/wealth_upgrade")
    assert window.get("/admin/definitions/strategy/none").status_code == 404


def test_health_says_what_is_wrong_and_what_to_do(console: ConsoleUnderTest) -> None:
    text = console.as_role(Role.ANALYST).text("/admin/health")
    assert "store.migrated" in text and "audit" in text
