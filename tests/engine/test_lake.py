from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.fakes.catalogue import MemoryCatalogue

from cultiva.contracts.snapshots import Snapshot
from cultiva.engine.lake import Lake, Retention
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.kit.errors import CultivaError

DAY = date(1994, 3, 30)
NOW = datetime(1994, 3, 31, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def catalogue() -> MemoryCatalogue:
    return MemoryCatalogue()


@pytest.fixture
def lake(tmp_path: Path, catalogue: MemoryCatalogue) -> Lake:
    return Lake(tmp_path / "lake", catalogue)


def stage(lake: Lake, on: date = DAY, *, run_id: str = "run1", table: str = "profile", rows: int = 1) -> Snapshot:
    folder = lake.stage(table, on, run_id=run_id)
    written = write_arrow(pl.DataFrame({"customer_id": [on.toordinal()] * rows}).to_arrow(), folder)
    return lake.snapshot(table, on, folder, written, run_id=run_id)


def publish(lake: Lake, catalogue: MemoryCatalogue, on: date = DAY, **more: str) -> Snapshot:
    snapshot = stage(lake, on, **more)  # type: ignore[arg-type]
    catalogue.publish([snapshot])
    return snapshot


def test_a_staged_snapshot_is_seen_only_when_published(lake: Lake, catalogue: MemoryCatalogue) -> None:
    snapshot = stage(lake)
    assert lake.files_current("profile", DAY) == []
    catalogue.publish([snapshot])
    assert lake.files_current("profile", DAY) == [lake.folder(snapshot)]
    assert snapshot.path == "profile/date=1994-03-30/run1.1"


def test_a_folder_is_never_used_twice(lake: Lake) -> None:
    names = [lake.stage("profile", DAY, run_id=run).name for run in ("a", "a", "b")]
    assert names == ["a.1", "a.2", "b.1"]


def test_a_rerun_replaces_what_its_date_shows_and_nothing_else(lake: Lake, catalogue: MemoryCatalogue) -> None:
    before, first = publish(lake, catalogue, DAY - timedelta(days=1)), publish(lake, catalogue)
    second = publish(lake, catalogue, run_id="run2")
    assert lake.files_history("profile", DAY) == [lake.folder(before), lake.folder(second)]
    assert lake.files_before("profile", DAY) == lake.files_latest("profile", DAY - timedelta(days=1))
    assert lake.folder(first).exists()


def test_the_latest_is_the_newest_up_to_a_date(lake: Lake, catalogue: MemoryCatalogue) -> None:
    assert lake.files_latest("profile") == []
    days = [publish(lake, catalogue, DAY + timedelta(days=n)) for n in range(3)]
    assert lake.files_latest("profile", DAY + timedelta(days=1)) == [lake.folder(days[1])]
    assert lake.files_latest("profile") == [lake.folder(days[2])]


def test_sweeping_removes_leftovers_and_keeps_published_and_active(lake: Lake, catalogue: MemoryCatalogue) -> None:
    replaced, published = publish(lake, catalogue), publish(lake, catalogue, run_id="run2")
    crashed, active = stage(lake, run_id="run3"), stage(lake, run_id="run4")
    removed = lake.sweep(at=NOW, active_runs=["run4"])
    assert [path.as_posix() for path in removed] == [replaced.path, crashed.path]
    assert [lake.folder(one).exists() for one in (published, active)] == [True, True]
    assert lake.sweep(at=NOW, active_runs=["run4"]) == []
    assert not (lake.root / ".trash").exists()


def test_a_reader_with_the_old_pointer_can_finish_within_the_grace(lake: Lake, catalogue: MemoryCatalogue) -> None:
    old = publish(lake, catalogue)
    held = lake.files_current("profile", DAY)
    publish(lake, catalogue, run_id="run2", rows=2)  # type: ignore[arg-type]
    assert lake.sweep(at=NOW, grace=HOUR) == []
    assert pl.read_parquet(part_files(held)).height == 1
    assert lake.sweep(at=NOW + HOUR - timedelta(seconds=1), grace=HOUR) == []
    assert pl.read_parquet(part_files(held)).height == 1
    assert [path.as_posix() for path in lake.sweep(at=NOW + HOUR, grace=HOUR)] == [old.path]
    with pytest.raises(CultivaError, match="no Parquet file"):
        part_files(held)


def test_the_grace_begins_when_a_folder_is_replaced_and_not_when_it_was_written(
    lake: Lake, catalogue: MemoryCatalogue
) -> None:
    old = publish(lake, catalogue)
    assert lake.sweep(at=NOW, grace=HOUR) == []
    publish(lake, catalogue, run_id="run2")
    assert lake.sweep(at=NOW + 9 * HOUR, grace=HOUR) == []
    assert lake.folder(old).exists()
    assert lake.sweep(at=NOW + 10 * HOUR, grace=HOUR)


def test_a_folder_that_is_published_again_has_its_whole_grace_again(lake: Lake, catalogue: MemoryCatalogue) -> None:
    old, new = publish(lake, catalogue), publish(lake, catalogue, run_id="run2")
    lake.sweep(at=NOW, grace=HOUR)
    catalogue.publish([old])
    lake.sweep(at=NOW + HOUR / 2, grace=HOUR)
    catalogue.publish([new])
    assert lake.sweep(at=NOW + HOUR, grace=HOUR) == []
    assert lake.folder(old).exists()


@pytest.mark.parametrize("note", ["", "[]", '{"profile/date=1994-03-30/run1.1": "soon"}', '{"a": 1}'])
def test_a_note_that_cannot_be_read_begins_the_grace_anew(lake: Lake, catalogue: MemoryCatalogue, note: str) -> None:
    publish(lake, catalogue)
    publish(lake, catalogue, run_id="run2")
    (lake.root / ".leftovers.json").write_text(note)
    assert lake.sweep(at=NOW, grace=HOUR) == []
    assert len(lake.sweep(at=NOW + HOUR, grace=HOUR)) == 1
    assert not (lake.root / ".leftovers.json").exists()


def test_pruning_withdraws_pointers_before_folders_are_removed(lake: Lake, catalogue: MemoryCatalogue) -> None:
    days = [publish(lake, catalogue, DAY - timedelta(days=n)) for n in range(10)]
    seen: list[bool] = []

    def withdraw(expired: Sequence[Snapshot]) -> None:
        seen.extend(lake.folder(one).exists() for one in expired)
        catalogue.withdraw(expired)

    removed = lake.prune(Retention(keep_days=4, month_ends=False), DAY, withdraw)
    assert {one.business_date for one in removed} == {DAY - timedelta(days=n) for n in range(5, 10)}
    assert seen == [True] * 5
    assert lake.sweep(at=NOW, grace=HOUR) == []
    assert all(lake.folder(one).exists() for one in days)
    assert len(lake.sweep(at=NOW + HOUR, grace=HOUR)) == 5
    assert [lake.folder(one).exists() for one in days] == [True] * 5 + [False] * 5
    assert len(catalogue.published()) == 5


def test_facts_month_ends_and_the_two_newest_are_kept() -> None:
    def of(table: str, *days: date) -> list[Snapshot]:
        one = Snapshot(table, DAY, "x", 0, 0, "", "r")
        return [replace(one, business_date=day, path=f"{table}/{day}") for day in days]

    old = [date(1993, 1, 30), date(1993, 1, 31), date(1993, 2, 1), date(1993, 2, 2), date(1993, 3, 5)]
    expired = Retention(keep_days=10, whole=frozenset({"event"})).expired(
        [*of("event", *old), *of("profile", *old)], DAY
    )
    assert [one.path for one in expired] == ["profile/1993-01-30", "profile/1993-02-01"]


def test_a_later_date_than_todays_stays() -> None:
    later = [Snapshot("profile", DAY + timedelta(days=n), str(n), 0, 0, "", "r") for n in range(5)]
    assert Retention(keep_days=1, month_ends=False).expired(later, DAY) == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".trash", "profil é"])
def test_a_name_that_leaves_the_lake_is_refused(lake: Lake, name: str) -> None:
    with pytest.raises(CultivaError, match="not a name"):
        lake.stage(name, DAY, run_id="run1")
    with pytest.raises(CultivaError, match="not a name"):
        lake.stage("profile", DAY, run_id=name)


def test_readers_see_whole_snapshots_while_others_publish_and_sweep(lake: Lake, catalogue: MemoryCatalogue) -> None:
    """A reader sees one version's rows, all of them, or finds its folder gone; never half of it."""
    catalogue.publish([stage(lake, rows=3)])
    heights: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                parts = part_files(lake.files_current("profile", DAY))
                heights.append(pl.read_parquet(parts).height)
            except (FileNotFoundError, CultivaError):
                continue  # swept between finding and reading

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(2, 40):
        catalogue.publish([stage(lake, run_id=f"run{number}", rows=3)])
        lake.sweep(at=NOW)
    stop.set()
    for reader in readers:
        reader.join()
    assert set(heights) == {3}
