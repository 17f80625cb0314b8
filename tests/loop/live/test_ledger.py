"""Ledgers: what was published last is known for sure, or everything is published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from cultiva.contracts.moments import is_nothing, read_hot
from cultiva.loop.live.ledger import KEY, KINDS, PRINT, Ledger, changed, print_of, published_on
from cultiva.stream.embedded_hot import EmbeddedHotStore

ON, NEXT = date(1994, 4, 1), date(1994, 4, 2)
PARTITIONS = 4


def opened(folder: Path, name: str = "hot.db") -> EmbeddedHotStore:
    return EmbeddedHotStore(folder / name, partitions=PARTITIONS)


@pytest.fixture
def hot(tmp_path: Path) -> Iterator[EmbeddedHotStore]:
    store = opened(tmp_path)
    yield store
    store.close()


def ledger(folder: Path, hot: EmbeddedHotStore, kind: str = "papers", *, meaning: str = "rules") -> Ledger:
    return Ledger(folder, hot, kind, partitions=PARTITIONS, meaning=[meaning])


def rows(**prints: int) -> pl.DataFrame:
    columns = {KEY: [int(name[1:]) for name in prints], PRINT: list(prints.values())}
    return pl.DataFrame(columns, schema={KEY: pl.Int64, PRINT: pl.UInt64})


def test_what_was_published_is_known_by_the_next_one(tmp_path: Path, hot: EmbeddedHotStore) -> None:
    first = ledger(tmp_path, hot)
    assert first.last() is None
    first.begin()
    assert first.finish(rows(c1=10, c2=20), ON, carried={2})
    last = ledger(tmp_path, hot).last()
    assert last is not None and (last.on, last.carried) == (ON, (2,))
    assert changed(last, rows(c1=10, c2=21, c3=30)) == {2, 3}
    assert published_on(hot, "papers", partitions=PARTITIONS) == ON
    assert published_on(hot, "bases", partitions=PARTITIONS) is None, "each kind has its own"
    assert len(list((tmp_path / ".cultiva/live/published").glob("*.parquet"))) == 1


def test_a_publication_that_was_not_finished_leaves_nothing_to_rely_on_but_the_date(
    tmp_path: Path, hot: EmbeddedHotStore
) -> None:
    first = ledger(tmp_path, hot)
    first.begin()
    first.finish(rows(c1=10), ON)
    ledger(tmp_path, hot).begin()  # and is killed
    assert ledger(tmp_path, hot).last() is None
    assert published_on(hot, "papers", partitions=PARTITIONS) == ON, "what stands there is that of ON, or newer"


def test_a_hot_store_without_the_stamp_is_published_as_a_whole(tmp_path: Path, hot: EmbeddedHotStore) -> None:
    first = ledger(tmp_path, hot)
    first.begin()
    first.finish(rows(c1=10), ON)
    other = opened(tmp_path, "other.db")
    assert ledger(tmp_path, other).last() is None
    other.close()
    assert ledger(tmp_path, hot, meaning="other rules").last() is None
    assert ledger(tmp_path, hot, "bases").last() is None
    assert ledger(tmp_path, hot).last() is not None


def test_of_two_who_publish_at_once_neither_is_relied_on(tmp_path: Path, hot: EmbeddedHotStore) -> None:
    one, two = ledger(tmp_path, hot), ledger(tmp_path, hot)
    one.begin()
    two.begin()
    assert not one.finish(rows(c1=10), ON)
    assert ledger(tmp_path, hot).last() is None
    assert two.finish(rows(c1=11), NEXT), "it began last, and has seen what the other had written"


def test_stamps_stand_in_every_partition_in_the_place_of_nobody(tmp_path: Path, hot: EmbeddedHotStore) -> None:
    for kind in KINDS:
        made = ledger(tmp_path, hot, kind)
        made.begin()
        made.finish(rows(c1=10), ON)
    with hot._file.reading() as connection:
        found = dict(connection.execute("select customer_id, body from state"))
    assert len(found) == PARTITIONS * len(KINDS) and all(number < 0 for number in found)
    assert all(is_nothing(read_hot(state).profile) for state in found.values()), "whoever reads one learns nothing"


def test_a_fingerprint_moves_with_every_value_and_only_with_values() -> None:
    def prints(**columns: list[object]) -> list[int]:
        frame = pl.DataFrame(columns)
        return frame.select(print_of(*(pl.col(name) for name in columns)).alias("p"))["p"].to_list()

    base = prints(a=[1.5, None, 2.0], b=["x", "x", None])
    assert base == prints(a=[1.5, None, 2.0], b=["x", "x", None])
    assert len({*base, *prints(a=[None, 1.5, 2.5], b=["z", None, ""])}) == 6
