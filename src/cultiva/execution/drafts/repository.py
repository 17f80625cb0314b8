"""Drafts in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, Row, select

from cultiva.execution.drafts.draft import Draft, DraftKind, DraftState
from cultiva.execution.drafts.tables import DRAFT
from cultiva.store.database import put


def find(connection: Connection, draft_id: str, *, locked: bool = False) -> Draft | None:
    """One draft; `locked`: nobody else changes it until the transaction ends."""
    asked = select(DRAFT).where(DRAFT.c.draft_id == draft_id)
    row = connection.execute(asked.with_for_update() if locked else asked).one_or_none()
    return None if row is None else _draft(row)


def write(connection: Connection, draft: Draft) -> None:
    """Keeps a draft as it is now."""
    put(connection, DRAFT, {**asdict(draft), "kind": draft.kind.value, "state": draft.state.value})


def listed(
    connection: Connection,
    *,
    kind: DraftKind | None = None,
    name: str | None = None,
    states: Collection[DraftState] = tuple(DraftState),
    author: str | None = None,
    last: int = 100,
) -> Sequence[Draft]:
    """The newest drafts that fit, the newest first."""
    asked = select(DRAFT).where(DRAFT.c.state.in_([state.value for state in states]))
    for column, value in ((DRAFT.c.kind, kind), (DRAFT.c.name, name), (DRAFT.c.author, author)):
        asked = asked if value is None else asked.where(column == str(value))
    ordered = asked.order_by(DRAFT.c.changed.desc(), DRAFT.c.draft_id).limit(last)
    return tuple(_draft(row) for row in connection.execute(ordered))


def _draft(row: Row[tuple[object, ...]]) -> Draft:
    known = row._asdict()
    return Draft(**{**known, "kind": DraftKind(known["kind"]), "state": DraftState(known["state"])})
