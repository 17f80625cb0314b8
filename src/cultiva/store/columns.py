"""Types of columns that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

ESCAPED = "\\u0000"
"""A NUL in JSON; PostgreSQL takes it in a text and fails when it reads the text as JSON."""
NUL, UNPRINTABLE = "\x00", "\N{REPLACEMENT CHARACTER}"
"""What no text of PostgreSQL may hold, and what stands in its place on both stores."""


def has_nul(value: object) -> bool:
    """Whether a text in a value, or in what it holds, has a NUL."""
    if isinstance(value, str):
        return NUL in value
    if isinstance(value, dict):
        return any(map(has_nul, value.values()))
    return isinstance(value, list | tuple) and any(map(has_nul, value))


def printable(value: Any) -> Any:
    r"""The same value with U+FFFD in place of every NUL: visible, and as long as it was.

    Examples:
        >>> printable(["a\x00b", 1]) == ["a\N{REPLACEMENT CHARACTER}b", 1]
        True
    """
    if isinstance(value, str):
        return value.replace(NUL, UNPRINTABLE)
    if isinstance(value, dict):
        return {printable(name): printable(one) for name, one in value.items()}
    return type(value)(map(printable, value)) if type(value) in (list, tuple) else value


class UtcDateTime(TypeDecorator[datetime]):
    """An instant; goes in with its zone, comes out in UTC. SQLite keeps it as text without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert value.tzinfo is not None, "an instant without a zone is ambiguous"
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[object]):
    """JSON-like data as readable text, keys sorted, so that equal data are equal text on every store."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        if value is None:
            return None
        written = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
        if ESCAPED in written:  # or a backslash before it, which changes nothing
            return json.dumps(printable(value), sort_keys=True, ensure_ascii=False, allow_nan=False)
        return written

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        return None if value is None else json.loads(value)
