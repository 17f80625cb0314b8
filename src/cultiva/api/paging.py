"""Cursors: where a page ended, so that the next one goes on there however the list has grown meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

from cultiva.kit.errors import CultivaError
from cultiva.kit.hashing import content_hash

PAGE_DEFAULT = 50
PAGE_MAX = 1000
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Most items on the page.")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next_cursor` of the page before, with the same other parameters.")
]
Item = TypeVar("Item")


def write_cursor(query: object, position: object) -> str:
    """An opaque text that names a place in the answer to a query.

    Args:
        query: What was asked, without cursor and limit; a cursor of another query is refused.
        position: The place; JSON-like.

    Examples:
        >>> read_cursor(write_cursor(["segments"], "payroll"), ["segments"], str)
        'payroll'
    """
    text = json.dumps([content_hash(query)[:8], position], separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, query: object, kind: type[Item]) -> Item | None:
    """The place that a cursor names; None if there is no cursor.

    Args:
        cursor: As `write_cursor` made it.
        query: What is asked now.
        kind: Type of the place.

    Raises:
        CultivaError: if it is no cursor of this query.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        mark, position = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise _bad() from error
    if mark != content_hash(query)[:8] or type(position) is not kind:
        raise _bad()
    return position


def cut(rows: Sequence[Item], limit: int, query: object, place: Callable[[Item], Any]) -> tuple[list[Item], str | None]:
    """The first rows, and the cursor to the rest.

    Args:
        rows: Those that follow the cursor; one more than the limit is enough to see that there is a rest.
        limit: Most rows on the page.
        query: What was asked.
        place: The position after a row.
    """
    shown = list(rows[:limit])
    more = len(rows) > limit and bool(shown)
    return shown, write_cursor(query, place(shown[-1])) if more else None


def _bad() -> CultivaError:
    return CultivaError(
        "not a cursor of this list",
        code="api.bad_cursor",
        allowed="`next_cursor` of a page of the same path with the same parameters",
        hint="leave the cursor out to begin again",
    )
