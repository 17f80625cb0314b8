"""Connections that stand ready for single questions: asked outside of any transaction, at once, by whoever is there.

A transaction costs more than a small question does: it is begun and ended, and its connection looked after on the way.
Where one statement sees all that is asked for, none is needed. So some connections are kept beside those for
transactions, in the driver's own form. Whoever comes when none is there opens one more; of those that are given back
only a few are kept.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Engine, PoolProxiedConnection

from cultiva.store.connections import identity

T = TypeVar("T")
Kept = tuple[PoolProxiedConnection, tuple[int, int] | None]
"""A connection, and the file that it is to; None: a server."""
READY = 4
"""Connections that are kept: a process answers few questions at the very same moment."""


class Ready:
    """Connections for questions, for any number of threads; never one for two of them.

    Args:
        engine: Opens them.
        most: How many are kept.
    """

    def __init__(self, engine: Engine, *, most: int = READY) -> None:
        self._engine, self._most = engine, most
        self._path = Path(str(engine.url.database)) if engine.dialect.name == "sqlite" else None
        self._idle: list[Kept] = []
        self._turn = threading.Lock()
        _ALL.add(self)

    def ask(self, question: Callable[[Any], T]) -> T:
        """The answer to a question that changes nothing, asked again on a new connection if a kept one fails.

        Args:
            question: Gets a connection of the driver.
        """
        kept = self._take()
        if kept is not None:
            try:
                return self._asked(kept, question)
            except Exception:  # the server may have begun anew since: then none of those that are kept is alive
                self.close()
        return self._asked(self._open(), question)

    def close(self) -> None:
        """Lets go of what is kept; the next question opens anew."""
        with self._turn:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()

    def forget(self) -> None:
        """In a child: the parent's connections are neither used nor closed, which would speak for the parent."""
        _OF_THE_PARENT.extend(self._idle)
        self._idle, self._turn = [], threading.Lock()

    @property
    def kept(self) -> int:
        """How many stand ready."""
        return len(self._idle)

    def _asked(self, kept: Kept, question: Callable[[Any], T]) -> T:
        try:
            found = question(kept[0].dbapi_connection)
        except BaseException:
            kept[0].close()
            raise
        self._give_back(kept)
        return found

    def _take(self) -> Kept | None:
        """The one that was given back last; none to a file that is not there any more."""
        while True:
            with self._turn:
                if not self._idle:
                    return None
                kept = self._idle.pop()
            if kept[1] == self._file():
                return kept
            kept[0].close()

    def _give_back(self, kept: Kept) -> None:
        with self._turn:
            if len(self._idle) < self._most:
                self._idle.append(kept)
                return
        kept[0].close()

    def _open(self) -> Kept:
        """One that the pool does not know any more: it is closed when it is let go, and never becomes a transaction's.

        Raises:
            DBAPIError: if the store cannot be reached.
        """
        connection = self._engine.raw_connection()
        file = self._file()
        connection.detach()
        if self._path is None:
            driver: Any = connection.dbapi_connection
            driver.autocommit = True
        return connection, file

    def _file(self) -> tuple[int, int] | None:
        return None if self._path is None else identity(self._path)


_ALL: WeakSet[Ready] = WeakSet()
_OF_THE_PARENT: list[Kept] = []


def _forget() -> None:
    for one in list(_ALL):
        one.forget()


os.register_at_fork(after_in_child=_forget)
