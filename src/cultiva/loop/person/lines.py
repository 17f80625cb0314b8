"""Lines of the lake about the customers of whoever is at work: read for a whole list at once, kept in memory.

A page about one customer would else look through the lake anew at every click. A folder of the lake never changes; what
was kept of another one is forgotten when a new one is read, so that nothing outlives an erasure.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from threading import Lock

from cultiva.loop.parts import Parts
from cultiva.loop.person.rows import Row, rows_in

KEPT = 4_096
"""Customers whose lines one process keeps of a table: some megabytes."""


class Lines:
    """The newest lines of one table that were asked for, a customer each; by many threads at once.

    Args:
        table: With a column customer_id.
        columns: Those wanted, as far as the table has them.
        most: Customers that are kept; the one longest unused goes first.
    """

    def __init__(self, table: str, columns: Sequence[str], *, most: int = KEPT) -> None:
        self._table, self._columns, self._most = table, tuple(dict.fromkeys(("customer_id", *columns))), most
        self._files: tuple[Path, ...] = ()
        self._known: OrderedDict[int, Row | None] = OrderedDict()
        self._lock = Lock()

    def of(self, parts: Parts, customer_id: int, on: date, *, beside: Collection[int] = ()) -> Row | None:
        """The line of a customer in the table of a business date; None: there is none.

        Args:
            parts: Of the workspace.
            customer_id: Whose.
            on: Business date.
            beside: Customers who will be asked for next: if anything is read, they are read too.
        """
        files = tuple(parts.lake.files_current(self._table, on))
        if not files:
            return None
        with self._lock:
            if files == self._files and customer_id in self._known:
                self._known.move_to_end(customer_id)
                return self._known[customer_id]
            known = set(self._known) if files == self._files else set()
        wanted = [customer_id, *sorted({*beside} - known - {customer_id})][: self._most]
        found = {row["customer_id"]: row for row in rows_in(files, wanted, self._columns)}
        self._keep(files, {one: found.get(one) for one in wanted})
        return found.get(customer_id)

    def _keep(self, files: tuple[Path, ...], found: dict[int, Row | None]) -> None:
        with self._lock:
            if files != self._files:
                self._files = files
                self._known.clear()
            self._known.update(found)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
