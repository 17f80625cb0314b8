"""The behaviour track: everything that one customer did and lived through, in order, across channels.

It reads the lake's Parquet itself, whatever the engine: facts are sorted by account or source id, so a few row groups
of each snapshot are enough, and no cluster has to be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Any

import polars as pl

from cultiva.contracts.tables import CANONICAL
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Files
from cultiva.engine.types import polars_schema
from cultiva.insight.views.ownership import ROLES
from cultiva.kit.errors import CultivaError, ErrorKind


class TrackKind(StrEnum):
    """What kind of row a customer's track has; named after its table, in the order shown at one moment."""

    CONTACT = "contact"
    """The bank touched the customer."""
    EVENT = "event"
    """The customer did or lived through something."""
    TRANSACTION = "transaction"
    """Money moved on an account that the customer owns."""
    OUTCOME = "outcome"
    """A response or conversion."""
    SURVEY_ANSWER = "survey_answer"
    """The customer said something."""


@dataclass(frozen=True)
class TrackRow:
    """One moment of a customer's track."""

    at: datetime
    """When, in the bank's local time."""
    kind: TrackKind
    """What kind of thing."""
    channel: str | None
    """Where; None if not known."""
    what: str
    """Its name: the transaction's kind, the event's name, the strategy and offer, the survey."""
    amount: Decimal | None
    """Money, positive in the customer's favour; None if there is none in it."""
    detail: str
    """What else is known, as text."""


@dataclass(frozen=True)
class TrackFiles:
    """Where the track is read from."""

    mapping: Files
    """The identity map."""
    holding: Files
    """The holding view; without it there are no transactions."""
    facts: Mapping[str, Files] = field(default_factory=dict)
    """The history of each fact by the name of its table; a table that the bank does not have may be left out."""


def find_customer(mapping: Files, text: str) -> int:
    """The customer that a person means.

    Args:
        mapping: The identity map.
        text: A customer_id, or `source_system:source_id`.

    Raises:
        CultivaError: if there is no such customer.
    """
    records = _scan(mapping)
    system, colon, source_id = text.partition(":")
    if colon:
        meant = (pl.col("source_system") == system) & (pl.col("source_id") == source_id)
    else:
        meant = pl.col("customer_id") == (int(text) if text.isdecimal() and len(text) < len(str(2**63)) else -1)
    found = records.filter(meant).select("customer_id").head(1).collect()
    if found.is_empty():
        raise unknown_customer(text)
    return int(found.item())


def unknown_customer(text: str) -> CultivaError:
    """The error for a customer who does not exist, for whoever asks."""
    return CultivaError(
        "there is no such customer",
        code="track.unknown_customer",
        kind=ErrorKind.NOT_FOUND,
        seen=text,
        allowed="a customer_id, or source_system:source_id",
        hint="a record that was never delivered up to this date belongs to nobody yet",
    )


def track(files: TrackFiles, customer_id: int, *, upto: date | None = None) -> tuple[TrackRow, ...]:
    """Everything that is known of one customer's doings, oldest first.

    Args:
        files: Where it is read from.
        customer_id: Who.
        upto: The last day that counts; None: all.

    Returns:
        The rows; of one moment in the order of `TrackKind`, then of their keys.
    """
    owned = _accounts(files.holding, customer_id)
    known = _records(files.mapping, customer_id)
    rows: list[tuple[datetime, int, str, TrackRow]] = []
    for place, kind in enumerate(TrackKind):
        whose = owned if kind is TrackKind.TRANSACTION else known
        if whose is not None and files.facts.get(kind):
            key = CANONICAL[kind].key[0]
            facts = _facts(files.facts[kind], kind).filter(whose)
            rows += [(row["at"], place, row[key], _READERS[kind](row)) for row in facts.collect().to_dicts()]
    return tuple(row for at, *_, row in sorted(rows, key=lambda one: one[:3]) if upto is None or at.date() <= upto)


def _accounts(holding: Files, customer_id: int) -> pl.Expr | None:
    """The condition that a row moves an account which the customer owns; None if there is none."""
    if not holding:
        return None
    mine = (pl.col("customer_id") == customer_id) & (pl.col("role") == ROLES[0])
    owned = _scan(holding).filter(mine).select("account_id").collect()["account_id"]
    return _any([pl.col("account_id") == one for one in owned])


def _records(mapping: Files, customer_id: int) -> pl.Expr | None:
    """The condition that a row names one of the customer's party records; None if there is none."""
    mine = _scan(mapping).filter(pl.col("customer_id") == customer_id).collect()
    pairs = zip(mine["source_system"], mine["source_id"], strict=True)
    return _any([(pl.col("source_system") == system) & (pl.col("source_id") == name) for system, name in pairs])


def _any(conditions: Sequence[pl.Expr]) -> pl.Expr | None:
    """Equalities joined by or: row groups without any of the values are skipped."""
    return reduce(or_, conditions) if conditions else None


def _scan(files: Files) -> pl.LazyFrame:
    return pl.scan_parquet(part_files(files), hive_partitioning=False)


def _facts(files: Files, table: str) -> pl.LazyFrame:
    """Snapshots of different days may have different columns of the bank's own; the canonical ones are read."""
    schema = polars_schema(CANONICAL[table].columns)
    return pl.scan_parquet(
        part_files(files), hive_partitioning=False, schema=schema, missing_columns="insert", extra_columns="ignore"
    )


def _of_contact(row: Mapping[str, Any]) -> TrackRow:
    what = _joined(" / ", row["strategy"], row["offer"], row["wave"])
    return TrackRow(row["at"], TrackKind.CONTACT, row["channel"], what or TrackKind.CONTACT, None, row["status"] or "")


def _of_event(row: Mapping[str, Any]) -> TrackRow:
    return TrackRow(row["at"], TrackKind.EVENT, row["channel"], row["name"], None, row["properties"] or "")


def _of_transaction(row: Mapping[str, Any]) -> TrackRow:
    named = {"account": row["account_id"], "with": row["counterparty_account"], "merchant": row["merchant_id"]}
    detail = ", ".join(f"{name} {value}" for name, value in named.items() if value)
    what = row["kind"] or TrackKind.TRANSACTION
    return TrackRow(row["at"], TrackKind.TRANSACTION, row["channel"], what, row["amount"], detail)


def _of_outcome(row: Mapping[str, Any]) -> TrackRow:
    return TrackRow(row["at"], TrackKind.OUTCOME, None, row["name"], row["amount"], "")


def _of_survey_answer(row: Mapping[str, Any]) -> TrackRow:
    score = None if row["score"] is None else f"score {row['score']}"
    detail = _joined(": ", _joined(", ", row["touchpoint"], score), row["text"])
    return TrackRow(row["at"], TrackKind.SURVEY_ANSWER, None, row["survey"], None, detail)


def _joined(between: str, *parts: str | None) -> str:
    return between.join(part for part in parts if part)


_READERS: Mapping[TrackKind, Callable[[Mapping[str, Any]], TrackRow]] = {
    TrackKind.CONTACT: _of_contact,
    TrackKind.EVENT: _of_event,
    TrackKind.TRANSACTION: _of_transaction,
    TrackKind.OUTCOME: _of_outcome,
    TrackKind.SURVEY_ANSWER: _of_survey_answer,
}
