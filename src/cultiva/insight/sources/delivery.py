"""One table's delivery: all its mappings together, their rows judged, and what was published before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cultiva.contracts.types import TableSchema
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.row_contract import FAULT, FUTURE, JudgedMapping
from cultiva.insight.sources.sql import FILE, ROW, ident, idents, literals

MAPPING = "__mapping"
"""Column with the number of the mapping that a row comes through."""
PLACE = (MAPPING, FILE, ROW)
"""Columns that say where a row stood."""


@dataclass(frozen=True)
class Delivery:
    """The rows of one table for one business date."""

    schema: TableSchema
    """Canonical columns and extra ones."""
    mappings: tuple[JudgedMapping, ...]
    """By their number, from 0."""
    on: date
    """The business date."""
    previous: date | None
    """The date published before; None at the first run."""
    history: tuple[Path, ...]
    """For facts: folders of all earlier dates."""
    rows: str
    """View of all judged rows: the columns, `__mapping`, `__file`, `__row`, `__fault`, `__future`."""

    @property
    def is_fact(self) -> bool:
        """Whether rows are added day by day."""
        return self.schema.is_fact


@dataclass(frozen=True)
class Census:
    """How many rows of each mapping are good, not yet, or break which contract."""

    good: Counter[int]
    """By mapping."""
    not_yet: Counter[int]
    """By mapping."""
    bad: Counter[tuple[int, int]]
    """By mapping and contract."""
    rejected: Counter[int]
    """Records that could not be split into fields, by mapping."""

    def read(self, mapping: int) -> int:
        """Rows of one mapping."""
        return self.good[mapping] + self.not_yet[mapping] + self.quarantined(mapping)

    def quarantined(self, mapping: int) -> int:
        """Bad rows of one mapping."""
        return self.rejected[mapping] + sum(rows for (number, _), rows in self.bad.items() if number == mapping)


def unite(
    desk: Desk,
    schema: TableSchema,
    mappings: tuple[JudgedMapping, ...],
    on: date,
    *,
    previous: date | None,
    history: tuple[Path, ...],
) -> Delivery:
    """Puts the mappings of one table together."""
    names = idents(schema.names)
    parts = [
        f"SELECT {names}, {number}::INTEGER AS {MAPPING}, {FILE}, {ROW}, {FAULT}, {FUTURE} FROM {ident(one.view)}"
        for number, one in enumerate(mappings)
    ]
    rows = desk.new_name()
    desk.run(f"CREATE TEMP VIEW {ident(rows)} AS {' UNION ALL '.join(parts)}")
    return Delivery(schema, mappings, on, previous, history, rows)


def take_census(desk: Desk, delivery: Delivery) -> Census:
    """Counts the rows in one pass."""
    census = Census(Counter(), Counter(), Counter(), Counter())
    counted = desk.rows(
        f"SELECT {MAPPING}, coalesce({FAULT}, 0), {FUTURE}, count(*) FROM {ident(delivery.rows)} GROUP BY ALL"
    )
    for mapping, fault, future, rows in counted:
        if fault:
            census.bad[mapping, fault] += rows
        else:
            (census.not_yet if future else census.good)[mapping] += rows
    for number, one in enumerate(delivery.mappings):
        inputs = literals(one.relation.inputs)
        census.rejected[number] = desk.rows(f"SELECT count(*) FROM rejected WHERE input IN ({inputs})")[0][0]
    return census


def good_rows(delivery: Delivery) -> str:
    """SQL of the rows that keep every contract and exist by the business date."""
    names = idents((*delivery.schema.names, *PLACE))
    return f"SELECT {names} FROM {ident(delivery.rows)} WHERE {FAULT} IS NULL AND NOT {FUTURE}"
