"""The map and the strategies say what the run found, and lead to where the numbers come from."""

from __future__ import annotations

import re

import polars as pl
from tests.console.desks import ConsoleUnderTest

from cultiva.console.areas.strategies.drawing import cell_address
from cultiva.contracts.decision import Fate
from cultiva.execution.access.roles import Role
from cultiva.loop.mapping import map_of
from cultiva.loop.shows import read
from cultiva.loop.strategy_story import funnels_of, versions_of
from cultiva.strategy.map.axes import EVERYBODY


def test_the_map_shows_every_cell_with_customers_and_leads_into_it(console: ConsoleUnderTest) -> None:
    drawn = map_of(console.parts, console.parts.newest_date())
    text = console.as_role(Role.EXECUTIVE).text("/map").replace("&amp;", "&")
    filled = [place for place, cell in drawn.by_place.items() if cell.customers]
    assert filled
    for group, stage in filled:
        assert f'href="{cell_address(group, stage)}"' in text
    assert f"{drawn.everybody.customers:,}" in text
    assert all(f'href="/strategies/{place.strategy}"' in text for place in drawn.places)


def test_a_tier_alone_has_its_own_numbers(console: ConsoleUnderTest) -> None:
    drawn = map_of(console.parts, console.parts.newest_date(), tier="top")
    whole = map_of(console.parts, console.parts.newest_date())
    assert 0 < drawn.everybody.customers < whole.everybody.customers
    text = console.as_role(Role.ANALYST).text("/map", tier="top")
    assert re.search(rf'<div class="value small">{drawn.everybody.customers:,}</div>', text)
    assert console.as_role(Role.ANALYST).get("/map", tier="none").status_code == 404


def test_a_cell_says_who_is_there_and_what_is_done_for_them(console: ConsoleUnderTest) -> None:
    drawn = map_of(console.parts, console.parts.newest_date())
    stage, cell = max(
        ((stage, drawn.by_place[EVERYBODY, stage]) for stage in drawn.axes.stages), key=lambda one: one[1].customers
    )
    text = console.as_role(Role.ANALYST).text("/map/cell", group=EVERYBODY, stage=stage)
    assert f"{cell.customers:,}" in text and f"{cell.uncovered:,}" in text
    present = [one for one in cell.presences if one.audience]
    assert present and all(f'href="/strategies/{one.strategy}"' in text for one in present)
    assert console.as_role(Role.ANALYST).get("/map/cell", group="nobody_knows").status_code == 404


def test_a_strategy_shows_where_its_customers_are_lost(console: ConsoleUnderTest) -> None:
    parts, on = console.parts, console.parts.newest_date()
    decisions = read(parts, "decisions", on)
    chosen = decisions.filter(pl.col("fate") == Fate.CHOSEN.value)
    name = str(chosen["strategy"].mode().sort()[0])
    mine = decisions.filter(pl.col("strategy") == name)
    steps = funnels_of(parts, on)[name]
    assert steps[0].left == mine["customer_id"].n_unique()
    assert steps[-1].left == mine.filter(pl.col("fate") == Fate.CHOSEN.value)["customer_id"].n_unique()
    assert sum(one.lost for one in steps) == steps[0].left - steps[-1].left
    text = console.as_role(Role.ANALYST).text(f"/strategies/{name}")
    for step in steps[1:]:
        assert f'<td class="number">{step.lost:,}</td><td class="number">{step.left:,}</td>' in text


def test_the_definition_is_told_in_words_and_in_the_language_of_whoever_looks(console: ConsoleUnderTest) -> None:
    one = next(iter(console.parts.workspace.strategies.values()))
    english = console.as_role(Role.ANALYST).text(f"/strategies/{one.name}")
    chinese = console.as_role(Role.ANALYST, language="zh").text(f"/strategies/{one.name}")
    assert one.label.en in english and "What it is" in english
    assert one.label.zh in chinese and "策略内容" in chinese


def test_versions_are_those_that_runs_have_used(console: ConsoleUnderTest) -> None:
    name = next(iter(console.parts.workspace.strategies))
    found = versions_of(console.parts, name)
    assert [one.live for one in found] == [True]
    text = console.as_role(Role.AUDITOR).text(f"/strategies/{name}/versions")
    assert found[0].short in text and "Nothing differs." in text
    assert console.as_role(Role.AUDITOR).get(f"/strategies/{name}/versions", after="beef").status_code == 404


def test_whoever_does_not_define_is_not_offered_a_change(console: ConsoleUnderTest) -> None:
    name = next(iter(console.parts.workspace.strategies))
    assert f"/strategies/{name}/edit" in console.as_role(Role.ANALYST).text(f"/strategies/{name}")
    assert f"/strategies/{name}/edit" not in console.as_role(Role.EXECUTIVE).text(f"/strategies/{name}")


def test_there_is_no_page_of_a_strategy_that_nobody_has(console: ConsoleUnderTest) -> None:
    assert console.as_role(Role.ANALYST).get("/strategies/wealth_upgrde").status_code == 404
