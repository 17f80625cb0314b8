from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cultiva.engine.fingerprint import fingerprint, hash_batch
from cultiva.engine.parquet import write_arrow
from cultiva.kit.errors import CultivaError


def of(**columns: Any) -> tuple[int, int]:
    first = second = 0
    for batch in pa.table(columns).to_batches():
        one, two = hash_batch(batch)
        first, second = (first + one) % 2**64, (second + two) % 2**64
    return first, second


def test_the_golden_fingerprint_holds(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": [1, -2, None],
            "name": ["深耕", "", None],
            "amount": pa.array([Decimal("1.10"), Decimal("-2.20"), None], pa.decimal128(18, 2)),
            "rate": [0.1, -0.0, None],
            "on": [date(1994, 3, 30), date(1899, 1, 1), None],
            "open": [True, False, None],
            "labels": [["a", None], [], None],
        }
    )
    assert write_arrow(table, tmp_path / "golden").fingerprint == "2ef7cb2b5fb34f009d452ea06e56ba93"


def test_the_order_of_rows_and_columns_does_not_matter() -> None:
    assert of(a=[1, 2, 3], b=["x", None, "z"]) == of(b=["z", "x", None], a=[3, 1, 2])


def test_minus_zero_is_zero_and_narrow_whole_numbers_are_wide_ones() -> None:
    assert of(a=[-0.0]) == of(a=[0.0])
    assert of(a=pa.array([-7], pa.int16())) == of(a=pa.array([-7], pa.int64()))
    assert of(a=pa.array(["深"], pa.string())) == of(a=pa.array(["深"], pa.string_view()))


def test_texts_that_a_file_holds_as_numbers_hash_like_any_others(tmp_path: Path) -> None:
    table = pa.table({"kind": [*["deposit", "", None, "深耕"] * 5_000, *[None] * 20_000], "empty": [None] * 40_000})
    table = table.cast(pa.schema([("kind", pa.string()), ("empty", pa.string())]))
    for coded in (True, False):
        pq.write_table(table, tmp_path / f"{coded}.parquet", use_dictionary=coded, row_group_size=20_000)
    in_memory = sum_of(table)
    assert [fingerprint([tmp_path / f"{coded}.parquet"], threads=2) for coded in (True, False)] == [in_memory] * 2


def sum_of(table: pa.Table) -> str:
    sums = [hash_batch(batch) for batch in table.to_batches()]
    return "".join(f"{sum(one[part] for one in sums) % 2**64:016x}" for part in (0, 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1]}, {"a": [2]}),
        ({"a": [1]}, {"b": [1]}),
        ({"a": [0]}, {"a": pa.array([None], pa.int64())}),
        ({"a": [0]}, {"a": [0.0]}),
        ({"a": [1, 1]}, {"a": [1]}),
        ({"a": [1, 2], "b": [1, 2]}, {"a": [1, 2], "b": [2, 1]}),
        ({"a": [""]}, {"a": pa.array([None], pa.string())}),
        ({"a": ["ab"], "b": ["c"]}, {"a": ["a"], "b": ["bc"]}),
        ({"a": [["x"], ["y", "z"]]}, {"a": [["x", "y"], ["z"]]}),
        ({"a": pa.array([[]], pa.list_(pa.string()))}, {"a": pa.array([None], pa.list_(pa.string()))}),
        ({"a": [b"x"]}, {"a": ["x"]}),
        ({"a": [True]}, {"a": [False]}),
    ],
)
def test_different_content_has_a_different_fingerprint(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert of(**one) != of(**other)


def test_slices_nulls_and_batches_do_not_matter(tmp_path: Path) -> None:
    values = [None if n % 7 == 0 else n for n in range(100_000)]
    table = pa.table(
        {"n": values, "t": [None if n is None else f"客{n}" for n in values], "l": [[str(n)] for n in values]}
    )
    pq.write_table(table, tmp_path / "one.parquet", row_group_size=100_000)
    pq.write_table(table.slice(60_001), tmp_path / "two.parquet", row_group_size=777)
    pq.write_table(table.slice(0, 60_001), tmp_path / "three.parquet", row_group_size=50_000)
    together = fingerprint([tmp_path / "two.parquet", tmp_path / "three.parquet"], threads=3)
    assert fingerprint([tmp_path / "one.parquet"], threads=1) == together
    assert of(n=table["n"], t=table["t"], l=table["l"]) == (int(together[:16], 16), int(together[16:], 16))


def test_a_type_that_is_not_stored_is_refused() -> None:
    with pytest.raises(CultivaError, match="does not store"):
        of(a=pa.array([1], pa.duration("s")))
