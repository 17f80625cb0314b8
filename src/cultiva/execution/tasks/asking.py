"""Asking once: what one transaction has asked of the store is not asked again in it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from cultiva.store.database import Database

T = TypeVar("T")


class Asking:
    """Reading transactions, and answers that stay the same within a transaction: who is away, who somebody is.

    Args:
        database: Where the rows lie.
        held: A reading transaction in which everything is asked; None: one for each question.
    """

    def __init__(self, database: Database, held: Connection | None = None) -> None:
        self._database, self._held = database, held
        self._known: WeakKeyDictionary[Connection, dict[Hashable, object]] = WeakKeyDictionary()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The transaction that is held, or one of its own."""
        if self._held is not None:
            yield self._held
            return
        with self._database.reading() as connection:
            yield connection

    @contextmanager
    def holding(self) -> Iterator[Asking]:
        """The same with one reading transaction for everything that is asked meanwhile."""
        with self.reading() as connection:
            yield Asking(self._database, connection)

    def once(self, connection: Connection, name: Hashable, make: Callable[[], T]) -> T:
        """An answer that a transaction has found already, or that it finds now.

        Args:
            connection: Of the transaction.
            name: What is asked.
            make: Asks.
        """
        known = self._known.setdefault(connection, {})
        if name not in known:
            known[name] = make()
        return known[name]  # type: ignore[return-value]
