"""Lines of the lake that are kept: read once for a whole list, never those of another folder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from cultiva.loop.parts import Parts
from cultiva.loop.person import lines
from cultiva.loop.person.lines import Lines
from cultiva.loop.person.rows import Row, rows_in

DAY = date(2026, 3, 2)


class Folder:
    """A lake of one table."""

    def __init__(self, root: Path) -> None:
        self.root, self.now = root, root / "none"
        self.parts = cast(Parts, SimpleNamespace(lake=SimpleNamespace(files_current=self._files)))

    def publish(self, name: str, ages: dict[int, int]) -> None:
        self.now = self.root / name
        self.now.mkdir()
        table = pl.DataFrame({"customer_id": list(ages), "age": list(ages.values()), "secret": ["x"] * len(ages)})
        table.write_parquet(self.now / "part-0.parquet")

    def _files(self, _table: str, _on: date) -> list[Path]:
        return [self.now] if self.now.is_dir() else []


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Whose lines were looked for in the lake, by look."""
    found: list[list[int]] = []

    def noting(files: Sequence[Path], ids: Collection[int], columns: Sequence[str] = ()) -> list[Row]:
        found.append(list(ids))
        return rows_in(files, ids, columns)

    monkeypatch.setattr(lines, "rows_in", noting)
    return found


def ages(kept: Lines, folder: Folder, ids: Sequence[int], **more: Any) -> list[int | None]:
    rows = [kept.of(folder.parts, one, DAY, **more) for one in ids]
    return [None if row is None else row["age"] for row in rows]


def test_a_list_is_read_in_one_look(tmp_path: Path, read: list[list[int]]) -> None:
    folder, kept = Folder(tmp_path), Lines("profile", ("age", "no_such_column"))
    assert ages(kept, folder, [1]) == [None]  # nothing was published
    folder.publish("a", {1: 31, 2: 32, 3: 33})
    assert ages(kept, folder, [2, 1, 7, 2], beside=[1, 7, 2]) == [32, 31, None, 32]
    assert read == [[2, 1, 7]]
    assert kept.of(folder.parts, 2, DAY) == {"customer_id": 2, "age": 32}
    assert ages(kept, folder, [3], beside=[1, 2]) == [33]
    assert read == [[2, 1, 7], [3]]


def test_what_was_kept_of_another_folder_is_forgotten(tmp_path: Path, read: list[list[int]]) -> None:
    """A run anew, or an erasure that has written the folder without somebody."""
    folder, kept = Folder(tmp_path), Lines("profile", ("age",))
    folder.publish("a", {1: 31, 2: 32})
    assert ages(kept, folder, [1], beside=[2]) == [31]
    folder.publish("b", {2: 42})
    assert ages(kept, folder, [2, 1]) == [42, None]
    assert read == [[1, 2], [2], [1]]


def test_so_many_are_kept_and_the_one_longest_unused_goes_first(tmp_path: Path, read: list[list[int]]) -> None:
    folder, kept = Folder(tmp_path), Lines("profile", ("age",), most=2)
    folder.publish("a", {1: 31, 2: 32, 3: 33})
    assert ages(kept, folder, [1, 2, 1, 3, 1, 2]) == [31, 32, 31, 33, 31, 32]
    assert read == [[1], [2], [3], [2]]
    assert ages(kept, folder, [3], beside=[1, 2]) == [33]
