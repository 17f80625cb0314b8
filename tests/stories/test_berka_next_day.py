"""The day after: only what is new is read, ids stay, changes add up; a day run again changes nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.cli.commands import done
from tests.stories.workspaces import BERKA, DAY, NEXT_DAY, content, lake_folder, published, table

from cultiva.contracts.tables import CANONICAL
from cultiva.insight.groups.memberships import Memberships, read_members

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.xdist_group("berka")]

FACTS = [name for name, schema in CANONICAL.items() if schema.is_fact]


@pytest.fixture(scope="module")
def two_days(berka: Path) -> Path:
    """Berka after 30 and 31 March."""
    root = berka.with_name("two-days")
    shutil.copytree(berka, root)
    done("run", root, "--date", NEXT_DAY, "--set", f"data={BERKA}")
    return root


def members(root: Path, on: object) -> Memberships:
    found = {day: one for (name, day), one in published(root).items() if name == "memberships"}
    return read_members([lake_folder(root, one) for day, one in found.items() if day == on])


def test_the_first_day_stays_as_it_was(berka: Path, two_days: Path) -> None:
    before, after = published(berka), published(two_days)
    assert {key: one for key, one in after.items() if key[1] == DAY} == before


def test_only_new_facts_are_added(two_days: Path) -> None:
    delivered = [name for name, on in published(two_days) if on == NEXT_DAY and name in FACTS]
    assert {"transaction", "balance"} <= set(delivered)
    for name in delivered:
        schema = CANONICAL[name]
        old, new = table(two_days, name, DAY), table(two_days, name, NEXT_DAY)
        assert schema.time is not None
        assert set(new[schema.time].cast(pl.Date)) == {NEXT_DAY}, name
        assert old.join(new, on=list(schema.key), how="semi").height == 0, name
    assert table(two_days, "transaction", NEXT_DAY).height == 2105


def test_ids_are_stable(two_days: Path) -> None:
    key = ["source_system", "source_id"]
    before, after = table(two_days, "identity_map", DAY), table(two_days, "identity_map", NEXT_DAY)
    assert after.sort(key).equals(before.sort(key))


def test_who_entered_and_left_adds_up(two_days: Path) -> None:
    before, after = members(two_days, DAY), members(two_days, NEXT_DAY)
    shown = {row["segment"]: row for row in done("show", two_days, "segments", "--json").data}
    assert set(shown) == set(after.segments)
    moved = 0
    for name, now in after.segments.items():
        entered, left = now - before.segments[name], before.segments[name] - now
        moved += len(entered) + len(left)
        assert (shown[name]["entered"], shown[name]["left"]) == (len(entered), len(left)), name
        assert shown[name]["customers"] == len(now)
    assert moved > 0


def test_the_transition_matrix_leads_from_the_stages_of_the_one_day_to_those_of_the_other(two_days: Path) -> None:
    moves = table(two_days, "transitions", NEXT_DAY)
    for column, day in (("from_stage", DAY), ("to_stage", NEXT_DAY)):
        counted = dict(moves.group_by(column).agg(pl.col("customers").sum()).iter_rows())
        assert counted == dict(table(two_days, "profile", day)["stage"].value_counts().iter_rows())
    assert moves.filter(pl.col("from_stage") != pl.col("to_stage"))["customers"].sum() > 0


def test_a_day_run_again_replaces_its_snapshots_and_changes_nothing_else(two_days: Path, tmp_path: Path) -> None:
    root = tmp_path / "again"
    shutil.copytree(two_days, root)
    lists = {path.name: path.read_bytes() for path in (root / "lists" / str(DAY)).iterdir()}
    before = published(root)
    done("run", root, "--date", DAY, "--set", f"data={BERKA}")
    after = published(root)
    assert content(root) == content(two_days)
    for key, one in after.items():
        assert (one.path == before[key].path) is (key[1] != DAY), key
    assert {path.name: path.read_bytes() for path in (root / "lists" / str(DAY)).iterdir()} == lists
    # What was replaced stays for the time of grace: somebody may be reading it.
    folders = set((root / ".cultiva" / "lake").glob("*/*/*"))
    assert folders == {lake_folder(root, one) for one in (*before.values(), *after.values())}
