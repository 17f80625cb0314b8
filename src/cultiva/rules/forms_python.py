"""Python forms that need more than a template, and set forms that every library spells alike."""

from __future__ import annotations

import re
from functools import reduce
from typing import Any

from cultiva.contracts.types import INTEGER_MAX
from cultiva.rules import runtime
from cultiva.rules.likes import LikeKind, python_regex, read_like
from cultiva.rules.nodes import Value
from cultiva.rules.table import Keep

UP, LOW, SPACES = runtime.ASCII_UPPER, runtime.ASCII_LOWER, runtime.SPACES
SIGN = "(({0} > 0) - ({0} < 0))"


def source(value: Value, keep: Keep) -> str:
    """A written value as source: plain if Python can write it, else kept."""
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value) if not (isinstance(value, int | float) and value < 0) else f"({value!r})"
    return keep(value)


def and_(keep: Any, *terms: str) -> str:
    """Three-valued and; a term is source that may give None."""
    names = [keep.fresh() for _ in terms]
    false = " or ".join(f"({name} := {term}) is False" for name, term in zip(names, terms, strict=True))
    null = " or ".join(f"{name} is None" for name in names)
    return f"(False if {false} else None if {null} else True)"


def or_(keep: Any, *terms: str) -> str:
    """Three-valued or."""
    names = [keep.fresh() for _ in terms]
    true = " or ".join(f"({name} := {term}) is True" for name, term in zip(names, terms, strict=True))
    null = " or ".join(f"{name} is None" for name in names)
    return f"(True if {true} else None if {null} else False)"


def coalesce(keep: Any, *terms: str) -> str:
    """The first that is not None."""
    name = keep.fresh()
    *first, last = terms
    return "(" + " ".join(f"{name} if ({name} := {term}) is not None else" for term in first) + f" {last})"


def nullif(keep: Any, a: str, b: str) -> str:
    """None if equal."""
    name = keep.fresh()
    return f"(None if ({name} := {a}) == {b} else {name})"


def call(name: str) -> Any:
    """A call of a function of the runtime with all arguments."""
    return lambda keep, *terms: f"{name}({', '.join(terms)})"


def divided(keep: Any, a: str, b: str) -> str:
    """A quotient, None by zero."""
    return f"({a} / {b} if {b} else None)"


def times(keep: Any, a: str, b: str) -> str:
    """A product of integers, None beyond 2**53."""
    name = keep.fresh()
    return f"({name} if -{INTEGER_MAX} <= ({name} := {a} * {b}) <= {INTEGER_MAX} else None)"


def square_root(keep: Any, x: str) -> str:
    """A root, None below zero."""
    return f"(sqrt({x}) if {x} >= 0 else None)"


def plus(keep: Any, *texts: str) -> str:
    """Texts joined."""
    return f"({' + '.join(texts)})"


def round_to(keep: Any, x: str, digits: int) -> str:
    """Rounded at so many digits."""
    return f"round_to({x}, {10.0**digits!r})"


def days_since(keep: Any, later: str, earlier: str) -> str:
    """Days between two dates."""
    return f"({later}.toordinal() - {earlier}.toordinal())"


def days_between(keep: Any, start: str, end: str) -> str:
    """Days from start to end."""
    return days_since(keep, end, start)


def between(keep: Any, x: str, low: Value, high: Value) -> str:
    """Between two written values."""
    return f"{source(low, keep)} <= {x} <= {source(high, keep)}"


def in_(keep: Any, x: str, *values: Value) -> str:
    """One of the written values."""
    if all(isinstance(value, str | int | float) for value in values):
        return f"{x} in {{{', '.join(repr(value) for value in values)}}}"
    return f"{x} in {keep(frozenset(values))}"


def like(keep: Any, text: str, pattern: str, escape: str = "") -> str:
    """A LIKE pattern by the cheapest test."""
    read = read_like(pattern, escape)
    assert read is not None
    if read.kind is LikeKind.REGEX:
        return f"({keep(re.compile(python_regex(read), re.DOTALL).fullmatch)}({text}) is not None)"
    value = repr(read.text)
    return {
        LikeKind.EQUALS: f"{text} == {value}",
        LikeKind.STARTS: f"{text}.startswith({value})",
        LikeKind.ENDS: f"{text}.endswith({value})",
        LikeKind.CONTAINS: f"({value} in {text})",
    }[read.kind]


def replace(keep: Any, text: str, old: str, new: str) -> str:
    """Occurrences replaced."""
    return f"{text}.replace({old!r}, {new!r})" if old else text


def has_any(keep: Any, items: str, *wanted: str) -> str:
    """One of them is in the list."""
    return f"({' or '.join(f'{text!r} in {items}' for text in wanted)})"


def has_all(keep: Any, items: str, *wanted: str) -> str:
    """All of them are in the list."""
    return f"({' and '.join(f'{text!r} in {items}' for text in wanted)})"


def all_of(*terms: Any) -> Any:
    """Conjunction of set expressions."""
    return reduce(lambda a, b: a & b, terms)


def any_of(*terms: Any) -> Any:
    """Disjunction of set expressions."""
    return reduce(lambda a, b: a | b, terms)


def joined(*terms: Any) -> Any:
    """Concatenation of set expressions; null if one is null."""
    return reduce(lambda a, b: a + b, terms)
