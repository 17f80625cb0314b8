from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.insight.bank import smallbank
from tests.insight.groups.conftest import Day
from tests.insight.slow_profile import slow_profile

from cultiva.engine.port import Engine
from cultiva.insight.groups.audience import audience, count, customer_row, why
from cultiva.insight.groups.memberships import find_members, write_members
from cultiva.kit.errors import CultivaError
from cultiva.rules import RuleErrors


def test_the_audience_of_a_date_is_its_members(duckdb_engine: Engine, days: list[Day], tmp_path: Path) -> None:
    members = find_members(days[0].group_day(duckdb_engine))
    write_members(members, tmp_path / "m")
    found = audience([tmp_path / "m"], "wealthy", days[0].on)
    assert (found.segment, found.business_date, found.members) == ("wealthy", days[0].on, members.segments["wealthy"])
    with pytest.raises(CultivaError, match="knows no such segment"):
        audience([tmp_path / "m"], "made_yesterday", days[0].on)


def test_a_fresh_rule_is_counted_on_the_profile(duckdb_engine: Engine, days: list[Day], tmp_path: Path) -> None:
    day = days[0].group_day(duckdb_engine)
    expected = [
        row for row in slow_profile(days[0].bank, days[0].on) if row["aum"] >= 5000 and row["stage"] == "growing"
    ]
    found = count(day, "aum >= 5000 and stage = 'growing'", tmp_path / "work")
    assert found == len(expected) > 0


def test_a_fresh_event_function_is_counted_from_the_events(
    duckdb_engine: Engine, days: list[Day], tmp_path: Path
) -> None:
    day = days[0].group_day(duckdb_engine)
    text = "event_count('loan_started', 100, product = 'car') >= 1 and aum > 0"
    expected = [
        row["customer_id"]
        for row in slow_profile(days[0].bank, days[0].on)
        if row["aum"] > 0
        and any(
            event["name"] == "loan_started" and '"product": "car"' in (event["properties"] or "")
            for event in days[0].bank.of("events", row["customer_id"])
            if (days[0].on - event["at"].date()).days < 100
        )
    ]
    found = count(day, text, tmp_path / "work", events=days[0].inputs.views["event"])
    assert found == len(expected) > 0
    assert not (tmp_path / "work").exists()


def test_without_events_a_fresh_event_function_counts_nothing(
    duckdb_engine: Engine, days: list[Day], tmp_path: Path
) -> None:
    day = days[0].group_day(duckdb_engine)
    other = replace(smallbank(), events={**smallbank().events, "other": smallbank().events["app_opened"]})
    assert count(replace(day, workspace=other), "event_count('other', 9) = 0", tmp_path / "w") == 300
    assert count(day, "days_since_event('app_opened', channel = 'web') < 9", tmp_path / "w") == 0


def test_a_faulty_rule_is_refused_with_its_faults(duckdb_engine: Engine, days: list[Day], tmp_path: Path) -> None:
    with pytest.raises(RuleErrors, match="no such name"):
        count(days[0].group_day(duckdb_engine), "aun > 1", tmp_path / "w")


def test_why_tells_clause_by_clause(duckdb_engine: Engine, days: list[Day]) -> None:
    members = find_members(days[0].group_day(duckdb_engine)).segments["wealthy_adults"]
    inside, outside = members[0], next(key for key in range(1, 300) if key not in members)
    told = why(days[0].group_day(duckdb_engine), inside, "wealthy_adults")
    assert told.value is True
    assert any("aum" in line for line in told.lines())
    assert why(days[0].group_day(duckdb_engine), outside, "wealthy_adults").value is False


def test_a_customer_who_is_not_there_is_not_found(days: list[Day]) -> None:
    assert customer_row(days[0].profile, 7, frozenset(("aum", "not_yet")))["not_yet"] is None
    with pytest.raises(CultivaError, match="no such customer"):
        customer_row(days[0].profile, 10**6)
