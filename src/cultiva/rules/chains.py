"""Chains of arithmetic: where a result must be tested for leaving its type, and where that can wait.

A sum such as `a + b + c` is tested once, at its end: a number that is not finite stays so through + - and *,
and a sum of integers is exact in 64 bits. Testing every step would double the text at every level.
"""

from __future__ import annotations

from cultiva.rules.functions import FUNCTIONS
from cultiva.rules.nodes import Call, Node, children
from cultiva.rules.table import Overload

COPIES: dict[tuple[str, int], int] = {
    ("between", 0): 2,
    ("between", 1): 2,
    ("+", 2): 4,
    ("-", 2): 4,
    ("*", 0): 2,
    ("/", 0): 2,
    ("%", 0): 4,
    ("%", 1): 7,
    ("mod", 0): 4,
    ("mod", 1): 7,
    ("div", 0): 6,
    ("div", 1): 6,
    ("sign", 0): 2,
    ("sign", 1): 2,
    ("round", 1): 10,
    ("round", 2): 5,
    ("floor", 1): 2,
    ("ceil", 1): 2,
    ("sqrt", 0): 2,
    ("nullif", 0): 2,
    ("substr", 0): 3,
    ("left", 0): 3,
    ("right", 0): 3,
    ("to_integer", 0): 4,
    ("to_number", 0): 4,
    ("parse_date", 0): 4,
    ("months_between", 0): 8,
    ("years_between", 0): 7,
    ("add_days", 0): 4,
    ("add_months", 0): 21,
    ("month_start", 0): 2,
    ("contains_item", 0): 2,
}
"""How often the set forms of an overload (function, number) write out one argument, if not once; a test counts."""


def overload_of(call: Call) -> Overload:
    """The overload that a call uses."""
    return FUNCTIONS[call.function].overloads[call.overload]


def may_wait(node: Node, parent: Call) -> bool:
    """Whether an argument may enter its parent untested."""
    return isinstance(node, Call) and node.type is parent.type and overload_of(parent).chain and overload_of(node).chain


def written_size(node: Node) -> float:
    """Nodes of the node's set forms, which write an argument as often as they read it."""
    below = [written_size(child) for child in children(node)]
    if not isinstance(node, Call):
        return 1 + sum(below)
    return (1 + sum(below) * COPIES.get((node.function, node.overload), 1)) * (2 if needs_test(node) else 1)


def needs_test(call: Call) -> bool:
    """Whether the result, as computed, may lie outside of its type."""
    if overload_of(call).checked:
        return True
    return any(isinstance(arg, Call) and may_wait(arg, call) and needs_test(arg) for arg in call.args)
