"""What came back from customers, as the lake's tables `contact` and `outcome` want it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cultiva.execution.returns import repository
from cultiva.execution.returns.repository import Columns
from cultiva.store.database import Database

MINOR = 100
"""Minor units of money in one."""
FAILED = frozenset({"failed", "dead"})
"""States of a message that never reached anybody."""
STATUS_OF_RESULT = {"no_answer": "failed", "wrong_number": "failed", "refused": "refused"}
"""Result of a task -> status of the contact; any other: delivered."""


class Returns:
    """Reads what came back.

    Args:
        database: Where the rows lie.
        zone: IANA name of the bank's zone: the lake keeps its local time.
    """

    def __init__(self, database: Database, zone: str) -> None:
        self._database = database
        self._zone = ZoneInfo(zone)

    def anything(self) -> bool:
        """Whether execution has done or heard anything yet."""
        with self._database.reading() as connection:
            return repository.anything(connection)

    def contacts(self, after: datetime, until: datetime) -> Columns:
        """Touches carried out in a span: touch_id, customer_id, at (local), channel, strategy, offer, wave, status."""
        with self._database.reading() as connection:
            found = dict(repository.carried_out(connection, after, until))
        states = zip(found.pop("delivery"), found.pop("result"), strict=True)
        return {**found, "at": self._local(found["at"]), "status": [_status(*one) for one in states]}

    def outcomes(self, after: datetime, until: datetime) -> Columns:
        """Signals received in a span: outcome_id, customer_id, at (local), name, amount (money)."""
        with self._database.reading() as connection:
            found = repository.signals(connection, after, until)
        amounts = [None if one is None else one / MINOR for one in found["amount"]]
        return {**found, "at": self._local(found["at"]), "amount": amounts}

    def _local(self, moments: object) -> list[datetime]:
        assert isinstance(moments, list)
        return [one.astimezone(self._zone).replace(tzinfo=None) for one in moments]


def _status(delivery: str | None, result: str | None) -> str:
    """What became of a touch: delivered, failed or refused."""
    if delivery is not None:
        return "failed" if delivery in FAILED else "delivered"
    return STATUS_OF_RESULT.get(result or "", "delivered")
