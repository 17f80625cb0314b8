"""Lists: whom a file of a bank's own means, however it was saved."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cultiva.definitions.base import Label
from cultiva.definitions.segments import Segment
from cultiva.engine.parquet import part_files
from cultiva.insight.profile.parts import write_lists
from cultiva.kit.errors import CultivaError

BOM = b"\xef\xbb\xbf"
PEOPLE = {"source_system": ["core", "core", "app"], "source_id": ["A", "B", "A"], "customer_id": [1, 2, 3]}


def listed(folder: Path, content: bytes, mergers: dict[int, int] | None = None) -> list[int]:
    (folder / "vip.csv").write_bytes(content)
    (folder / "ids").mkdir()
    pl.DataFrame(PEOPLE).write_parquet(folder / "ids" / "part-0.parquet")
    vip = Segment(name="vip", label=Label(zh="字", en="text"), list="vip.csv")
    write_lists(folder, [vip], [folder / "ids"], folder / "made", mergers=mergers)
    found = pl.read_parquet(part_files([folder / "made"]))
    assert found["list__vip"].all()
    return found["customer_id"].to_list()


@pytest.mark.parametrize(
    "content",
    [
        BOM + b"customer_id\r\n2\r\n1\r\n2\r\n",
        b" customer_id , why\n 1 ,x\n,\n2,\n",
        b"customer_id\n1.0\n2.0\n\n",
        BOM + b"source_system, source_id\ncore, A\ncore ,B\ncore,A\ncore,unknown\n",
    ],
)
def test_a_list_means_the_same_however_it_was_saved(tmp_path: Path, content: bytes) -> None:
    assert listed(tmp_path, content) == [1, 2]


def test_an_id_that_was_merged_away_means_the_one_that_lives_on(tmp_path: Path) -> None:
    assert listed(tmp_path, b"customer_id\n7\n1\n3\n", {7: 3}) == [1, 3]


@pytest.mark.parametrize(
    "content",
    [
        "customer_id,姓名\n1,王\n".encode("gb18030"),
        b"",
        b"customer_id\n1\n2,x,y\n",
        b"no\n1\n",
    ],
)
def test_a_list_that_cannot_be_read_whole_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CultivaError, match="list of segment vip"):
        listed(tmp_path, content)
