"""SQLGlot's tree to the typed tree of the language, with every fault of the text collected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from cultiva.contracts.types import DataType
from cultiva.kit.errors import Fault
from cultiva.rules.converters import CONVERTERS
from cultiva.rules.faults import make_fault
from cultiva.rules.functions import FUNCTIONS
from cultiva.rules.nodes import Call, Literal, Node
from cultiva.rules.rule import EventWindow
from cultiva.rules.scope import Scope
from cultiva.rules.signatures import a, coerce, common_type, match, plain

DEPTH_MAX = 50
"""Deepest nesting of a rule's tree."""
BINARY: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.DPipe: "||",
}
"""SQLGlot's operators and the table's."""


@dataclass
class Checker:
    """Checks one text; segments and event conditions are checked by checkers of their own."""

    text: str
    scope: Scope
    open_segments: tuple[str, ...] = ()
    """Segments whose rules are being checked, outermost first."""
    faults: list[Fault] = field(default_factory=list)
    segments: set[str] = field(default_factory=set)
    windows: dict[str, EventWindow] = field(default_factory=dict)
    checked: dict[str, Any] = field(default_factory=dict)
    """Segments already checked for the same rule, so that each is checked once."""

    def fault(self, tree: exp.Expr, code: str, message: str, **parts: str) -> None:
        """Notes a fault at the beginning of a tree."""
        self.faults.append(make_fault(self.text, start_of(tree), code, message, **parts))

    def rule(self, tree: exp.Expr, expected: DataType | None) -> Node | None:
        """The whole text's node, of the type expected."""
        node = self.node(tree, 0)
        if node is None:
            return None
        wanted = plain(expected) or (DataType.TEXT if node.type is None else None)
        taken = node if wanted is None else coerce(node, wanted)
        if taken is None:
            self.fault(
                tree,
                "wrong_type",
                f"the rule gives {a(node.type)}, not {a(wanted)}",
                seen=a(node.type),
                allowed=a(wanted),
                hint="compare it with something" if wanted is DataType.BOOLEAN else "",
            )
        return taken

    def node(self, tree: exp.Expr, depth: int) -> Node | None:
        """The node of a tree, or None if it has faults (which are noted)."""
        if depth > DEPTH_MAX:
            self.fault(tree, "too_deep", "the rule is nested too deeply", allowed=f"{DEPTH_MAX} levels")
            return None
        if isinstance(tree, exp.Paren):
            return self.node(tree.this, depth + 1)
        convert = CONVERTERS.get(type(tree))
        if convert is not None:
            return convert(self, tree, depth + 1)
        if type(tree) in BINARY:
            return self.apply(tree, BINARY[type(tree)], [tree.this, tree.expression], depth + 1)
        self.fault(
            tree,
            "not_in_language",
            "this is not part of the rule language",
            seen=_words(tree),
            allowed="the operators and functions of docs/rules.md",
        )
        return None

    def nodes(self, trees: Iterable[exp.Expr], depth: int) -> list[Node] | None:
        """Nodes of all trees, or None if one has faults; all are looked at."""
        found = [self.node(tree, depth) for tree in trees]
        return [node for node in found if node is not None] if None not in found else None

    def apply(self, tree: exp.Expr, name: str, trees: Sequence[exp.Expr], depth: int) -> Node | None:
        """A row of the table applied to arguments."""
        args = self.nodes(trees, depth)
        return None if args is None else self.call(tree, name, args)

    def call(self, tree: exp.Expr, name: str, args: Sequence[Node]) -> Node | None:
        """The first overload that fits, or a fault that says what would."""
        row = FUNCTIONS[name]
        if name == "-" and len(args) == 1 and _is_number(args[0]):
            return Literal(-args[0].value, args[0].type)  # type: ignore[operator, union-attr]
        if args and name != "is null" and all(isinstance(arg, Literal) and arg.type is None for arg in args):
            return Literal(None, None)
        for index, overload in enumerate(row.overloads):
            matched = match(overload.signature, args)
            if matched is not None:
                return Call(name, index, *matched)
        self._no_overload(tree, name, args)
        return None

    def _no_overload(self, tree: exp.Expr, name: str, args: Sequence[Node]) -> None:
        seen = " , ".join(a(arg.type) for arg in args) or "nothing"
        types = {arg.type for arg in args}
        hint = ""
        if DataType.TEXT in types and types & {DataType.DATE, DataType.TIMESTAMP}:
            hint = "a date is written '2024-01-31', a timestamp '2024-01-31 08:00:00'"
        elif DataType.TEXT in types and types & {DataType.INTEGER, DataType.NUMBER}:
            hint = "a number has no quotes; to_integer(text) and to_number(text) read numbers from texts"
        self.fault(
            tree,
            "wrong_types",
            f"{name} does not take these",
            seen=seen.replace(" , ", " and " if FUNCTIONS[name].operator else ", "),
            allowed="; ".join(_signatures(name, len(args))),
            hint=hint,
        )

    def same_type(self, tree: exp.Expr, values: Sequence[Node]) -> tuple[list[Node], DataType | None] | None:
        """Values taken to their common type; None and a fault if they have none."""
        types = [value.type for value in values]
        if all(isinstance(value, Literal) and value.type is None for value in values):
            return list(values), None
        wanted = common_type(types) or (DataType.TEXT if set(types) == {None} else None)
        taken = [None if wanted is None else coerce(value, wanted) for value in values]
        if None in taken:
            names = list(dict.fromkeys(a(kind) for kind in types if kind is not None))
            self.fault(tree, "wrong_types", "the results differ in type", seen=", ".join(names), allowed="one type")
            return None
        return [value for value in taken if value is not None], wanted


def start_of(tree: exp.Expr) -> int:
    """Where a tree begins in the text: its leftmost word."""
    starts = [node.meta["start"] for node in tree.walk() if "start" in node.meta]
    return min(starts, default=0)


def _signatures(name: str, count: int) -> list[str]:
    """Signatures for so many arguments, or all if there are none."""
    signatures = [overload.signature for overload in FUNCTIONS[name].overloads]
    fitting = [signature for signature in signatures if signature.takes(count)] or signatures
    return list(dict.fromkeys(str(signature) for signature in fitting))


def _is_number(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _words(tree: exp.Expr) -> str:
    """The operator's name in plain words: `bitwise right shift`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(tree).__name__).lower()
