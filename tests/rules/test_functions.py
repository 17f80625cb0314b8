"""The function table: every row is documented, and its examples are true in every form."""

from __future__ import annotations

from datetime import date

import ibis
import polars as pl
import pytest

from cultiva.contracts.types import DataType
from cultiva.rules import FUNCTIONS, Scope, compile_rule
from cultiva.rules.reference import markdown

TODAY = date(2024, 2, 29)
EXAMPLES = [(name, text, result) for name, row in FUNCTIONS.items() for text, result in row.examples]


@pytest.mark.parametrize(("name", "text", "result"), EXAMPLES, ids=lambda value: value[:40])
def test_examples_are_true_in_every_form(name: str, text: str, result: str) -> None:
    rule = compile_rule(text, Scope({}))
    wanted = compile_rule(result, Scope({}), expected=rule.type).closure(TODAY)({})
    frame = pl.DataFrame({"n": [1, 2]})
    table = ibis.memtable(frame)
    assert rule.closure(TODAY)({}) == wanted
    assert frame.select(z=rule.form(TODAY).polars())["z"].to_list()[0] == wanted
    assert ibis.duckdb.connect().to_pyarrow(table.select(z=rule.form(TODAY).ibis(table)))["z"].to_pylist()[0] == wanted


def test_every_row_has_a_meaning_and_an_example() -> None:
    lists = {"size", "contains_item", "has_any", "has_all"}  # lists cannot be written
    assert {name for name, row in FUNCTIONS.items() if not row.examples} == lists
    assert all(row.doc and not row.doc.endswith(".") for row in FUNCTIONS.values())


def test_the_reference_page_shows_every_row() -> None:
    page = markdown()
    assert all(f"| `{name.replace('|', chr(92) + '|')}` |" in page for name in FUNCTIONS)


def test_list_functions_see_null_elements_as_no_text() -> None:
    scope = Scope({"tags": DataType.LIST})
    rows = [["a", None], [None], [], None]
    frame = pl.DataFrame({"tags": rows}, schema={"tags": pl.List(pl.String)})
    for text, wanted in {
        "size(tags)": [2, 1, 0, None],
        "contains_item(tags, 'a')": [True, False, False, None],
        "has_any(tags, 'b', 'a')": [True, False, False, None],
        "has_all(tags, 'b', 'a')": [False, False, False, None],
        "contains_item(tags, null)": [None] * 4,
    }.items():
        rule = compile_rule(text, scope)
        closure = rule.closure(TODAY)
        assert [closure({"tags": row}) for row in rows] == wanted, text
        found = frame.with_columns(z=rule.form(TODAY).polars())["z"].to_list()
        assert found == wanted, text
