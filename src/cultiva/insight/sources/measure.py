"""Measuring the columns of a source: types that fit every value, nulls, distinct values, smallest and largest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cultiva.contracts.types import DataType
from cultiva.insight.sources.casts import Kind, Origin, cast, kind_of
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.inputs import Relation
from cultiva.insight.sources.sql import ident, literal

DATE_FORMATS = ("%Y%m%d", "%y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y年%m月%d日", "%d-%m-%Y", "%y%m%d %H:%M:%S")
"""Formats tried beside ISO."""
PATTERNS = {
    "phone": r"(\+?86)?1[3-9][0-9]{9}",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "gender": r"(?i:m|f|male|female|男|女)",
    "currency": r"[A-Z]{3}",
    "properties": r"\{.*\}",
}
"""What the values of some canonical columns look like."""
VALUES_MAX = 20
"""Columns with at most so many values may be codes."""
_TYPES = (DataType.INTEGER, DataType.MONEY, DataType.NUMBER, DataType.DATE, DataType.TIMESTAMP)


@dataclass(frozen=True)
class ColumnProfile:
    """What is in one column of a source."""

    name: str
    """As the source calls it."""
    type: DataType
    """The narrowest type that fits every value."""
    format: str | None
    """strptime format, for dates in text that are not ISO."""
    rows: int
    """Rows in the source."""
    nulls: int
    """Rows without a value."""
    distinct: int
    """Distinct values."""
    minimum: str | None
    """Smallest value, as text."""
    maximum: str | None
    """Largest value, as text."""
    values: tuple[str, ...] = ()
    """All values, if there are few; for code maps."""
    looks_like: str | None = None
    """A canonical column whose values look like this, e.g. `phone`."""
    guess: str | None = None
    """The canonical column that it was matched with."""

    @property
    def null_share(self) -> float:
        """Share of rows without a value."""
        return self.nulls / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class _Candidate:
    """A type that may fit."""

    type: DataType
    format: str | None
    sql: str


def measure_columns(desk: Desk, relation: Relation, timezone: str) -> list[ColumnProfile]:
    """Profiles of all columns of a relation.

    Args:
        desk: Where it is staged.
        relation: The source.
        timezone: The bank's.
    """
    return [_measured(desk, relation, name, kind_of(kind), timezone) for name, kind in relation.columns.items()]


def _measured(desk: Desk, relation: Relation, name: str, kind: Kind, timezone: str) -> ColumnProfile:
    column = ident(name)
    candidates = _candidates(column, kind, timezone)
    fitting = [f"count({one.sql})" for one in candidates]
    like = [
        f"count(*) FILTER (WHERE regexp_full_match(CAST({column} AS VARCHAR), {literal(p)}))" for p in PATTERNS.values()
    ]
    counted = desk.rows(
        f"SELECT count(*), count({column}), count(DISTINCT {column}), {', '.join([*fitting, *like])} "
        f"FROM {relation.quoted}"
    )[0]
    rows, filled, distinct = counted[:3]
    fits = [one for one, number in zip(candidates, counted[3:], strict=False) if filled and number == filled]
    chosen = fits[0] if fits else _Candidate(DataType.TEXT, None, f"CAST({column} AS VARCHAR)")
    looks = [
        pattern
        for pattern, number in zip(PATTERNS, counted[3 + len(candidates) :], strict=True)
        if filled and number >= 0.9 * filled
    ]
    least, most = desk.rows(
        f"SELECT CAST(min({chosen.sql}) AS VARCHAR), CAST(max({chosen.sql}) AS VARCHAR) FROM {relation.quoted}"
    )[0]
    return ColumnProfile(
        name,
        chosen.type,
        chosen.format,
        rows,
        rows - filled,
        distinct,
        least,
        most,
        _values(desk, relation, column) if distinct <= VALUES_MAX else (),
        looks[0] if looks else None,
    )


def _values(desk: Desk, relation: Relation, column: str) -> tuple[str, ...]:
    found = desk.rows(
        f"SELECT DISTINCT CAST({column} AS VARCHAR) AS v FROM {relation.quoted} WHERE {column} IS NOT NULL ORDER BY v"
    )
    return tuple(value for (value,) in found)


def _candidates(column: str, kind: Kind, timezone: str) -> list[_Candidate]:
    """Types tried, the narrowest first; compact dates before whole numbers, which would take them too."""
    if kind is not Kind.TEXT:
        return _tried(column, kind, timezone, [(_KIND_TYPES.get(kind, DataType.TEXT), None)])
    compact = [(DataType.DATE, "%Y%m%d"), (DataType.DATE, "%y%m%d")]
    others = [(target, None) for target in _TYPES]
    dated = [(DataType.DATE if "%H" not in form else DataType.TIMESTAMP, form) for form in DATE_FORMATS[2:]]
    return [
        *(_plausible(one) for one in _tried(column, kind, timezone, compact)),
        *(_unpadded(one, column) for one in _tried(column, kind, timezone, [*others, *dated])),
    ]


_KIND_TYPES = {
    Kind.INTEGER: DataType.INTEGER,
    Kind.DECIMAL: DataType.MONEY,
    Kind.CENTS: DataType.MONEY,
    Kind.FLOAT: DataType.NUMBER,
    Kind.BOOLEAN: DataType.BOOLEAN,
    Kind.DATE: DataType.DATE,
    Kind.TIMESTAMP: DataType.TIMESTAMP,
    Kind.ZONED: DataType.TIMESTAMP,
    Kind.LIST: DataType.LIST,
}


def _tried(column: str, kind: Kind, timezone: str, targets: Sequence[tuple[DataType, str | None]]) -> list[_Candidate]:
    found = [(target, form, cast(Origin(column, kind, form, timezone), target)) for target, form in targets]
    return [_Candidate(target, form, one.sql) for target, form, one in found if one is not None]


def _unpadded(one: _Candidate, column: str) -> _Candidate:
    """Digits that begin with a zero are a name, not a number: a telephone, a postcode, an account."""
    if not one.type.numeric:
        return one
    return _Candidate(
        one.type, one.format, f"CASE WHEN NOT regexp_matches({column}, '^\\s*[+-]?0\\d') THEN {one.sql} END"
    )


def _plausible(one: _Candidate) -> _Candidate:
    """Digits that happen to be days lie in many years; real dates in a bank's lifetime."""
    within = f"({one.sql}) BETWEEN DATE '1900-01-01' AND DATE '2049-12-31'"
    return _Candidate(one.type, one.format, f"CASE WHEN {within} THEN {one.sql} END")
