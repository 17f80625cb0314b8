"""The whole way from deliveries to profile, stages, grid and members: the same on every engine, and right."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from tests.insight.bank import ON, Deliveries, deliveries, smallbank, write
from tests.insight.slow_profile import in_segment, slow_profile

from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Engine
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.groups.memberships import find_members, write_members
from cultiva.insight.profile.build import plan_of
from cultiva.insight.profile.plan import ProfilePlan
from cultiva.insight.profile.service import ProfileFolders, describe_profile, make_profile
from cultiva.insight.profile.stages import GONE, NEW

SCORES = {1: 0.25, 5: 0.75, 999: 1.0}
BEFORE = {number: ("dormant", "growing", "prospect")[number % 3] for number in range(2, 90)} | {1000: "growing"}
FINGERPRINTS: dict[str, str] = {}
"""What the first engine wrote; the next must write the same."""


def write_previous(folder: Path) -> list[Path]:
    rows = {"customer_id": list(BEFORE), "stage": list(BEFORE.values()), "aum": [1.0] * len(BEFORE)}
    write_arrow(pl.DataFrame(rows, schema_overrides={"customer_id": pl.Int64}).to_arrow(), folder)
    return [folder]


def read(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(part_files([folder]))


def test_deliveries_become_what_plain_python_finds_on_every_engine(engine: Engine, tmp_path: Path) -> None:
    bank = deliveries(120)
    inputs = write(bank, tmp_path, previous=write_previous(tmp_path / "before"), scores=SCORES)
    made = make_profile(engine, inputs, smallbank(), ON, tmp_path / "profile")
    folders = ProfileFolders(tmp_path / "transitions", tmp_path / "grid", tmp_path / "catalogue")
    described = describe_profile(engine, [tmp_path / "profile"], inputs, smallbank(), ON, folders)
    members = find_members(GroupDay(engine, [tmp_path / "profile"], smallbank(), ON))
    kept = write_members(members, tmp_path / "memberships")
    expected = slow_profile(bank, ON, BEFORE, SCORES)
    check_profile(read(tmp_path / "profile"), expected, plan_of(inputs, smallbank(), ON))
    check_transitions(read(folders.transitions), expected, bank)
    check_grid(read(folders.grid), expected)
    for name, found in members.segments.items():
        assert sorted(found) == [row["customer_id"] for row in expected if in_segment(row, ON)[name]], name
    for name, written in (("profile", made), ("catalogue", described.catalogue), ("members", kept)):
        assert FINGERPRINTS.setdefault(name, written.fingerprint) == written.fingerprint, name


def check_profile(found: pl.DataFrame, expected: list[dict[str, Any]], plan: ProfilePlan) -> None:
    assert found.columns == [column.name for column in plan.columns]
    for name in (column.name for column in plan.columns if not column.hidden):
        assert found[name].to_list() == [row[name] for row in expected], name


def check_transitions(found: pl.DataFrame, expected: list[dict[str, Any]], bank: Deliveries) -> None:
    gone = Counter(BEFORE[key] for key in BEFORE.keys() - {row["customer_id"] for row in bank.customers})
    moves = Counter((str(row["previous_stage"] or NEW), str(row["stage"])) for row in expected)
    moves += Counter({(stage, GONE): count for stage, count in gone.items()})
    assert found.rows() == [(*move, count) for move, count in sorted(moves.items())]


def check_grid(found: pl.DataFrame, expected: list[dict[str, Any]]) -> None:
    assert found.height == 5 * 3
    assert found["customers"].sum() == len(expected)
    for row in found.to_dicts():
        cell = [one for one in expected if (one["stage"], one["value_tier"]) == (row["stage"], row["value_tier"])]
        assert row["customers"] == len(cell)
        for name in ("aum", "current_value", "comprehensive_value"):
            assert row[name] == sum((one[name] for one in cell), Decimal(0)), (row["stage"], name)
