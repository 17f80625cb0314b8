"""Who was shown whose personal data, in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from cultiva.execution.tables import UNMASKING
from cultiva.store.database import insert_new

U = UNMASKING.c


@dataclass(frozen=True)
class Opened:
    """Somebody was shown the personal data of a customer."""

    user_id: str
    name: str
    """The person's."""
    customer_id: int
    reason: str
    at: datetime
    until: datetime


def used(connection: Connection, user_id: str, day: date) -> int:
    """How many customers a person has unmasked on a day."""
    return connection.scalar(select(func.max(U.number)).where(U.user_id == user_id, U.day == day)) or 0


def take(connection: Connection, one: Opened, day: date, number: int) -> bool:
    """Takes a number of the person's day; false if somebody else has just taken it."""
    row = {
        "user_id": one.user_id, "day": day, "number": number, "name": one.name, "reason": one.reason,
        "customer_id": one.customer_id, "at": one.at, "until": one.until,
    }  # fmt: skip
    return bool(insert_new(connection, UNMASKING, [row]))


def open_until(connection: Connection, user_id: str, customer_id: int, at: datetime) -> datetime | None:
    """Until when a person is shown a customer's data; None: not now."""
    mine = select(U.until).where(U.customer_id == customer_id, U.user_id == user_id, U.at <= at, U.until > at)
    found: datetime | None = connection.scalar(mine.order_by(U.until.desc()).limit(1))
    return found


def listed(
    connection: Connection, since: datetime, *, user_id: str | None, customer_id: int | None, limit: int
) -> list[Opened]:
    """Who was shown whose data since an instant, the newest first."""
    asked = select(UNMASKING).where(U.at >= since).order_by(U.at.desc(), U.user_id, U.number.desc()).limit(limit)
    if user_id is not None:
        asked = asked.where(U.user_id == user_id)
    if customer_id is not None:
        asked = asked.where(U.customer_id == customer_id)
    rows = connection.execute(asked)
    return [Opened(one.user_id, one.name, one.customer_id, one.reason, one.at, one.until) for one in rows]
