"""Sources: the bank's own deliveries (inputs) and how they become canonical tables (mappings)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from cultiva.contracts.types import DataType
from cultiva.definitions.base import Model, Name, RuleText, Share


class FileFormat(Model):
    """How a text file is written; Parquet needs none of it."""

    kind: Literal["csv", "parquet"] = "csv"
    """csv (plain or .gz/.zst) or parquet."""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """Between fields."""
    quote: str = Field(default='"', max_length=1)
    """Around fields; empty: none."""
    encoding: Literal["utf-8", "gb18030", "latin-1", "utf-16"] = "utf-8"
    """Of the text."""
    header: bool = True
    """Whether the first line names the columns."""
    columns: tuple[str, ...] = ()
    """Column names if there is no header."""
    nulls: tuple[str, ...] = ("",)
    """Texts that mean null, after trimming."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in text."""
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """The mark between thousands of numbers in text; empty: none."""


class Input(Model):
    """One delivery: files, or a query on a SQL database. Every field arrives as text unless the source is typed."""

    name: Name
    """Name in SELECTs."""
    file: str | None = None
    """Path or glob, relative to the workspace; `${var}` is filled; `{date}` (ISO, or `{date:%Y%m%d}`) means one
    file per business date: facts read those after the last published date, other tables that of the date."""
    format: FileFormat = FileFormat()
    """How the file is written."""
    url: str | None = None
    """SQLAlchemy URL of a database; `${env:NAME}` reads the environment, so that no secret is in the file."""
    query: str | None = None
    """The query to run there; `:date` is the business date, `:since` the one published before it."""

    @model_validator(mode="after")
    def _file_or_query(self) -> Self:
        if (self.file is None) == (self.query is None) or (self.query is None) != (self.url is None):
            raise ValueError("an input needs either file, or url and query")
        return self


class ColumnMapping(Model):
    """How one canonical column is made from one input column."""

    source: str | None = Field(default=None, alias="from")
    """The input's column."""
    value: str | int | float | bool | None = None
    """A constant instead."""
    format: str | None = None
    """For dates and timestamps: strptime format, e.g. `%y%m%d`."""
    codes: dict[str, str] = {}
    """Code map; a code not in it is a fault of the row unless `otherwise` is given."""
    otherwise: str | None = None
    """What a code not in the map becomes."""


def _column_form(value: Any) -> str:
    return "column" if isinstance(value, str) else "mapping"


ColumnSource = Annotated[
    Annotated[str, Tag("column")] | Annotated[ColumnMapping, Tag("mapping")], Discriminator(_column_form)
]
"""An input column by its name, or a mapping."""


class RowRule(Model):
    """A contract that every row must keep, beyond type, presence, codes and key."""

    name: Name
    """Shown in quarantine."""
    rule: RuleText
    """Over the mapped row; a row for which it is false goes to quarantine (null passes)."""


class Mapping(Model):
    """How inputs become one canonical table (or a table of the bank's own)."""

    table: Name
    """A canonical table, or a name of `extra_columns` only."""
    name: Name
    """Name of the mapping; several mappings may feed one table."""
    source: Name | None = Field(default=None, alias="from")
    """The input that `columns` maps."""
    columns: dict[str, ColumnSource] = {}
    """Canonical column -> input column, or a mapping."""
    select: str | None = None
    """Instead: a SELECT (DuckDB SQL) over the inputs; its columns are the canonical ones."""
    extra_columns: dict[Name, DataType] = {}
    """Columns of the bank's own, kept beside the canonical ones."""
    rules: tuple[RowRule, ...] = ()
    """Contracts of the rows."""
    bad_rows_max: Share = 0.01
    """Share of bad rows above which the run stops."""
    bad_rows_few: int = Field(default=0, ge=0)
    """So many bad rows never stop the run, however small the delivery."""
    late_days: int = Field(default=7, ge=0)
    """For facts: rows older than this before the last business date are quarantined as too late."""

    @model_validator(mode="after")
    def _columns_or_select(self) -> Self:
        if bool(self.columns) == (self.select is not None) or bool(self.columns) != (self.source is not None):
            raise ValueError("a mapping needs either from and columns, or select")
        return self


class SourceFile(Model):
    """One file of `sources/`."""

    inputs: tuple[Input, ...] = ()
    """Deliveries."""
    tables: tuple[Mapping, ...] = ()
    """Canonical tables made from them."""


class MatchRule(Model):
    """Party records that agree on all these columns (and have them all) are one customer."""

    name: Name
    """Shown as the reason of a merge."""
    on: tuple[str, ...] = Field(min_length=1)
    """Columns of party."""


class Identity(Model):
    """How party records become customers; rules are tried strongest first."""

    rules: tuple[MatchRule, ...] = ()
    """Exact keys, strongest first; none: every party record is a customer."""
    conflicts: tuple[str, ...] = ("party_type", "id_number_hash", "birth_date")
    """Columns in which two records of one customer may not differ."""
    cluster_max: int = Field(default=20, ge=2)
    """Most party records of one customer; a merge beyond it is refused and reported."""
    source_order: tuple[str, ...] = ()
    """Source systems, most trusted first: whose attributes win."""
