"""Signatures of the function table: written as text, matched against the types of arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cultiva.contracts.types import DataType
from cultiva.rules.nodes import Call, Literal, Name, Node

SAME = "any"
"""Any type but list; all arguments written so have the same."""
ORDERED = "ordered"
"""Like `any`, without boolean: types that have an order."""
ANYTHING = "anything"
"""Any type at all, each argument for itself."""
_GENERIC = (SAME, ORDERED)
WIDEN = "number"
"""The function that takes an integer to a number."""
MIDNIGHT = "timestamp"
"""The function that takes a date to its first instant."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a signature."""

    type: str
    """A DataType's name, or `any`, `ordered`, `anything`."""
    literal: bool = False
    """Whether it must be written as a value."""


@dataclass(frozen=True)
class Signature:
    """What a function takes and gives."""

    parameters: tuple[Parameter, ...]
    result: str
    """A DataType's name, or `any` for the common type of the arguments."""
    repeats: bool = False
    """Whether the last parameter may come again and again."""

    def __str__(self) -> str:
        names = [f"{p.type}{' as written value' if p.literal else ''}" for p in self.parameters]
        return f"({', '.join(names)}{', ...' if self.repeats else ''}) -> {self.result}"

    def parameter(self, index: int) -> Parameter:
        """The parameter that takes the argument of that index."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def takes(self, count: int) -> bool:
        """Whether it takes so many arguments."""
        return count >= len(self.parameters) if self.repeats else count == len(self.parameters)


def read_signature(text: str) -> Signature:
    """Reads `text, integer! ... -> text`: `!` marks a written value, `...` a parameter that repeats.

    Examples:
        >>> str(read_signature("any, any! ... -> boolean"))
        '(any, any as written value, ...) -> boolean'
    """
    left, result = (part.strip() for part in text.split("->"))
    repeats = left.endswith("...")
    names = [name.strip() for name in left.removesuffix("...").split(",") if name.strip()]
    return Signature(tuple(Parameter(n.rstrip("!"), n.endswith("!")) for n in names), result, repeats)


def common_type(types: Sequence[DataType | None]) -> DataType | None:
    """The one type that all may be taken to; None if there is none. Nulls (None) fit any."""
    known = {t for t in types if t is not None}
    if known <= {DataType.INTEGER, DataType.NUMBER} and DataType.NUMBER in known:
        return DataType.NUMBER
    if known == {DataType.DATE, DataType.TIMESTAMP}:
        return DataType.TIMESTAMP
    return known.pop() if len(known) == 1 else None


def iso_value(text: str, wanted: DataType) -> date | datetime | None:
    """A date or timestamp written in ISO form, or None."""
    try:
        if wanted is DataType.DATE:
            return date.fromisoformat(text) if len(text) == 10 and text[4] == "-" else None
        value = datetime.fromisoformat(text) if len(text) >= 10 and text[4] == "-" else None
    except ValueError:
        return None
    return value if value is not None and value.tzinfo is None else None


def coerce(node: Node, wanted: DataType) -> Node | None:
    """The node taken to a type without loss (integer to number, date to timestamp, ISO text), or None."""
    if node.type is wanted:
        return node
    if isinstance(node, Literal):
        return _coerce_literal(node, wanted)
    if isinstance(node, Name) and node.type is None:
        return Name(node.name, wanted)
    if (node.type, wanted) == (DataType.INTEGER, DataType.NUMBER):
        return Call(WIDEN, 0, (node,), wanted)
    if (node.type, wanted) == (DataType.DATE, DataType.TIMESTAMP):
        return Call(MIDNIGHT, 0, (node,), wanted)
    return None


def _coerce_literal(node: Literal, wanted: DataType) -> Literal | None:
    value = node.value
    if value is None and node.type is None:
        return Literal(None, wanted)
    if node.type is DataType.INTEGER and wanted is DataType.NUMBER:
        return Literal(None if value is None else float(value), wanted)  # type: ignore[arg-type]
    if node.type is DataType.DATE and wanted is DataType.TIMESTAMP and isinstance(value, date):
        return Literal(datetime(value.year, value.month, value.day), wanted)  # noqa: DTZ001 - local time, no zone
    if isinstance(value, str) and wanted in (DataType.DATE, DataType.TIMESTAMP):
        moment = iso_value(value, wanted)
        return None if moment is None else Literal(moment, wanted)
    return None


def match(signature: Signature, args: Sequence[Node]) -> tuple[tuple[Node, ...], DataType] | None:
    """The arguments taken to what the signature wants and its result type; None if it does not fit."""
    if not signature.takes(len(args)):
        return None
    generic = _generic_type(signature, args)
    if generic is None:
        return None
    taken = [_take(signature.parameter(i), arg, generic) for i, arg in enumerate(args)]
    if any(arg is None for arg in taken):
        return None
    result = generic if signature.result in _GENERIC else DataType(signature.result)
    return tuple(arg for arg in taken if arg is not None), result


def _generic_type(signature: Signature, args: Sequence[Node]) -> DataType | None:
    """The type that stands for `any`; text if nothing asks for it or all are null; None if it does not exist."""
    places = [(signature.parameter(i).type, arg) for i, arg in enumerate(args)]
    generic = [arg for kind, arg in places if kind in _GENERIC]
    others = [arg.type for arg in generic if not (isinstance(arg, Literal) and isinstance(arg.value, str))]
    moments = {DataType.DATE, DataType.TIMESTAMP}
    if moments & set(others):
        found = common_type([*others, *(_iso_type(arg) for arg in generic if arg.type is DataType.TEXT)])
    else:
        found = common_type([arg.type for arg in generic])
    if found is None and all(arg.type is None for arg in generic):
        return DataType.TEXT
    kinds = {kind for kind, _ in places}
    banned = {DataType.LIST} | ({DataType.BOOLEAN} if ORDERED in kinds else set())
    return None if generic and found in banned else found


def _iso_type(node: Node) -> DataType:
    text = node.value if isinstance(node, Literal) and isinstance(node.value, str) else ""
    for wanted in (DataType.DATE, DataType.TIMESTAMP):
        if iso_value(text, wanted) is not None:
            return wanted
    return DataType.TEXT


def _take(parameter: Parameter, arg: Node, generic: DataType) -> Node | None:
    if parameter.literal and not (isinstance(arg, Literal) and arg.value is not None):
        return None
    if parameter.type == ANYTHING:
        return arg if arg.type is not None else coerce(arg, DataType.TEXT)
    return coerce(arg, generic if parameter.type in _GENERIC else DataType(parameter.type))


def plain(kind: DataType | None) -> DataType | None:
    """A type as rules see it: money is a number."""
    return DataType.NUMBER if kind is DataType.MONEY else kind


def a(kind: DataType | None) -> str:
    """A type with its article."""
    if kind is None:
        return "null"
    return f"an {kind}" if kind is DataType.INTEGER else f"a {kind}"
