"""The function table: every operator and function of the rule language, written once, with all its forms.

A row says what it takes and gives, its Ibis form (DuckDB, Spark), its Polars form, its Python form, its
meaning in one line, and examples that the tests run. Python templates see arguments that are not null,
unless the overload `sees_null`. Texts, dates and lists have their rows in `functions_of_values.py`.
"""

from __future__ import annotations

from cultiva.rules import forms_ibis as fi
from cultiva.rules import forms_polars as fp
from cultiva.rules import forms_python as fy
from cultiva.rules.functions_of_values import ADD_DAYS, DATES, LISTS, TEXTS
from cultiva.rules.signatures import WIDEN
from cultiva.rules.table import Forms, Function, Group, SetForm, both, over, row


def _compare(name: str, kind: str, form: SetForm, python: str, examples: dict[str, str], doc: str) -> Function:
    forms = Forms(lambda a, b: form(fi.closed(a), fi.closed(b)), form, python)
    return row(Group.COMPARISON, name, doc, examples, over(f"{kind}, {kind} -> boolean", forms), operator=True)


_MOD = Forms(lambda a, b: a % b.nullif(fi.literal(0)), fp.integer_mod, "integer_mod({0}, {1})")
_NUMBER_MOD = Forms(fi.number_mod, fp.number_mod, "number_mod({0}, {1})")
_REST = (
    over("integer, integer -> integer", _MOD, nullable=True),
    over("number, number -> number", _NUMBER_MOD, nullable=True, checked=True),
)

_LOGIC = (
    row(
        Group.LOGIC,
        "and",
        "true if all are true, false if one is false, else null",
        {"true and null": "null", "false and null": "false"},
        over("boolean, boolean ... -> boolean", Forms(fy.all_of, fy.all_of, fy.and_), sees_null=True),
        operator=True,
    ),
    row(
        Group.LOGIC,
        "or",
        "true if one is true, false if all are false, else null",
        {"true or null": "true", "false or null": "null"},
        over("boolean, boolean ... -> boolean", Forms(fy.any_of, fy.any_of, fy.or_), sees_null=True),
        operator=True,
    ),
    row(
        Group.LOGIC,
        "not",
        "false for true, true for false, null for null",
        {"not false": "true", "not (null = 1)": "null"},
        over("boolean -> boolean", both(lambda x: ~x, "(not {0})")),
        operator=True,
    ),
    row(
        Group.LOGIC,
        "is null",
        "whether there is no value; also `is not null`; never null itself",
        {"nullif(1, 1) is null": "true", "1 is not null": "true"},
        over(
            "anything -> boolean",
            Forms(lambda x: fi.closed(x).isnull(), lambda x: x.is_null(), "({0} is None)"),
            sees_null=True,
        ),
        operator=True,
    ),
)

_COMPARISON = (
    _compare(
        "=",
        "any",
        lambda a, b: a == b,
        "{0} == {1}",
        {"1 = 1.0": "true", "'a' = 'A'": "false"},
        "equal; texts by code point; a date meets a timestamp as its midnight",
    ),
    _compare("<>", "any", lambda a, b: a != b, "{0} != {1}", {"1 <> 2": "true"}, "not equal; also written !="),
    _compare("<", "ordered", lambda a, b: a < b, "{0} < {1}", {"'Z' < 'a'": "true"}, "less; texts by code point"),
    _compare("<=", "ordered", lambda a, b: a <= b, "{0} <= {1}", {"2 <= 2": "true"}, "less or equal"),
    _compare(">", "ordered", lambda a, b: a > b, "{0} > {1}", {"'丙' > 'z'": "true"}, "greater"),
    _compare(
        ">=",
        "ordered",
        lambda a, b: a >= b,
        "{0} >= {1}",
        {"timestamp '2024-01-01 08:00:00' >= date '2024-01-01'": "true"},
        "greater or equal",
    ),
    row(
        Group.COMPARISON,
        "between",
        "`x between a and b` is `x >= a and x <= b`",
        {"2 between 1 and 2": "true", "2 not between 1 and 2": "false"},
        over(
            "ordered, ordered!, ordered! -> boolean",
            Forms(fi.between, lambda x, a, b: (x >= a) & (x <= b), fy.between),
        ),
        over(
            "ordered, ordered, ordered -> boolean",
            both(lambda x, a, b: (x >= a) & (x <= b), "between({0}, {1}, {2})"),
            sees_null=True,
        ),
        operator=True,
    ),
    row(
        Group.COMPARISON,
        "in",
        "equal to one of the values written; `not in` is its negation; with null among them never false",
        {"2 in (1, 2)": "true", "3 not in (1, 2)": "true", "3 in (1, null)": "null"},
        over("any, any! ... -> boolean", Forms(fi.is_in, fp.is_in, fy.in_)),
        operator=True,
    ),
    row(
        Group.COMPARISON,
        "like",
        "the pattern fits all of the text: % any characters, _ one; nothing else is special unless ESCAPE says so",
        {"'wealth' like 'w%th'": "true", "'100%' like '100!%' escape '!'": "true", "'a\\b' like 'a\\_'": "true"},
        over("text, text! -> boolean", Forms(fi.like, fp.like, fy.like)),
        over("text, text!, text! -> boolean", Forms(fi.like, fp.like, fy.like)),
        operator=True,
    ),
)

_NUMBERS = (
    row(
        Group.NUMBERS,
        "+",
        "sum; integers beyond 2^53 and numbers that are not finite become null (a whole sum at its end); "
        "date + integer is so many days later",
        {"1 + 2": "3", "9007199254740992 + 1": "null", "date '2024-02-28' + 1": "date '2024-02-29'"},
        over("integer, integer -> integer", both(lambda a, b: a + b, "({0} + {1})"), checked=True, chain=True),
        over("number, number -> number", both(lambda a, b: a + b, "({0} + {1})"), checked=True, chain=True),
        ADD_DAYS,
        operator=True,
    ),
    row(
        Group.NUMBERS,
        "-",
        "difference, as for +; date - date is the number of days; also the sign",
        {"1 - 2": "-1", "date '2024-03-01' - date '2024-02-01'": "29"},
        over("integer, integer -> integer", both(lambda a, b: a - b, "({0} - {1})"), checked=True, chain=True),
        over("number, number -> number", both(lambda a, b: a - b, "({0} - {1})"), checked=True, chain=True),
        over(
            "date, integer -> date",
            Forms(lambda d, n: fi.add_days(d, -n), lambda d, n: fp.add_days(d, -n), "add_days({0}, -{1})"),
            nullable=True,
        ),
        over(
            "date, date -> integer",
            Forms(lambda a, b: fi.days_between(b, a), lambda a, b: fp.days_between(b, a), fy.days_since),
        ),
        over("integer -> integer", both(lambda a: -a, "(-{0})"), chain=True),
        over("number -> number", both(lambda a: -a, "(-{0})"), chain=True),
        operator=True,
    ),
    row(
        Group.NUMBERS,
        "*",
        "product; null beyond 2^53 (integers) or where not finite (numbers)",
        {"2 * 3": "6", "9007199254740992 * 2": "null", "1e308 * 10": "null"},
        over("integer, integer -> integer", Forms(fi.times, fp.times, fy.times), nullable=True),
        over("number, number -> number", both(lambda a, b: a * b, "({0} * {1})"), checked=True, chain=True),
        operator=True,
    ),
    row(
        Group.NUMBERS,
        "/",
        "quotient, always a number; by zero null",
        {"7 / 2": "3.5", "1 / 0": "null"},
        over("number, number -> number", Forms(fi.divide, fp.divide, fy.divided), nullable=True, checked=True),
        operator=True,
    ),
    row(
        Group.NUMBERS,
        "%",
        "what is left after `div`: a - b * (a div b), with the sign of a; by zero null",
        {"-7 % 2": "-1", "7 % 0": "null", "7.5 % 2": "1.5"},
        *_REST,
        operator=True,
    ),
    row(Group.NUMBERS, "mod", "the same as %", {"mod(7, 4)": "3"}, *_REST),
    row(
        Group.NUMBERS,
        "div",
        "quotient cut toward zero; by zero null",
        {"div(-7, 2)": "-3", "div(7.5, 2)": "3.0"},
        over(
            "integer, integer -> integer",
            Forms(fi.integer_div, fp.integer_div, "integer_div({0}, {1})"),
            nullable=True,
        ),
        over(
            "number, number -> number",
            Forms(fi.number_div, fp.number_div, "number_div({0}, {1})"),
            nullable=True,
            checked=True,
        ),
    ),
    row(
        Group.NUMBERS,
        "abs",
        "size without the sign",
        {"abs(-3)": "3"},
        over("integer -> integer", both(lambda x: x.abs(), "abs({0})")),
        over("number -> number", both(lambda x: x.abs(), "abs({0})")),
    ),
    row(
        Group.NUMBERS,
        "sign",
        "-1, 0 or 1",
        {"sign(-2.5)": "-1"},
        over("integer -> integer", Forms(fi.sign, fp.sign, fy.SIGN)),
        over("number -> integer", Forms(fi.sign, fp.sign, fy.SIGN)),
    ),
    row(
        Group.NUMBERS,
        "round",
        "half away from zero; with digits (0 to 9, written) a number: floor(abs(x) * 10^n + 0.5) / 10^n with the sign "
        "of x; without digits an integer, null beyond 2^53",
        {"round(2.5)": "3", "round(-2.5)": "-3", "round(1.005, 2)": "1.0", "round(2.345, 1)": "2.3"},
        over("integer -> integer", both(lambda x: x, "{0}")),
        over(
            "number -> integer",
            Forms(
                fi.round_whole,
                lambda x: fp.whole(fp.round_to(x)),
                "round_whole({0})",
            ),
            nullable=True,
        ),
        over("number, integer! -> number", Forms(fi.round_to, fp.round_to, fy.round_to)),
    ),
    row(
        Group.NUMBERS,
        "floor",
        "the next integer below; null beyond 2^53",
        {"floor(-2.5)": "-3"},
        over("integer -> integer", both(lambda x: x, "{0}")),
        over(
            "number -> integer",
            Forms(lambda x: fi.whole(x).floor(), lambda x: fp.whole(x.floor()), "whole({0}, floor)"),
            nullable=True,
        ),
    ),
    row(
        Group.NUMBERS,
        "ceil",
        "the next integer above; null beyond 2^53",
        {"ceil(-2.5)": "-2"},
        over("integer -> integer", both(lambda x: x, "{0}")),
        over(
            "number -> integer",
            Forms(lambda x: fi.whole(x).ceil(), lambda x: fp.whole(x.ceil()), "whole({0}, ceil)"),
            nullable=True,
        ),
    ),
    row(
        Group.NUMBERS,
        "sqrt",
        "square root; below zero null",
        {"sqrt(9)": "3.0", "sqrt(-1)": "null"},
        over("number -> number", Forms(fi.square_root, fp.square_root, fy.square_root), nullable=True),
    ),
    row(
        Group.NUMBERS,
        WIDEN,
        "an integer taken as number; happens by itself where one is needed",
        {"number(3)": "3.0"},
        over("integer -> number", Forms(lambda x: x.cast("float64"), lambda x: x.cast(float), "float({0})")),
    ),
)

_CHOICE = (
    row(
        Group.CHOICE,
        "coalesce",
        "the first value that is not null",
        {"coalesce(null, 2, 3)": "2"},
        over(
            "any, any ... -> any",
            Forms(lambda a, *more: a.coalesce(*more), fp.coalesce, fy.coalesce),
            sees_null=True,
        ),
    ),
    row(
        Group.CHOICE,
        "nullif",
        "null if both are equal, else the first",
        {"nullif(2, 3)": "2", "nullif(2, 2)": "null"},
        over(
            "any, any -> any",
            Forms(lambda a, b: a.nullif(b), fp.nullif, fy.nullif),
            sees_null=True,
        ),
    ),
    row(
        Group.CHOICE,
        "greatest",
        "the greatest value; nulls are skipped",
        {"greatest(1, null, 3)": "3"},
        over(
            "ordered, ordered ... -> ordered",
            Forms(fi.extreme_form("greatest"), fp.extreme_form("max"), fy.call("greatest")),
            sees_null=True,
        ),
    ),
    row(
        Group.CHOICE,
        "least",
        "the least value; nulls are skipped",
        {"least('b', 'a')": "'a'"},
        over(
            "ordered, ordered ... -> ordered",
            Forms(fi.extreme_form("least"), fp.extreme_form("min"), fy.call("least")),
            sees_null=True,
        ),
    ),
)

FUNCTIONS: dict[str, Function] = {
    entry.name: entry for part in (_LOGIC, _COMPARISON, _NUMBERS, _CHOICE, TEXTS, DATES, LISTS) for entry in part
}
"""Every operator and function by its name."""
