"""Checks of what is written as name(...): functions of the table, `if`, segments, event functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from sqlglot import exp

from cultiva.contracts.types import DataType
from cultiva.kit.errors import nearest
from cultiva.kit.hashing import content_hash
from cultiva.rules.functions import FUNCTIONS
from cultiva.rules.nodes import Call, Expansion, Literal, Name, Node, Today, size
from cultiva.rules.render import render, render_value
from cultiva.rules.rule import EventFunction, EventWindow, Rule
from cultiva.rules.scope import Scope

if TYPE_CHECKING:
    from cultiva.rules.check import Checker

SPECIAL = {
    "if": "if(condition, value, other value)",
    "segment": "segment('name')",
    "event_count": "event_count('event', days [, condition])",
    "event_sum": "event_sum('event', 'property', days [, condition])",
    "days_since_event": "days_since_event('event' [, condition])",
}
"""What is not in the table, and how it is written."""
OTHER_NAMES = {
    "cast": "to_integer, to_number, parse_date or to_date",
    "try_cast": "to_integer, to_number, parse_date or to_date",
    "current_date": "today",
    "now": "today",
    "len": "length",
    "char_length": "length",
    "substring": "substr",
    "ifnull": "coalesce",
    "nvl": "coalesce",
    "isnull": "... is null",
    "datediff": "days_between",
    "date_diff": "days_between",
    "date_add": "add_days",
    "date_trunc": "month_start",
    "ceiling": "ceil",
    "iif": "if",
    "array_contains": "contains_item",
    "list_contains": "contains_item",
    "max": "greatest",
    "min": "least",
}
"""What other languages call a function."""
_EVENTS: dict[str, EventFunction] = {name: name for name in get_args(EventFunction)}
_PLAIN_ARGUMENTS: dict[EventFunction, int] = {"event_count": 2, "event_sum": 3, "days_since_event": 1}
"""Arguments without the condition."""
DAYS_MAX = 36_600
"""Longest window, a hundred years."""
_FALSE = Literal(value=False, type=DataType.BOOLEAN)


@dataclass
class CallChecker:
    """Checks one call."""

    checker: Checker
    tree: Any
    depth: int

    def node(self) -> Node | None:
        """Its node, or None if it has faults."""
        name = str(self.tree.this).lower() if isinstance(self.tree.this, str) else ""
        if name in _EVENTS:
            return self._event(_EVENTS[name])
        if name == "if":
            return self._if()
        if name == "segment":
            return self._segment()
        if name in FUNCTIONS and not FUNCTIONS[name].operator:
            return self._table(name)
        known = [*(n for n, row in FUNCTIONS.items() if not row.operator), *SPECIAL]
        near = OTHER_NAMES.get(name) or nearest(name, known)
        self._fault(
            "unknown_function",
            "there is no such function",
            seen=name,
            allowed="the functions of docs/rules.md",
            hint=f"did you mean '{near}'?" if near else "",
        )
        return None

    def _fault(self, code: str, message: str, **parts: str) -> None:
        self.checker.fault(self.tree, code, message, **parts)

    def _table(self, name: str) -> Node | None:
        node = self.checker.apply(self.tree, name, self.tree.expressions, self.depth)
        digits = node.args[1] if isinstance(node, Call) and name == "round" and len(node.args) > 1 else None
        if isinstance(digits, Literal) and not 0 <= int(digits.value) <= 9:  # type: ignore[arg-type]
            self._fault("wrong_value", "digits out of range", seen=render(digits), allowed="0 to 9")
            return None
        return node

    def _if(self) -> Node | None:
        from cultiva.rules.converters import choose

        parts = self.tree.expressions
        if len(parts) != 3:
            return self._usage("if")
        return choose(self.checker, self.tree, [parts[0]], parts[1:], self.depth)

    def _usage(self, name: str) -> Node | None:
        self._fault(
            "wrong_arguments",
            f"{name} takes other arguments",
            seen=f"{len(self.tree.expressions)} arguments",
            allowed=SPECIAL[name],
        )
        return None

    def _segment(self) -> Node | None:
        name = _text(self.tree.expressions[0]) if len(self.tree.expressions) == 1 else None
        if name is None:
            return self._usage("segment")
        scope, checker = self.checker.scope, self.checker
        text = f"segment({render_value(name)})"
        if name in scope.list_segments:
            checker.segments.add(name)
            column = Name(f"in_list_{name}", DataType.BOOLEAN)
            return Expansion(text, Call("coalesce", 0, (column, _FALSE), DataType.BOOLEAN), DataType.BOOLEAN)
        if name not in scope.segments:
            return self._unknown("segment", name, [*scope.segments, *scope.list_segments])
        if name in checker.open_segments:
            circle = [*checker.open_segments[checker.open_segments.index(name) :], name]
            self._fault("circle", "segments refer to each other in a circle", seen=" -> ".join(circle))
            return None
        body = self._segment_body(name)
        return None if body is None else Expansion(text, body, DataType.BOOLEAN)

    def _unknown(self, kind: str, name: str, known: list[str]) -> Node | None:
        near = nearest(name, known)
        self._fault(
            f"unknown_{kind}",
            f"there is no such {kind}",
            seen=name,
            allowed=", ".join(sorted(known)[:12]) or "none is defined",
            hint=f"did you mean '{near}'?" if near else "",
        )
        return None

    def _segment_body(self, name: str) -> Node | None:
        from cultiva.rules.compile import SIZE_MAX, check_text

        checker = self.checker
        inner = checker.checked.get(name) or check_text(
            checker.scope.segments[name],
            checker.scope,
            DataType.BOOLEAN,
            open_segments=(*checker.open_segments, name),
            checked=checker.checked,
        )
        checker.checked[name] = inner
        if inner.node is None:
            first = inner.faults[0]
            self._fault("faulty_segment", f"segment '{name}' has faults itself: {first.message}", seen=first.seen)
            return None
        if size(inner.node).nodes > SIZE_MAX:
            self._fault("too_large", f"segment '{name}' is too large when written out", hint="make it a tag")
            return None
        checker.segments |= {name, *inner.segments}
        checker.windows |= inner.windows
        return Call("coalesce", 0, (inner.node, _FALSE), DataType.BOOLEAN)

    def _event(self, function: EventFunction) -> Node | None:
        parts = list(self.tree.expressions)
        plain = _PLAIN_ARGUMENTS[function]
        event = _text(parts[0]) if parts else None
        if len(parts) not in (plain, plain + 1) or event is None:
            return self._usage(function)
        if event not in self.checker.scope.events:
            return self._unknown("event", event, list(self.checker.scope.events))
        amount = self._property(event, parts[1]) if function == "event_sum" else None
        days = None if function == "days_since_event" else self._days(parts[plain - 1])
        condition = self._condition(event, parts[plain]) if len(parts) > plain else None
        faulty = (amount is None and function == "event_sum") or (days is None and function != "days_since_event")
        if faulty or (condition is None and len(parts) > plain):
            return None
        window = _window(function, event, amount, days, condition)
        self.checker.windows[window.column] = window
        return _expand(window)

    def _days(self, tree: exp.Expr) -> int | None:
        node = self.checker.node(tree, self.depth)
        value = node.value if isinstance(node, Literal) else None
        if node is not None and not (type(value) is int and 1 <= value <= DAYS_MAX):
            self.checker.fault(
                tree, "wrong_value", "days are a written whole number", seen=render(node), allowed=f"1 to {DAYS_MAX}"
            )
            return None
        return value if isinstance(value, int) else None

    def _property(self, event: str, tree: exp.Expr) -> str | None:
        properties = self.checker.scope.events[event]
        numeric = [name for name, kind in properties.items() if kind.numeric]
        name = _text(tree)
        if name in numeric:
            return name
        near = nearest(name or "", numeric)
        self.checker.fault(
            tree,
            "unknown_property",
            f"event '{event}' has no such numeric property",
            seen=name or tree.sql(),
            allowed=", ".join(numeric) or "it has none",
            hint=f"did you mean '{near}'?" if near else "",
        )
        return None

    def _condition(self, event: str, tree: exp.Expr) -> Rule | None:
        """The condition sees the event, not the customer; its faults are the text's."""
        outer = self.checker
        names = {**outer.scope.events[event], "channel": DataType.TEXT}
        inner = replace(outer, scope=Scope(names, constants=outer.scope.constants), segments=set(), windows={})
        node = inner.rule(tree, DataType.BOOLEAN)
        return None if node is None else Rule(render(node), node, frozenset(), ())


def _text(tree: exp.Expr) -> str | None:
    return str(tree.this) if isinstance(tree, exp.Literal) and tree.is_string else None


def _window(
    function: EventFunction, event: str, amount: str | None, days: int | None, condition: Rule | None
) -> EventWindow:
    parts = [render_value(event), *([render_value(amount)] if amount else []), *([str(days)] if days else [])]
    text = f"{function}({', '.join([*parts, *([condition.text] if condition else [])])})"
    return EventWindow(f"ev_{content_hash(text)[:12]}", function, event, amount, days, condition, text)


def _expand(window: EventWindow) -> Expansion:
    """A customer without such events has none counted; days count from the last one's day."""
    column = Name(window.column, window.type)
    if window.function == "days_since_event":
        body = Call("days_between", 0, (column, Today()), DataType.INTEGER)
    else:
        zero = 0 if window.type is DataType.INTEGER else 0.0
        body = Call("coalesce", 0, (column, Literal(zero, window.type)), window.type)
    return Expansion(window.text, body, body.type)
