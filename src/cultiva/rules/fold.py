"""Trees without parts that are always null.

Ibis reads `NULL = x` as `x IS NULL`; so a part that is null whatever the row holds becomes a written null of its type,
and nothing is computed with it.
"""

from __future__ import annotations

from dataclasses import replace

from cultiva.rules.chains import overload_of
from cultiva.rules.nodes import Call, Case, Expansion, Literal, Node


def fold(node: Node) -> Node:
    """The tree with the parts that are always null replaced."""
    if isinstance(node, Expansion):
        return fold(node.body)
    if isinstance(node, Case):
        branches = tuple((fold(test), fold(value)) for test, value in node.branches)
        return Case(branches, fold(node.default), node.type)
    if not isinstance(node, Call):
        return node
    args = tuple(fold(arg) for arg in node.args)
    if not overload_of(node).sees_null and any(is_null(arg) for arg in args):
        return Literal(None, node.type)
    return replace(node, args=args)


def is_null(node: Node) -> bool:
    """Whether it is a written null."""
    return isinstance(node, Literal) and node.value is None
