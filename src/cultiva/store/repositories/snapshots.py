"""Snapshot pointers: which piece of the lake is published for a table and a business date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select

from cultiva.contracts.snapshots import Snapshot
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database, insert_missing, put
from cultiva.store.tables import SNAPSHOT, SNAPSHOT_POINTER

_POINTER = SNAPSHOT_POINTER.c


class Snapshots:
    """The published snapshots; a `contracts.snapshots.SnapshotCatalogue`.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self, table: str, on: date) -> Snapshot | None:
        """The one published for exactly this business date."""
        return self._first(_published(table).where(_POINTER.business_date == on))

    def latest(self, table: str, upto: date | None = None) -> Snapshot | None:
        """The newest one published for a business date up to and including this one; None: the newest of all."""
        query = _published(table).order_by(_POINTER.business_date.desc()).limit(1)
        return self._first(query if upto is None else query.where(_POINTER.business_date <= upto))

    def before(self, table: str, on: date) -> Snapshot | None:
        """The newest one published for a business date before this one."""
        return self._first(
            _published(table).where(_POINTER.business_date < on).order_by(_POINTER.business_date.desc()).limit(1)
        )

    def of_day(self, on: date) -> Mapping[str, Snapshot]:
        """All that is published for exactly this business date, by table."""
        return {one.table: one for one in self._all(_joined().where(_POINTER.business_date == on))}

    def history(self, table: str, upto: date) -> Sequence[Snapshot]:
        """All published up to and including this date, one per business date, oldest first."""
        return self._all(_published(table).where(_POINTER.business_date <= upto).order_by(_POINTER.business_date))

    def published(self) -> Sequence[Snapshot]:
        """Everything published, by table and business date; the lake keeps these and may remove the rest."""
        return self._all(_joined().order_by(_POINTER.table_name, _POINTER.business_date))

    def publish(self, snapshots: Iterable[Snapshot], *, step: str, at: datetime) -> None:
        """Publishes snapshots outside a run, all at once; a reader sees all of them or none.

        Args:
            snapshots: What to publish; replaces what is published for the same table and business date.
            step: What made them.
            at: The present instant.
        """
        with self._database.writing() as connection:
            publish(connection, snapshots, step=step, at=at)

    def withdraw(self, snapshots: Iterable[Snapshot]) -> None:
        """Takes snapshots out of sight, so that their files may be removed; that they existed stays on record."""
        paths = [snapshot.path for snapshot in snapshots]
        with self._database.writing() as connection:
            connection.execute(delete(SNAPSHOT_POINTER).where(_POINTER.path.in_(paths)))

    def _first(self, query: Select[Any]) -> Snapshot | None:
        return next(iter(self._all(query)), None)

    def _all(self, query: Select[Any]) -> Sequence[Snapshot]:
        with self._database.reading() as connection:
            return tuple(snapshot_of(row) for row in connection.execute(query))


class SnapshotsOnce(Snapshots):
    """The published snapshots as one request sees them: the newest day is looked up once, anything else once.

    All of a page is so of one moment, also while a run publishes a table after the other.

    Args:
        database: Where the rows lie.
        lead: The table whose newest business date is the newest day.
    """

    def __init__(self, database: Database, lead: str) -> None:
        super().__init__(database)
        self._lead = lead
        self._asked: dict[tuple[str, str, date | None], Snapshot | None] = {}
        self._days: dict[date, Mapping[str, Snapshot]] = {}
        self._newest: tuple[date | None, Mapping[str, Snapshot]] | None = None

    def current(self, table: str, on: date) -> Snapshot | None:
        """The one published for exactly this business date."""
        newest, day = self._day()
        return day.get(table) if on == newest else self._once("current", table, on)

    def latest(self, table: str, upto: date | None = None) -> Snapshot | None:
        """The newest one published for a business date up to and including this one; None: the newest of all."""
        newest, day = self._day()
        here = (
            newest is not None and table in day and (upto == newest or (table == self._lead and _covers(upto, newest)))
        )
        return day[table] if here else self._once("latest", table, upto)

    def of_day(self, on: date) -> Mapping[str, Snapshot]:
        """All that is published for exactly this business date, by table."""
        newest, day = self._day()
        if on == newest:
            return day
        if on not in self._days:
            self._days[on] = super().of_day(on)
        return self._days[on]

    def publish(self, snapshots: Iterable[Snapshot], *, step: str, at: datetime) -> None:
        """Publishes snapshots, and forgets what was seen before."""
        super().publish(snapshots, step=step, at=at)
        self._forget()

    def withdraw(self, snapshots: Iterable[Snapshot]) -> None:
        """Takes snapshots out of sight, and forgets what was seen before."""
        super().withdraw(snapshots)
        self._forget()

    def _day(self) -> tuple[date | None, Mapping[str, Snapshot]]:
        if self._newest is None:
            newest = select(_POINTER.business_date).where(_POINTER.table_name == self._lead)
            of_day = newest.order_by(_POINTER.business_date.desc()).limit(1).scalar_subquery()
            day = {one.table: one for one in self._all(_joined().where(_POINTER.business_date == of_day))}
            self._newest = (day[self._lead].business_date if day else None), day
        return self._newest

    def _once(self, how: str, table: str, on: date | None) -> Snapshot | None:
        asked = (how, table, on)
        if asked not in self._asked:
            self._asked[asked] = super().current(table, on) if how == "current" and on else super().latest(table, on)
        return self._asked[asked]

    def _forget(self) -> None:
        self._asked.clear()
        self._days.clear()
        self._newest = None


def _covers(upto: date | None, newest: date) -> bool:
    return upto is None or upto >= newest


def publish(connection: Connection, snapshots: Iterable[Snapshot], *, step: str, at: datetime) -> None:
    """Publishes snapshots within a transaction; one that was published before may be published again.

    Raises:
        CultivaError: a conflict, if a folder is on record with other content.
    """
    for snapshot in snapshots:
        insert_missing(connection, SNAPSHOT, [_row(snapshot) | {"step": step, "published": at}])
        known = snapshot_of(connection.execute(select(SNAPSHOT).where(SNAPSHOT.c.path == snapshot.path)).one())
        if known != snapshot:
            raise _reused(snapshot)
        names = {"table_name": snapshot.table, "business_date": snapshot.business_date}
        put(connection, SNAPSHOT_POINTER, names | {"path": snapshot.path})


def written_by(connection: Connection, run_ids: Iterable[str]) -> dict[tuple[str, str], tuple[Snapshot, ...]]:
    """What runs have published, by run and step, in the order of the tables' names."""
    query = select(SNAPSHOT).where(SNAPSHOT.c.run_id.in_(list(run_ids))).order_by(SNAPSHOT.c.table_name)
    found: dict[tuple[str, str], tuple[Snapshot, ...]] = {}
    for row in connection.execute(query):
        found[row.run_id, row.step] = (*found.get((row.run_id, row.step), ()), snapshot_of(row))
    return found


def snapshot_of(row: Row[Any]) -> Snapshot:
    """The record of one row."""
    return Snapshot(
        table=row.table_name,
        business_date=row.business_date,
        path=row.path,
        rows=row.rows,
        size_bytes=row.size_bytes,
        fingerprint=row.fingerprint,
        run_id=row.run_id,
    )


def _reused(snapshot: Snapshot) -> CultivaError:
    return CultivaError(
        "a folder of the lake was published before with other content",
        code="store.path_reused",
        kind=ErrorKind.CONFLICT,
        seen=snapshot.path,
        allowed="a new folder for every write",
        hint="write under a new name; snapshots never change",
    )


def _row(snapshot: Snapshot) -> dict[str, object]:
    return {
        "path": snapshot.path,
        "table_name": snapshot.table,
        "business_date": snapshot.business_date,
        "rows": snapshot.rows,
        "size_bytes": snapshot.size_bytes,
        "fingerprint": snapshot.fingerprint,
        "run_id": snapshot.run_id,
    }


def _joined() -> Select[Any]:
    return select(SNAPSHOT).join(SNAPSHOT_POINTER, _POINTER.path == SNAPSHOT.c.path)


def _published(table: str) -> Select[Any]:
    return _joined().where(_POINTER.table_name == table)
