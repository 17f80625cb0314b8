"""How a delivered value becomes a canonical type: SQL of the typed value, and of the ways in which it may be broken.

Texts are read by a strict grammar of our own; DuckDB's casts alone would take '0x10' for 16 and '1.5' for 2.
Typed values (from Parquet) are taken as they are where the type fits, without a detour through text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.engine.types import STORED
from cultiva.insight.sources.sql import literal

MONEY_MAX = "9999999999999999.99"
"""The largest amount that DECIMAL(18,2) holds."""
_DOUBLE_MONEY_MAX = 9e13
"""Beyond this a double no longer has two exact decimal digits."""
_TRUE, _FALSE = ("true", "t", "yes", "y", "1", "是"), ("false", "f", "no", "n", "0", "否")


class Kind(StrEnum):
    """What a delivered column is made of, as far as casting cares."""

    TEXT = "text"
    """VARCHAR and enumerations."""
    INTEGER = "integer"
    """Whole numbers of any width."""
    DECIMAL = "decimal"
    """DECIMAL of any precision."""
    CENTS = "cents"
    """DECIMAL of which every value is an amount: at most sixteen digits before the point and two after it."""
    FLOAT = "float"
    """Single and double precision."""
    BOOLEAN = "boolean"
    """True and false."""
    DATE = "date"
    """Calendar days."""
    TIMESTAMP = "timestamp"
    """Timestamps without zone, of any precision."""
    ZONED = "timestamp with time zone"
    """Instants; taken to the bank's local time."""
    LIST = "list"
    """Lists of texts."""
    NESTED = "nested"
    """Structures, maps and other lists."""
    OTHER = "other"
    """Everything else."""


_KINDS = (
    (r"VARCHAR\[\]", Kind.LIST),
    (r".*\[\d*\]|STRUCT.*|MAP.*|UNION.*|JSON", Kind.NESTED),
    (r"VARCHAR|ENUM.*|UUID", Kind.TEXT),
    (r"U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER", Kind.INTEGER),
    (r"DECIMAL\(([1-9]|1[0-6]),[012]\)|DECIMAL\(17,[12]\)|DECIMAL\(18,2\)", Kind.CENTS),
    (r"DECIMAL.*", Kind.DECIMAL),
    (r"FLOAT|DOUBLE", Kind.FLOAT),
    (r"BOOLEAN", Kind.BOOLEAN),
    (r"DATE", Kind.DATE),
    (r"TIMESTAMP(_S|_MS|_NS)?", Kind.TIMESTAMP),
    (r"TIMESTAMP WITH TIME ZONE", Kind.ZONED),
)


def kind_of(duckdb_type: str) -> Kind:
    """The kind of a DuckDB type.

    Examples:
        >>> kind_of("UINTEGER"), kind_of("STRUCT(a INTEGER)")
        (<Kind.INTEGER: 'integer'>, <Kind.NESTED: 'nested'>)
    """
    return next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, duckdb_type)), Kind.OTHER)


@dataclass(frozen=True)
class Origin:
    """The value delivered."""

    sql: str
    """SQL of it: a column of the layer below, not null where `Failure` conditions are asked."""
    kind: Kind
    """What it is made of."""
    format: str | None = None
    """strptime format of dates and timestamps in text."""
    timezone: str = "UTC"
    """The bank's, for instants."""


@dataclass(frozen=True)
class Failure:
    """One way in which a value that is there may not become the type."""

    rule: str
    """Shown in the quarantine."""
    condition: str
    """SQL over the delivered value; tried in order, the last one always holds."""
    reason: str
    """What was allowed."""


@dataclass(frozen=True)
class Cast:
    """SQL of a typed value."""

    sql: str
    """The value; null where the delivered one is null or broken."""
    failures: tuple[Failure, ...] = ()
    """Why it may be null although something was delivered; empty if it never is."""


def cast(origin: Origin, target: DataType) -> Cast | None:
    """How to cast, or None if this kind of column never becomes that type.

    Args:
        origin: What is delivered.
        target: The canonical type.
    """
    make = _CASTS.get((origin.kind, target))
    return make(origin) if make else None


def _failed(rule: str, reason: str) -> Failure:
    return Failure(rule, "true", reason)


_DIGITS = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)"
_ISO_DATE = "[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}|[0-9]{8}"
_ISO_TIME = "[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
_OFFSET = " ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


def _as_is(origin: Origin) -> Cast:
    return Cast(origin.sql)


def _text_of(origin: Origin) -> Cast:
    return Cast(f"CAST({origin.sql} AS VARCHAR)")


def _text_of_float(origin: Origin) -> Cast:
    """Ids that some tool turned into doubles (because a null was among them) are whole numbers again."""
    x = origin.sql
    whole = f"isfinite({x}) AND {x} = trunc({x}) AND abs({x}) <= {INTEGER_MAX}"
    return Cast(f"CASE WHEN {whole} THEN CAST(CAST({x} AS BIGINT) AS VARCHAR) ELSE CAST({x} AS VARCHAR) END")


def _json_of(origin: Origin) -> Cast:
    return Cast(f"CAST(to_json({origin.sql}) AS VARCHAR)")


def _boolean_of_text(origin: Origin) -> Cast:
    low = f"lower({origin.sql})"
    whens = " ".join(
        f"WHEN {low} IN ({', '.join(literal(word) for word in words)}) THEN {value}"
        for words, value in ((_TRUE, "true"), (_FALSE, "false"))
    )
    allowed = ", ".join([*_TRUE, *_FALSE])
    return Cast(f"CASE {whens} END", (_failed("boolean", f"one of {allowed}"),))


def _boolean_of_integer(origin: Origin) -> Cast:
    return Cast(f"CASE {origin.sql} WHEN 1 THEN true WHEN 0 THEN false END", (_failed("boolean", "0 or 1"),))


def _integer(origin: Origin) -> Cast:
    x = origin.sql
    shape = {
        Kind.TEXT: _matches(x, "[+-]?[0-9]+([.]0*)?"),
        Kind.INTEGER: "true",
        Kind.DECIMAL: f"{x} = trunc({x})",
        Kind.CENTS: f"{x} = trunc({x})",
        Kind.FLOAT: f"isfinite({x}) AND {x} = trunc({x})",
    }[origin.kind]
    number = f"TRY_CAST({x} AS BIGINT)"
    within = f"{number} BETWEEN -{INTEGER_MAX} AND {INTEGER_MAX}"
    return Cast(
        f"CASE WHEN {shape} AND {within} THEN {number} END",
        (Failure("range", shape, "a whole number within plus and minus 2^53"), _failed("integer", "a whole number")),
    )


def _number_of_text(origin: Origin) -> Cast:
    x = origin.sql
    shape = _matches(x, _DIGITS + "([eE][+-]?[0-9]+)?")
    number = f"TRY_CAST({x} AS DOUBLE)"
    return Cast(
        f"CASE WHEN {shape} AND isfinite({number}) THEN {number} + 0.0 END",
        (Failure("range", shape, "a finite number"), _failed("number", "a number like -12.5 or 1e3")),
    )


def _number_of_float(origin: Origin) -> Cast:
    x = origin.sql  # adding zero turns -0.0 into 0.0
    return Cast(f"CASE WHEN isfinite({x}) THEN CAST({x} AS DOUBLE) + 0.0 END", (_failed("range", "a finite number"),))


def _number_of_exact(origin: Origin) -> Cast:
    return Cast(f"CAST({origin.sql} AS DOUBLE) + 0.0")


_MONEY = STORED[DataType.MONEY].duckdb
_TWO_DIGITS = "at most two digits after the point (further zeros are taken)"
_TOO_LARGE = f"an amount within plus and minus {MONEY_MAX}"


def _money_of_text(origin: Origin) -> Cast:
    x = origin.sql
    shape = _matches(x, _DIGITS)
    exact = _matches(x, "[+-]?([0-9]+([.][0-9]{0,2}0*)?|[.][0-9]{1,2}0*)")
    return Cast(
        f"CASE WHEN {exact} THEN TRY_CAST({x} AS {_MONEY}) END",
        (
            Failure("range", exact, _TOO_LARGE),
            Failure("digits", shape, _TWO_DIGITS),
            _failed("money", "an amount like -1234.50"),
        ),
    )


def _money_of_exact(origin: Origin) -> Cast:
    x = origin.sql
    exact = f"{x} = round({x}, 2)"
    failures = (Failure("range", exact, _TOO_LARGE), _failed("digits", _TWO_DIGITS))
    return Cast(f"CASE WHEN {exact} THEN TRY_CAST({x} AS {_MONEY}) END", failures)


def _money_of_cents(origin: Origin) -> Cast:
    return Cast(f"CAST({origin.sql} AS {_MONEY})")


def _money_of_float(origin: Origin) -> Cast:
    x = f"CAST({origin.sql} AS DOUBLE)"
    within = f"isfinite({x}) AND abs({x}) < {_DOUBLE_MONEY_MAX!r}"
    failures = (Failure("digits", within, _TWO_DIGITS), _failed("range", "an amount that a double holds exactly"))
    return Cast(f"CASE WHEN {within} AND round({x}, 2) = {x} THEN CAST({x} AS {_MONEY}) END", failures)


def _fixed_width(form: str) -> int:
    """Length of texts in a format without separators, where digits must not slide; 0 if it has separators."""
    if not re.fullmatch(r"(%[YymdHMS])+", form):
        return 0
    return sum(4 if mark == "Y" else 2 for mark in form[1::2])


def _parsed(x: str, form: str) -> str:
    width = _fixed_width(form)
    parsed = f"TRY_STRPTIME({x}, {literal(form)})"
    return f"CASE WHEN length({x}) = {width} THEN {parsed} END" if width else parsed


def _date_of_text(origin: Origin) -> Cast:
    x = origin.sql
    if origin.format:
        return Cast(f"CAST({_parsed(x, origin.format)} AS DATE)", (_failed("date", f"a date written {origin.format}"),))
    compact = f"CAST(TRY_STRPTIME({x}, '%Y%m%d') AS DATE)"
    value = f"CASE WHEN length({x}) = 8 AND {_matches(x, '[0-9]{8}')} THEN {compact} ELSE TRY_CAST({x} AS DATE) END"
    shape = _matches(x, f"({_ISO_DATE})([ T]00:00(:00([.]0+)?)?)?")
    return Cast(f"CASE WHEN {shape} THEN {value} END", (_failed("date", "a day of the calendar, YYYY-MM-DD"),))


def _timestamp_of_text(origin: Origin) -> Cast:
    x = origin.sql
    if origin.format:
        parsed = f"CAST({_parsed(x, origin.format)} AS TIMESTAMP)"
        return Cast(parsed, (_failed("timestamp", f"a time written {origin.format}"),))
    compact = f"TRY_STRPTIME({x}, '%Y%m%d')"
    zoned = f"timezone({literal(origin.timezone)}, TRY_CAST({x} AS TIMESTAMPTZ))"
    value = (
        f"CASE WHEN {_matches(x, f'({_ISO_DATE})({_ISO_TIME})?')} "
        f"THEN coalesce(TRY_CAST({x} AS TIMESTAMP), {compact}) "
        f"WHEN {_matches(x, f'({_ISO_DATE}){_ISO_TIME}{_OFFSET}')} THEN {zoned} END"
    )
    return Cast(value, (_failed("timestamp", "YYYY-MM-DD HH:MM:SS, with or without an offset"),))


def _of_digits(read: Callable[[Origin], Cast]) -> Callable[[Origin], Cast]:
    """Dates delivered as whole numbers, e.g. 19930131 or, with a format, 10203 for 010203."""

    def make(origin: Origin) -> Cast:
        width = _fixed_width(origin.format or "%Y%m%d") or 1
        padded = f"lpad(CAST({origin.sql} AS VARCHAR), greatest({width}, length(CAST({origin.sql} AS VARCHAR))), '0')"
        return read(Origin(padded, Kind.TEXT, origin.format, origin.timezone))

    return make


def _date_of_instant(origin: Origin) -> Cast:
    return Cast(f"CAST(timezone({literal(origin.timezone)}, {origin.sql}) AS DATE)")


def _timestamp_of_instant(origin: Origin) -> Cast:
    return Cast(f"CAST(timezone({literal(origin.timezone)}, {origin.sql}) AS TIMESTAMP)")


def _to_date(origin: Origin) -> Cast:
    return Cast(f"CAST({origin.sql} AS DATE)")


def _to_timestamp(origin: Origin) -> Cast:
    return Cast(f"CAST({origin.sql} AS TIMESTAMP)")


_WHOLE = (Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.CENTS, Kind.FLOAT)
_CASTS: dict[tuple[Kind, DataType], Callable[[Origin], Cast]] = {
    **{(kind, DataType.TEXT): _text_of for kind in Kind if kind is not Kind.OTHER},
    (Kind.TEXT, DataType.TEXT): _as_is,
    (Kind.FLOAT, DataType.TEXT): _text_of_float,
    (Kind.LIST, DataType.TEXT): _json_of,
    (Kind.NESTED, DataType.TEXT): _json_of,
    (Kind.BOOLEAN, DataType.BOOLEAN): _as_is,
    (Kind.TEXT, DataType.BOOLEAN): _boolean_of_text,
    (Kind.INTEGER, DataType.BOOLEAN): _boolean_of_integer,
    **{(kind, DataType.INTEGER): _integer for kind in _WHOLE},
    (Kind.TEXT, DataType.NUMBER): _number_of_text,
    (Kind.FLOAT, DataType.NUMBER): _number_of_float,
    (Kind.INTEGER, DataType.NUMBER): _number_of_exact,
    (Kind.DECIMAL, DataType.NUMBER): _number_of_exact,
    (Kind.CENTS, DataType.NUMBER): _number_of_exact,
    (Kind.TEXT, DataType.MONEY): _money_of_text,
    (Kind.FLOAT, DataType.MONEY): _money_of_float,
    (Kind.INTEGER, DataType.MONEY): _money_of_exact,
    (Kind.DECIMAL, DataType.MONEY): _money_of_exact,
    (Kind.CENTS, DataType.MONEY): _money_of_cents,
    (Kind.DATE, DataType.DATE): _as_is,
    (Kind.TEXT, DataType.DATE): _date_of_text,
    (Kind.TIMESTAMP, DataType.DATE): _to_date,
    (Kind.ZONED, DataType.DATE): _date_of_instant,
    (Kind.INTEGER, DataType.DATE): _of_digits(_date_of_text),
    (Kind.TEXT, DataType.TIMESTAMP): _timestamp_of_text,
    (Kind.DATE, DataType.TIMESTAMP): _to_timestamp,
    (Kind.TIMESTAMP, DataType.TIMESTAMP): _to_timestamp,
    (Kind.ZONED, DataType.TIMESTAMP): _timestamp_of_instant,
    (Kind.INTEGER, DataType.TIMESTAMP): _of_digits(_timestamp_of_text),
    (Kind.LIST, DataType.LIST): _as_is,
}
"""Every cast there is."""
