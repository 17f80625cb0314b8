"""Recipients: refreshed every night, asked at every sending; whoever is in doubt is not touched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from cultiva.execution.recipients import repository
from cultiva.execution.recipients.people import EVERY_CHANNEL, Closed, ConsentWord, Reach, Recipient, judge, newest_of
from cultiva.store.database import Database

ROWS_AT_A_TIME = 5_000
"""Recipients in one transaction."""


class Recipients:
    """Who can be reached, and who may be.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Sequence[Recipient]) -> None:
        """Writes what is known now of each customer over what was known."""
        for begin in range(0, len(rows), ROWS_AT_A_TIME):
            with self._database.writing() as connection:
                repository.put_recipients(connection, rows[begin : begin + ROWS_AT_A_TIME])

    def of(self, customer_ids: Sequence[int]) -> dict[int, Recipient]:
        """Those of the customers of whom something is known."""
        with self._database.reading() as connection:
            return repository.read_recipients(connection, sorted(set(customer_ids)))

    def reach(self, customer_id: int) -> Reach | None:
        """A customer with all that says whether they may be touched now; None: nothing is known of them."""
        with self._database.reading() as connection:
            return repository.read_reach(connection, customer_id)

    def closed(self, asked: Sequence[tuple[int, str]], *, oldest: date) -> dict[tuple[int, str], Closed]:
        """Why customers may not be touched over channels now; whoever is not in the answer may be.

        Args:
            asked: Pairs of customer and channel.
            oldest: Business date before which what is known is too old.
        """
        ids = sorted({customer_id for customer_id, _ in asked})
        with self._database.reading() as connection:
            people = repository.read_recipients(connection, ids)
            words = repository.newest_words(connection, ids)
            still = repository.standing_still(connection, ids)
        found = {}
        for who, channel in asked:
            word = newest_of(words.get((who, channel)), words.get((who, EVERY_CHANNEL)))
            reason = judge(people.get(who), channel, word=word, standing=who in still, oldest=oldest)
            if reason is not None:
                found[who, channel] = reason
        return found

    def speak(self, words: Sequence[ConsentWord]) -> None:
        """Records words of consent; they count at once."""
        with self._database.writing() as connection:
            repository.add_words(connection, words)

    def words(self, until: datetime) -> list[ConsentWord]:
        """The newest word per customer and channel up to an instant."""
        with self._database.reading() as connection:
            return repository.all_words(connection, until)

    def words_of(self, customer_id: int) -> list[ConsentWord]:
        """The newest word of a customer on each channel of which something was said."""
        with self._database.reading() as connection:
            return list(repository.newest_words(connection, [customer_id]).values())

    def ledger(self, customer_id: int) -> list[ConsentWord]:
        """Every word that a customer has said since the bank's records, the newest last; nothing is overwritten."""
        with self._database.reading() as connection:
            return repository.ledger(connection, customer_id)

    def stand_still(self, customer_id: int, name: str, at: datetime) -> None:
        """A suppression begins: nothing goes to the customer until it is lifted."""
        with self._database.writing() as connection:
            repository.stand_still(connection, customer_id, name, at)

    def lift(self, customer_id: int, name: str, at: datetime) -> None:
        """A suppression ends."""
        with self._database.writing() as connection:
            repository.lift(connection, customer_id, name, at)

    def in_flight(self) -> list[int]:
        """Customers who are in a play now, or about whom there is work: whose they are is asked at every look."""
        with self._database.reading() as connection:
            return repository.in_flight(connection)
