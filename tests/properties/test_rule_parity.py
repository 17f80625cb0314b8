"""One rule, every form: DuckDB, Polars, Spark and the closure give the same answer for random rules and rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.properties.drawn_rules import COLUMNS, SCOPE, TODAY, Drawer, make_rows
from tests.properties.evaluated import arrow_table, by_closure, by_ibis, by_polars, differences

from cultiva.contracts.types import DataType as T
from cultiva.engine.port import Engine
from cultiva.rules import FUNCTIONS, Rule, RuleErrors, compile_rule
from cultiva.rules.render import render

ROWS = 60
TYPES = {**SCOPE.names, "in_list_vip": T.BOOLEAN}
KINDS = [T.BOOLEAN, T.BOOLEAN, T.BOOLEAN, *(kind for kind in COLUMNS if kind is not T.LIST)]


def draw(seed: int, count: int) -> tuple[list[Rule], Drawer]:
    """Random rules; only a null without a type may make one of them not compile."""
    drawer = Drawer(seed)
    rules: list[Rule] = []
    while len(rules) < count:
        kind = drawer.rng.choice(KINDS)
        text = drawer.rule(kind, drawer.rng.choice([1, 2, 2, 3]))
        try:
            rules.append(compile_rule(text, SCOPE, expected=kind))
        except RuleErrors:
            assert "null" in text, text
    return rules, drawer


def table_of(seed: int) -> tuple[list[dict[str, Any]], pa.Table]:
    rows = make_rows(seed, ROWS)
    return rows, arrow_table(rows, TYPES)


@pytest.mark.parametrize("seed", range(4))
def test_polars_and_duckdb_agree_with_the_closure(seed: int) -> None:
    rules, _ = draw(seed, 300)
    rows, table = table_of(seed)
    expected = by_closure(rules, rows, TODAY)
    duckdb = ibis.duckdb.connect()
    assert differences(rules, rows, expected, by_polars(rules, table, TODAY)) == []
    assert differences(rules, rows, expected, by_ibis(rules, duckdb.create_table("t", table), TODAY)) == []


@pytest.mark.spark
def test_spark_agrees_with_the_closure(spark_engine: Engine, tmp_path: Path) -> None:
    rules, _ = draw(99, 200)
    rows, table = table_of(99)
    pq.write_table(table, tmp_path / "rows.parquet")
    found = by_ibis(rules, spark_engine.scan([tmp_path]), TODAY, batch=10)  # Spark's generated code has a limit
    assert differences(rules, rows, by_closure(rules, rows, TODAY), found) == []


def test_every_function_and_overload_is_drawn() -> None:
    every = {(row.name, index) for row in FUNCTIONS.values() for index in range(len(row.overloads))}
    drawn = draw(0, 400)[1].used | draw(1, 400)[1].used | draw(99, 400)[1].used
    assert every - drawn == set()


@pytest.mark.parametrize("seed", range(3))
def test_the_test_form_is_true_exactly_where_the_closure_is(seed: int) -> None:
    rows = make_rows(seed, ROWS)
    for rule in _conditions(seed):
        test, closure = rule.test(TODAY), rule.closure(TODAY)
        assert [test(row) for row in rows] == [closure(row) is True for row in rows], rule.text


@pytest.mark.parametrize("seed", range(3))
def test_a_rule_written_out_reads_back_to_the_same_answers(seed: int) -> None:
    rows = make_rows(seed, 10)
    for rule in _conditions(seed):
        again = compile_rule(render(rule.node), SCOPE, expected=T.BOOLEAN)
        first, second = rule.closure(TODAY), again.closure(TODAY)
        assert [first(row) for row in rows] == [second(row) for row in rows], rule.text


@pytest.mark.parametrize("seed", range(2))
def test_an_explanation_gives_the_value_of_the_rule(seed: int) -> None:
    row = make_rows(seed, 1)[0]
    for rule in _conditions(seed)[:60]:
        explanation = rule.explain(row, TODAY)
        assert explanation.value == rule.closure(TODAY)(row), rule.text
        assert explanation.lines()[0].strip()


def _conditions(seed: int) -> Sequence[Rule]:
    return [rule for rule in draw(seed, 300)[0] if rule.type is T.BOOLEAN]
