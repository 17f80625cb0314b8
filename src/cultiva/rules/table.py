"""The shape of the function table's rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from cultiva.rules.signatures import Signature, read_signature


class Group(StrEnum):
    """Sections of the reference page."""

    LOGIC = "Logic"
    """and, or, not, null."""
    COMPARISON = "Comparison"
    """Equal, less, between, in, like."""
    NUMBERS = "Numbers"
    """Arithmetic and rounding."""
    CHOICE = "Choice"
    """The first that fits."""
    TEXTS = "Texts"
    """Texts, by code point."""
    DATES = "Dates"
    """Days, months, years."""
    LISTS = "Lists"
    """Lists of texts."""


class Keep(Protocol):
    """Keeps a value for generated code and gives its name there."""

    def __call__(self, value: Any) -> str: ...


SetForm: TypeAlias = Callable[..., Any]
"""Takes the arguments' expressions (written values as they are) and gives an expression."""
PythonForm: TypeAlias = "str | Callable[..., str]"
"""A template over the arguments' source, or a function of (keep, *sources) that gives source."""


@dataclass(frozen=True)
class Forms:
    """One meaning in three forms."""

    ibis: SetForm
    """For DuckDB and Spark."""
    polars: SetForm
    """For bulk work on one machine."""
    python: PythonForm
    """For one customer."""


@dataclass(frozen=True)
class Overload:
    """One signature of a function and its forms."""

    signature: Signature
    forms: Forms
    nullable: bool = False
    """Whether the Python form may give None for arguments that are not null."""
    checked: bool = False
    """Whether the result may leave its type (beyond 2**53, not finite) and must then become null."""
    chain: bool = False
    """Whether an unchecked result may enter another operator of a chain: non-finite stays non-finite."""
    sees_null: bool = False
    """Whether it takes null arguments; if not, null gives null."""


@dataclass(frozen=True)
class Function:
    """One row of the table."""

    name: str
    group: Group
    overloads: tuple[Overload, ...]
    doc: str
    """The meaning, in one line."""
    examples: tuple[tuple[str, str], ...]
    """Rules without columns and what they give, both as rule text."""
    operator: bool = False
    """Whether it is written as an operator, not as name(...)."""


def over(signature: str, forms: Forms, **more: Any) -> Overload:
    """An overload with its signature as text; `more` are the other fields."""
    return Overload(read_signature(signature), forms, **more)


def both(form: SetForm, python: PythonForm) -> Forms:
    """Forms whose Ibis and Polars spelling is the same."""
    return Forms(form, form, python)


def row(
    group: Group, name: str, doc: str, examples: dict[str, str], *overloads: Overload, operator: bool = False
) -> Function:
    """A row of the table."""
    return Function(name, group, overloads, doc, tuple(examples.items()), operator)
