"""A sheet: a small table with a title, before anyone decides how it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Sheet:
    """Rows to show: as a table to people, as JSON to programs."""

    title: str
    """What it is about."""
    columns: tuple[str, ...]
    """Names of the columns; JSON members and, unless `headings` says otherwise, what people read."""
    rows: tuple[tuple[Any, ...], ...]
    """Cells in the order of the columns."""
    headings: Mapping[str, str] = field(default_factory=dict)
    """Column name -> heading that people read."""
    formats: Mapping[str, str] = field(default_factory=dict)
    """Column name -> format of its numbers, e.g. `,.0f` or `.1%`."""
    note: str = ""
    """A line underneath; empty if none."""

    def records(self) -> list[dict[str, Any]]:
        """Rows as mappings by column name.

        Examples:
            >>> Sheet("t", ("a", "b"), ((1, 2),)).records()
            [{'a': 1, 'b': 2}]
        """
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def first(self, count: int) -> Sheet:
        """The first rows only; the note says how many there are."""
        if count >= len(self.rows):
            return self
        return replace(self, rows=self.rows[:count], note=f"{count} of {len(self.rows)} rows. {self.note}".strip())

    def cells(self) -> list[list[str]]:
        """Rows as texts for people: nothing for null, numbers as their format says."""
        return [[self._cell(name, value) for name, value in zip(self.columns, row, strict=True)] for row in self.rows]

    def numeric(self) -> Sequence[bool]:
        """For each column whether it holds numbers, which are set flush right."""
        return [any(_is_number(row[index]) for row in self.rows) for index in range(len(self.columns))]

    def _cell(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        if _is_number(value):
            return format(value, self.formats.get(name, "," if isinstance(value, int) else ",.2f"))
        if isinstance(value, datetime):
            return value.isoformat(" ", "seconds")
        return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
