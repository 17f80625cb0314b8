"""Habits that a reader may rely on everywhere in the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "cultiva"
MODULES = sorted(SOURCE.rglob("*.py"))
CLOCK = re.compile(r"\b(datetime\.now|datetime\.utcnow|date\.today|time\.time|time\.perf_counter|time\.monotonic)\(")
SQL_FLOORS = ("rules", "definitions", "strategy", "loop", "bootstrap", "cli", "kit", "contracts")


def test_only_the_clock_reads_the_clock() -> None:
    readers = [path for path in MODULES if CLOCK.search(path.read_text()) and path.name != "clock.py"]
    assert readers == []


def test_no_exception_is_swallowed_in_silence() -> None:
    silent = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and all(isinstance(one, ast.Pass) for one in node.body)
    ]
    assert silent == []


def test_every_module_says_what_it_is() -> None:
    mute = [
        str(path.relative_to(SOURCE))
        for path in MODULES
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert mute == []


def test_sqlalchemy_stays_in_the_store_in_sources_and_in_tables_of_stages() -> None:
    users = {
        path.relative_to(SOURCE).parts[0]
        for path in MODULES
        if re.search(r"^\s*(import|from) sqlalchemy", path.read_text(), re.MULTILINE)
    }
    assert users <= {"store", "insight", "execution"}
