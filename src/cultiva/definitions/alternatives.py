"""Rules as alternatives of simple conditions, to see whether one can hold at all.

A rule is taken apart into alternatives of simple conditions (column against written value). What is not simple
counts as possible, so that a warning is always right, and silence is no proof.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

from cultiva.contracts.types import DataType
from cultiva.definitions.domains import MIRRORED, Condition, is_satisfiable
from cultiva.rules.nodes import Call, Expansion, Literal, Name, Node
from cultiva.rules.signatures import WIDEN

ALTERNATIVES_MAX = 256
"""Most alternatives that a rule is taken apart into; beyond it nothing is said."""
Alternative = tuple[Condition, ...]
"""Conditions that must hold together."""
Known = Mapping[str, frozenset[str]]
"""The values that a text column can have."""


class TooManyAlternativesError(Exception):
    """The rule has too many alternatives to be taken apart."""


def alternatives(node: Node, *, wanted: bool | None = True) -> list[Alternative]:
    """The ways in which a condition can come out as wanted.

    Args:
        node: A boolean expression.
        wanted: True, False, or None for "not true" (false or null).

    Returns:
        Alternatives; none if it cannot come out so at all. What is not simple puts no condition.

    Raises:
        TooManyAlternativesError: if there would be more than ALTERNATIVES_MAX.
    """
    if isinstance(node, Expansion):
        return alternatives(node.body, wanted=wanted)
    if isinstance(node, Literal):
        fits = node.value is wanted or (wanted is None and node.value is not True)
        return [()] if fits else []
    if isinstance(node, Name):
        return _as_wanted(Condition(node.name, "=", True), wanted)
    return _of_call(node, wanted) if isinstance(node, Call) else [()]


def _of_call(node: Call, wanted: bool | None) -> list[Alternative]:
    if node.function in ("and", "or"):
        all_needed = (node.function == "and") is (wanted is True)
        parts = [alternatives(arg, wanted=wanted) for arg in node.args]
        return combined(parts) if all_needed else _limited([one for part in parts for one in part])
    if node.function == "coalesce" and _has_written_default(node):
        return _defaulted(node, wanted)
    if node.function == "not":
        return alternatives(node.args[0], wanted=not wanted) if wanted is not None else _not_false(node.args[0])
    return _comparison(node, wanted)


def _has_written_default(node: Call) -> bool:
    """Whether it is `coalesce(x, true)` or `coalesce(x, false)`; a segment in a rule is the latter."""
    return len(node.args) == 2 and isinstance(node.args[1], Literal) and isinstance(node.args[1].value, bool)


def _defaulted(node: Call, wanted: bool | None) -> list[Alternative]:
    """A condition whose null is read as the default: it is never null itself."""
    condition, default = node.args
    assert isinstance(default, Literal)
    if default.value:
        return _not_false(condition) if wanted else alternatives(condition, wanted=False)
    return alternatives(condition, wanted=True if wanted else None)


def _not_false(node: Node) -> list[Alternative]:
    """Ways for `x` to be true or null. Null is simple only where one column decides."""
    simple = [Condition(node.name, "=", True)] if isinstance(node, Name) else _simple(node)
    return [()] if simple is None else [tuple(replace(condition, null_passes=True) for condition in simple)]


def _comparison(node: Node, wanted: bool | None) -> list[Alternative]:
    simple = _simple(node)
    if simple is None:
        return [()]
    if wanted is True:
        return [tuple(simple)]
    return [one for condition in simple for one in _as_wanted(condition, wanted)]


def _as_wanted(condition: Condition, wanted: bool | None) -> list[Alternative]:
    return [(condition,)] if wanted else [(condition.negated(null_passes=wanted is None),)]


def combined(parts: Sequence[list[Alternative]]) -> list[Alternative]:
    """The ways in which all parts hold together.

    Raises:
        TooManyAlternativesError: if there would be more than ALTERNATIVES_MAX.
    """
    found: list[Alternative] = [()]
    for part in parts:
        found = _limited([(*left, *right) for left, right in product(found, part)])
    return found


def _limited(found: list[Alternative]) -> list[Alternative]:
    if len(found) > ALTERNATIVES_MAX:
        raise TooManyAlternativesError
    return found


def _simple(node: Node) -> list[Condition] | None:
    """The conditions, all needed, that a comparison of a column with written values makes; None if it is another."""
    if not isinstance(node, Call):
        return None
    args = [_plain(arg) for arg in node.args]
    column, values = args[0], args[1:]
    if node.function in MIRRORED and isinstance(args[0], Literal) and isinstance(args[1], Name):
        return _conditions(MIRRORED[node.function], args[1], args[:1])
    if node.function == "is null" and isinstance(column, Name):
        return [Condition(column.name, "null")]
    return _conditions(node.function, column, values) if isinstance(column, Name) else None


def _conditions(function: str, column: Name, args: Sequence[Node]) -> list[Condition] | None:
    values = [arg.value for arg in args if isinstance(arg, Literal) and arg.value is not None]
    if len(values) < len(args):
        return None
    whole = column.type is DataType.INTEGER
    if function in MIRRORED:
        return [Condition(column.name, function, values[0], whole=whole)]
    if function == "between":
        low, high = values
        return [Condition(column.name, ">=", low, whole=whole), Condition(column.name, "<=", high, whole=whole)]
    return [Condition(column.name, "in", tuple(values), whole=whole)] if function == "in" else None


def _plain(node: Node) -> Node:
    """The column or value beneath: an integer taken as a number, an event window, a negative number."""
    if isinstance(node, Expansion):
        return _plain(node.body)
    if not isinstance(node, Call) or len(node.args) != 1 or node.function not in (WIDEN, "-"):
        return node
    inner = _plain(node.args[0])
    if node.function == WIDEN:
        return inner
    negative = isinstance(inner, Literal) and isinstance(inner.value, int | float)
    return Literal(-inner.value, inner.type) if negative else node  # type: ignore[operator, union-attr]


def is_possible(found: list[Alternative], known: Known) -> bool:
    """Whether any alternative can hold."""
    return any(_holds(alternative, known) for alternative in found)


def _holds(alternative: Alternative, known: Known) -> bool:
    by_column: dict[str, list[Condition]] = defaultdict(list)
    for condition in alternative:
        by_column[condition.column].append(condition)
    return all(is_satisfiable(conditions, known.get(column)) for column, conditions in by_column.items())
