"""Customer ids: given out once and never again; merges and splits with their reasons.

The map from source ids to customer ids is a snapshot of the lake (docs/decisions/0004-identity-map-in-the-lake.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from cultiva.store.database import Database, Write, insert_missing, put
from cultiva.store.records import IdentityChange, IdentityChangeKind
from cultiva.store.tables import IDENTITY_CHANGE, IDENTITY_CHANGE_MEMBER, IDENTITY_NEXT, IDENTITY_RANGE

FIRST_ID = 1
"""The first customer id ever given."""
_BATCH = 500


class Identity:
    """What must be right row by row about customer ids.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def allocate_ids(self, count: int, *, run_id: str, step: str) -> int:
        """Gives out a range of new customer ids.

        A step that is killed and resumed asks again with the same run and step, and gets the same range. If it asks for
        another number, its first range is taken back if nobody has got a later one; else it is lost and leaves a gap.

        Args:
            count: How many ids; 0 is allowed.
            run_id: The run that asks.
            step: The step that asks; one range per step.

        Returns:
            The first id of the range `first .. first + count - 1`.
        """
        with self._database.writing() as connection:
            free = _lock_next(connection)
            mine = (IDENTITY_RANGE.c.run_id == run_id) & (IDENTITY_RANGE.c.step == step)
            given = connection.execute(select(IDENTITY_RANGE).where(mine)).one_or_none()
            if given is not None and given.id_count == count:
                return int(given.first_id)
            if given is not None and given.first_id + given.id_count == free:
                free = given.first_id
            put(connection, IDENTITY_RANGE, {"run_id": run_id, "step": step, "first_id": free, "id_count": count})
            connection.execute(update(IDENTITY_NEXT).values(next_id=free + count))
        return free

    def highest_id(self) -> int:
        """The highest customer id ever given; 0 if none was."""
        with self._database.reading() as connection:
            return (connection.scalar(select(IDENTITY_NEXT.c.next_id)) or FIRST_ID) - 1

    def record(self, changes: Iterable[IdentityChange], *, run_id: str, at: datetime) -> None:
        """Keeps merges and splits at once; those the run recorded before are replaced.

        Args:
            changes: What the run found.
            run_id: The run.
            at: The present instant.
        """
        write = self.recording(changes, run_id=run_id, at=at)
        with self._database.writing() as connection:
            write(connection)

    def recording(self, changes: Iterable[IdentityChange], *, run_id: str, at: datetime) -> Write:
        """As `record`, to be made in the transaction that finishes a step (`StepResult.writes`)."""
        found = tuple(changes)
        rows = [_row(change, number, run_id, at) for number, change in enumerate(found, start=1)]
        members = [
            {"change_id": row["change_id"], "side": side, "customer_id": customer_id}
            for row, change in zip(rows, found, strict=True)
            for side, ids in (("from", change.from_ids), ("to", change.to_ids))
            for customer_id in ids
        ]

        def write(connection: Connection) -> None:
            connection.execute(delete(IDENTITY_CHANGE).where(IDENTITY_CHANGE.c.run_id == run_id))
            if rows:
                connection.execute(insert(IDENTITY_CHANGE), rows)
                connection.execute(insert(IDENTITY_CHANGE_MEMBER), members)

        return write

    def changes(
        self, *, run_id: str | None = None, customer_id: int | None = None, upto: date | None = None
    ) -> Sequence[IdentityChange]:
        """Merges and splits, the oldest first.

        Args:
            run_id: Found by this run only.
            customer_id: About this customer only, before or after the change.
            upto: Found up to and including this business date.
        """
        query = _changes(run_id=run_id, customer_id=customer_id, upto=upto)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            members = _members(connection, [row.change_id for row in rows])
        return tuple(_change(row, members[row.change_id]) for row in rows)


def _lock_next(connection: Connection) -> int:
    """The lowest id never given, held until the transaction ends."""
    insert_missing(connection, IDENTITY_NEXT, [{"slot": 1, "next_id": FIRST_ID}])
    return int(connection.execute(select(IDENTITY_NEXT.c.next_id).with_for_update()).scalar_one())


def _row(change: IdentityChange, number: int, run_id: str, at: datetime) -> dict[str, object]:
    return {
        "change_id": f"{run_id}/{number}",
        "run_id": run_id,
        "number": number,
        "kind": change.kind,
        "business_date": change.business_date,
        "reason": change.reason,
        "recorded": at,
    }


def _changes(*, run_id: str | None, customer_id: int | None, upto: date | None) -> Select[Any]:
    table, member = IDENTITY_CHANGE.c, IDENTITY_CHANGE_MEMBER.c
    query = select(IDENTITY_CHANGE).order_by(table.business_date, table.recorded, table.run_id, table.number)
    if run_id is not None:
        query = query.where(table.run_id == run_id)
    if customer_id is not None:
        query = query.where(table.change_id.in_(select(member.change_id).where(member.customer_id == customer_id)))
    return query if upto is None else query.where(table.business_date <= upto)


def _members(connection: Connection, change_ids: Sequence[str]) -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = {change_id: {"from": [], "to": []} for change_id in change_ids}
    ordered = select(IDENTITY_CHANGE_MEMBER).order_by(IDENTITY_CHANGE_MEMBER.c.customer_id)
    for start in range(0, len(change_ids), _BATCH):
        batch = change_ids[start : start + _BATCH]
        for row in connection.execute(ordered.where(IDENTITY_CHANGE_MEMBER.c.change_id.in_(batch))):
            found[row.change_id][row.side].append(row.customer_id)
    return found


def _change(row: Row[Any], members: dict[str, list[int]]) -> IdentityChange:
    return IdentityChange(
        kind=IdentityChangeKind(row.kind),
        business_date=row.business_date,
        from_ids=tuple(members["from"]),
        to_ids=tuple(members["to"]),
        reason=row.reason,
        run_id=row.run_id,
    )
