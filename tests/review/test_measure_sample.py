"""The constants that sums are shifted by: means of the first rows, whatever files and types they lie in."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cultiva.review.measure_design import Kind
from cultiva.review.measure_sample import SHIFT_ROWS, shifts_of
from cultiva.review.measure_variables import Variable


def written(folder: Path, *tables: pa.Table) -> list[Path]:
    for place, table in enumerate(tables):
        pq.write_table(table, folder / f"part-{place:05d}.parquet")
    return [folder]


def test_only_the_first_rows_count_over_the_bounds_of_files(tmp_path: Path) -> None:
    amounts = np.concatenate([np.full(SHIFT_ROWS // 2, 100.0), np.full(SHIFT_ROWS // 2, 101.0), np.full(50, 1e9)])
    table = pa.table({"strategy": ["car"] * len(amounts), "y_money": amounts})
    files = written(tmp_path, table.slice(0, 7), table.slice(7))
    assert shifts_of(files, [Variable("vy_money", "y_money")], {}) == {"vy_money": 100.5}


def test_money_whole_numbers_and_missing_values_are_read_as_they_are(tmp_path: Path) -> None:
    table = pa.table(
        {
            "strategy": ["car", "welcome", "car"],
            "y_money": pa.array([Decimal("1000.10"), None, Decimal("1000.30")], pa.decimal128(18, 2)),
            "y_visits": pa.array([70, 71, 72], pa.int64()),
            "y_active": [True, False, None],
            "x_value": pa.array([None, None, None], pa.float64()),
        }
    )
    variables = [
        Variable("money", "y_money"),
        Variable("visits", "y_visits"),
        Variable("share", "y_active", Kind.SHARE),
        Variable("active", "y_active", filled=True),
        Variable("value", "x_value", filled=True),
    ]
    found = shifts_of(written(tmp_path, table), variables, {})
    assert found == {"money": pytest.approx(1000.2), "visits": 71.0, "share": 0.0, "active": 0.5, "value": 0.0}


def test_amounts_near_zero_are_not_shifted_unless_missing_ones_count_as_average(tmp_path: Path) -> None:
    table = pa.table({"strategy": ["car"] * 4, "x_value": [0.0, 1.0, 2.0, 3.0]})
    variables = [Variable("as it is", "x_value"), Variable("filled", "x_value", filled=True)]
    assert shifts_of(written(tmp_path, table), variables, {}) == {"as it is": 0.0, "filled": 1.5}


def test_trimmed_amounts_are_cut_by_their_strategy(tmp_path: Path) -> None:
    table = pa.table({"strategy": ["car", "welcome", None, "other"], "x_value": [0.0, 100.0, 7.0, 9.0]})
    cuts = {"x_value": {"car": (4.0, 6.0), "welcome": (10.0, 20.0)}}
    found = shifts_of(written(tmp_path, table), [Variable("t", "x_value", filled=True, trimmed=True)], cuts)
    assert found == {"t": (4 + 20 + 7 + 9) / 4}


def test_no_rows_need_no_shift(tmp_path: Path) -> None:
    table = pa.table({"strategy": pa.array([], pa.string()), "y_money": pa.array([], pa.float64())})
    assert shifts_of(written(tmp_path, table), [Variable("money", "y_money", filled=True)], {}) == {"money": 0.0}
