"""One table's delivery: all its mappings together, their rows judged, and what was published before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cultiva.contracts.types import TableSchema
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.row_contract import FAULT, FUTURE, Contract, JudgedMapping
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
    rejected: Counter[tuple[int, str]]
    """Records that could not be read, by mapping and contract."""
    odd: tuple[str, ...]
    """By mapping: table of its rows that are bad or whose key's hash another row has; everything of its view."""
    odd_rows: int = 0
    """Rows in these tables."""

    def read(self, mapping: int) -> int:
        """Rows of one mapping."""
        return self.good[mapping] + self.not_yet[mapping] + self.quarantined(mapping)

    def of(self, mapping: int, contracts: tuple[Contract, ...], rule: str) -> int:
        """Rows of one mapping that break a contract of a name first."""
        numbers = [number for number, one in enumerate(contracts, start=1) if one.rule == rule]
        return sum(self.bad[mapping, number] for number in numbers)

    def quarantined(self, mapping: int) -> int:
        """Bad rows of one mapping."""
        found = (*self.bad.items(), *self.rejected.items())
        return sum(rows for (number, _), rows in found if number == mapping)


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
    """Counts the rows, and sets the odd ones aside.

    Two passes: one over the key, one over everything. All later steps but the write look at the odd rows only.
    """
    shared = _shared_hashes(desk, delivery)
    odd = dict(_set_aside(desk, delivery.schema, one, shared) for one in delivery.mappings)
    if shared:
        desk.run(f"DROP TABLE {ident(shared)}")
    return _counted(desk, delivery, tuple(odd), sum(odd.values()))


def key_hash(schema: TableSchema) -> str:
    """SQL of 64 bits of a row's key."""
    return f"hash({idents(schema.key)})"


def good_rows(delivery: Delivery, census: Census) -> str:
    """SQL of the rows that keep every contract, exist by the business date, and whose key is surely their own.

    A hash that only one row has names that row: a bad one is left out by it, without judging all rows again.
    """
    names = idents((*delivery.schema.names, *PLACE))
    if not delivery.schema.key:
        return f"SELECT {names} FROM {ident(delivery.rows)} WHERE {FAULT} IS NULL AND NOT {FUTURE}"
    rows = f"SELECT {names} FROM {ident(delivery.rows)}"
    if census.odd_rows:
        hashes = " UNION ALL ".join(f"SELECT {key_hash(delivery.schema)} AS __hash FROM {ident(o)}" for o in census.odd)
        rows += f" ANTI JOIN ({hashes}) AS odd ON {key_hash(delivery.schema)} = odd.__hash"
    return f"{rows} WHERE NOT {FUTURE}"


def odd_good_rows(delivery: Delivery, census: Census) -> str:
    """SQL of the odd rows that keep every contract and exist by the business date."""
    names = idents(delivery.schema.names)
    return " UNION ALL ".join(
        f"SELECT {names}, {number}::INTEGER AS {MAPPING}, {FILE}, {ROW} FROM {ident(odd)} "
        f"WHERE {FAULT} IS NULL AND NOT {FUTURE}"
        for number, odd in enumerate(census.odd)
    )


def _shared_hashes(desk: Desk, delivery: Delivery) -> str | None:
    """Table of the hashes that several rows' keys have, good or bad; None if there are none. Reads the key only."""
    if not delivery.schema.key:
        return None
    name, key = desk.new_name(), key_hash(delivery.schema)
    shared = f"SELECT {key} AS __hash FROM {ident(delivery.rows)} GROUP BY ALL HAVING count(*) > 1"
    rows = desk.run(f"CREATE TEMP TABLE {ident(name)} AS {shared}")
    return name if rows else None


def _set_aside(desk: Desk, schema: TableSchema, one: JudgedMapping, shared: str | None) -> tuple[str, int]:
    """Table of a mapping's odd rows, and how many they are."""
    name = desk.new_name()
    repeated = f" OR {key_hash(schema)} IN (SELECT __hash FROM {ident(shared)})" if shared else ""
    odd = f"SELECT * FROM {ident(one.view)} WHERE {FAULT} IS NOT NULL{repeated}"
    return name, desk.run(f"CREATE TEMP TABLE {ident(name)} AS {odd}")


def _counted(desk: Desk, delivery: Delivery, odd: tuple[str, ...], odd_rows: int) -> Census:
    census = Census(Counter(), Counter(), Counter(), Counter(), odd, odd_rows)
    for number, one in enumerate(delivery.mappings):
        counts = f"SELECT count(*), count(*) FILTER ({FUTURE}) FROM {ident(one.view)}"
        rows, future = desk.rows(counts)[0]
        bad = desk.rows(
            f"SELECT {FAULT}, count(*), count(*) FILTER ({FUTURE}) FROM {ident(odd[number])} "
            f"WHERE {FAULT} IS NOT NULL GROUP BY ALL"
        )
        census.bad.update({(number, fault): count for fault, count, _ in bad})
        census.not_yet[number] = future - sum(both for _, _, both in bad)
        census.good[number] = rows - census.not_yet[number] - sum(count for _, count, _ in bad)
        inputs = literals(one.relation.inputs)
        refused = desk.rows(f"SELECT rule, count(*) FROM rejected WHERE input IN ({inputs}) GROUP BY ALL")
        census.rejected.update({(number, rule): count for rule, count in refused})
    return census
