"""Chains of arithmetic: where a result must be tested for leaving its type, and where that can wait.

A sum such as `a + b + c` is tested once, at its end: a number that is not finite stays so through + - and *,
and a sum of integers is exact in 64 bits. Testing every step would double the text at every level.
"""

from __future__ import annotations

from cultiva.rules.functions import FUNCTIONS
from cultiva.rules.nodes import Call, Node
from cultiva.rules.table import Overload


def overload_of(call: Call) -> Overload:
    """The overload that a call uses."""
    return FUNCTIONS[call.function].overloads[call.overload]


def may_wait(node: Node, parent: Call) -> bool:
    """Whether an argument may enter its parent untested."""
    return isinstance(node, Call) and node.type is parent.type and overload_of(parent).chain and overload_of(node).chain


def needs_test(call: Call) -> bool:
    """Whether the result, as computed, may lie outside of its type."""
    if overload_of(call).checked:
        return True
    return any(isinstance(arg, Call) and may_wait(arg, call) and needs_test(arg) for arg in call.args)
