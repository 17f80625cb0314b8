"""The anteroom in the store; `contracts.anteroom` says what it is for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from cultiva.contracts.anteroom import RefusedCount, RefusedEvent, VisitorLink, WaitingEvent
from cultiva.execution.anteroom import repository
from cultiva.store.database import Database


class StoredAnteroom:
    """Keeps what is not in the log.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def link(self, links: Sequence[VisitorLink]) -> None:
        """As `Anteroom` says."""
        with self._database.writing() as connection:
            repository.put_links(connection, links)

    def visitors(self, anonymous_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """As `Anteroom` says."""
        if not anonymous_ids:
            return {}
        with self._database.reading() as connection:
            return repository.visitors(connection, anonymous_ids)

    def visitors_of(self, names: Collection[tuple[str, str]]) -> list[str]:
        """Anonymous ids of those who said that they are one of some (source system, source id)."""
        with self._database.reading() as connection:
            return repository.visitors_of(connection, names)

    def wait(self, events: Sequence[WaitingEvent]) -> list[str]:
        """As `Anteroom` says."""
        with self._database.writing() as connection:
            return repository.add_waiting(connection, events)

    def waiting(self, who: Sequence[str], *, limit: int) -> list[WaitingEvent]:
        """As `Anteroom` says."""
        with self._database.reading() as connection:
            return repository.waiting(connection, who, limit)

    def waited_for(self, *, after: str, limit: int) -> list[str]:
        """As `Anteroom` says."""
        with self._database.reading() as connection:
            return repository.waited_for(connection, after, limit)

    def claimed(self, message_ids: Sequence[str]) -> None:
        """As `Anteroom` says."""
        if message_ids:
            with self._database.writing() as connection:
                repository.drop_waiting(connection, message_ids)

    def refuse(self, events: Sequence[RefusedEvent]) -> None:
        """As `Anteroom` says."""
        with self._database.writing() as connection:
            repository.add_refused(connection, events)

    def waits(self) -> Mapping[str, int]:
        """As `Anteroom` says."""
        with self._database.reading() as connection:
            return repository.waits(connection)

    def refused_counts(self, since: datetime) -> list[RefusedCount]:
        """As `Anteroom` says."""
        with self._database.reading() as connection:
            return repository.refused_counts(connection, since)

    def refused(self, *, reason: str = "", limit: int = 50) -> list[RefusedEvent]:
        """As `Anteroom` says."""
        with self._database.reading() as connection:
            return repository.refused(connection, reason, limit)

    def expire(self, *, waiting_before: datetime, refused_before: datetime) -> tuple[int, int]:
        """As `Anteroom` says."""
        with self._database.writing() as connection:
            return repository.expire(connection, waiting_before, refused_before)
