"""The way in: text to rule, or to all its faults."""

from __future__ import annotations

from dataclasses import dataclass

from cultiva.contracts.types import DataType
from cultiva.kit.errors import Fault
from cultiva.rules.chains import written_size
from cultiva.rules.check import Checker
from cultiva.rules.faults import RuleErrors, make_fault
from cultiva.rules.nodes import Node, size
from cultiva.rules.reading import read_tree
from cultiva.rules.rule import EventWindow, Rule
from cultiva.rules.scope import Scope

SIZE_MAX = 20_000
"""Most nodes of a rule with its segments written out."""
WRITTEN_MAX = 200_000
"""Most nodes of the expression that an engine gets."""
DEPTH_MAX = 60
"""Most levels of a rule with its segments written out."""


@dataclass(frozen=True)
class Checked:
    """What checking a text found."""

    node: Node | None
    """Its tree; None if there are faults."""
    faults: list[Fault]
    segments: set[str]
    windows: dict[str, EventWindow]


def check_text(
    text: str,
    scope: Scope,
    expected: DataType | None,
    *,
    open_segments: tuple[str, ...] = (),
    checked: dict[str, Checked] | None = None,
) -> Checked:
    """Checks a text.

    Args:
        text: The rule.
        scope: What names mean.
        expected: The type that the rule must give, if one is demanded.
        open_segments: Segments within whose rules this text stands, outermost first.
        checked: Segments already checked, shared by all texts of one rule.
    """
    tree, faults = read_tree(text)
    if tree is None:
        return Checked(None, faults, set(), {})
    checker = Checker(text, scope, open_segments, checked={} if checked is None else checked)
    try:
        node = checker.rule(tree, expected)
    except RecursionError:  # the caller's own stack was nearly used up
        node = None
        checker.faults.append(make_fault(text, 0, "too_deep", "the rule is nested too deeply"))
    if node is not None and not checker.faults:
        checker.faults.extend(_too_big(text, node))
    return Checked(None if checker.faults else node, checker.faults, checker.segments, checker.windows)


def _too_big(text: str, node: Node) -> list[Fault]:
    found = size(node)
    if found.nodes <= SIZE_MAX and found.depth <= DEPTH_MAX and written_size(node) <= WRITTEN_MAX:
        return []
    return [
        make_fault(
            text,
            0,
            "too_large",
            "the rule is too large with its segments written out",
            seen=f"{found.nodes} parts, {found.depth} levels",
            allowed=f"{SIZE_MAX} parts, {DEPTH_MAX} levels, {WRITTEN_MAX} parts when compiled for an engine",
            hint="make a tag of a part of it: arithmetic and rounding within each other multiply",
        )
    ]


def compile_rule(text: str, scope: Scope, *, expected: DataType | None = None) -> Rule:
    """Compiles a rule.

    Args:
        text: The rule.
        scope: What names mean.
        expected: The type that it must give, if one is demanded; a condition is boolean.

    Raises:
        RuleErrors: with every fault of the text.

    Examples:
        >>> from datetime import date
        >>> rule = compile_rule("aum >= 50000", Scope({"aum": DataType.NUMBER}))
        >>> rule.closure(date(2024, 1, 1))({"aum": 60000.0})
        True
    """
    checked = check_text(text, scope, expected)
    if checked.node is None:
        raise RuleErrors(text, checked.faults)
    return Rule(text, checked.node, frozenset(checked.segments), tuple(checked.windows.values()))


def check_rule(text: str, scope: Scope, *, expected: DataType | None = None) -> list[Fault]:
    """All faults of a rule's text, with line and column within it; none if it compiles.

    Args:
        text: The rule.
        scope: What names mean.
        expected: The type that it must give, if one is demanded.

    Examples:
        >>> [fault.message for fault in check_rule("aun >= 1 and foo(2)", Scope({"aum": DataType.NUMBER}))]
        ['there is no such name', 'there is no such function']
    """
    return check_text(text, scope, expected).faults
