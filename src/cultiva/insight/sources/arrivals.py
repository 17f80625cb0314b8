"""Rows of the same key: delivered twice, delivered before, delivered late.

Of a table delivered whole the last row of a key is kept, of facts the first. Last and first go by mapping, file and
record; where a delivery has no order (a query, a SELECT), by the content of the row, so that a re-run decides alike.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from cultiva.insight.sources.delivery import MAPPING, PLACE, Delivery, good_rows
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.sql import ident, idents, literal, literals

CLASS = "__class"
"""Column that says what became of a row."""
KEPT, LATE = "kept", "late"
"""Rows of the snapshot."""
DUPLICATE, REDELIVERED = "duplicate", "redelivered"
"""Rows left out because they say nothing new."""
CONFLICT, CHANGED, TOO_LATE = "key_conflict", "changed", "too_late"
"""Rows for the quarantine."""


@dataclass(frozen=True)
class Arrivals:
    """What became of the good rows."""

    rows: str
    """Relation of all good rows that are not duplicates of another, with `__class`."""
    dropped: str | None
    """Relation of the rows dropped within this delivery, with `__class`; None if there are none."""
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    """By mapping and class."""

    def of(self, mapping: int, *classes: str) -> int:
        """Rows of one mapping in some classes."""
        return sum(self.counts[mapping, name] for name in classes)


def sort_arrivals(desk: Desk, delivery: Delivery) -> Arrivals:
    """Finds duplicates within the delivery and, for facts, rows delivered before and rows that come late."""
    single, dropped = _without_duplicates(desk, delivery)
    counts: Counter[tuple[int, str]] = Counter()
    if dropped:
        counts.update(_counted(desk, dropped))
    if delivery.is_fact and delivery.previous is not None:
        rows = _against_history(desk, delivery, single)
    else:
        rows = _view(desk, f"SELECT *, '{KEPT}' AS {CLASS} FROM {ident(single)}")
    counts.update(_counted(desk, rows))
    return Arrivals(rows, dropped, counts)


def sort_columns(delivery: Delivery) -> tuple[str, ...]:
    """Columns by which a table is written in order: facts by what they are joined on, others by their key."""
    names = delivery.schema.names
    if delivery.is_fact:
        return ("account_id",) if "account_id" in names else ("source_system", "source_id")
    return delivery.schema.key or names[:1]


def _view(desk: Desk, sql: str) -> str:
    name = desk.new_name()
    desk.run(f"CREATE TEMP VIEW {ident(name)} AS {sql}")
    return name


def _table(desk: Desk, sql: str) -> str:
    name = desk.new_name()
    desk.run(f"CREATE TEMP TABLE {ident(name)} AS {sql}")
    return name


def _counted(desk: Desk, rows: str) -> dict[tuple[int, str], int]:
    found = desk.rows(f"SELECT {MAPPING}, {CLASS}, count(*) FROM {ident(rows)} GROUP BY ALL")
    return {(mapping, name): count for mapping, name, count in found}


def _without_duplicates(desk: Desk, delivery: Delivery) -> tuple[str, str | None]:
    """The rows with one row of each key, and the others."""
    good = _view(desk, good_rows(delivery))
    if not delivery.schema.key or not _may_repeat(desk, delivery):
        return good, None
    key = idents(delivery.schema.key)
    repeated = _table(desk, f"SELECT {key} FROM {ident(good)} GROUP BY {key} HAVING count(*) > 1")
    ranked = _table(desk, _ranked(delivery, good, repeated))
    winners = f"SELECT {idents((*delivery.schema.names, *PLACE))} FROM {ident(ranked)} WHERE __rank = 1"
    single = _view(desk, f"SELECT * FROM {ident(good)} ANTI JOIN {ident(repeated)} USING ({key}) UNION ALL {winners}")
    losers = _view(
        desk,
        f"SELECT *, CASE WHEN __same THEN '{DUPLICATE}' ELSE '{CONFLICT}' END AS {CLASS} "
        f"FROM {ident(ranked)} WHERE __rank > 1",
    )
    return single, losers


def _may_repeat(desk: Desk, delivery: Delivery) -> bool:
    """Whether two rows may have one key: equal hashes; a collision costs time, never rows. Reads the key only."""
    hashes = f"SELECT 1 FROM {ident(delivery.rows)} GROUP BY hash({idents(delivery.schema.key)}) HAVING count(*) > 1"
    return bool(desk.rows(f"{hashes} LIMIT 1"))


def _ranked(delivery: Delivery, good: str, repeated: str) -> str:
    """Rows of repeated keys, the one to keep first, and whether each says the same as that one."""
    direction = "ASC" if delivery.is_fact else "DESC"
    order = ", ".join(f"{ident(name)} {direction} NULLS LAST" for name in (*PLACE, *delivery.schema.names))
    key, content = idents(delivery.schema.key), f"row({idents(delivery.schema.names)})"
    return (
        f"SELECT *, row_number() OVER ranking AS __rank, "
        f"{content} IS NOT DISTINCT FROM first_value({content}) OVER ranking AS __same "
        f"FROM {ident(good)} SEMI JOIN {ident(repeated)} USING ({key}) "
        f"WINDOW ranking AS (PARTITION BY {key} ORDER BY {order})"
    )


def _against_history(desk: Desk, delivery: Delivery, single: str) -> str:
    """Each row with its class by what earlier dates published."""
    schema, previous = delivery.schema, delivery.previous
    assert previous is not None and schema.time is not None
    day = f"CAST(d.{ident(schema.time)} AS DATE)"
    days = "[" + ", ".join(str(one.mapping.late_days) for one in delivery.mappings) + "]"
    by_time = (
        f"CASE WHEN {day} < {literal(previous)} - {days}[d.{MAPPING} + 1] THEN '{TOO_LATE}' "
        f"WHEN {day} <= {literal(previous)} THEN '{LATE}' ELSE '{KEPT}' END"
    )
    published = _published(delivery)
    if not _any_published(desk, delivery, single, published):
        return _view(desk, f"SELECT *, {by_time} AS {CLASS} FROM {ident(single)} AS d")
    known = desk.columns(f"SELECT * FROM {published}")
    same = " AND ".join(
        f"d.{ident(name)} IS NOT DISTINCT FROM h.{ident(name)}" for name in schema.names if name in known
    )
    joined = " AND ".join(f"d.{ident(name)} = h.{ident(name)}" for name in schema.key)
    seen = f"h.{ident(schema.key[0])} IS NOT NULL"
    return _view(
        desk,
        f"SELECT d.*, CASE WHEN NOT {seen} THEN {by_time} WHEN {same} THEN '{REDELIVERED}' ELSE '{CHANGED}' END "
        f"AS {CLASS} FROM {ident(single)} AS d LEFT JOIN {published} AS h ON {joined}",
    )


def _published(delivery: Delivery) -> str:
    """SQL of all rows published on earlier dates; an extra column may be newer than some of them."""
    paths = literals(str(folder / "*.parquet") for folder in delivery.history)
    return f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"


def _any_published(desk: Desk, delivery: Delivery, single: str, published: str) -> bool:
    """Whether any key was published before: on most days none, and then only the keys of the history are read."""
    key = idents(delivery.schema.key)
    matches = (
        f"SELECT 1 FROM (SELECT {key} FROM {published}) SEMI JOIN (SELECT {key} FROM {ident(single)}) USING ({key})"
    )
    return bool(desk.rows(f"{matches} LIMIT 1"))


def late_reason(delivery: Delivery, mapping: int) -> str:
    """Why a row is too late."""
    oldest = (delivery.previous or delivery.on) - timedelta(days=delivery.mappings[mapping].mapping.late_days)
    return f"new rows from {oldest} on; {delivery.previous} was the last date published"
