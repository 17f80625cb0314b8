from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests.insight.bank import smallbank
from tests.insight.groups.conftest import Day
from tests.insight.slow_profile import in_segment, slow_profile

from cultiva.definitions.scopes import profile_scope
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Engine
from cultiva.insight.groups.memberships import EVERYBODY, Memberships, find_members, read_members, write_members
from cultiva.insight.groups.service import GroupFolders, make_segments
from cultiva.rules import compile_rule


def folders(root: Path) -> GroupFolders:
    return GroupFolders(root / "memberships", root / "segments", root / "overlaps")


def read(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(part_files([folder]))


@pytest.fixture(scope="module")
def members(duckdb_engine: Engine, days: list[Day]) -> Memberships:
    return find_members(days[0].group_day(duckdb_engine))


def test_members_are_who_plain_python_says(days: list[Day], members: Memberships) -> None:
    rows = slow_profile(days[0].bank, days[0].on)
    expected = {row["customer_id"]: in_segment(row, days[0].on) for row in rows}
    assert set(members.everybody) == set(expected)
    for name, found in members.segments.items():
        assert sorted(found) == [key for key, into in expected.items() if into[name]], name
    assert all(0 < len(found) < 300 for name, found in members.segments.items() if name != "nobody")


def test_members_are_who_the_closure_says_row_by_row(days: list[Day], members: Memberships) -> None:
    scope = profile_scope(smallbank())
    rows = days[0].rows()
    for name, found in members.segments.items():
        closure = compile_rule(f"segment('{name}')", scope).closure(days[0].on)
        assert [row["customer_id"] for row in rows if closure(row) is True] == sorted(found), name


def test_a_snapshot_reads_back_as_it_was_written(members: Memberships, tmp_path: Path) -> None:
    first = write_members(members, tmp_path / "one")
    again = write_members(read_members([tmp_path / "one"]), tmp_path / "two")
    assert read_members([tmp_path / "one"]) == members
    assert first.fingerprint == again.fingerprint
    assert read(tmp_path / "one")["segment"].to_list() == sorted([EVERYBODY, *members.segments])


def test_change_sizes_overlap_and_words_of_every_segment(
    duckdb_engine: Engine, days: list[Day], tmp_path: Path
) -> None:
    one, two = folders(tmp_path / "1"), folders(tmp_path / "2")
    make_segments(days[0].group_day(duckdb_engine), (), one)
    make_segments(days[1].group_day(duckdb_engine), [one.memberships], two)
    before, after = read_members([one.memberships]).segments, read_members([two.memberships]).segments
    assert read(one.segments)["entered"].null_count() == len(before)
    changed = 0
    for row in read(two.segments).to_dicts():
        old, new = set(before[row["segment"]]), set(after[row["segment"]])
        assert (row["size"], row["entered"], row["left"]) == (len(new), len(new - old), len(old - new))
        assert set(json.loads(row["entered_sample"])) <= new - old
        assert row["words_en"].startswith(f"{smallbank().segments[row['segment']].label.en}: ")
        changed += row["entered"] + row["left"]
    assert changed > 0
    overlap = {(row["first"], row["second"]): row["both"] for row in read(two.overlaps).to_dicts()}
    assert overlap["wealthy", "wealthy_adults"] == len(after["wealthy_adults"])


def test_a_segment_is_described_by_what_sets_it_apart(duckdb_engine: Engine, days: list[Day], tmp_path: Path) -> None:
    made = folders(tmp_path)
    make_segments(days[0].group_day(duckdb_engine), (), made)
    said = {row["segment"]: row for row in read(made.segments).to_dicts()}
    traits = {name: json.loads(row["traits"]) for name, row in said.items()}
    assert any(trait["tag"] == "aum" and trait["strength"] > 0.5 for trait in traits["wealthy"])
    assert "higher Assets" in said["wealthy"]["words_en"]
    assert "资产规模更高" in said["wealthy"]["words_zh"]
    assert {"region", "stage"} & {trait["tag"] for trait in traits["southern_growing"]}
    assert said["nobody"]["words_en"] == "Nobody: no customers at present."
    assert not any(trait["tag"] == "name" for found in traits.values() for trait in found)
