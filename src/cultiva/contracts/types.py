"""The types that a column, a tag or an expression may have; the same on every engine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

INTEGER_MAX = 2**53
"""Whole numbers lie within plus and minus this, so that every engine compares them exactly."""


class DataType(StrEnum):
    """The type of a column, a tag or an expression."""

    BOOLEAN = "boolean"
    """True, false or null."""
    INTEGER = "integer"
    """A whole number within plus and minus 2**53; 64-bit in Parquet."""
    NUMBER = "number"
    """A finite IEEE double; never NaN or infinite."""
    MONEY = "money"
    """An amount in major units, DECIMAL(18,2) in Parquet; enters expressions as a number."""
    TEXT = "text"
    """Unicode text, compared by code point."""
    DATE = "date"
    """A calendar day."""
    TIMESTAMP = "timestamp"
    """Microseconds in the bank's local time, without zone."""
    LIST = "list"
    """A list of texts."""

    @property
    def numeric(self) -> bool:
        """Whether arithmetic applies."""
        return self in (DataType.INTEGER, DataType.NUMBER, DataType.MONEY)


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: DataType
    required: bool = False
    """Whether a row without it is bad."""
    doc: str = ""
    """One line of meaning."""
    codes: tuple[str, ...] = ()
    """The values allowed; empty if any."""
    minimum: float | None = None
    """The smallest value allowed, for numeric columns."""
    personal: bool = False
    """Whether its values are masked in errors, logs and the quarantine."""
    past: bool = False
    """For dates: whether a value after the business date is a fault."""


@dataclass(frozen=True)
class TableSchema:
    """The shape of one table: its columns, what identifies a row, and how it grows."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """Columns that identify a row."""
    time: str | None = None
    """For facts: the column that says when it happened. None for tables delivered whole."""
    doc: str = ""
    since: str | None = None
    """For tables delivered whole: the column that says when a row began; rows that begin later do not exist yet."""

    @property
    def begins(self) -> str | None:
        """The column that says when a row began to exist: `time` of facts, `since` of other tables."""
        return self.time or self.since

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        return {column.name: column for column in self.columns}[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def is_fact(self) -> bool:
        """Whether rows are added day by day (transactions, events) rather than delivered whole."""
        return self.time is not None
