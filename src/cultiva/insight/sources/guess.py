"""Guessing which canonical table a source is, and which of its columns are which, by name and by content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cultiva.contracts.tables import CANONICAL
from cultiva.contracts.types import Column, DataType, TableSchema
from cultiva.insight.sources.hints import COLUMN_HINTS, TABLE_HINTS
from cultiva.insight.sources.measure import ColumnProfile

_FITS = {
    DataType.MONEY: {DataType.MONEY, DataType.INTEGER, DataType.NUMBER},
    DataType.NUMBER: {DataType.MONEY, DataType.INTEGER, DataType.NUMBER},
    DataType.INTEGER: {DataType.INTEGER},
    DataType.DATE: {DataType.DATE, DataType.TIMESTAMP},
    DataType.TIMESTAMP: {DataType.DATE, DataType.TIMESTAMP},
    DataType.BOOLEAN: {DataType.BOOLEAN, DataType.INTEGER, DataType.TEXT},
}
"""Canonical type -> types of sources that may become it; anything may become a text."""
CONSTANTS = {"source_system": "", "party_type": "person", "role": "owner", "granted": "true"}
"""Required columns that sources often lack, being always the same; empty: the source's own name."""
SCORE_MIN = 2.0
"""A table that scores less is not proposed."""


@dataclass(frozen=True)
class Guess:
    """A canonical table and the source columns matched with its columns."""

    schema: TableSchema
    """The table."""
    columns: dict[str, ColumnProfile]
    """Canonical column -> source column."""
    score: float
    """How well it fits; higher is better."""


def guess_table(name: str, profiles: Sequence[ColumnProfile]) -> Guess | None:
    """The canonical table that a source most likely is, or None if none fits.

    Args:
        name: The source's name, e.g. of its file.
        profiles: Its columns.
    """
    guesses = [_matched(name, schema, profiles) for schema in CANONICAL.values()]
    best = max(guesses, key=lambda guess: guess.score)
    return best if best.score >= SCORE_MIN else None


def _matched(name: str, schema: TableSchema, profiles: Sequence[ColumnProfile]) -> Guess:
    """Pairs columns, the best pair first, each once."""
    pairs = sorted(
        (
            (-likeness, place, profile.name, column.name)
            for place, column in enumerate(schema.columns)
            for profile in profiles
            if (likeness := _likeness(name, column, profile)) > 0
        ),
    )
    by_name = {profile.name: profile for profile in profiles}
    columns: dict[str, ColumnProfile] = {}
    score = _words_in(name, f"{schema.name} {TABLE_HINTS[schema.name]}") * 2.0
    for negative, _, source, canonical in pairs:
        if canonical not in columns and source not in {one.name for one in columns.values()}:
            columns[canonical] = by_name[source]
            score -= negative * (1.0 if schema.column(canonical).required else 0.5)
    needed = (column.name for column in schema.columns if column.required and column.name not in CONSTANTS)
    missing = sum(name not in columns for name in needed)
    ordered = {one: columns[one] for one in schema.names if one in columns}
    return Guess(schema, ordered, score - missing)


def _likeness(table: str, column: Column, profile: ColumnProfile) -> float:
    """How much a source column seems to be a canonical one, from 0 to 1."""
    if not profile.rows or profile.nulls == profile.rows:
        fits = True
    else:
        fits = column.type is DataType.TEXT or profile.type in _FITS.get(column.type, set())
    if not fits:
        return 0.0
    if profile.looks_like == column.name:
        return 0.9
    name, hints = _plain(profile.name), COLUMN_HINTS.get(column.name, "").split()
    if name == column.name:
        return 1.0
    known = [_plain(hint) for hint in hints]
    if name in known:
        return 0.8 - 0.01 * known.index(name)
    tail = name.removeprefix(_plain(table)).strip("_")
    return 0.4 if tail in (column.name, *known) else 0.0


def _words_in(name: str, hints: str) -> bool:
    plain = _plain(name)
    words = set(plain.split("_")) | {plain}
    words |= {word.removesuffix("s") for word in words}
    return any(hint in words or (not hint.isascii() and hint in plain) for hint in hints.split())


def _plain(name: str) -> str:
    """Lower case words joined by underscores: `AcctNo` and `acct-no` are `acct_no`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", spaced).strip("_").lower()
