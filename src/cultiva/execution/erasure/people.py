"""The nouns of erasure: who is erased, what was done where, who may not be erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from cultiva.contracts.anteroom import USER, VISITOR


@dataclass(frozen=True)
class People:
    """Everything by which the customers of one order are known. Kept while the order is carried out, then forgotten."""

    customers: tuple[int, ...]
    """Our numbers, those that were merged into them included."""
    sources: tuple[tuple[str, str], ...] = ()
    """Party records: (source system, id)."""
    accounts: tuple[str, ...] = ()
    """Accounts that nobody else holds."""
    visitors: tuple[str, ...] = ()
    """Anonymous ids that turned out to be theirs."""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    homes: tuple[tuple[int, int | None], ...] = ()
    """Households that bear the number of an erased customer, and the number they get instead; None: nobody is left."""

    def data(self) -> dict[str, Any]:
        """As JSON-like data."""
        return asdict(self)

    @property
    def waited_for(self) -> tuple[str, ...]:
        """Names under which events may wait for them."""
        users = (f"{USER}{system}:{source_id}" for system, source_id in self.sources)
        return (*users, *(f"{VISITOR}{one}" for one in self.visitors))


def people_of(data: Mapping[str, Any]) -> People:
    """As `People.data` wrote it."""
    pairs = {name: tuple(tuple(one) for one in data[name]) for name in ("sources", "homes")}
    return People(**{**{name: tuple(value) for name, value in data.items()}, **pairs})


class Act(StrEnum):
    """What was done to a row."""

    REMOVED = "removed"
    """It is not there any more."""
    UNLINKED = "unlinked"
    """It stays for the accounts, under a random number and without anything that leads back."""
    MENDED = "mended"
    """It is about somebody else, and does not mention the person any more."""


@dataclass(frozen=True)
class Done:
    """So many rows of one place were dealt with."""

    place: str
    """lake/<table>/<date>, store/<table>, stream/<what>, file/<path>."""
    act: Act
    rows: int


@dataclass(frozen=True)
class Asked:
    """What was asked for."""

    by: str
    """Who asks, or writes down that somebody has asked."""
    reason: str
    """Why, e.g. the number of the request; not who."""
    customers: int
    """How many were named."""
    on: date
    """The day on which holds count."""
    name: str = ""
    """Id of the order, by which whoever asks again is known; empty: drawn."""


@dataclass(frozen=True)
class Order:
    """An order to erase customers."""

    erasure_id: str
    state: str
    """begun or done."""
    asked_by: str
    reason: str
    people: int
    """How many customers were named."""
    begun: datetime
    ended: datetime | None = None
    work: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """`People.data`; empty when it is done."""
    certificate: Mapping[str, Any] = field(default_factory=dict)
    """What was done; empty until then."""
    seal: str = ""
    """SHA-256 of the certificate."""


@dataclass(frozen=True)
class Hold:
    """A customer who may not be erased, and why."""

    hold_id: str
    customer_id: int
    reason: str
    placed_by: str
    placed: datetime
    until: date | None = None
    """The last day; None: until it is lifted."""
    lifted: datetime | None = None
    lifted_by: str = ""
    remark: str = ""

    def stands(self, on: date) -> bool:
        """Whether it is in force on a day.

        Examples:
            >>> from datetime import UTC
            >>> hold = Hold("h", 7, "case 4", "li", datetime(2026, 1, 5, tzinfo=UTC), until=date(2026, 3, 1))
            >>> hold.stands(date(2026, 3, 1)), hold.stands(date(2026, 3, 2))
            (True, False)
        """
        return self.lifted is None and (self.until is None or on <= self.until)


def merged(rows: Sequence[Done]) -> list[Done]:
    """Rows of one place and act added up, by place."""
    found: dict[tuple[str, Act], int] = {}
    for one in rows:
        found[one.place, one.act] = found.get((one.place, one.act), 0) + one.rows
    return [Done(place, act, rows) for (place, act), rows in sorted(found.items()) if rows]
