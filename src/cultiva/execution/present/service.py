"""The door of this instant: asked before every live decision, and told what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from cultiva.execution.present import repository
from cultiva.execution.present.facts import Day, Facts, Reported
from cultiva.execution.recipients.people import EVERY_CHANNEL, ConsentWord, newest_of
from cultiva.execution.recipients.repository import all_words
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database
from cultiva.store.ready import Ready


class Present:
    """What the store knows now; `close` lets its connections go.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statement = repository.Statement(database.engine)
        self._use = repository.UseStatement(database.engine)
        self._ready = Ready(database.engine)

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
            return self._ready.ask(lambda connection: self._statement.ask(connection, asked))
        except Exception as error:
            raise _down(self._database.shown) from error

    def used(self, day: date) -> dict[str, float]:
        """Resource -> units that live decisions have used on a day."""
        try:
            return self._ready.ask(lambda connection: self._use.ask(connection, day))
        except Exception as error:
            raise _down(self._database.shown) from error

    def happened(self, since: date, now: datetime) -> Day:
        """What has happened to all customers, in the order of their numbers.

        Args:
            since: First day of the touches that are wanted.
            now: The present instant.
        """
        with self._database.reading() as connection:
            return Day(
                repository.touches_since(connection, since, now),
                _refused(all_words(connection, now)),
                repository.standing(connection),
            )

    def report(
        self, reports: Sequence[Reported], day: date, at: datetime, *, uses: Sequence[Mapping[str, float]] = ()
    ) -> None:
        """Keeps what was reported and what it has used; caps do not stop what is done, and a repeat uses nothing.

        Args:
            reports: What was reported.
            day: The bank's day.
            at: The present instant.
            uses: For each report resource -> units; empty: they use nothing.
        """
        with self._database.writing() as connection:
            new = repository.add_reports(connection, reports)
            units = Counter[str]()
            for place in new if uses else ():
                units.update(uses[place])
            if units:
                repository.charge(connection, day, units, {}, at)

    def reported(self, after: datetime, until: datetime) -> list[Reported]:
        """What was reported after an instant, up to another one."""
        with self._database.reading() as connection:
            return repository.reported(connection, after, until)

    def settle(self, at: datetime) -> int:
        """Returns what was charged for touches whose holding has run out, or was pushed out; of how many touches."""
        with self._database.reading() as connection:
            if not repository.open_charges(connection):
                return 0
        with self._database.writing() as connection:
            return repository.settle_charges(connection, at)

    def close(self) -> None:
        """Lets the connections go that stand ready."""
        self._ready.close()


def charge(
    connection: Any, touch_id: str, day: date, units: Mapping[str, float], most: Mapping[str, float], at: datetime
) -> str | None:
    """Within a caller's transaction: adds what a held touch takes to what is used; it is known until `settled`.

    Args:
        connection: The caller's writing transaction.
        touch_id: The touch that is held.
        day: The bank's day.
        units: Resource -> units.
        most: Resource -> what there is for the day; one that is not named has no limit.
        at: The present instant.

    Returns:
        The resource that has not so much left, None: all had. Whoever gets a name undoes the transaction.
    """
    short = repository.charge(connection, day, units, most, at)
    if short is None:
        repository.note_charge(connection, touch_id, day, units)
    return short


def settled(connection: Any, at: datetime) -> int:
    """Within a caller's transaction: as `Present.settle`, for who has just given touches back."""
    return repository.settle_charges(connection, at)


def _refused(words: Sequence[ConsentWord]) -> list[tuple[int, str]]:
    """(customer, channel or `*`) of which the newest word, that on all channels included, is a refusal."""
    newest = {(one.customer_id, one.channel): one for one in words}
    return sorted(
        at for at, word in newest.items()
        if (last := newest_of(word, newest.get((at[0], EVERY_CHANNEL)))) is not None and not last.granted
    )  # fmt: skip


def _down(shown: str) -> CultivaError:
    return CultivaError(
        "the store does not answer",
        code="present.store_down",
        kind=ErrorKind.UNAVAILABLE,
        seen=shown,
        allowed="a store that can be read",
        hint="live decisions are neutral or refused until it answers",
    )
