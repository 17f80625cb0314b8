"""The columns of the profile: what each is, where it comes from, and whether people see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cultiva.contracts.types import DataType


class Origin(StrEnum):
    """How a column of the profile is made."""

    KEY = "key"
    """The customer's id."""
    COLUMN = "column"
    """A column of the customer's resolved party record."""
    AGGREGATE = "aggregate"
    """An aggregate of a view's rows."""
    EXPRESSION = "expression"
    """An expression over other columns."""
    EXTERNAL = "external"
    """A column of an external table."""
    SCORE = "score"
    """The score of a model."""
    VALUE = "value"
    """The value model."""
    TIER = "tier"
    """A tiering."""
    ASSETS = "assets"
    """The model portfolios."""
    LIFECYCLE = "lifecycle"
    """The lifecycle."""
    LIST = "list"
    """Whether the customer is on a list segment's list."""
    WINDOW = "window"
    """An event function of a rule."""


@dataclass(frozen=True)
class ProfileColumn:
    """One column of the profile."""

    name: str
    """Its name."""
    type: DataType
    """Its type."""
    origin: Origin
    """How it is made."""
    tables: frozenset[str] = frozenset()
    """Tables and inputs that it is made of, through whatever other columns."""
    personal: bool = False
    """Whether it is personal data."""
    missing: bool = False
    """Whether none of its tables has a source, so that it is null for everybody."""

    @property
    def hidden(self) -> bool:
        """Whether rules made it for themselves."""
        return self.origin in (Origin.LIST, Origin.WINDOW)
