"""A tree back to text, in one canonical spelling: for explanations, and for naming event windows."""

from __future__ import annotations

from datetime import date, datetime

from cultiva.rules.nodes import Call, Case, Expansion, Literal, Name, Node, Today, Value
from cultiva.rules.signatures import MIDNIGHT, WIDEN

_INFIX = {"=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "||", "and", "or"}


def render_value(value: Value) -> str:
    """A value as it is written in a rule."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    return f"date '{value.isoformat()}'" if isinstance(value, date) else repr(value)


def render(node: Node) -> str:
    """The tree as text that reads back to the same tree."""
    if isinstance(node, Literal):
        return render_value(node.value)
    if isinstance(node, Name):
        return node.name if all(part.isidentifier() for part in node.name.split(".")) else f'"{node.name}"'
    if isinstance(node, Today):
        return "today"
    if isinstance(node, Expansion):
        return node.text
    return _case(node) if isinstance(node, Case) else _call(node)


def _case(node: Case) -> str:
    branches = " ".join(f"when {render(test)} then {render(value)}" for test, value in node.branches)
    return f"case {branches} else {render(node.default)} end"


def _call(node: Call) -> str:
    if node.function in (WIDEN, MIDNIGHT) and not isinstance(node.args[0], Literal):
        return render(node.args[0])
    args = [_operand(arg) for arg in node.args]
    if node.function in _INFIX and len(args) > 1:
        return f" {node.function} ".join(args)
    special = _SPECIAL.get(node.function)
    if special:
        return special(args, node)
    if node.function in ("-", "not"):
        return f"{node.function} {args[0]}"
    return f"{node.function}({', '.join(render(arg) for arg in node.args)})"


def _operand(node: Node) -> str:
    plain = not isinstance(node, Call) or (
        node.function not in _INFIX and node.function not in _SPECIAL and node.function != "not"
    )
    text = render(node)
    widened = isinstance(node, Call) and node.function in (WIDEN, MIDNIGHT)
    return _operand(node.args[0]) if widened and isinstance(node, Call) else text if plain else f"({text})"


def _like(args: list[str], _: Call) -> str:
    return f"{args[0]} like {args[1]}" + (f" escape {args[2]}" if len(args) > 2 else "")


_SPECIAL = {
    "is null": lambda args, _: f"{args[0]} is null",
    "in": lambda args, _: f"{args[0]} in ({', '.join(args[1:])})",
    "between": lambda args, _: f"{args[0]} between {args[1]} and {args[2]}",
    "like": _like,
}
