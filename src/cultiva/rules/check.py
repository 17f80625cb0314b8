"""SQLGlot's tree to the typed tree of the language, with every fault of the text collected."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.kit.errors import Fault, nearest
from cultiva.rules.calls import CallChecker
from cultiva.rules.faults import make_fault
from cultiva.rules.functions import FUNCTIONS
from cultiva.rules.likes import read_like
from cultiva.rules.nodes import Call, Case, Literal, Name, Node, Today
from cultiva.rules.rule import EventWindow
from cultiva.rules.scope import Scope
from cultiva.rules.signatures import coerce, common_type, iso_value, match

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
OTHER_WORDS = {"current_date": "today", "now": "today", "sysdate": "today"}
"""What other languages call a name."""


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
        convert = _CONVERTERS.get(type(tree))
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


def plain(kind: DataType | None) -> DataType | None:
    """A type as rules see it: money is a number."""
    return DataType.NUMBER if kind is DataType.MONEY else kind


def a(kind: DataType | None) -> str:
    """A type with its article."""
    if kind is None:
        return "null"
    return f"an {kind}" if kind is DataType.INTEGER else f"a {kind}"


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


def _column(checker: Checker, tree: Any, _: int) -> Node | None:
    if tree.args.get("table") is not None or not isinstance(tree.this, exp.Identifier):
        checker.fault(tree, "unknown_name", "a name has one part", seen=tree.sql(), hint="write the column alone")
        return None
    name, scope = tree.name, checker.scope
    if name in scope.names:
        kind = scope.names[name]
        return Name(name, plain(kind) or kind, money=kind is DataType.MONEY)
    if name in scope.untyped:
        return Name(name, None)
    if name in scope.constants:
        return Literal(float(scope.constants[name]), DataType.NUMBER)
    if name == "today":
        return Today()
    near = OTHER_WORDS.get(name.lower()) or nearest(name, scope.known())
    checker.fault(
        tree,
        "unknown_name",
        "there is no such name",
        seen=name,
        allowed=_some(scope.known()),
        hint=" ".join([*([f"did you mean '{near}'?"] if near else []), f"a text stands in single quotes: '{name}'"]),
    )
    return None


def _some(names: Sequence[str], most: int = 12) -> str:
    shown = sorted(names)[:most]
    return ", ".join(shown) + (f", ... ({len(names)} in all)" if len(names) > most else "")


def _literal(checker: Checker, tree: Any, _: int) -> Node | None:
    if tree.is_string:
        return Literal(tree.this, DataType.TEXT)
    digits = tree.this
    if digits.isdecimal() and digits.isascii():
        if len(digits.lstrip("0")) <= 16 and int(digits) <= INTEGER_MAX:
            return Literal(int(digits), DataType.INTEGER)
        checker.fault(tree, "number_range", "a whole number beyond 2^53", seen=digits, allowed=f"up to {INTEGER_MAX}")
        return None
    try:
        value = float(digits)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        checker.fault(tree, "number_range", "not a number that can be held", seen=digits, allowed="up to 1.8e308")
        return None
    return Literal(value, DataType.NUMBER)


def _written_moment(checker: Checker, tree: Any, _: int) -> Node | None:
    wanted = {exp.DType.DATE: DataType.DATE, exp.DType.TIMESTAMP: DataType.TIMESTAMP}.get(tree.to.this)
    if wanted is None or not isinstance(tree.this, exp.Literal) or not tree.this.is_string:
        checker.fault(
            tree,
            "not_in_language",
            "there are no casts",
            seen=str(tree.to.this.value).lower(),
            allowed="date '2024-01-31' and timestamp '2024-01-31 08:00:00' as written values",
            hint="to_integer, to_number, parse_date and to_date convert",
        )
        return None
    value = iso_value(tree.this.this, wanted)
    if value is None:
        checker.fault(tree, "bad_date", f"not {a(wanted)} of the calendar", seen=tree.this.this, allowed="ISO form")
        return None
    return Literal(value, wanted)


def _logic(checker: Checker, tree: Any, depth: int) -> Node | None:
    """A whole chain of `and` (or `or`) is one call, so that long chains are not deep trees."""
    terms: list[exp.Expr] = []
    waiting = [tree]
    while waiting:
        top = waiting.pop()
        if type(top) is type(tree):
            waiting += [top.expression, top.this]
        else:
            terms.append(top)
    return checker.apply(tree, "and" if isinstance(tree, exp.And) else "or", terms, depth)


def _is(checker: Checker, tree: Any, depth: int) -> Node | None:
    if isinstance(tree.expression, exp.Null):
        return checker.apply(tree, "is null", [tree.this], depth)
    if not isinstance(tree.expression, exp.Boolean):
        checker.fault(tree, "not_in_language", "IS takes null, true or false", seen=tree.expression.sql())
        return None
    node = checker.node(tree.this, depth)
    if node is not None and not tree.expression.this:
        node = checker.call(tree, "not", [node])
    return None if node is None else checker.call(tree, "coalesce", [node, Literal(value=False, type=DataType.BOOLEAN)])


def _in(checker: Checker, tree: Any, depth: int) -> Node | None:
    if not tree.expressions or any(tree.args.get(key) for key in ("query", "unnest", "field", "is_global")):
        checker.fault(tree, "not_in_language", "IN takes a list of written values", allowed="x in ('a', 'b')")
        return None
    args = checker.nodes([tree.this, *tree.expressions], depth)
    if args is None:
        return None
    for written, node in zip(tree.expressions, args[1:], strict=True):
        if not isinstance(node, Literal):
            checker.fault(written, "not_in_language", "IN takes written values only", hint="write x = a or x = b")
            return None
    values = [node for node in args[1:] if isinstance(node, Literal) and node.value is not None]
    found = checker.call(tree, "in", [args[0], *values]) if values else Literal(None, DataType.BOOLEAN)
    if found is None or len(values) == len(args) - 1:
        return found
    return checker.call(tree, "or", [found, Literal(None, DataType.BOOLEAN)])


def _like(checker: Checker, tree: Any, depth: int) -> Node | None:
    escape: list[exp.Expr] = []
    if isinstance(tree, exp.Escape):
        tree, escape = tree.this, [tree.expression]
    if not isinstance(tree, exp.Like):
        checker.fault(tree, "not_in_language", "ESCAPE belongs to LIKE")
        return None
    parts = [tree.expression, *escape]
    if not all(isinstance(part, exp.Literal) and part.is_string for part in parts):
        checker.fault(tree.expression, "bad_pattern", "LIKE takes a written text", hint="contains(a, b) takes any text")
        return None
    if (escape and len(escape[0].this) != 1) or read_like(*(part.this for part in parts)) is None:
        checker.fault(
            tree.expression,
            "bad_pattern",
            "the pattern's escape is wrong",
            seen=tree.expression.this,
            allowed="one escape character, before %, _ or itself",
        )
        return None
    found = checker.apply(tree, "like", [tree.this, *parts], depth)
    return checker.call(tree, "not", [found]) if found and tree.args.get("negate") else found


def _case(checker: Checker, tree: Any, depth: int) -> Node | None:
    tests: list[exp.Expr] = [branch.this for branch in tree.args["ifs"]]
    if tree.this is not None:
        tests = [exp.EQ(this=tree.this, expression=test) for test in tests]
    values = [branch.args["true"] for branch in tree.args["ifs"]]
    default = tree.args.get("default")
    return choose(checker, tree, tests, [*values, default or exp.Null()], depth)


def choose(
    checker: Checker, tree: exp.Expr, tests: Sequence[exp.Expr], values: Sequence[exp.Expr], depth: int
) -> Node | None:
    """A case: conditions, their values, and the value if none holds (last)."""
    conditions = [checker.node(test, depth) for test in tests]
    results = checker.nodes(values, depth)
    taken = [_condition(checker, *pair) for pair in zip(tests, conditions, strict=True)]
    if results is None or None in taken:
        return None
    same = checker.same_type(tree, results)
    if same is None:
        return None
    (*branches, last), kind = same
    if kind is None:
        return Literal(None, None)
    return Case(tuple(zip([t for t in taken if t is not None], branches, strict=True)), last, kind)


def _condition(checker: Checker, tree: exp.Expr, node: Node | None) -> Node | None:
    taken = None if node is None else coerce(node, DataType.BOOLEAN)
    if node is not None and taken is None:
        checker.fault(tree, "wrong_type", "a condition must be true or false", seen=a(node.type), allowed="a boolean")
    return taken


def _function(checker: Checker, tree: Any, depth: int) -> Node | None:
    return CallChecker(checker, tree, depth).node()


_CONVERTERS: dict[type, Callable[[Checker, Any, int], Node | None]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Boolean: lambda checker, tree, depth: Literal(bool(tree.this), DataType.BOOLEAN),
    exp.Null: lambda checker, tree, depth: Literal(None, None),
    exp.Cast: _written_moment,
    exp.And: _logic,
    exp.Or: _logic,
    exp.Not: lambda checker, tree, depth: checker.apply(tree, "not", [tree.this], depth),
    exp.Neg: lambda checker, tree, depth: checker.apply(tree, "-", [tree.this], depth),
    exp.Is: _is,
    exp.In: _in,
    exp.Between: lambda checker, tree, depth: checker.apply(
        tree, "between", [tree.this, tree.args["low"], tree.args["high"]], depth
    ),
    exp.Like: _like,
    exp.Escape: _like,
    exp.Case: _case,
    exp.Anonymous: _function,
}
