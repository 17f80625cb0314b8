"""Leases: at most one process works on something at a time, and a dead one holds nobody up."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, select, update

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.processes import Process, surely_dead
from cultiva.store.database import Database, insert_missing
from cultiva.store.records import Lease
from cultiva.store.tables import LEASE

TERM = timedelta(seconds=60)
"""How long a lease lasts without being renewed; only an owner on another machine is waited for that long."""
_NOBODY = ""


class Leases:
    """Who works on what alone.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, owner: Process, *, at: datetime) -> Lease:
        """Takes the lease if nobody has it, if it has run out, or if its owner is surely dead.

        Args:
            name: What is leased.
            owner: Who asks.
            at: The present instant.

        Raises:
            CultivaError: a conflict, if a living owner has it.
        """
        with self._database.writing() as connection:
            insert_missing(connection, LEASE, [_row(name, _NOBODY, owner, at)])
            found = connection.execute(select(LEASE).where(LEASE.c.name == name).with_for_update()).one()
            if not _is_free(found, at):
                raise _taken(found)
            lease = Lease(name=name, token=uuid.uuid4().hex, owner=owner, expires=at + TERM)
            row = _row(name, lease.token, owner, lease.expires)
            connection.execute(update(LEASE).where(LEASE.c.name == name).values(**row))
        return lease

    def renew(self, lease: Lease, *, at: datetime) -> Lease:
        """Puts the end of the lease off.

        Raises:
            CultivaError: a conflict, if another one has it by now.
        """
        expires = at + TERM
        with self._database.writing() as connection:
            require(connection, lease)
            connection.execute(update(LEASE).where(LEASE.c.name == lease.name).values(expires=expires))
        return Lease(name=lease.name, token=lease.token, owner=lease.owner, expires=expires)

    def release(self, lease: Lease) -> None:
        """Gives the lease back; does nothing if another one has it by now."""
        mine = (LEASE.c.name == lease.name) & (LEASE.c.token == lease.token)
        with self._database.writing() as connection:
            connection.execute(update(LEASE).where(mine).values(token=_NOBODY))

    def holder(self, name: str, *, at: datetime) -> Process | None:
        """Who has the lease now; None if anyone may take it."""
        with self._database.reading() as connection:
            found = connection.execute(select(LEASE).where(LEASE.c.name == name)).one_or_none()
        return None if found is None or _is_free(found, at) else _owner(found)


def require(connection: Connection, lease: Lease) -> None:
    """Demands, within a writing transaction, that the lease is still held, and keeps it held until its end.

    Raises:
        CultivaError: a conflict, if another one has it by now.
    """
    token = connection.scalar(select(LEASE.c.token).where(LEASE.c.name == lease.name).with_for_update())
    if token != lease.token:
        raise CultivaError(
            "another process has taken over the work",
            code="store.lease_lost",
            kind=ErrorKind.CONFLICT,
            seen=lease.name,
            allowed=f"a pause of at most {TERM.total_seconds():.0f} seconds",
            hint="let the other process finish, then run again",
        )


def _row(name: str, token: str, owner: Process, expires: datetime) -> dict[str, object]:
    who = {"machine": owner.machine, "pid": owner.pid, "born": owner.born}
    return {"name": name, "token": token, **who, "expires": expires}


def _owner(row: Row[tuple[object, ...]]) -> Process:
    return Process(machine=row.machine, pid=row.pid, born=row.born)


def _is_free(row: Row[tuple[object, ...]], at: datetime) -> bool:
    return row.token == _NOBODY or row.expires <= at or surely_dead(_owner(row))


def _taken(row: Row[tuple[object, ...]]) -> CultivaError:
    return CultivaError(
        "another process is at work on this already",
        code="store.leased",
        kind=ErrorKind.CONFLICT,
        seen=f"{row.name}, held by {_owner(row)}",
        allowed="one process at a time",
        hint=f"wait for it, or end it; a lost machine is taken over at {row.expires:%Y-%m-%d %H:%M:%S} UTC",
    )
