"""The cockpit says what the run found, decided and measured, and shows each role what concerns it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from tests.cli.commands import done
from tests.console.desks import ConsoleUnderTest, console_of

from cultiva.contracts.decision import Fate
from cultiva.execution.access.roles import Role
from cultiva.execution.launching.launches import Person
from cultiva.loop.mapping import map_of
from cultiva.loop.overview import overview_of
from cultiva.loop.shows import read


def test_the_numbers_of_the_loop_are_those_of_the_lake(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    decisions, grid = read(parts, "decisions", on), read(parts, "grid", on)
    text = console.as_role(Role.EXECUTIVE).text("/")
    assert f"{int(grid['customers'].sum()):,}" in text
    assert f"{decisions.height:,}" in text
    assert f"{decisions.filter(pl.col('fate') == Fate.CHOSEN.value).height:,}" in text
    found = overview_of(parts, on, map_of(parts, on).places)
    assert found.decided.candidates == decisions.height
    assert found.decided.held_out == decisions.filter(pl.col("fate").str.starts_with("held_out")).height


def test_whoever_does_not_review_sees_no_money(console: ConsoleUnderTest) -> None:
    assert "Incremental money so far" in console.as_role(Role.EXECUTIVE).text("/")
    assert "Incremental money so far" not in console.as_role(Role.ADVISER).text("/")


def test_a_stop_in_force_is_said_first(own_console: ConsoleUnderTest) -> None:
    from tests.api.banks import NOW

    from cultiva.loop.campaigns import launches_of

    window = own_console.as_role(Role.OPERATOR)
    assert "Emergency stop" not in window.text("/")
    launches_of(own_console.parts).halt("all", "a wrong text went out", Person("test"), NOW)
    text = window.text("/")
    assert "Emergency stop in force: everything" in text
    assert text.index("Emergency stop") < text.index("The loop: insight")


def test_a_workspace_that_was_never_run_says_how_to_begin(tmp_path: Path) -> None:
    done("init", tmp_path / "bank", "--customers", 100)
    with console_of(tmp_path / "bank") as console:
        assert "Nothing has been run in this workspace yet." in console.as_role(Role.ANALYST, region="33").text("/")
