"""The published identity map answers as the map itself would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cultiva.insight.events.identities import MappedIdentities, is_published, open_identities, publish_identities

ROWS = [("core", f"C{number}", 1000 + number // 2) for number in range(500)] + [
    ("crm", "C1", 7),
    ("crm", "王小芳", 8),
    ("a", "b:c", 9),
    ("a:b", "c", 10),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("identities")
    pl.DataFrame(ROWS, schema=["source_system", "source_id", "customer_id"], orient="row").write_parquet(
        root / "m.parquet"
    )
    assert publish_identities([root / "m.parquet"], root / "run") == len(ROWS)
    return root / "run"


def test_every_record_is_found_and_no_other(folder: Path) -> None:
    found = open_identities(folder)
    assert found.systems == ("a", "a:b", "core", "crm")
    names = [(system, source_id) for system, source_id, _ in ROWS]
    assert found.find(names) == [customer for *_, customer in ROWS]
    assert found.find([("core", "C500"), ("crm", "C2"), ("", "C1"), ("core", "")]) == [0, 0, 0, 0]
    assert found.find([]) == []


def test_a_half_written_map_is_not_there(folder: Path, tmp_path: Path) -> None:
    assert is_published(folder)
    (tmp_path / "run.new").mkdir()
    assert not is_published(tmp_path / "run")
    assert [one.name for one in folder.parent.iterdir() if one.is_dir()] == ["run"]


def test_who_publishes_the_same_map_second_leaves_it_as_it_is(folder: Path) -> None:
    before = (folder / "about.json").stat().st_mtime_ns
    assert publish_identities([folder.parent / "m.parquet"], folder) == len(ROWS)
    assert (folder / "about.json").stat().st_mtime_ns == before
    assert [one.name for one in folder.parent.iterdir() if one.is_dir()] == ["run"]


def test_records_whose_hashes_begin_alike_are_told_apart() -> None:
    real = MappedIdentities((), np.array([], np.uint64), np.array([], np.uint64), np.array([], np.int64))
    assert real.find([("core", "C1")]) == [0]
    import hashlib

    upper, lower = np.frombuffer(hashlib.md5(b"core\0C1").digest(), dtype="<u8")
    made = MappedIdentities(
        (), np.array([1, upper, upper, upper], np.uint64).copy(), np.array([1, 2, lower, 3], np.uint64),
        np.array([5, 6, 7, 8], np.int64),
    )  # fmt: skip
    assert made.find([("core", "C1")]) == [7]
