"""The door of this instant: asked before every live decision, and told what came of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from cultiva.execution.present import repository
from cultiva.execution.present.facts import Facts, Reported
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database


class Present:
    """What the store knows now; each thread keeps a connection of its own.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statement = repository.Statement(database.engine)
        self._local = threading.local()

    def facts(self, customer_id: int, household_id: int | None, *, day: date, since: datetime, now: datetime) -> Facts:
        """What has been said and done about a customer.

        Args:
            customer_id: Who.
            household_id: With whom they live; None: alone.
            day: First day of the touches that are wanted.
            since: First instant of the impressions that are wanted.
            now: The present instant.

        Raises:
            CultivaError: if the store cannot be asked.
        """
        home = repository.NOWHERE if household_id is None else household_id
        asked = {"customer": customer_id, "home": home, "day": day, "since": since, "now": now}
        try:
            return self._statement.ask(self._connection(), asked)
        except Exception as error:
            self.forget()
            raise _down(self._database.shown) from error

    def used(self, day: date) -> dict[str, float]:
        """Resource -> units that live decisions have used on a day."""
        with self._database.reading() as connection:
            return repository.used(connection, day)

    def report(self, reports: Sequence[Reported], day: date, units: Mapping[str, float], at: datetime) -> None:
        """Keeps what was reported and what it has used; caps do not stop what is done."""
        with self._database.writing() as connection:
            repository.add_reports(connection, reports)
            if units:
                repository.charge(connection, day, units, {}, at)

    def reported(self, after: datetime, until: datetime) -> list[Reported]:
        """What was reported after an instant, up to another one."""
        with self._database.reading() as connection:
            return repository.reported(connection, after, until)

    def forget(self) -> None:
        """Lets this thread's connection go."""
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _connection(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._local.connection = connection
        return connection.connection.driver_connection


def charge(
    connection: Any, day: date, units: Mapping[str, float], most: Mapping[str, float], at: datetime
) -> str | None:
    """Within a caller's transaction: adds to what is used; the resource that has not so much left, None: all had."""
    return repository.charge(connection, day, units, most, at)


def _down(shown: str) -> CultivaError:
    return CultivaError(
        "the store does not answer",
        code="present.store_down",
        kind=ErrorKind.UNAVAILABLE,
        seen=shown,
        allowed="a store that can be read",
        hint="live decisions are neutral or refused until it answers",
    )
