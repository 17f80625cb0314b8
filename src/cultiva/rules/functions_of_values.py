"""Rows of the function table for texts, dates and lists."""

from __future__ import annotations

from cultiva.rules import forms_ibis as fi
from cultiva.rules import forms_polars as fp
from cultiva.rules import forms_python as fy
from cultiva.rules.signatures import MIDNIGHT
from cultiva.rules.table import Forms, Group, over, row

_CONCAT = (over("text, text ... -> text", Forms(fy.joined, fy.joined, fy.plus)),)
ADD_DAYS = over("date, integer -> date", Forms(fi.add_days, fp.add_days, "add_days({0}, {1})"), nullable=True)
"""Also what date + integer means."""

TEXTS = (
    row(
        Group.TEXTS,
        "||",
        "one text after the other",
        {"'a' || 'b'": "'ab'"},
        *_CONCAT,
        operator=True,
    ),
    row(
        Group.TEXTS,
        "concat",
        "the same as ||: null if one is null",
        {"concat('深', '耕')": "'深耕'"},
        *_CONCAT,
    ),
    row(
        Group.TEXTS,
        "length",
        "number of characters (code points)",
        {"length('深耕')": "2"},
        over(
            "text -> integer",
            Forms(lambda s: s.length().cast("int64"), lambda s: s.str.len_chars().cast(int), "len({0})"),
        ),
    ),
    row(
        Group.TEXTS,
        "upper",
        "Latin letters a to z made capital; every other character stays",
        {"upper('aß')": "'Aß'"},
        over("text -> text", Forms(lambda s: s.translate(fy.LOW, fy.UP), fp.upper, "upper({0})")),
    ),
    row(
        Group.TEXTS,
        "lower",
        "Latin letters A to Z made small; every other character stays",
        {"lower('AÉ')": "'aÉ'"},
        over("text -> text", Forms(lambda s: s.translate(fy.UP, fy.LOW), fp.lower, "lower({0})")),
    ),
    row(
        Group.TEXTS,
        "trim",
        "without blanks, tabs and line breaks at both ends",
        {"trim('  a b ')": "'a b'"},
        over(
            "text -> text",
            Forms(lambda s: s.strip(), lambda s: s.str.strip_chars(fy.SPACES), "{0}.strip(SPACES)"),
        ),
    ),
    row(
        Group.TEXTS,
        "substr",
        "characters from the start-th on, counted from 1; null if start is below 1 or length below 0",
        {"substr('cultiva', 2, 3)": "'ult'", "substr('a', 0, 1)": "null"},
        over(
            "text, integer, integer -> text",
            Forms(fi.substr, fp.substr, "substr({0}, {1}, {2})"),
            nullable=True,
        ),
    ),
    row(
        Group.TEXTS,
        "left",
        "the first characters; null for a negative number",
        {"left('cultiva', 3)": "'cul'"},
        over("text, integer -> text", Forms(fi.left, fp.left, "substr({0}, 1, {1})"), nullable=True),
    ),
    row(
        Group.TEXTS,
        "right",
        "the last characters; null for a negative number",
        {"right('cultiva', 3)": "'iva'"},
        over("text, integer -> text", Forms(fi.right, fp.right, "right({0}, {1})"), nullable=True),
    ),
    row(
        Group.TEXTS,
        "starts_with",
        "whether the text begins with the other",
        {"starts_with('abc', 'ab')": "true"},
        over(
            "text, text -> boolean",
            Forms(lambda a, b: a.startswith(b), lambda a, b: a.str.starts_with(b), "{0}.startswith({1})"),
        ),
    ),
    row(
        Group.TEXTS,
        "ends_with",
        "whether the text ends with the other",
        {"ends_with('abc', 'bc')": "true"},
        over(
            "text, text -> boolean",
            Forms(lambda a, b: a.endswith(b), lambda a, b: a.str.ends_with(b), "{0}.endswith({1})"),
        ),
    ),
    row(
        Group.TEXTS,
        "contains",
        "whether the text holds the other",
        {"contains('abc', 'b')": "true"},
        over(
            "text, text -> boolean",
            Forms(lambda a, b: a.contains(b), lambda a, b: a.str.contains(b, literal=True), "({1} in {0})"),
        ),
    ),
    row(
        Group.TEXTS,
        "replace",
        "every occurrence of one text (written) replaced by another; an empty text is found nowhere",
        {"replace('a-b-c', '-', '+')": "'a+b+c'"},
        over("text, text!, text! -> text", Forms(fi.replace, fp.replace, fy.replace)),
    ),
    row(
        Group.TEXTS,
        "to_integer",
        "digits with or without a minus sign, at most 2^53, nothing else; else null",
        {"to_integer('-12')": "-12", "to_integer('1.5')": "null", "to_integer(' 1')": "null"},
        over("text -> integer", Forms(fi.to_integer, fp.to_integer, "to_integer({0})"), nullable=True),
    ),
    row(
        Group.TEXTS,
        "to_number",
        "digits with or without minus sign, fraction and exponent, nothing else; else null",
        {"to_number('1.5e3')": "1500.0", "to_number('1,5')": "null", "to_number('1e999')": "null"},
        over("text -> number", Forms(fi.to_number, fp.to_number, "to_number({0})"), nullable=True),
    ),
    row(
        Group.TEXTS,
        "parse_date",
        "a day of the calendar written YYYY-MM-DD, nothing else; else null",
        {"parse_date('2024-02-29')": "date '2024-02-29'", "parse_date('2023-02-29')": "null"},
        over("text -> date", Forms(fi.parse_date, fp.parse_date, "parse_date({0})"), nullable=True),
    ),
)
"""Texts."""

DATES = (
    row(
        Group.DATES,
        "days_between",
        "days from the first date to the second",
        {"days_between('2024-02-01', '2024-03-01')": "29"},
        over("date, date -> integer", Forms(fi.days_between, fp.days_between, fy.days_between)),
    ),
    row(
        Group.DATES,
        "months_between",
        "whole months from the first date to the second: one is over when its day of the month is reached; "
        "negative, cut toward zero, if the second is earlier",
        {"months_between('2024-01-31', '2024-02-29')": "0", "months_between('2024-01-31', '2024-03-01')": "1"},
        over(
            "date, date -> integer",
            Forms(fi.months_between, fp.months_between, "months_between({0}, {1})"),
        ),
    ),
    row(
        Group.DATES,
        "years_between",
        "whole years from the first date to the second, as for months_between; an age",
        {"years_between('2000-02-29', '2024-02-28')": "23"},
        over(
            "date, date -> integer",
            Forms(fi.years_between, fp.years_between, "years_between({0}, {1})"),
        ),
    ),
    row(
        Group.DATES,
        "add_days",
        "so many days later; null outside of the years 1 to 9999",
        {"add_days('2024-02-28', 2)": "date '2024-03-01'"},
        ADD_DAYS,
    ),
    row(
        Group.DATES,
        "add_months",
        "the same day so many months later, or the month's last day; null outside of the years 1 to 9999",
        {"add_months('2024-01-31', 1)": "date '2024-02-29'"},
        over(
            "date, integer -> date",
            Forms(fi.add_months, fp.add_months, "add_months({0}, {1})"),
            nullable=True,
        ),
    ),
    *(
        row(
            Group.DATES,
            name,
            doc,
            {f"{name}('2024-05-06')": result},
            *(
                over(f"{kind} -> integer", Forms(fi.part_form(name), fp.part_form(name), python))
                for kind in ("date", "timestamp")
            ),
        )
        for name, doc, result, python in (
            ("year", "the year", "2024", "{0}.year"),
            ("quarter", "the quarter, 1 to 4", "2", "(({0}.month + 2) // 3)"),
            ("month", "the month, 1 to 12", "5", "{0}.month"),
            ("day", "the day of the month", "6", "{0}.day"),
        )
    ),
    row(
        Group.DATES,
        "weekday",
        "1 for Monday to 7 for Sunday",
        {"weekday('2024-05-06')": "1"},
        over("date -> integer", Forms(fi.weekday, fp.part_form("weekday"), "{0}.isoweekday()")),
        over("timestamp -> integer", Forms(fi.weekday, fp.part_form("weekday"), "{0}.isoweekday()")),
    ),
    row(
        Group.DATES,
        "hour",
        "the hour of the day, 0 to 23",
        {"hour(timestamp '2024-05-06 23:59:59')": "23"},
        over("timestamp -> integer", Forms(fi.part_form("hour"), fp.part_form("hour"), "{0}.hour")),
    ),
    row(
        Group.DATES,
        "to_date",
        "the day of a timestamp",
        {"to_date(timestamp '2024-05-06 23:59:59')": "date '2024-05-06'"},
        over("timestamp -> date", Forms(lambda t: t.date(), lambda t: t.dt.date(), "{0}.date()")),
    ),
    row(
        Group.DATES,
        MIDNIGHT,
        "the first instant of a day; happens by itself where a date meets a timestamp",
        {"timestamp(date '2024-05-06')": "timestamp '2024-05-06 00:00:00'"},
        over(
            "date -> timestamp",
            Forms(lambda d: d.cast("timestamp"), fp.midnight, "midnight({0})"),
        ),
    ),
    row(
        Group.DATES,
        "month_start",
        "the first day of the date's month",
        {"month_start('2024-05-06')": "date '2024-05-01'"},
        over("date -> date", Forms(fi.month_start, lambda d: d.dt.month_start(), "{0}.replace(day=1)")),
    ),
)
"""Dates."""

LISTS = (
    row(
        Group.LISTS,
        "size",
        "number of elements",
        {},
        over(
            "list -> integer",
            Forms(lambda x: x.length().cast("int64"), lambda x: x.list.len().cast(int), "len({0})"),
        ),
    ),
    row(
        Group.LISTS,
        "contains_item",
        "whether the list has that text; null elements are like no text",
        {},
        over(
            "list, text -> boolean",
            Forms(fi.contains_item, fp.contains_item, "({1} in {0})"),
        ),
    ),
    row(
        Group.LISTS,
        "has_any",
        "whether the list has at least one of the texts written",
        {},
        over("list, text! ... -> boolean", Forms(fi.contains_any, fp.contains_any, fy.has_any)),
    ),
    row(
        Group.LISTS,
        "has_all",
        "whether the list has every one of the texts written",
        {},
        over("list, text! ... -> boolean", Forms(fi.contains_all, fp.contains_all, fy.has_all)),
    ),
)
"""Lists."""
