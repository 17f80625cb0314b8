"""Unmasking: a person sees the personal data of one customer for a stated reason, for minutes, so many times a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from cultiva.execution.access.unmasked import repository
from cultiva.execution.access.unmasked.repository import Opened
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import write
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database

__all__ = ["Opened", "Unmasking", "UnmaskingRules"]

ACTION = "customer.unmasked"
"""How the audit calls it."""
REASON_CHARACTERS = range(10, 501)
"""How long a reason is; shorter ones say nothing."""


@dataclass(frozen=True)
class UnmaskingRules:
    """How long, and how often."""

    minutes: int = 15
    """After so many minutes the data are masked again."""
    per_day_max: int = 50
    """Customers whom one person may unmask on one day."""
    zone: str = "UTC"
    """Time zone of the bank, in which a day begins."""


class Unmasking:
    """Shows personal data for a reason, and remembers it.

    It does not know who sees whom: ask for customers in sight only, through `loop.customers.unmask`.

    Args:
        database: Where the rows lie.
        rules: How long, and how often.
    """

    def __init__(self, database: Database, rules: UnmaskingRules | None = None) -> None:
        self._database = database
        self._rules = rules or UnmaskingRules()

    def open(self, user_id: str, name: str, customer_id: int, reason: str, at: datetime) -> datetime:
        """Shows a customer's personal data to a person; while they are shown, asking again changes nothing.

        The line of the audit and the permission are one transaction: what cannot be written down is not shown.

        Args:
            user_id: Who.
            name: Their name, for the audit.
            customer_id: Whose data.
            reason: Why, 10 to 500 characters; no personal data.
            at: Now.

        Returns:
            Until when.

        Raises:
            CultivaError: if the reason is none, or the person has used up the day.
        """
        why = _checked(reason)
        with self._database.writing() as connection:
            still = repository.open_until(connection, user_id, customer_id, at)
            if still is not None:
                return still
            until = at + timedelta(minutes=self._rules.minutes)
            one = Opened(user_id, name, customer_id, why, at, until)
            self._count(connection, one)
            detail = {"user": user_id, "reason": why, "until": until.isoformat(timespec="seconds")}
            write(connection, Entry(at, name, ACTION, f"customer:{customer_id}", detail))
            return until

    def may_see(self, user_id: str, customer_id: int, at: datetime) -> bool:
        """Whether a person is shown a customer's personal data at an instant."""
        with self._database.reading() as connection:
            return repository.open_until(connection, user_id, customer_id, at) is not None

    def left(self, user_id: str, at: datetime) -> int:
        """How many customers a person may still unmask on that day."""
        with self._database.reading() as connection:
            return max(0, self._rules.per_day_max - repository.used(connection, user_id, self._day(at)))

    def listed(
        self, since: datetime, *, user_id: str | None = None, customer_id: int | None = None, limit: int = 200
    ) -> Sequence[Opened]:
        """Who was shown whose data, for the auditor, the newest first.

        Args:
            since: From then on.
            user_id: Only of this person.
            customer_id: Only of this customer.
            limit: At most so many.
        """
        with self._database.reading() as connection:
            return repository.listed(connection, since, user_id=user_id, customer_id=customer_id, limit=limit)

    def _count(self, connection: Connection, one: Opened) -> None:
        """Takes the next number of the person's day; of two who race each gets one of their own."""
        day = self._day(one.at)
        while True:
            number = repository.used(connection, one.user_id, day) + 1
            if number > self._rules.per_day_max:
                raise _used_up(self._rules.per_day_max)
            if repository.take(connection, one, day, number):
                return

    def _day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self._rules.zone)).date()


def _checked(reason: str) -> str:
    said = " ".join(reason.split())
    if len(said) not in REASON_CHARACTERS or len(set(said)) < 4:
        raise CultivaError(
            "a reason is needed to see personal data",
            code="access.unmask_reason",
            seen=f"{len(said)} characters",
            allowed=f"{REASON_CHARACTERS[0]} to {REASON_CHARACTERS[-1]} characters that say why",
            hint="say what the customer wants, without names or numbers of theirs",
        )
    return said


def _used_up(most: int) -> CultivaError:
    return CultivaError(
        "no more customers can be unmasked today",
        code="access.unmask_used_up",
        kind=ErrorKind.FORBIDDEN,
        seen=f"{most} today",
        allowed=f"{most} a day and person",
        hint="come back tomorrow, or have unmask_per_day_max of [console] raised",
    )
