"""SQL expressions of plays that SQLite and PostgreSQL spell differently; no statement is made here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    String,
    Text,
    bindparam,
    case,
    cast,
    column,
    distinct,
    func,
    literal,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from cultiva.execution.plays.timing import Moment
from cultiva.kit.hashing import content_hash
from cultiva.store.columns import UtcDateTime

LAUNCH_DIGITS = 12
"""Hexadecimal digits of an id that name the launch."""
STEP_DIGITS = 6
"""Digits after them that name the step."""
OPAQUE_DIGITS = 32
"""Digits of an id that says nothing to strangers."""


class hexadecimal(FunctionElement[str]):  # noqa: N801 -- it reads like a function of SQL
    """A whole number in hexadecimal digits."""

    type = String()
    inherit_cache = True


class json_member(FunctionElement[str]):  # noqa: N801
    """A member of a JSON text, by name; NULL where it has none."""

    type = Text()
    inherit_cache = True


class place_in(FunctionElement[int]):  # noqa: N801
    """Where a text first stands in another one; 0: nowhere."""

    type = Integer()
    inherit_cache = True


class digest(FunctionElement[str]):  # noqa: N801
    """The beginning of a text's SHA-256 in hexadecimal digits: `opaque_id` in SQL."""

    type = String()
    inherit_cache = True


@compiles(place_in, "sqlite")
def _place_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(place_in, "postgresql")
def _place_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)})"


@compiles(digest, "sqlite")
def _digest_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"substr(sha256_hex({compiler.process(element.clauses, **kw)}), 1, {OPAQUE_DIGITS})"


@compiles(digest, "postgresql")
def _digest_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    text = f"convert_to({compiler.process(element.clauses, **kw)}, 'UTF8')"
    return f"substr(encode(sha256({text}), 'hex'), 1, {OPAQUE_DIGITS})"


@compiles(hexadecimal, "sqlite")
def _hexadecimal_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"printf('%x', {compiler.process(element.clauses, **kw)})"


@compiles(hexadecimal, "postgresql")
def _hexadecimal_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"to_hex(CAST({compiler.process(element.clauses, **kw)} AS BIGINT))"


@compiles(json_member, "sqlite")
def _member_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    text, name = (compiler.process(one, **kw) for one in element.clauses)
    return f"({text} ->> ('$.\"' || {name} || '\"'))"


@compiles(json_member, "postgresql")
def _member_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    text, name = (compiler.process(one, **kw) for one in element.clauses)
    return f"(CAST({text} AS jsonb) ->> {name})"


def among(connection: Connection, key: ColumnElement[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """Whether a column is one of many whole numbers, handed over as one value."""
    given = [int(one) for one in ids]
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import ARRAY

        return key == func.any(cast(bindparam(None, given, type_=ARRAY(BigInteger)), ARRAY(BigInteger)))
    listed = func.json_each(bindparam(None, json.dumps(given), type_=Text)).table_valued("value")
    return key.in_(select(listed.c.value))


def listed(connection: Connection, name: str, numbers: Sequence[int]) -> ColumnElement[int]:
    """A column of whole numbers, handed over as one value, to select from; `name` is the column's."""
    given = [int(one) for one in numbers]
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import ARRAY

        return func.unnest(cast(bindparam(None, given, type_=ARRAY(BigInteger)), ARRAY(BigInteger))).column_valued(name)
    found = func.json_each(bindparam(None, json.dumps(given), type_=Text)).table_valued("value", name=f"{name}s")
    return found.c.value.label(name)


def ids_of(connection: Connection, key: ColumnElement[int]) -> ColumnElement[Any]:
    """Whole numbers of a group, each once, as one value; `read_ids` reads it."""
    each = distinct(key)
    return func.array_agg(each) if connection.dialect.name == "postgresql" else func.json_group_array(each, type_=Text)


def read_ids(value: Any) -> list[int]:
    """What `ids_of` gave."""
    return json.loads(value) if isinstance(value, str) else list(value)


def spread(connection: Connection, columns: Mapping[str, tuple[Any, Sequence[Any]]]) -> FromClause:
    """Rows to select from, handed over as a value per column.

    Args:
        connection: Says which store.
        columns: Name -> type and values, as many in each; numbers and texts.
    """
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import ARRAY

        arrays = [
            cast(bindparam(None, list(given), type_=ARRAY(kind)), ARRAY(kind)) for kind, given in columns.values()
        ]
        named = [column(name, kind) for name, (kind, _) in columns.items()]
        return func.unnest(*arrays).table_valued(*named).render_derived("given")
    rows = json.dumps(list(zip(*(given for _, given in columns.values()), strict=True)))
    each = func.json_each(bindparam(None, rows, type_=Text)).table_valued("value")
    members = [
        func.json_extract(each.c.value, f"$[{place}]", type_=kind).label(name)
        for place, (name, (kind, _)) in enumerate(columns.items())
    ]
    return select(*members).subquery("given")


def _whole(kind: Any) -> Any:
    """A type; of texts without a length, as a cast to one would cut them in silence."""
    return Text() if isinstance(kind, String) else kind


def json_holds(text: ColumnElement[Any], wanted: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a JSON list of names holds one of them: names are quoted in it, so it is looked for in its quotes."""
    return place_in(cast(text, Text), literal('"', Text) + wanted + literal('"', Text)) > 0


@lru_cache(maxsize=1024)
def id_prefix(launch_id: str, step: str) -> str:
    """What the ids of one step's touches, deliveries and tasks begin with."""
    return content_hash(["launch", launch_id])[:LAUNCH_DIGITS] + content_hash(["step", step])[:STEP_DIGITS]


def row_id(launch_id: str, step: str, customer_id: int, entry: int) -> str:
    """The id of what one step makes for one customer; `row_ids` gives the same in SQL.

    Examples:
        >>> row_id("l", "s", 255, 1)[-5:]
        '-ff-1'
    """
    return f"{id_prefix(launch_id, step)}-{customer_id:x}-{entry:x}"


def row_ids(
    launch_id: str, step: str, customer_id: ColumnElement[int], entry: ColumnElement[int]
) -> ColumnElement[str]:
    """The ids of what one step makes, in SQL."""
    head: ColumnElement[str] = literal(id_prefix(launch_id, step) + "-", String)
    return head + hexadecimal(customer_id) + literal("-", String) + hexadecimal(entry)


def opaque_id(mine: str) -> str:
    """An id for strangers: a delivery's goes to providers and into links, and must not tell who the customer is.

    It is made from the id among ourselves, which holds the launch, a hash that strangers cannot guess.

    Examples:
        >>> opaque_id("a-ff-1") == opaque_id("a-ff-1") != opaque_id("a-ff-2")
        True
    """
    return hashlib.sha256(mine.encode()).hexdigest()[:OPAQUE_DIGITS]


def launch_of(touch_id: ColumnElement[str]) -> ColumnElement[str]:
    """The digits of an id that name its launch."""
    return func.substr(touch_id, 1, LAUNCH_DIGITS)


def instant(at: datetime) -> ColumnElement[datetime]:
    """An instant as a value."""
    return literal(at, UtcDateTime)


def by_zone(moment: Moment, zone: ColumnElement[str]) -> ColumnElement[datetime]:
    """An instant that depends on the time zone."""
    if not moment.by_zone:
        return instant(moment.everywhere)
    return case(*[(zone == name, instant(at)) for name, at in moment.by_zone], else_=instant(moment.everywhere))
