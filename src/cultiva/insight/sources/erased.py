"""People who were erased are not taken in again: whichever file, id or system brings them back.

A row is about an erased person if it names one of their party records or accounts, or if it is a party record that
identity would link to them. Such a row goes to the quarantine without its key, and is no fault of the delivery. In
rows about others that merely mention an erased person, the mention is left empty.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from cultiva.contracts.erased import (
    ACCOUNT,
    AGAINST,
    CUSTOMER,
    EMAIL,
    PART,
    PHONE,
    RULE,
    SOURCE,
    SOURCE_ID,
    UNIT,
    Tombstones,
)
from cultiva.contracts.types import TableSchema
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.sql import ident, literal

ERASED = "erased"
"""Name of the contract in the quarantine, and of the table of hashes on a desk."""
ALLOWED = "rows of people who have not been erased"
PAIRS = (("source_system", "source_id"), ("from_system", "from_id"), ("to_system", "to_id"))
"""Columns that name a party record: a row about it, or about what it has to do with another."""
MENTIONS = {"counterparty_account": (ACCOUNT, ("counterparty_account",)),
            "referrer_id": (SOURCE, ("referrer_system", "referrer_id"))}  # fmt: skip
"""Columns that mention somebody whom the row is not about: kind and columns of what is looked up."""
_KEY = "erased_key"


def open_erased(desk: Desk, erased: Tombstones) -> None:
    """Makes the tables of hashes on a desk, which all desks beside it see."""
    rows = sorted(erased.rows)
    table = pa.table({name: [getattr(one, name) for one in rows] for name in ("kind", "digest", "against")})
    desk.take(ERASED, table)
    desk.take(_KEY, pa.table({"word": [erased.key]}))


def sql_digest(kind: str, values: Sequence[str]) -> str:
    """SQL of the keyed hash of a value; null if a part is null. The key itself stands in no statement.

    Args:
        kind: What the value is.
        values: SQL of its parts.
    """
    parts = f" || chr({ord(PART)}) || ".join(values)
    unit = f"chr({ord(UNIT)})"
    return f"left(sha256((SELECT word FROM {_KEY}) || {unit} || {literal(kind)} || {unit} || {parts}), 32)"


def about_erased(schema: TableSchema, kinds: frozenset[str]) -> str:
    """SQL of whether a row is about an erased person; empty if it cannot be.

    Args:
        schema: The row's table.
        kinds: Kinds of tombstones that there are.
    """
    names = schema.names
    found = [_among(SOURCE, pair) for pair in PAIRS if SOURCE in kinds and set(pair) <= set(names)]
    lone = {"source_id": SOURCE_ID} if "source_system" not in names else {}
    single = {"account_id": ACCOUNT, "customer_id": CUSTOMER, **lone}
    if "source_id" not in names:  # a lead: nobody's party record yet
        single |= {"phone": PHONE, "email": EMAIL}
    found += [_among(kind, (name,)) for name, kind in single.items() if kind in kinds and name in names]
    rules = [(kind, kind.removeprefix(RULE).split(",")) for kind in sorted(kinds) if kind.startswith(RULE)]
    if schema.name == "party":
        found += [_linked(kind, columns) for kind, columns in rules if set(columns) <= set(names)]
    return " OR ".join(f"coalesce({one}, false)" for one in found)


def without_mentions(schema: TableSchema, kinds: frozenset[str]) -> str:
    """SQL that empties columns in which erased people are mentioned, for `SELECT *`; empty if there are none."""
    parts = [
        f"CASE WHEN coalesce({_among(kind, columns)}, false) THEN NULL ELSE {ident(name)} END AS {ident(name)}"
        for name, (kind, columns) in MENTIONS.items()
        if kind in kinds and set(columns) <= set(schema.names)
    ]
    return f" REPLACE ({', '.join(parts)})" if parts else ""


def newcomers(desk: Desk, odd: str, number: int) -> list[tuple[str, str]]:
    """Party records that were refused because identity would link them, and whose own ids have no tombstone yet.

    Args:
        desk: Where the work is done.
        odd: Table of rows that are odd.
        number: Of the contract that erased people break.
    """
    known = (
        f"{sql_digest(SOURCE, ('source_system', 'source_id'))} IN (SELECT digest FROM {ERASED} WHERE kind = 'source')"
    )
    rows = desk.rows(
        f"SELECT DISTINCT source_system, source_id FROM {ident(odd)} WHERE __fault = {number} AND NOT ({known}) "
        f"AND source_system IS NOT NULL AND source_id IS NOT NULL ORDER BY ALL"
    )
    return [(str(system), str(source_id)) for system, source_id in rows]


def _among(kind: str, columns: Sequence[str]) -> str:
    digest = sql_digest(kind, [_text(name) for name in columns])
    return f"{digest} IN (SELECT digest FROM {ERASED} WHERE kind = {literal(kind)})"


def _linked(kind: str, columns: Sequence[str]) -> str:
    """Whether identity would link the record: the rule's columns agree, and no id number contradicts."""
    digest = sql_digest(kind, [_cleaned(name) for name in columns])
    of_kind = f"FROM {ERASED} WHERE kind = {literal(kind)}"
    own = sql_digest(AGAINST, [_cleaned(AGAINST)])
    alike = f"{digest} || {own} IN (SELECT digest || against {of_kind})"
    open_ = f"{digest} IN (SELECT digest {of_kind} AND against = '')"
    unknown = f"{digest} IN (SELECT digest {of_kind}) AND {_cleaned(AGAINST)} IS NULL"
    return f"(coalesce({alike}, false) OR coalesce({open_}, false) OR coalesce({unknown}, false))"


def _text(name: str) -> str:
    return f"CAST({ident(name)} AS VARCHAR)"


def _cleaned(name: str) -> str:
    """As identity compares: trimmed, an empty text is null."""
    return f"nullif(trim({_text(name)}), '')"
