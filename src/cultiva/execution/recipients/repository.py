"""Recipients, words of consent and standstills in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, select, union, update

from cultiva.execution.recipients.people import EVERY_CHANNEL, ConsentWord, Reach, Recipient
from cultiva.execution.tables import (
    CONSENT_CHANGE,
    JOURNEY,
    LAUNCH,
    RECIPIENT,
    RECIPIENT_ADDRESS,
    STANDSTILL,
    TASK,
)
from cultiva.kit.hashing import content_hash
from cultiva.store.database import insert_missing, put_all

AT_A_TIME = 500
"""Ids in one statement."""
ENDED = ("stopped", "finished", "rejected")
"""States of launches in which nobody moves any more; who stood in their play stays there."""


def put_recipients(connection: Connection, rows: Sequence[Recipient]) -> None:
    """Writes what is known of each customer over what was known, unless that is of a later day."""
    put_all(
        connection, RECIPIENT, [{**asdict(one), "channels": list(one.channels)} for one in rows],
        unless_newer="business_date",
    )  # fmt: skip
    days = _days(connection, [one.customer_id for one in rows])
    rows = [one for one in rows if one.business_date == days[one.customer_id]]
    ids = sorted({one.customer_id for one in rows})
    for begin in range(0, len(ids), AT_A_TIME):
        mine = RECIPIENT_ADDRESS.c.customer_id.in_(ids[begin : begin + AT_A_TIME])
        connection.execute(delete(RECIPIENT_ADDRESS).where(mine))
    insert_missing(connection, RECIPIENT_ADDRESS, [row for one in rows for row in _addresses(one)])


def _days(connection: Connection, ids: Sequence[int]) -> dict[int, date]:
    """Of which business date what is known of customers is."""
    asked = select(RECIPIENT.c.customer_id, RECIPIENT.c.business_date)
    return {row.customer_id: row.business_date for row in _rows(connection, asked, RECIPIENT.c.customer_id, ids)}


def read_recipients(connection: Connection, ids: Sequence[int]) -> dict[int, Recipient]:
    """Those of the customers of whom something is known."""
    found = _rows(connection, select(RECIPIENT), RECIPIENT.c.customer_id, ids)
    return {row.customer_id: _recipient(row._asdict()) for row in found}


def read_reach(connection: Connection, customer_id: int) -> Reach | None:
    """A customer with their newest words and whether a suppression has begun, in one question."""
    still = select(STANDSTILL.c.name).where(
        STANDSTILL.c.customer_id == RECIPIENT.c.customer_id, STANDSTILL.c.lifted.is_(None)
    )
    said = [column.label(f"word_{column.name}") for column in CONSENT_CHANGE.c]
    asked = (
        select(RECIPIENT, still.exists().label("still"), *said)
        .outerjoin(CONSENT_CHANGE, CONSENT_CHANGE.c.customer_id == RECIPIENT.c.customer_id)
        .where(RECIPIENT.c.customer_id == customer_id)
        .order_by(CONSENT_CHANGE.c.at, CONSENT_CHANGE.c.granted.desc())
    )
    rows = [row._asdict() for row in connection.execute(asked)]
    if not rows:
        return None
    who = _recipient({column.name: rows[0][column.name] for column in RECIPIENT.c})
    words = [_word_of(row) for row in rows if row["word_change_id"] is not None]
    return Reach(who, {one.channel: one for one in words}, bool(rows[0]["still"]))


def newest_words(connection: Connection, ids: Sequence[int]) -> dict[tuple[int, str], ConsentWord]:
    """The newest word per customer and channel; a refusal wins over a grant of the same instant."""
    asked = select(CONSENT_CHANGE).order_by(CONSENT_CHANGE.c.at, CONSENT_CHANGE.c.granted.desc())
    found = _rows(connection, asked, CONSENT_CHANGE.c.customer_id, ids)
    return {(row.customer_id, row.channel): _word(row) for row in found}


def all_words(connection: Connection, until: datetime) -> list[ConsentWord]:
    """The newest word per customer and channel up to an instant."""
    asked = select(CONSENT_CHANGE).where(CONSENT_CHANGE.c.at <= until)
    ordered = connection.execute(asked.order_by(CONSENT_CHANGE.c.at, CONSENT_CHANGE.c.granted.desc()))
    return list({(row.customer_id, row.channel): _word(row) for row in ordered}.values())


def ledger(connection: Connection, customer_id: int) -> list[ConsentWord]:
    """Every word of a customer, in the order in which they count."""
    asked = select(CONSENT_CHANGE).where(CONSENT_CHANGE.c.customer_id == customer_id)
    ordered = asked.order_by(CONSENT_CHANGE.c.at, CONSENT_CHANGE.c.granted.desc(), CONSENT_CHANGE.c.change_id)
    return [_word(row) for row in connection.execute(ordered)]


def standing_still(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those for whom a suppression has begun and has not been lifted."""
    asked = select(STANDSTILL.c.customer_id).where(STANDSTILL.c.lifted.is_(None))
    return {row.customer_id for row in _rows(connection, asked, STANDSTILL.c.customer_id, ids)}


def add_words(connection: Connection, words: Sequence[ConsentWord]) -> None:
    """Records words of consent; one that is recorded already stays as it is."""
    rows = [{**asdict(one), "change_id": _word_id(one)} for one in words]
    insert_missing(connection, CONSENT_CHANGE, rows)


def stand_still(connection: Connection, customer_id: int, name: str, at: datetime) -> None:
    """A suppression begins; again if it had been lifted."""
    insert_missing(connection, STANDSTILL, [{"customer_id": customer_id, "name": name, "at": at}])
    mine = and_(STANDSTILL.c.customer_id == customer_id, STANDSTILL.c.name == name)
    again = update(STANDSTILL).where(mine, STANDSTILL.c.lifted.is_not(None), STANDSTILL.c.lifted < at)
    connection.execute(again.values(at=at, lifted=None))


def lift(connection: Connection, customer_id: int, name: str, at: datetime) -> None:
    """A suppression ends."""
    mine = and_(STANDSTILL.c.customer_id == customer_id, STANDSTILL.c.name == name, STANDSTILL.c.lifted.is_(None))
    connection.execute(update(STANDSTILL).where(mine, STANDSTILL.c.at <= at).values(lifted=at))


def in_flight(connection: Connection) -> list[int]:
    """Customers who are in a play now, or about whom there is work to be done, in order."""
    going_on = select(LAUNCH.c.launch_id).where(LAUNCH.c.state.not_in(ENDED))
    playing = select(JOURNEY.c.customer_id).where(JOURNEY.c.launch_id.in_(going_on), JOURNEY.c.state == "active")
    working = select(TASK.c.customer_id).where(TASK.c.state.in_(("open", "accepted")))
    return sorted(connection.scalars(union(playing, working)))


def _rows(connection: Connection, asked: Any, column: Any, ids: Sequence[int]) -> Iterator[Row[Any]]:
    for begin in range(0, len(ids), AT_A_TIME):
        yield from connection.execute(asked.where(column.in_(ids[begin : begin + AT_A_TIME])))


def _addresses(one: Recipient) -> Iterator[dict[str, Any]]:
    own = [(address, EVERY_CHANNEL) for address in (one.phone, one.email)]
    for address, channel in sorted({*own, *((address, channel) for channel, address in one.handles.items())}):
        if address:
            yield {"customer_id": one.customer_id, "address": address, "channel": channel}


def _recipient(row: Mapping[str, Any]) -> Recipient:
    return Recipient(**{**row, "channels": tuple(row["channels"])})


def _word(row: Row[Any]) -> ConsentWord:
    said = (row.customer_id, row.channel, row.granted, row.at, row.evidence)
    return ConsentWord(*said, row.actor, row.through, row.recorded)


def _word_of(row: Mapping[str, Any]) -> ConsentWord:
    return ConsentWord(**{field.name: row[f"word_{field.name}"] for field in fields(ConsentWord)})


def _word_id(one: ConsentWord) -> str:
    return content_hash([one.customer_id, one.channel, one.granted, one.at.isoformat(), one.evidence])
