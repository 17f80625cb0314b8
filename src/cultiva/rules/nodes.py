"""The tree of a checked rule: every node has a type, and nothing of any library is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from cultiva.contracts.types import DataType

Value: TypeAlias = bool | int | float | str | date | datetime | None
"""What a literal may hold."""


@dataclass(frozen=True)
class Literal:
    """A value written in the text."""

    value: Value
    type: DataType | None
    """None only for a null whose type nothing has said yet; never in a compiled rule."""


@dataclass(frozen=True)
class Name:
    """A column."""

    name: str
    type: DataType | None
    """Money columns are numbers here. None only for an untyped name that has no place yet."""
    money: bool = False
    """Whether rows may hold it as Decimal."""


@dataclass(frozen=True)
class Today:
    """The business date, given when a form is made."""

    type: DataType = DataType.DATE


@dataclass(frozen=True)
class Call:
    """An operator or function of the table, applied."""

    function: str
    """Name of the row of the function table."""
    overload: int
    """Which of the row's overloads."""
    args: tuple[Node, ...]
    type: DataType


@dataclass(frozen=True)
class Case:
    """The value of the first branch whose condition is true."""

    branches: tuple[tuple[Node, Node], ...]
    """Condition and value."""
    default: Node
    type: DataType


@dataclass(frozen=True)
class Expansion:
    """What a segment or an event function stands for."""

    text: str
    """As written, e.g. `segment('wealthy')`."""
    body: Node
    type: DataType


Node: TypeAlias = Literal | Name | Today | Call | Case | Expansion
"""Any node."""


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    if isinstance(node, Call):
        return node.args
    if isinstance(node, Expansion):
        return (node.body,)
    if isinstance(node, Case):
        return (*(part for branch in node.branches for part in branch), node.default)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    waiting = [node]
    while waiting:
        top = waiting.pop()
        yield top
        waiting.extend(reversed(children(top)))


def columns(node: Node) -> frozenset[str]:
    """Names of the columns that the tree reads."""
    return frozenset(part.name for part in walk(node) if isinstance(part, Name))


@dataclass(frozen=True)
class Size:
    """How big a tree is."""

    nodes: int
    depth: int


def size(node: Node) -> Size:
    """Counts nodes and levels, without recursion."""
    count, deepest, waiting = 0, 0, [(node, 1)]
    while waiting:
        top, depth = waiting.pop()
        count += 1
        deepest = max(deepest, depth)
        waiting.extend((child, depth + 1) for child in children(top))
    return Size(count, deepest)
