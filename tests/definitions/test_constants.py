from __future__ import annotations

import duckdb
import pytest

from cultiva.contracts.types import DataType
from cultiva.definitions.constants import misfit
from cultiva.insight.sources.casts import Kind, Origin, cast

FITS = [
    ("是", DataType.BOOLEAN), (True, DataType.BOOLEAN), (0, DataType.BOOLEAN), ("12.0", DataType.INTEGER),
    (-(2**53), DataType.INTEGER), (1e3, DataType.NUMBER), (".5", DataType.NUMBER), ("12.500", DataType.MONEY),
    (7, DataType.MONEY), ("9" * 16 + ".99", DataType.MONEY), ("1994-03-30", DataType.DATE), ("1994/3/1", DataType.DATE),
    ("19940330", DataType.DATE), ("1994-03-30 00:00:00", DataType.DATE), ("1994-03-30T23:59:59.5Z", DataType.TIMESTAMP),
    ("1994-03-30", DataType.TIMESTAMP), ("anything", DataType.TEXT),
]  # fmt: skip
MISFITS = [
    ("maybe", DataType.BOOLEAN), (2, DataType.BOOLEAN), (1.5, DataType.INTEGER), (2**53 + 1, DataType.INTEGER),
    (True, DataType.INTEGER), ("1e999", DataType.NUMBER), ("1,5", DataType.NUMBER), ("", DataType.NUMBER),
    ("1.005", DataType.MONEY), ("9" * 17, DataType.MONEY), ("1994-02-30", DataType.DATE), ("today", DataType.DATE),
    ("1994330", DataType.DATE), ("1994-03-30 12:00", DataType.DATE), ("12:00", DataType.TIMESTAMP),
    ("x", DataType.LIST),
]  # fmt: skip


@pytest.mark.parametrize(("value", "kind"), FITS)
def test_a_constant_that_can_be_read_is_no_fault(value: str | int | float | bool, kind: DataType) -> None:
    assert misfit(value, kind) == ""


@pytest.mark.parametrize(("value", "kind"), MISFITS)
def test_a_constant_that_cannot_be_read_is_told_what_was_allowed(
    value: str | int | float | bool, kind: DataType
) -> None:
    assert misfit(value, kind) != ""


def test_what_a_format_makes_of_a_text_is_left_to_the_reader() -> None:
    assert misfit("30.3.1994", DataType.DATE, "%d.%m.%Y") == ""


TEXTS = (
    "", "0", "1", "yes", "TRUE", "t", "12", "12.", "12.0", "12.5", "+5", "-5", ".5", "5.", "1e3", "1E-400", "1e400",
    "9007199254740992", "9007199254740993", "1.005", "1.500", "9" * 16, "9" * 17, "9" * 16 + ".99", "1994-03-30",
    "1994/3/1", "1994-03/1", "1994-3-1", "19940330", "19941340", "1994-02-30", "0000-01-01", "1994-03-30 00:00",
    "1994-03-30 0:00", "1994-03-30T00:00:00.000", "1994-03-30 12:00", "1994-03-30 12:00:00.5", "1994330", "x", "-0",
    "+", "-", ".", "1994/03/30 12:00:00",
)  # fmt: skip


@pytest.mark.parametrize("kind", DataType)
def test_the_reader_of_sources_agrees(kind: DataType) -> None:
    for text in TEXTS:
        made = cast(Origin(f"'{text}'::VARCHAR", Kind.TEXT), kind)
        row = duckdb.sql(f"select {made.sql}").fetchone() if made else None
        assert (misfit(text, kind) == "") == (row is not None and row[0] is not None), text
