"""SQLGlot's classes one by one: what each becomes in the language, or the fault that it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.kit.errors import nearest
from cultiva.rules.calls import CallChecker
from cultiva.rules.likes import read_like
from cultiva.rules.nodes import Case, Literal, Name, Node, Today
from cultiva.rules.signatures import a, coerce, iso_value, plain

if TYPE_CHECKING:
    from cultiva.rules.check import Checker

OTHER_WORDS = {"current_date": "today", "now": "today", "sysdate": "today"}
"""What other languages call a name."""


def _column(checker: Checker, tree: Any, _: int) -> Node | None:
    name, scope = _written(tree), checker.scope
    dotted = len(tree.parts) > 1 and not any("." in one for one in scope.names)
    if dotted or not isinstance(tree.this, exp.Identifier):
        checker.fault(tree, "unknown_name", "a name has one part", seen=tree.sql(), hint="write the column alone")
        return None
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


def _written(tree: Any) -> str:
    """The name as written: one part, or several with dots between, e.g. `event.amount` in a trigger."""
    return ".".join(part.name for part in tree.parts)


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


CONVERTERS: dict[type, Callable[[Checker, Any, int], Node | None]] = {
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
"""What to do with each of SQLGlot's classes; what is not here is not in the language."""
