"""A tree to a Python function of one row: source is generated once, with nulls tested where values are read.

Code of a node is a list of tests that must hold for its value not to be null, and the value's source, which may
be read only after them. Nothing is called per node; `and` and `or` stop early.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.kit.errors import CultivaError
from cultiva.rules import chains, runtime
from cultiva.rules.forms_python import source
from cultiva.rules.nodes import Call, Case, Expansion, Literal, Name, Node, Today, walk

Closure = Callable[[Mapping[str, Any]], Any]
"""Takes a row (column to value of its type, None for null) and gives the value."""
_ATOM = re.compile(r"\(?-?[\w.]+\)?|'[^'\\]*'")
_LIMIT = {DataType.INTEGER: repr(INTEGER_MAX), DataType.NUMBER: repr(runtime.NUMBER_MAX)}


@dataclass(frozen=True)
class Code:
    """Source of a value."""

    tests: tuple[str, ...]
    """Tests in order; the value is null as soon as one does not hold."""
    value: str
    """Source that gives the value once all tests hold."""

    def nullable(self) -> str:
        """Source that gives the value or None."""
        if self.tests:
            return f"({self.value} if {' and '.join(self.tests)} else None)"
        return self.value if _ATOM.fullmatch(self.value) else f"({self.value})"

    def holds(self) -> str:
        """Source that is true where the value is true, for conditions."""
        return f"({' and '.join([*self.tests, self.value])})" if self.tests else self.value


@dataclass
class Generator:
    """Writes the source of one closure."""

    today: date
    shared: frozenset[str]
    """Columns read more than once: they are read first."""
    globals: dict[str, Any] = field(default_factory=lambda: dict(runtime.NAMES))
    names: int = 0

    def __call__(self, value: Any) -> str:
        """Keeps a value under a new global name."""
        name = f"k{len(self.globals)}"
        self.globals[name] = value
        return name

    def fresh(self) -> str:
        """A new local name."""
        self.names += 1
        return f"t{self.names}"

    def code(self, node: Node) -> Code:
        """Code of a node, tested."""
        code = self.raw(node)
        if isinstance(node, Call) and chains.needs_test(node):
            name, limit = self.fresh(), _LIMIT[node.type]
            return Code((*code.tests, f"-{limit} <= ({name} := {code.value}) <= {limit}"), name)
        return code

    def raw(self, node: Node) -> Code:
        """Code of a node, its result not yet tested."""
        if isinstance(node, Literal):
            return Code((), source(node.value, self)) if node.value is not None else Code(("False",), "None")
        if isinstance(node, Name):
            return self._column(node)
        if isinstance(node, Today):
            return Code((), "today")
        if isinstance(node, Expansion):
            return self.code(node.body)
        return self._case(node) if isinstance(node, Case) else self._call(node)

    def _column(self, node: Name) -> Code:
        if node.name in self.shared:
            local = f"c_{sorted(self.shared).index(node.name)}"
            return Code((f"{local} is not None",), f"float({local})" if node.money else local)
        local = self.fresh()
        test = f"({local} := row[{node.name!r}]) is not None"
        return Code((test,), f"float({local})" if node.money else local)

    def _case(self, node: Case) -> Code:
        parts = [f"{self.code(value).nullable()} if {self.true(test)} else" for test, value in node.branches]
        return self._bound(f"({' '.join(parts)} {self.code(node.default).nullable()})")

    def _bound(self, text: str) -> Code:
        name = self.fresh()
        return Code((f"({name} := {text}) is not None",), name)

    def _call(self, node: Call) -> Code:
        overload = chains.overload_of(node)
        if overload.sees_null:
            codes = [self.code(arg) for arg in node.args]
            if node.function == "is null":
                return Code((), f"({codes[0].nullable()} is None)" if codes[0].tests else "False")
            return self._bound(self._fill(node, [code.nullable() for code in codes]))
        tests: list[str] = []
        values: list[Any] = []
        sources: dict[str, str] = {}
        for index, arg in enumerate(node.args):
            if overload.signature.parameter(index).literal and isinstance(arg, Literal):
                values.append(arg.value)
                continue
            code = self.raw(arg) if chains.may_wait(arg, node) else self.code(arg)
            tests.extend(code.tests)
            place = f"\0{index}\0"
            sources[place] = code.value
            values.append(place)
        text = self._place(self._fill(node, values), sources, tests)
        if not overload.nullable:
            return Code(tuple(tests), text)
        bound = self._bound(text)
        return Code((*tests, *bound.tests), bound.value)

    def _place(self, text: str, sources: dict[str, str], tests: list[str]) -> str:
        """Puts the arguments' source into a form; longer source that it reads twice is first kept in a local."""
        for place, value in sources.items():
            if _ATOM.fullmatch(value):
                text = text.replace(place, value)
            elif text.count(place) == 1:
                text = text.replace(place, f"({value})")
            else:
                name = self.fresh()
                tests.append(f"(({name} := {value}) is not None)")
                text = text.replace(place, name)
        return text

    def _fill(self, node: Call, values: list[Any]) -> str:
        form = chains.overload_of(node).forms.python
        return form.format(*values) if isinstance(form, str) else form(self, *values)

    def true(self, node: Node) -> str:
        """Source that is true where the condition is true; `not` is pushed down to the leaves."""
        if isinstance(node, Expansion):
            return self.true(node.body)
        if isinstance(node, Call) and node.function in ("and", "or"):
            return f"({f' {node.function} '.join(self.true(arg) for arg in node.args)})"
        if isinstance(node, Call) and node.function == "not":
            return self.false(node.args[0])
        if isinstance(node, Call) and _or_false(node):
            return self.true(node.args[0])
        return self.code(node).holds()

    def false(self, node: Node) -> str:
        """Source that is true where the condition is false."""
        if isinstance(node, Call) and node.function in ("and", "or"):
            other = "or" if node.function == "and" else "and"
            return f"({f' {other} '.join(self.false(arg) for arg in node.args)})"
        if isinstance(node, Call) and node.function == "not":
            return self.true(node.args[0])
        if isinstance(node, Expansion):
            return self.false(node.body)
        if _or_false(node):
            return f"(not {self.true(node)})"
        code = self.code(node)
        return Code(code.tests, f"not {code.value}").holds()


_FALSE = Literal(value=False, type=DataType.BOOLEAN)


def _or_false(node: Node) -> bool:
    """Whether it is `coalesce(condition, false)`, as every segment is."""
    return isinstance(node, Call) and node.function == "coalesce" and node.args[1:] == (_FALSE,)


def make_closure(node: Node, today: date, *, test: bool = False) -> Closure:
    """A function of one row.

    Args:
        node: A checked tree.
        today: The business date.
        test: Whether only true matters: the function then gives True or False, false also for null, and is faster.
    """
    counts = Counter(part.name for part in walk(node) if isinstance(part, Name))
    shared = frozenset(name for name, count in counts.items() if count > 1)
    generator = Generator(today, shared)
    result = generator.true(node) if test else generator.code(node).nullable()
    if node.type is DataType.NUMBER:
        result = f"(z + 0.0 if (z := {result}) is not None else None)"
    reads = [f"        c_{index} = row[{name!r}]" for index, name in enumerate(sorted(shared))]
    lines = ["def rule(row):", "    try:", *reads, f"        return {result}"]
    text = "\n".join([*lines, "    except KeyError as error:", "        raise missing_column(error) from None"])
    space = generator.globals | {"today": today}
    try:
        exec(compile(text, "<rule>", "exec"), space)  # noqa: S102 - source of our own, from a checked tree
    except (SyntaxError, RecursionError, MemoryError) as error:  # Python's own limits on nesting
        raise CultivaError(
            "the rule is nested too deeply to be compiled",
            code="rules.too_deep",
            hint="make a tag or a segment of a part of it",
        ) from error
    return space["rule"]
