"""Why a rule is true, false or null for one customer, clause by clause."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from cultiva.contracts.types import DataType
from cultiva.rules.closures import make_closure
from cultiva.rules.nodes import Call, Case, Expansion, Literal, Name, Node, Today, children
from cultiva.rules.render import render, render_value


@dataclass(frozen=True)
class Explanation:
    """One clause and what it gave."""

    text: str
    """The clause."""
    value: Any
    """What it gave; None for null."""
    children: tuple[Explanation, ...] = ()
    """The clauses it is made of."""
    note: str = ""
    """Why: the values it saw."""

    def lines(self, *, indent: int = 0) -> list[str]:
        """The tree as lines of text, two blanks per level."""
        note = f"   [{self.note}]" if self.note else ""
        head = f"{'  ' * indent}{show_value(self.value):<6}{self.text}{note}"
        return [head, *(line for child in self.children for line in child.lines(indent=indent + 1))]


def show_value(value: Any) -> str:
    """A value for people: rule text, lists in brackets."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(show_value(item) for item in value)}]"
    if isinstance(value, bool | int | float | str | date) or value is None:
        return render_value(value)
    return str(value)


_closure = lru_cache(4_096)(make_closure)
"""Clauses are compiled once a day, not at every explanation."""
MASKED = "***"
"""Stands for a value that is not shown."""


def explain_node(
    node: Node, row: Mapping[str, Any], today: date, *, personal: Collection[str] = frozenset()
) -> Explanation:
    """Explains a tree for one row.

    Args:
        node: A checked tree.
        row: Values of its columns.
        today: The business date.
        personal: Columns whose values are not shown.
    """
    value = _closure(node, today)(row)
    parts = tuple(explain_node(part, row, today, personal=personal) for part in _clauses(node))
    note = "" if parts else _seen(node, row, today, value, personal)
    return Explanation(render(node), value, parts, note)


def _clauses(node: Node) -> tuple[Node, ...]:
    """The conditions that a clause is made of; none if it is a leaf."""
    if isinstance(node, Call) and node.function in ("and", "or", "not"):
        return node.args
    if isinstance(node, Expansion) and node.text.startswith("segment("):
        inner = node.body
        return (inner.args[0],) if isinstance(inner, Call) else (inner,)
    if isinstance(node, Case):
        return tuple(test for test, _ in node.branches if not isinstance(test, Literal))
    return ()


def _seen(node: Node, row: Mapping[str, Any], today: date, value: Any, personal: Collection[str]) -> str:
    """The values that a leaf saw, and what made it null."""
    named = {render(part): part for part in _visible(node) if isinstance(part, Name | Expansion)}
    values = [(name, _closure(part, today)(row)) for name, part in named.items()]
    if any(isinstance(part, Today) for part in _visible(node)):
        values.append(("today", today))
    said = {name: show_value(seen) if seen is None or name not in personal else MASKED for name, seen in values}
    shown = ", ".join(f"{name} = {text}" for name, text in said.items() if name != render(node))
    empty = [name for name, seen in values if seen is None]
    if value is None and node.type is DataType.BOOLEAN and empty:
        return f"{shown}; null because {' and '.join(empty)} has no value".removeprefix("; ")
    return shown


def _visible(node: Node) -> Iterator[Node]:
    """Nodes as written: an expansion hides what it stands for."""
    if isinstance(node, Expansion):
        yield node
        return
    yield from (node,) if not children(node) else (part for child in children(node) for part in _visible(child))
