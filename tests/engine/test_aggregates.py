from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.engine.conftest import ROWS
from tests.fakes.forms import HandForm, arithmetic, column, compare, constant

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.types import DataType
from cultiva.engine import bulk
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import AggregateForm, Engine, Lookup
from cultiva.engine.types import STORED
from cultiva.kit.errors import CultivaError

COUNT, SUM, MIN, MAX = AggregateFunction.COUNT, AggregateFunction.SUM, AggregateFunction.MIN, AggregateFunction.MAX
AVERAGE, DISTINCT = AggregateFunction.AVERAGE, AggregateFunction.COUNT_DISTINCT
LATEST = AggregateFunction.LATEST
INTEGER, NUMBER, MONEY, TEXT = DataType.INTEGER, DataType.NUMBER, DataType.MONEY, DataType.TEXT

AMOUNT, SCORE, KIND = column("amount", MONEY), column("score", NUMBER), column("kind", TEXT)
BOOKED, FLAG = column("booked_on", DataType.DATE), column("flag", DataType.BOOLEAN)
FEE = compare("kind", "__eq__", "fee")


def of(function: AggregateFunction, type: DataType, value: HandForm | None = None, **more: Any) -> AggregateForm:
    return AggregateForm(function=function, type=type, value=value, **more)


AFTER = compare("at", "__gt__", datetime.fromisoformat("1994-03-03T23:59:59.999999"))
COLUMNS = {
    "rows": of(COUNT, INTEGER),
    "fees": of(COUNT, INTEGER, where=FEE),
    "amount_sum": of(SUM, MONEY, AMOUNT),
    "amount_fee_sum": of(SUM, MONEY, AMOUNT, where=FEE),
    "amount_as_number": of(SUM, NUMBER, AMOUNT, where=AFTER),
    "interest": of(SUM, MONEY, arithmetic("amount", 0.005)),
    "cost": of(SUM, MONEY, constant(0.5, NUMBER)),
    "cost_of_fees": of(SUM, NUMBER, constant(0.5, NUMBER), where=FEE),
    "all": of(COUNT, INTEGER, where=constant(True, DataType.BOOLEAN)),
    "none": of(COUNT, INTEGER, where=constant(False, DataType.BOOLEAN)),
    "one": of(DISTINCT, INTEGER, constant("x", TEXT)),
    "score_sum": of(SUM, NUMBER, SCORE),
    "days_sum": of(SUM, INTEGER, column("days", INTEGER)),
    "amount_min": of(MIN, MONEY, AMOUNT),
    "amount_max": of(MAX, MONEY, AMOUNT, where=FEE),
    "kind_min": of(MIN, TEXT, KIND),
    "kind_max": of(MAX, TEXT, KIND),
    "booked_max": of(MAX, DataType.DATE, BOOKED),
    "flag_max": of(MAX, DataType.BOOLEAN, FLAG),
    "amount_average": of(AVERAGE, MONEY, AMOUNT),
    "score_average": of(AVERAGE, NUMBER, SCORE, where=compare("score", "__lt__", 100.0)),
    "days_average": of(AVERAGE, NUMBER, column("days", INTEGER)),
    "kinds": of(DISTINCT, INTEGER, KIND),
    "scores": of(DISTINCT, INTEGER, SCORE),
    "fee_amounts": of(DISTINCT, INTEGER, AMOUNT, where=FEE),
    "kind_latest": of(LATEST, TEXT, KIND, time="at"),
    "amount_latest": of(LATEST, MONEY, AMOUNT, time="at"),
    "fee_latest": of(LATEST, MONEY, AMOUNT, time="at", where=FEE),
    "score_latest": of(LATEST, NUMBER, SCORE, time="booked_on"),
    "booked_latest": of(LATEST, DataType.DATE, BOOKED, time="at"),
    "flag_latest": of(LATEST, DataType.BOOLEAN, FLAG, time="at"),
    "at_latest": of(LATEST, DataType.TIMESTAMP, column("at", DataType.TIMESTAMP), time="at"),
}


def read(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(part_files([folder]))


@pytest.fixture(scope="session")
def on_duckdb(duckdb_engine: Engine, movements: list[Path], tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("aggregates") / "written"
    duckdb_engine.aggregate(movements, COLUMNS, folder)
    return read(folder)


def column_of(table: pl.DataFrame, name: str) -> list[Any]:
    return table[name].to_list()


def test_one_row_per_key_in_order_and_none_for_a_missing_key(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "customer_id") == [1, 2, 5]


def test_a_constant_counts_for_every_row(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "cost") == [Decimal("2.00"), Decimal("2.00"), Decimal("1.00")]
    assert column_of(on_duckdb, "cost_of_fees") == [0.0, 0.5, 0.5]
    assert column_of(on_duckdb, "all") == [4, 4, 2]
    assert column_of(on_duckdb, "none") == [0, 0, 0]
    assert column_of(on_duckdb, "one") == [1, 1, 1]


def test_counts_rows_and_rows_where_the_condition_is_true(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "rows") == [4, 4, 2]
    assert column_of(on_duckdb, "fees") == [0, 1, 1]


def test_sums_money_to_the_cent_and_gives_zero_where_nothing_takes_part(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "amount_sum") == [Decimal("-9999999999995.69"), Decimal("3.01"), Decimal("-0.03")]
    assert column_of(on_duckdb, "amount_fee_sum") == [Decimal("0.00"), Decimal("1.00"), Decimal("-0.01")]


def test_sums_money_as_a_number_without_binary_dust(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "amount_as_number") == [0.0, 3.01, -0.03]


def test_a_computed_amount_is_rounded_to_the_cent_row_by_row_half_away_from_zero(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "interest")[1:] == [Decimal("0.03"), Decimal("0.00")]


def test_numbers_are_summed_in_billionths_and_bounded_by_two_to_the_53(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "score_sum") == [2**53 + 0.3, 0.3, -2.75]


def test_whole_numbers_are_summed_exactly(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "days_sum") == [2**53, 7, 0]


def test_extremes_ignore_nulls_and_compare_text_by_code_point(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "kind_min") == ["工资", "Fee", ""]
    assert column_of(on_duckdb, "kind_max") == ["消费", "𠮷野家", "fee"]
    assert column_of(on_duckdb, "amount_max") == [None, Decimal("1.00"), Decimal("-0.01")]
    assert column_of(on_duckdb, "booked_max")[2] == date(1582, 1, 1)


def test_an_average_of_money_is_rounded_half_away_from_zero(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "amount_average") == [
        Decimal("-2499999999998.92"),
        Decimal("1.00"),
        Decimal("-0.02"),
    ]


def test_an_average_ignores_nulls_and_is_null_without_values(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "days_average") == [2**53 / 3, 7.0, None]


def test_counts_different_values_without_null_and_zero_has_no_sign(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "kinds") == [2, 3, 2]
    assert column_of(on_duckdb, "scores") == [4, 2, 2]
    assert column_of(on_duckdb, "fee_amounts") == [0, 1, 1]


def test_latest_takes_the_last_row_that_has_a_value_and_the_largest_of_a_tie(on_duckdb: pl.DataFrame) -> None:
    assert column_of(on_duckdb, "kind_latest") == ["消费", "fee", "fee"]
    assert column_of(on_duckdb, "amount_latest") == [Decimal("5.00"), Decimal("1.00"), Decimal("-0.01")]
    assert column_of(on_duckdb, "fee_latest") == [None, Decimal("1.00"), Decimal("-0.01")]
    assert column_of(on_duckdb, "booked_latest") == [date(1994, 3, 3), date(1994, 3, 9), date(1582, 1, 1)]


def test_every_column_is_stored_in_its_type(on_duckdb: pl.DataFrame) -> None:
    assert {name: on_duckdb.schema[name] for name in COLUMNS} == {
        name: STORED[form.type].polars for name, form in COLUMNS.items()
    }


@pytest.mark.spark
def test_spark_gives_the_same_content_and_schema(
    spark_engine: Engine, duckdb_engine: Engine, on_duckdb: pl.DataFrame, movements: list[Path], tmp_path: Path
) -> None:
    there = spark_engine.aggregate(movements, COLUMNS, tmp_path / "spark")
    here = duckdb_engine.aggregate(movements, COLUMNS, tmp_path / "duckdb")
    found = read(tmp_path / "spark")
    assert found.rows() == on_duckdb.rows()
    assert found.schema == on_duckdb.schema
    assert (there.rows, there.fingerprint) == (here.rows, here.fingerprint)


def test_no_files_give_a_typed_table_without_rows(engine: Engine, folder: Path) -> None:
    written = engine.aggregate([], COLUMNS, folder)
    assert written.rows == 0
    assert read(folder).schema["amount_sum"] == STORED[MONEY].polars


def test_rows_reach_their_key_through_a_lookup(engine: Engine, movements: list[Path], tmp_path: Path) -> None:
    owners = pl.DataFrame({"kind": ["fee", "工资", "unused"], "owner": [7, 8, 9], "title": ["a", "b", "c"]})
    write_arrow(owners.to_arrow(), tmp_path / "owners")
    columns = {
        "rows": of(COUNT, INTEGER),
        "title": of(MAX, TEXT, column("title", TEXT)),
        "amount": of(SUM, MONEY, AMOUNT),
    }
    through = Lookup(files=[tmp_path / "owners"], keys=("kind",))
    engine.aggregate(movements, columns, tmp_path / "written", by="owner", through=through)
    assert read(tmp_path / "written").rows() == [(7, 3, "a", Decimal("99.99")), (8, 2, "b", Decimal("0.30"))]


def test_large_groups_add_up_in_any_order(duckdb_engine: Engine, tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    cents, groups = random.integers(-(10**12), 10**12, 300_000), random.integers(0, 3, 300_000)
    amounts = (pl.Series(cents).cast(pl.Decimal(38, 2)) / 100).cast(pl.Decimal(18, 2))
    table = pl.DataFrame({"customer_id": groups, "amount": amounts})
    write_arrow(table.to_arrow(), tmp_path / "one")
    write_arrow(table.sample(fraction=1, shuffle=True, seed=1).to_arrow(), tmp_path / "two")
    columns = {"total": of(SUM, MONEY, AMOUNT), "mean": of(AVERAGE, MONEY, AMOUNT), "n": of(SUM, NUMBER, AMOUNT)}
    one = duckdb_engine.aggregate([tmp_path / "one"], columns, tmp_path / "out one")
    two = duckdb_engine.aggregate([tmp_path / "two"], columns, tmp_path / "out two")
    assert one.fingerprint == two.fingerprint
    totals: dict[int, list[int]] = defaultdict(list)
    for group, cent in zip(groups.tolist(), cents.tolist(), strict=True):
        totals[group].append(cent)
    expected = [
        (
            group,
            Decimal(sum(values)) / 100,
            (Decimal(sum(values)) / len(values) / 100).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP),
        )
        for group, values in sorted(totals.items())
    ]
    assert read(tmp_path / "out one").select("customer_id", "total", "mean").rows() == expected


def test_ranges_of_keys_give_what_one_pass_gives(
    duckdb_engine: Engine, movements: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = duckdb_engine.aggregate(movements, COLUMNS, tmp_path / "once")
    monkeypatch.setattr(bulk, "CELLS_PER_PASS", len(COLUMNS) * 2)
    ranges = duckdb_engine.aggregate(movements, COLUMNS, tmp_path / "ranges")
    assert len(part_files([tmp_path / "ranges"])) == 3
    assert (ranges.rows, ranges.fingerprint) == (once.rows, once.fingerprint)
    assert read(tmp_path / "ranges").rows() == read(tmp_path / "once").rows()


def test_a_key_of_text_and_a_key_that_is_always_missing_are_grouped_too(
    duckdb_engine: Engine, movements: list[Path], tmp_path: Path
) -> None:
    columns = {"rows": of(COUNT, INTEGER)}
    duckdb_engine.aggregate(movements, columns, tmp_path / "by kind", by="kind")
    assert read(tmp_path / "by kind").rows()[:2] == [("", 1), ("Fee", 1)]
    nobody = pl.DataFrame({"customer_id": [None, None]}, schema={"customer_id": pl.Int64})
    write_arrow(nobody.to_arrow(), tmp_path / "nobody")
    assert duckdb_engine.aggregate([tmp_path / "nobody"], columns, tmp_path / "none").rows == 0


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        (of(SUM, MONEY), "no value"),
        (of(LATEST, TEXT, KIND), "no time"),
        (of(SUM, TEXT, KIND), "not a number"),
        (of(AVERAGE, INTEGER, SCORE), "not a whole number"),
    ],
)
def test_an_impossible_aggregate_says_what_is_wrong(
    engine: Engine, movements: list[Path], folder: Path, form: AggregateForm, problem: str
) -> None:
    with pytest.raises(CultivaError, match=problem):
        engine.aggregate(movements, {"x": form}, folder)


def test_the_rows_of_this_module_have_what_the_tests_are_about() -> None:
    assert any(row["customer_id"] is None for row in ROWS)
    assert any(row["amount"] is None for row in ROWS)
