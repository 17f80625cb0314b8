"""A catalogue of snapshots in memory: what the store keeps in a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cultiva.contracts.snapshots import Snapshot


class MemoryCatalogue:
    """One pointer per table and date; publishing replaces it."""

    def __init__(self) -> None:
        self._pointers: dict[tuple[str, date], Snapshot] = {}

    def publish(self, snapshots: Sequence[Snapshot]) -> None:
        self._pointers |= {(one.table, one.business_date): one for one in snapshots}

    def withdraw(self, snapshots: Sequence[Snapshot]) -> None:
        for one in snapshots:
            del self._pointers[one.table, one.business_date]

    def current(self, table: str, on: date) -> Snapshot | None:
        return self._pointers.get((table, on))

    def latest(self, table: str, upto: date | None = None) -> Snapshot | None:
        found = self.history(table, upto or date.max)
        return found[-1] if found else None

    def before(self, table: str, on: date) -> Snapshot | None:
        found = [one for one in self.history(table, on) if one.business_date < on]
        return found[-1] if found else None

    def history(self, table: str, upto: date) -> Sequence[Snapshot]:
        chosen = [one for one in self.published() if one.table == table and one.business_date <= upto]
        return sorted(chosen, key=lambda one: one.business_date)

    def published(self) -> Sequence[Snapshot]:
        return list(self._pointers.values())
