"""A bank whose party records are unified day after day, with its lake and its ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from tests.insight.delivery import Row, deliver, read

from cultiva.definitions.sources import Identity, MatchRule
from cultiva.engine.port import Engine
from cultiva.insight.identity.customer import write_customers
from cultiva.insight.identity.unification import Deliveries, Folders, Unification, unify

FIRST_DAY = date(2024, 1, 1)
IDENTITY = Identity(
    rules=(
        MatchRule(name="id_number", on=("id_number_hash",)),
        MatchRule(name="phone_and_birth", on=("phone", "birth_date")),
        MatchRule(name="email", on=("email",)),
    ),
    source_order=("core", "card"),
    cluster_max=4,
)


def party(system: str, source_id: str, **known: object) -> Row:
    return {"source_system": system, "source_id": source_id, "party_type": "person", **known}


@dataclass
class Bank:
    """Runs identity for one business date after another, each of them once or several times."""

    engine: Engine
    root: Path
    identity: Identity = IDENTITY
    next_id: int = 1
    maps: dict[date, list[Path]] = field(default_factory=dict)
    parties: dict[date, list[Path]] = field(default_factory=dict)
    runs: int = 0

    def run(self, records: Sequence[Row], *, day: int) -> Unification:
        """Delivers these records on a day (counted from the first) and unifies them."""
        on = FIRST_DAY + timedelta(days=day)
        self.runs += 1
        folder = self.root / f"run-{self.runs}"
        before = [self.maps[one] for one in sorted(self.maps) if one < on]
        newest = self.maps[max(self.maps)] if self.maps else []
        self.parties[on] = deliver(self.root, "party", records)
        result = unify(
            self.engine,
            self.identity,
            Deliveries(self.parties[on], before[-1] if before else [], newest),
            Folders(folder / "identity_map", folder / "identity_conflict"),
            business_date=on,
            allocate=self._allocate,
        )
        self.maps[on] = [folder / "identity_map"]
        return result

    def ids(self) -> dict[str, int]:
        """source_id -> customer_id after the last run."""
        return {row["source_id"]: row["customer_id"] for row in read(self._last() / "identity_map")}

    def conflicts(self) -> list[Row]:
        """Refused links of the last run."""
        return list(read(self._last() / "identity_conflict"))

    def customers(self, *, day: int) -> list[Row]:
        """The resolved customers of a day."""
        on = FIRST_DAY + timedelta(days=day)
        folder = self._last() / "customer"
        write_customers(self.engine, self.parties[on], self.maps[on], folder, source_order=self.identity.source_order)
        return list(read(folder))

    def _last(self) -> Path:
        return self.root / f"run-{self.runs}"

    def _allocate(self, count: int) -> int:
        first, self.next_id = self.next_id, self.next_id + count
        return first
