"""The door to what is about to go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from cultiva.execution.outgoing import repository
from cultiva.execution.outgoing.repository import TESTER, PlainTask, TouchFacts, Trial
from cultiva.store.database import Database

__all__ = ["TESTER", "Outgoing", "PlainTask", "TouchFacts", "Trial"]


class Outgoing:
    """What is about to go out.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_enrolment(self, launch_id: str, day: date, at: datetime) -> tuple[datetime, bool]:
        """When a day's customers enter a launch's play, and whether all of them have.

        Whoever resumes after a crash enters the rest at the first attempt's instant, so that nobody enters twice.
        """
        with self._database.writing() as connection:
            return repository.begin_enrolment(connection, launch_id, day, at)

    def end_enrolment(self, launch_id: str, day: date, people: int) -> None:
        """All customers of a day have entered."""
        with self._database.writing() as connection:
            repository.end_enrolment(connection, launch_id, day, people)

    def touches(self, ids: Sequence[str]) -> dict[str, TouchFacts]:
        """What touches are about, by id."""
        with self._database.reading() as connection:
            return repository.touch_facts(connection, ids)

    def plain_tasks(self, limit: int) -> list[PlainTask]:
        """Tasks of launches that wait for their facts, oldest first."""
        with self._database.reading() as connection:
            return repository.plain_tasks(connection, limit)

    def word_tasks(self, worded: Mapping[str, tuple[str, str]]) -> None:
        """Fills facts in: task -> reason and script."""
        with self._database.writing() as connection:
            repository.word_tasks(connection, worded)

    def put_trials(self, trials: Sequence[Trial], at: datetime) -> None:
        """Puts test messages into the outbox; one that is there goes again."""
        with self._database.writing() as connection:
            repository.put_trials(connection, trials, at)
