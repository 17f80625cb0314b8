"""What names mean to a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.rules.signatures import iso_value


@dataclass(frozen=True)
class Scope:
    """What the names in a rule mean. `today` is built in."""

    names: Mapping[str, DataType]
    """Columns and their types."""
    segments: Mapping[str, str] = field(default_factory=dict)
    """Rule segments and their rules' text."""
    list_segments: frozenset[str] = frozenset()
    """List segments; each is a boolean column `in_list_<name>`."""
    events: Mapping[str, Mapping[str, DataType]] = field(default_factory=dict)
    """Events and their typed properties."""
    constants: Mapping[str, float] = field(default_factory=dict)
    """Named numbers."""
    untyped: frozenset[str] = frozenset()
    """Names whose value is null and whose type nothing says: they take the type that their place demands."""

    def known(self) -> list[str]:
        """Every name that may stand in a rule."""
        return [*self.names, *self.untyped, *self.constants, "today"]


def infer_scope(values: Mapping[str, Any]) -> tuple[Scope, dict[str, Any]]:
    """Reads types from JSON values, for trying a rule without a workspace.

    Args:
        values: Names and their values: true/false, whole numbers, numbers, texts (an ISO date or timestamp becomes
            one), lists of texts. A null takes the type that its place in the rule demands.

    Returns:
        The scope and the row of typed values.

    Examples:
        >>> scope, row = infer_scope({"last_login": "1994-01-01", "aum": 12.5})
        >>> scope.names["last_login"].value, row["last_login"]
        ('date', datetime.date(1994, 1, 1))
    """
    typed = {name: _typed(value) for name, value in values.items()}
    names = {name: kind for name, (kind, _) in typed.items() if kind is not None}
    untyped = frozenset(name for name, (kind, _) in typed.items() if kind is None)
    return Scope(names, untyped=untyped), {name: value for name, (_, value) in typed.items()}


def _typed(value: Any) -> tuple[DataType | None, Any]:
    if value is None:
        return None, None
    if isinstance(value, bool):
        return DataType.BOOLEAN, value
    if isinstance(value, int):
        return (DataType.INTEGER, value) if abs(value) <= INTEGER_MAX else (DataType.NUMBER, float(value))
    if isinstance(value, float):
        return DataType.NUMBER, value
    if isinstance(value, list):
        return DataType.LIST, [None if item is None else str(item) for item in value]
    return _moment(str(value))


def _moment(text: str) -> tuple[DataType, str | date | datetime]:
    for kind in (DataType.DATE, DataType.TIMESTAMP):
        moment = iso_value(text, kind)
        if moment is not None:
            return kind, moment
    return DataType.TEXT, text
