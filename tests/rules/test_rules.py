"""What a compiled rule says about itself and gives for one customer."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.rules.golden import SCOPE

from cultiva.contracts.types import DataType as T
from cultiva.kit.errors import CultivaError
from cultiva.rules import RuleErrors, Scope, check_rule, compile_rule, infer_scope

TODAY = date(2024, 2, 29)
ROW: dict[str, Any] = {
    "aum": Decimal("400000.00"),
    "age": 40,
    "stage": "mature",
    "name": None,
    "last_login": date(2024, 1, 1),
    "at": datetime.fromisoformat("2024-02-29 08:00:00"),
    "a_flag": None,
    "tags": ["a"],
    "in_list_vip": None,
}


def value(text: str, **row: Any) -> Any:
    return compile_rule(text, SCOPE).closure(TODAY)({**ROW, **row})


def test_a_rule_names_its_columns_segments_and_type() -> None:
    rule = compile_rule("segment('wealthy') and segment('vip') and age + 1 > 3", SCOPE, expected=T.BOOLEAN)
    assert rule.columns == {"aum", "in_list_vip", "age"}
    assert rule.segments == {"wealthy", "vip"}
    assert rule.type is T.BOOLEAN


def test_all_faults_of_a_text_are_raised_at_once_with_their_places() -> None:
    with pytest.raises(RuleErrors) as caught:
        compile_rule("aun > 1\nand agee > 2", SCOPE)
    assert [(fault.line, fault.column, fault.seen) for fault in caught.value.faults] == [(1, 1, "aun"), (2, 5, "agee")]
    assert "^" in str(caught.value)
    assert check_rule("aun > 1\nand agee > 2", SCOPE) == list(caught.value.faults)


def test_a_rule_gives_the_type_that_is_expected() -> None:
    assert compile_rule("age", SCOPE, expected=T.NUMBER).closure(TODAY)(ROW) == 40.0
    assert compile_rule("aum", SCOPE, expected=T.MONEY).type is T.NUMBER
    assert compile_rule("null", SCOPE, expected=T.DATE).type is T.DATE
    assert check_rule("aum", SCOPE, expected=T.BOOLEAN)[0].code == "rules.wrong_type"


@pytest.mark.parametrize("aum", [Decimal("0.10"), 0.1])
def test_money_may_be_decimal_or_float(aum: Any) -> None:
    assert value("aum = 0.1 and aum + 0.2 > 0.3", aum=aum) is True


def test_a_segment_that_is_null_counts_as_false() -> None:
    assert value("segment('wealthy')", aum=None) is False
    assert value("not segment('wealthy')", aum=None) is True
    assert value("segment('vip')", in_list_vip=None) is False


def test_integers_beyond_2_to_the_53_are_null() -> None:
    big = 2**53
    assert value("age + 1", age=big) is None
    assert value("age + 1 - 1", age=big) == big
    assert value("(age + 1) * 1", age=big) is None
    assert value("age * age", age=94906267) is None


def test_numbers_that_are_not_finite_are_null() -> None:
    assert value("aum * 1e308", aum=10.0) is None
    assert value("aum * 1e308 - aum * 1e308 is null", aum=10.0) is True
    assert value("1 / (aum * 1e308)", aum=10.0) is None


def test_constants_are_numbers() -> None:
    assert value("age * rate") == 20.0


def test_event_functions_become_windows_with_hidden_columns() -> None:
    text = "event_count('loan_started', 7, amount > 10 and channel = 'app') >= 1 and event_count('loan_started', 7) = 0"
    first, second = compile_rule(text, SCOPE).events
    assert (first.function, first.event, first.days, first.property) == ("event_count", "loan_started", 7, None)
    assert first.condition is not None
    assert first.condition.columns == {"amount", "channel"}
    assert second.condition is None
    assert first.column.startswith("ev_")
    assert first.column != second.column
    assert compile_rule(text, SCOPE).columns == {first.column, second.column}


def test_an_event_window_is_named_by_what_it_means_not_how_it_is_written() -> None:
    one = compile_rule("event_sum('loan_started', 'amount', 7, amount>10) > 1", SCOPE).events
    two = compile_rule("1 < EVENT_SUM( 'loan_started','amount',7, (amount > 10.0) )", SCOPE).events
    other = compile_rule("event_sum('loan_started', 'amount', 8, amount>10) > 1", SCOPE).events
    assert one[0].column == two[0].column != other[0].column
    assert one[0].type is T.NUMBER


def test_no_event_counts_as_none_and_has_no_last_day() -> None:
    for text, wanted in {
        "event_count('loan_started', 7)": 0,
        "event_sum('loan_started', 'amount', 7)": 0.0,
        "days_since_event('loan_started')": None,
    }.items():
        rule = compile_rule(text, SCOPE)
        assert rule.closure(TODAY)({rule.events[0].column: None}) == wanted


def test_days_since_event_counts_from_the_last_ones_day() -> None:
    rule = compile_rule("days_since_event('loan_started', product = 'car')", SCOPE)
    assert rule.events[0].type is T.DATE
    assert rule.closure(TODAY)({rule.events[0].column: date(2024, 2, 1)}) == 28


def test_events_within_segments_are_the_rules_too() -> None:
    scope = Scope({}, segments={"s": "event_count('e', 7) > 0"}, events={"e": {}})
    assert [window.event for window in compile_rule("not segment('s')", scope).events] == ["e"]


def test_an_explanation_goes_clause_by_clause_and_says_what_was_null() -> None:
    rule = compile_rule("segment('wealthy') and (a_flag or age > 65) and stage = 'mature'", SCOPE)
    explained = rule.explain(ROW, TODAY)
    assert explained.value is None
    assert explained.lines() == [
        "null  segment('wealthy') and (a_flag or (age > 65)) and (stage = 'mature')",
        "  true  segment('wealthy')",
        "    true  aum >= 300000.0   [aum = 400000.0]",
        "  null  a_flag or (age > 65)",
        "    null  a_flag   [null because a_flag has no value]",
        "    false age > 65   [age = 40]",
        "  true  stage = 'mature'   [stage = 'mature']",
    ]


def test_values_tell_their_types_when_a_rule_is_tried() -> None:
    scope, row = infer_scope(
        {"n": 3, "x": 1.5, "b": True, "d": "1994-01-01", "t": "1994-01-01 10:00:00", "s": "abc", "l": ["a"], "u": None}
    )
    assert [scope.names[name] for name in "nxbdtsl"] == [
        *(T.INTEGER, T.NUMBER, T.BOOLEAN, T.DATE, T.TIMESTAMP, T.TEXT, T.LIST)
    ]
    for text, wanted in {
        "days_between(d, today) > 30": True,
        "u > 3": None,
        "u is null": True,
        "days_between(u, today)": None,
        "coalesce(u, s)": "abc",
        "u = u": None,
        "if(b, u, n)": None,
    }.items():
        assert compile_rule(text, scope).closure(TODAY)(row) == wanted, text


def test_text_that_is_almost_a_date_stays_text() -> None:
    scope, _ = infer_scope({"a": "2024-02-30", "b": "20240131", "c": "2024-01-31T10:00:00+02:00"})
    assert set(scope.names.values()) == {T.TEXT}


def test_a_segment_used_again_and_again_is_refused_before_it_grows_too_large() -> None:
    segments = {"s0": "age > 1"}
    segments |= {f"s{k}": f"segment('s{k - 1}') or segment('s{k - 1}')" for k in range(1, 25)}
    faults = check_rule("segment('s24')", Scope({"age": T.INTEGER}, segments=segments))
    assert "too large" in faults[0].message


def test_arithmetic_within_arithmetic_is_refused_before_it_grows_too_large() -> None:
    text = "aum"
    for _ in range(8):
        text = f"round({text} % 7.5, 2)"
    assert check_rule(f"{text} > 1", SCOPE)[0].code == "rules.too_large"


def test_a_row_without_a_column_of_the_rule_is_an_error_that_names_it() -> None:
    with pytest.raises(CultivaError) as caught:
        compile_rule("age > 1 and age < 9 and stage = 'x'", SCOPE).closure(TODAY)({"age": 5})
    assert (caught.value.code, caught.value.seen) == ("rules.missing_column", "stage")


def test_a_comparison_within_a_comparison_keeps_its_brackets() -> None:
    assert value("nullif(a_flag, 1 between 1 and 2)", a_flag=False) is False
    assert value("nullif(age > 1, age between 1 and 50)") is None
    assert value("(age > 1) = (age between 1 and 50)") is True
