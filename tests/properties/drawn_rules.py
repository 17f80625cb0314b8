"""Random well-typed rules drawn over the function table, and the rows that they meet."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cultiva.contracts.types import DataType as T
from cultiva.rules import FUNCTIONS, Scope
from cultiva.rules.signatures import Parameter
from cultiva.rules.table import Function, Overload

SCOPE = Scope(
    names={
        "i": T.INTEGER,
        "j": T.INTEGER,
        "x": T.NUMBER,
        "y": T.NUMBER,
        "m": T.MONEY,
        "s": T.TEXT,
        "u": T.TEXT,
        "d": T.DATE,
        "e": T.DATE,
        "t": T.TIMESTAMP,
        "w": T.TIMESTAMP,
        "b": T.BOOLEAN,
        "c": T.BOOLEAN,
        "l": T.LIST,
    },
    segments={"rich": "x > 100.5 or m >= 1000", "old": "segment('rich') and years_between(d, today) > 30"},
    list_segments=frozenset({"vip"}),
    constants={"rate": 0.035},
)
"""What the drawn rules may name."""
TODAY = date(2024, 2, 29)
"""The business date of the property tests."""
COLUMNS: dict[T, list[str]] = {
    kind: [name for name, t in SCOPE.names.items() if (T.NUMBER if t is T.MONEY else t) is kind]
    for kind in T
    if kind is not T.MONEY
}
BIG = 2**53
VALUES: dict[str, list[Any]] = {
    "integer": [0, 1, -1, 2, 3, -7, 10, 100, 12345, BIG, -BIG, BIG - 1, 94906267, -94906266, 4503599627370497],
    "number": [
        *(0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 0.1, 0.2, 0.1 + 0.2, 1.005, 2.675, 100.0, -99.95, 1e-7),
        *(1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 1e300, -1e-300, 9007199254740993.0, 4.5e15 + 0.5),
    ],
    "money": ["0.00", "0.01", "-0.01", "1234.56", "999999.99", "-50000.00", "1000.00", "89999999999999.99", "2.35"],
    "text": [
        *("", "a", "A", "abc", "Zürich", "深耕", "深", "a%b", "a_b", "a\\b", "\\", "%", "_", "it's", " a b ", "\tx\n"),
        *("12", "-12", "+5", "1.5", "1e3", "1e999", "9007199254740993", "2024-02-29", "2023-02-29", "0000-01-01"),
        *(
            "😀x",
            "ß",
            "İ",
            "\n",
            "12\n",
            "mature",
            'say "x"',
            "日本語テキスト",
            "a.b",
            "[x]",
            "(a",
            "0.30000000000000004",
        ),
    ],
    "date": [
        *(date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29), date(2023, 2, 28), date(2024, 1, 31), date(1970, 1, 1)),
        *(date(1969, 12, 31), date(2000, 12, 31), date(1994, 3, 30), date(2024, 3, 31), date(1582, 10, 4)),
    ],
    "timestamp": [
        datetime.fromisoformat(text)
        for text in (
            *("2024-02-29", "2024-02-29 23:59:59.999999", "1970-01-01 00:00:00.000001", "1969-12-31 23:00:00"),
            *("1994-03-30 12:30:15", "0001-01-01", "9999-12-31"),
        )
    ],
    "boolean": [True, False],
    "list": [[], ["a"], ["a", "深耕"], ["b", None], [None], ["", "abc", "a"]],
}
"""Values that rows hold, beside nulls."""
_LITERALS: dict[T, list[str]] = {
    T.INTEGER: ["0", "1", "2", "-3", "7", "100", str(BIG), str(-BIG), "365"],
    T.NUMBER: ["0.0", "0.1", "1.5", "-2.5", "0.30000000000000004", "1e308", "5e-324", "1e-5", "rate", "100.0"],
    T.TEXT: ["''", "'a'", "'深'", "'a%b'", "'\\'", "'it''s'", "'abc'", "'12'", "'a\\b'", "' '", "'B'"],
    T.DATE: ["today", "date '2024-02-29'", "date '0001-01-01'", "date '9999-12-31'", "date '1970-01-01'"],
    T.TIMESTAMP: ["timestamp '2024-02-29 00:00:00'", "timestamp '1970-01-01 00:00:00.000001'"],
    T.BOOLEAN: ["true", "false", "segment('rich')", "segment('old')", "segment('vip')"],
}
_PATTERNS = ["'%'", "'a%'", "'%b'", "'%a%'", "'_'", "'a_b'", "'%深%'", "'a\\%'", "'%\\%'", "'_%_'", "'a.b'", "'%[x]'"]


def make_rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Rows of extreme values, about one in eight null."""
    rng = random.Random(seed)

    def cell(kind: T) -> Any:
        value = None if rng.random() < 0.12 else rng.choice(VALUES[kind.value])
        return Decimal(value) if kind is T.MONEY and value is not None else value

    names = {**SCOPE.names, "in_list_vip": T.BOOLEAN}
    return [{name: cell(kind) for name, kind in names.items()} for _ in range(count)]


@dataclass
class Drawer:
    """Draws rules; remembers which overloads it used."""

    seed: int
    used: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.by_result: dict[T, list[tuple[Function, int]]] = {kind: [] for kind in T}
        for row in FUNCTIONS.values():
            for index, overload in enumerate(row.overloads):
                result = overload.signature.result
                kinds = _generic_kinds(result) if result in ("any", "ordered") else [T(result)]
                for kind in kinds:
                    self.by_result[kind].append((row, index))

    def rule(self, kind: T, depth: int) -> str:
        """A rule of a type."""
        if depth <= 0 or self.rng.random() < 0.12 or not self.by_result[kind]:
            return self.leaf(kind)
        if self.rng.random() < 0.1:
            return self._choice(kind, depth - 1)
        row, index = self.rng.choice(self.by_result[kind])
        return self.apply(row, index, depth - 1, kind)

    def leaf(self, kind: T) -> str:
        """A column, a written value, or null."""
        draw = self.rng.random()
        if draw < 0.04 and kind is not T.LIST:
            return "null"
        if draw < 0.35 and kind in _LITERALS:
            return self.rng.choice(_LITERALS[kind])
        return self.rng.choice(COLUMNS[kind])

    def _choice(self, kind: T, depth: int) -> str:
        test, a, b = self.rule(T.BOOLEAN, depth), self.rule(kind, depth), self.rule(kind, depth)
        if self.rng.random() < 0.5 or kind is T.LIST:
            return f"if({test}, {a}, {b})"
        subject, first = self.rule(T.INTEGER, depth), self.leaf(T.INTEGER)
        if self.rng.random() < 0.5:
            return f"case when {test} then {a} when b then {b} end"
        return f"case {_grouped(subject)} when {first} then {a} else {b} end"

    def apply(self, row: Function, index: int, depth: int, kind: T) -> str:
        """One overload of a row, applied to drawn arguments."""
        self.used.add((row.name, index))
        overload = row.overloads[index]
        result = overload.signature.result
        generic = kind if result in ("any", "ordered") else self.rng.choice(_generic_kinds(_generic_of(overload)))
        special = _SPECIAL.get(row.name)
        if special is not None:
            return special(self, overload, depth, generic)
        args = [self._argument(p, depth, generic) for p in self._parameters(overload)]
        if not row.operator:
            return f"{row.name}({', '.join(args)})"
        if len(args) == 1:
            return f"({row.name} {_grouped(args[0])})"
        return f"({f' {row.name} '.join(_grouped(arg) for arg in args)})"

    def _parameters(self, overload: Overload) -> list[Parameter]:
        signature = overload.signature
        more = self.rng.randint(0, 2) if signature.repeats else 0
        return [*signature.parameters, *[signature.parameters[-1]] * more]

    def _argument(self, parameter: Parameter, depth: int, generic: T) -> str:
        if parameter.literal:
            return self.rng.choice(["'a'", "'深耕'", "''", "'b'"])
        if parameter.type in ("any", "ordered"):
            if generic is T.NUMBER and self.rng.random() < 0.2:
                generic = T.INTEGER
            return self.rule(generic, depth)
        return self.rule(self.rng.choice(list(COLUMNS)) if parameter.type == "anything" else T(parameter.type), depth)


def _grouped(text: str) -> str:
    return f"({text})" if " " in text or text.startswith("-") else text


def _generic_of(overload: Overload) -> str:
    kinds = {p.type for p in overload.signature.parameters}
    return "ordered" if "ordered" in kinds else "any"


def _generic_kinds(name: str) -> list[T]:
    ordered = [T.INTEGER, T.NUMBER, T.TEXT, T.DATE, T.TIMESTAMP]
    return ordered if name == "ordered" else [*ordered, T.BOOLEAN]


def _between(drawer: Drawer, overload: Overload, depth: int, kind: T) -> str:
    written = overload.signature.parameters[1].literal
    bounds = [drawer.rng.choice(_LITERALS[kind]) if written else drawer.rule(kind, depth) for _ in range(2)]
    if written and kind is T.DATE:
        bounds = [bound.replace("today", "date '2024-01-01'") for bound in bounds]
    word = drawer.rng.choice(["between", "not between"])
    return f"({_grouped(drawer.rule(kind, depth))} {word} {_grouped(bounds[0])} and {_grouped(bounds[1])})"


def _in(drawer: Drawer, overload: Overload, depth: int, kind: T) -> str:
    written = [v for v in _LITERALS[kind] if not v.startswith(("segment", "today"))]
    values = drawer.rng.sample(written, min(len(written), drawer.rng.randint(1, 4)))
    if drawer.rng.random() < 0.2:
        values.append("null")
    word = drawer.rng.choice(["in", "not in"])
    return f"({_grouped(drawer.rule(kind, depth))} {word} ({', '.join(values)}))"


def _like(drawer: Drawer, overload: Overload, depth: int, kind: T) -> str:
    text = _grouped(drawer.rule(T.TEXT, depth))
    word = drawer.rng.choice(["like", "not like"])
    if len(overload.signature.parameters) == 3:
        return f"({text} {word} {drawer.rng.choice(['''%!_%''', '''a!%b''', '''!!%''', '''_!__'''])!r} escape '!')"
    return f"({text} {word} {drawer.rng.choice(_PATTERNS)})"


def _minus(drawer: Drawer, overload: Overload, depth: int, kind: T) -> str:
    args = [_grouped(drawer.rule(T(p.type), depth)) for p in overload.signature.parameters]
    return f"({' - '.join(args)})" if len(args) == 2 else f"(-{args[0]})"


def _round(drawer: Drawer, overload: Overload, depth: int, kind: T) -> str:
    args = [drawer.rule(T(overload.signature.parameters[0].type), depth)]
    return f"round({', '.join([*args, *[str(drawer.rng.randint(0, 9)) for _ in overload.signature.parameters[1:]]])})"


def _add(drawer: Drawer, overload: Overload, depth: int, kind: T) -> str:
    first, second = overload.signature.parameters
    days = drawer.rng.choice(["1", "-31", "366", "i", "j"]) if first.type == "date" else None
    return f"({_grouped(drawer.rule(T(first.type), depth))} + {days or _grouped(drawer.rule(T(second.type), depth))})"


def _is_null(drawer: Drawer, overload: Overload, depth: int, kind: T) -> str:
    subject = drawer.rule(drawer.rng.choice(list(COLUMNS)), depth)
    return f"({_grouped(subject)} is {drawer.rng.choice(['', 'not '])}null)"


_SPECIAL: dict[str, Callable[[Drawer, Overload, int, T], str]] = {
    "between": _between,
    "in": _in,
    "like": _like,
    "-": _minus,
    "+": _add,
    "round": _round,
    "is null": _is_null,
}
