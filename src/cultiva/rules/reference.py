"""The reference page of the language, generated from the function table."""

from __future__ import annotations

from cultiva.rules.calls import SPECIAL
from cultiva.rules.functions import FUNCTIONS
from cultiva.rules.table import Function, Group

_HEAD = """# The rule language

One small language says who belongs to a segment, who may get an offer, which stage a customer is in, what an aggregate
counts. It is SQL's scalar expressions, restricted to what this page lists. The same text runs over all customers on
DuckDB, Polars or Spark and over one customer in Python, with the same answer. This page is generated from the function
table in `src/cultiva/rules/functions.py`.

```sql
aum >= 300000 and stage in ('growing', 'mature') and not segment('complaining')
event_count('loan_started', 7) >= 1 and event_count('loan_submitted', 7) = 0
days_between(last_login, today) > 30 or risk_rating is null
```

## Values

| type | written | meaning |
|---|---|---|
| boolean | `true`, `false` | a condition; a rule holds where it is true, not where it is null |
| integer | `42`, `-7` | a whole number within plus and minus 2^53 |
| number | `0.5`, `1e6` | a finite IEEE double; never NaN, never infinite |
| text | `'mature'`, `'it''s'` | Unicode, compared by code point; no character is special, a quote is doubled |
| date | `date '2024-01-31'` | a day of the years 1 to 9999; where a date is expected, `'2024-01-31'` is enough |
| timestamp | `timestamp '2024-01-31 08:00:00'` | microseconds in the bank's local time |
| list | (columns only) | a list of texts |
| any | `null` | no value |

- **Names** are columns (tags, or the columns of a view), named numbers of the workspace, and `today`, the business
  date. Money columns are numbers here: the double nearest to the amount.
- **Null** is "not known": an operator or function gives null if an argument is null, unless this page says otherwise.
  `and`, `or` and `not` are three-valued. Compare with null by `is null`; `x = null` is always null.
- **Integers and numbers** mix: an integer becomes a number where a number is needed. `+`, `-` and `*` of integers give
  an integer, or null beyond 2^53; `/` always gives a number. A number result that is not finite is null. A sum such as
  `a + b + c` is tested once, at its end.
- **Types** are checked before anything runs: a text cannot be compared with a number. A date compared with a timestamp
  is its midnight; a text written in ISO form and compared with a date is that date.
- **Order of operators**, strongest first: sign, `* / %`, `+ -`, `||`, comparisons, `not`, `and`, `or`. Use brackets.

"""

_SPECIAL_DOC = {
    "if": "the value if the condition is true, the other value if it is false or null",
    "segment": "whether the customer is in the segment: its rule written out, false where that is null",
    "event_count": "events of that name in the last so many days (the business date included) for which the condition "
    "holds; 0 if there are none",
    "event_sum": "sum of a numeric property over those events; 0 if there are none",
    "days_since_event": "days from the last such event's day to the business date; null if there was none",
}

_SPECIAL_HEAD = """## Choice, segments and events

`case when condition then value ... else value end` and `case x when value then value ... end` give the value of the
first branch that holds, null without `else`. Conditions of event functions see the event's declared properties and
`channel`, not the customer.

| written | meaning |
|---|---|
"""

_TAIL = """## Limits

A rule has at most 20,000 characters and 30 brackets within each other; with its segments written out at most 20,000
parts and 60 levels. Segments must not refer to each other in a circle. What is longer belongs into a tag.
"""


def markdown() -> str:
    """The page."""
    groups = "\n".join(_group(group) for group in Group)
    special = "\n".join(f"| {_code(written)} | {_SPECIAL_DOC[name]} |" for name, written in SPECIAL.items())
    return f"{_HEAD}{groups}\n{_SPECIAL_HEAD}{special}\n\n{_TAIL}"


def _group(group: Group) -> str:
    rows = [_row(row) for row in FUNCTIONS.values() if row.group is group]
    return "\n".join(
        [f"## {group.value}", "", "| | takes and gives | meaning | examples |", "|---|---|---|---|", *rows, ""]
    )


def _row(row: Function) -> str:
    signatures = "<br>".join(_code(str(overload.signature)) for overload in row.overloads)
    examples = "<br>".join(f"{_code(text)} is {_code(result)}" for text, result in row.examples)
    return f"| {_code(row.name)} | {signatures} | {row.doc.replace('|', chr(92) + '|')} | {examples} |"


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"
