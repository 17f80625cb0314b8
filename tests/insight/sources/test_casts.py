"""The grammar of values: every text becomes what Python's exact arithmetic says, or is refused with the right rule."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.insight.sources.casts import Kind, Origin, cast, kind_of
from cultiva.insight.sources.sql import cleaned

CONNECTION = duckdb.connect()
NUMERALS = st.from_regex(r"[+-]?[0-9]{0,20}([.][0-9]{0,6})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def typed(text: str, target: DataType, form: str | None = None) -> tuple[Any, str | None]:
    """The value of a text, or the rule that it breaks."""
    found = cast(Origin("x", Kind.TEXT, form), target)
    assert found is not None
    whens = " ".join(f"WHEN {one.condition} THEN '{one.rule}'" for one in found.failures)
    rule = f"CASE WHEN v IS NULL THEN CASE {whens} END END" if whens else "NULL"
    sql = f"SELECT v, {rule} FROM (SELECT {found.sql} AS v, x FROM (SELECT ?::VARCHAR AS x))"
    value, broken = CONNECTION.execute(sql, [text]).fetchall()[0]
    return value, broken


@settings(max_examples=300, deadline=None)
@given(NUMERALS | ANY_TEXT)
def test_money_is_exact_or_refused(text: str) -> None:
    value, rule = typed(text, DataType.MONEY)
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text, re.ASCII):
        assert (value, rule) == (None, "money")
    elif Decimal(text) != Decimal(text).quantize(Decimal("0.01")):
        assert (value, rule) == (None, "digits")
    elif abs(Decimal(text)) >= Decimal(10) ** 16:
        assert (value, rule) == (None, "range")
    else:
        assert (value, rule) == (Decimal(text), None)


@settings(max_examples=300, deadline=None)
@given(NUMERALS | ANY_TEXT | st.integers(INTEGER_MAX - 2, INTEGER_MAX + 2).map(str))
def test_whole_numbers_are_exact_or_refused(text: str) -> None:
    value, rule = typed(text, DataType.INTEGER)
    if not re.fullmatch(r"[+-]?[0-9]+(\.0*)?", text, re.ASCII):
        assert (value, rule) == (None, "integer")
    elif abs(int(text.partition(".")[0])) > INTEGER_MAX:
        assert (value, rule) == (None, "range")
    else:
        assert (value, rule) == (int(text.partition(".")[0]), None)


@settings(max_examples=300, deadline=None)
@given(NUMERALS | ANY_TEXT)
def test_numbers_are_those_of_ieee_doubles_or_refused(text: str) -> None:
    value, rule = typed(text, DataType.NUMBER)
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text, re.ASCII):
        assert (value, rule) == (None, "number")
    elif abs(float(text)) == float("inf"):
        assert (value, rule) == (None, "range")
    else:
        assert value == pytest.approx(float(text), rel=1e-15)
        assert str(value) != "-0.0"


@settings(max_examples=200, deadline=None)
@given(st.dates(date(1, 1, 1), date(9999, 12, 31)), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y"]))
def test_dates_come_back_as_they_were_written(day: date, form: str) -> None:
    text = day.strftime(form).rjust(len("01.01.0001") if "." in form else 0)
    assert typed(text, DataType.DATE, form if "." in form else None)[0] in (day, None)
    if day.year >= 1000:
        assert typed(text, DataType.DATE, form) == (day, None)


@settings(max_examples=200, deadline=None)
@given(
    ANY_TEXT | st.sampled_from(["infinity", "epoch", "today", "2024-02-30", "24-01-01", "20240230", "2024-1-1 (BC)"])
)
def test_what_is_no_date_is_refused(text: str) -> None:
    value, rule = typed(text, DataType.DATE)
    if re.fullmatch(r"[0-9]{4}[-/]?[0-9]{1,2}[-/]?[0-9]{1,2}.*", text, re.ASCII) is None:
        assert (value, rule) == (None, "date")
    assert (value is None) == (rule is not None)


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("930230", "%y%m%d", None),
        ("93111", "%y%m%d", None),
        ("931101", "%y%m%d", date(1993, 11, 1)),
        ("1/2/1993", "%d/%m/%Y", date(1993, 2, 1)),
        ("2024年1月2日", "%Y年%m月%d日", date(2024, 1, 2)),
        ("931107 00:00:00", "%y%m%d %H:%M:%S", date(1993, 11, 7)),
    ],
)
def test_digits_do_not_slide_in_formats_without_separators(text: str, form: str, day: date | None) -> None:
    assert typed(text, DataType.DATE, form) == (day, None if day else "date")


@pytest.mark.parametrize(
    ("text", "value"),
    [("TRUE", True), ("是", True), ("n", False), ("0", False), ("2", None), ("maybe", None)],
)
def test_truth_has_few_spellings(text: str, value: bool | None) -> None:
    assert typed(text, DataType.BOOLEAN) == (value, "boolean" if value is None else None)


@settings(max_examples=200, deadline=None)
@given(st.text("ab !\t\r\n\u00a0\u3000中", max_size=8))
def test_cleaning_takes_blanks_off_both_ends_and_nothing_else(text: str) -> None:
    (found,) = CONNECTION.execute(f"SELECT {cleaned('x')} FROM (SELECT ?::VARCHAR AS x)", [text]).fetchall()[0]
    assert found == (text.strip(" \t\r\n\u00a0\u3000") or None)


@pytest.mark.parametrize("duckdb_type", ["BLOB", "TIME", "INTERVAL", "BIT"])
def test_what_has_no_meaning_here_is_never_cast(duckdb_type: str) -> None:
    assert all(cast(Origin("x", kind_of(duckdb_type)), target) is None for target in DataType)


@pytest.mark.parametrize("kind", ["DECIMAL(18,2)", "DECIMAL(17,1)", "DECIMAL(16,0)", "DECIMAL(5,2)"])
def test_decimals_that_hold_nothing_but_amounts_need_no_judging(kind: str) -> None:
    found = cast(Origin("x", kind_of(kind)), DataType.MONEY)
    assert found is not None
    assert found.failures == ()
    digits, places = (int(part) for part in re.findall(r"\d+", kind))
    largest = Decimal("9" * digits).scaleb(-places)
    sql = f"SELECT {found.sql} FROM (SELECT CAST('-{largest}' AS {kind}) AS x)"
    assert CONNECTION.execute(sql).fetchall() == [(-largest,)]


@pytest.mark.parametrize("kind", ["DECIMAL(18,3)", "DECIMAL(18,1)", "DECIMAL(17,0)", "DECIMAL(38,2)", "DECIMAL(4,4)"])
def test_other_decimals_are_judged_one_by_one(kind: str) -> None:
    found = cast(Origin("x", kind_of(kind)), DataType.MONEY)
    assert found is not None
    assert [failure.rule for failure in found.failures] == ["range", "digits"]
