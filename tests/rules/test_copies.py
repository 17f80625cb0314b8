"""How often set forms write out their arguments is what the size limit counts with."""

from __future__ import annotations

import re
from datetime import date

import ibis
import pytest
from tests.rules.arguments import written_call

from cultiva.contracts.types import DataType as T
from cultiva.rules import FUNCTIONS, Scope, compile_rule
from cultiva.rules.chains import COPIES, overload_of
from cultiva.rules.forms_ibis import IBIS_TYPES
from cultiva.rules.nodes import Call
from cultiva.rules.sets import IbisLibrary, PolarsLibrary, SetCompiler


def copies(name: str, index: int) -> int:
    """Most occurrences of one argument in the SQL and in the Polars expression of an overload."""
    text, names = written_call(name, index)
    node = compile_rule(text, Scope(names)).node
    assert isinstance(node, Call)
    assert node.overload == index, text
    assert overload_of(node) is FUNCTIONS[name].overloads[index]
    table = ibis.table({column: IBIS_TYPES[kind] for column, kind in names.items()}, name="t")
    sql = ibis.to_sql(table.select(z=SetCompiler(IbisLibrary(table), date(2024, 1, 1)).raw(node)), dialect="duckdb")
    frame = str(SetCompiler(PolarsLibrary(), date(2024, 1, 1)).raw(node))
    return max(len(re.findall(rf'"{column}"', text)) for column in names for text in (str(sql), frame))


@pytest.mark.parametrize(
    ("name", "index"), [(name, index) for name, row in FUNCTIONS.items() for index in range(len(row.overloads))]
)
def test_forms_write_arguments_no_oftener_than_said(name: str, index: int) -> None:
    assert copies(name, index) <= COPIES.get((name, index), 1)


def test_what_is_said_is_reached() -> None:
    assert {key: copies(*key) for key in COPIES} == COPIES


def test_a_type_has_a_name_in_every_library() -> None:
    assert set(IBIS_TYPES) == set(T) - {T.MONEY}
