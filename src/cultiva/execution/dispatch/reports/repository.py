"""Reports in the store: taken once, matched, and told to whom they concern, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, bindparam, literal_column, select, update

from cultiva.contracts.delivery import Overdue, Report
from cultiva.execution.dispatch.records import State, name_of
from cultiva.execution.dispatch.reports.matching import (
    WITHDRAWING,
    Sender,
    Taken,
    body_of,
    concerned,
    next_state,
    receipt_id,
    report_of,
    signal_of,
    withdrawal_of,
)
from cultiva.execution.tables import CONSENT_CHANGE, DELIVERY, RECEIPT, RECIPIENT_ADDRESS, SIGNAL
from cultiva.store.database import Database, insert_missing, insert_new

AT_A_TIME = 500
"""Ids in one statement."""
REMINDED = "reminded"
"""Kind of the line that says that a reminder was sent."""
NOBODY = ""
"""Delivery of a report that belongs to none."""
_REFERRED = DELIVERY.c.reference != literal_column("''")  # as the index of few rows says it


class Receipts:
    """The reports of providers.

    Args:
        database: Where the rows lie.
        release: Called with the touches of deliveries that never arrived, within that transaction.
    """

    def __init__(self, database: Database, release: Callable[[Connection, Sequence[str], datetime], None]) -> None:
        self._database = database
        self._release = release

    def take(self, provider: str, reports: Sequence[Report], at: datetime) -> Taken:
        """Takes reports that were not taken before, and does what they mean."""
        named = {receipt_id(provider, one): one for one in reports}
        if not named:
            return Taken()
        with self._database.writing() as connection:
            fresh = {name: named[name] for name in _unseen(connection, provider, named, at)}
            matched = self._apply(connection, provider, fresh, at)
        return Taken(len(fresh), len(reports) - len(fresh), len(fresh) - matched)

    def to_remind(self, provider: str, due: Sequence[Overdue], at: datetime) -> list[Overdue]:
        """Reminders of tasks of ours that nobody has taken on: whoever asks first is to send them, once each."""
        if not due:
            return []
        with self._database.writing() as connection:
            rows = {}
            for one in due:
                mine = _one_of(connection, provider, one.task)
                if mine:
                    name = name_of("reminder", provider, one.task, one.number)
                    rows[name] = (one, {"receipt_id": name, "provider": provider, "delivery_id": mine, "kind": REMINDED,
                                        "at": at, "body": {"task": one.task}, "received": at})  # fmt: skip
            fresh = {str(name) for (name,) in insert_new(connection, RECEIPT, [rows[one][1] for one in sorted(rows)])}
            return [one for name, (one, _) in rows.items() if name in fresh]

    def match_again(self, at: datetime, *, since: datetime, limit: int) -> int:
        """Matches reports that came before their delivery's reference was known; how many found one now."""
        asked = select(RECEIPT).where(RECEIPT.c.delivery_id == NOBODY, RECEIPT.c.received >= since)
        with self._database.reading() as connection:
            if connection.execute(asked.limit(1)).first() is None:
                return 0
        with self._database.writing() as connection:
            asked = asked.order_by(RECEIPT.c.received.desc()).limit(limit)
            rows = connection.execute(asked.with_for_update(skip_locked=True)).all()
            found = 0
            for provider in sorted({row.provider for row in rows}):
                mine = [row for row in rows if row.provider == provider]
                reports = {row.receipt_id: report_of(row.kind, row.at, row.body) for row in mine}
                found += self._apply(connection, provider, reports, at, only_senders=True)
        return found

    def _apply(
        self,
        connection: Connection,
        provider: str,
        named: Mapping[str, Report],
        at: datetime,
        *,
        only_senders: bool = False,
    ) -> int:
        """Moves deliveries, writes signals and withdrawals; how many reports belong to somebody."""
        senders = _senders(connection, provider, named)
        if senders:
            connection.execute(_MATCH, [{"name": name, "mine": one.delivery_id} for name, one in senders.items()])
        self._move(connection, [(named[name], one) for name, one in senders.items()], at)
        people = {name: [(one.customer_id, one.touch_id, one.channel)] for name, one in senders.items()}
        if not only_senders:
            strangers = {name: one for name, one in named.items() if name not in senders}
            people |= _people(connection, strangers)
        _tell(connection, provider, [(named[name], found) for name, found in people.items()], at)
        return len(people)

    def _move(self, connection: Connection, pairs: Iterable[tuple[Report, Sender]], at: datetime) -> None:
        moved: dict[str, tuple[Sender, State]] = {}
        for report, sender in sorted(pairs, key=lambda pair: (pair[0].at, pair[0].report_id)):
            now = moved[sender.delivery_id][1] if sender.delivery_id in moved else sender.state
            moves = next_state(report.kind, now)
            if moves is not None:
                moved[sender.delivery_id] = (sender, moves)
        if moved:
            connection.execute(_MOVE, [{"key": key, "moves": one[1].value, "now": at} for key, one in moved.items()])
        missed = sorted({one.touch_id for one, state in moved.values() if state is State.FAILED} - {""})
        if missed:
            self._release(connection, missed, at)


_MATCH = update(RECEIPT).where(RECEIPT.c.receipt_id == bindparam("name")).values(delivery_id=bindparam("mine"))
_MOVE = (
    update(DELIVERY)
    .where(DELIVERY.c.delivery_id == bindparam("key"))
    .values(
        state=bindparam("moves"),
        lease="",
        leased_until=None,
        changed=bindparam("now", type_=DELIVERY.c.changed.type),
    )
)


def _unseen(connection: Connection, provider: str, named: Mapping[str, Report], at: datetime) -> list[str]:
    """Writes reports down; those that were not there. A copy that takes the same ones waits, and finds them there."""
    rows = [_receipt(name, provider, named[name], at) for name in sorted(named)]
    return [str(name) for (name,) in insert_new(connection, RECEIPT, rows)]


def _receipt(name: str, provider: str, report: Report, at: datetime) -> dict[str, Any]:
    told = {"kind": report.kind, "at": report.at, "body": body_of(report), "received": at}
    return {"receipt_id": name, "provider": provider, "delivery_id": NOBODY, **told}


def _senders(connection: Connection, provider: str, named: Mapping[str, Report]) -> dict[str, Sender]:
    """The deliveries that reports belong to: by our key, else by the provider's reference; locked."""
    keys = sorted({one.key for one in named.values()} - {""})
    references = sorted({one.reference for one in named.values() if not one.key} - {""})
    by_key = {row.delivery_id: row for row in _deliveries(connection, DELIVERY.c.delivery_id, keys)}
    theirs = _deliveries(connection, DELIVERY.c.reference, references, provider=provider)
    by_reference = {row.reference: row for row in theirs}
    found = {name: by_key.get(one.key) or by_reference.get(one.reference) for name, one in named.items()}
    return {name: _sender(row) for name, row in found.items() if row is not None}


def _deliveries(
    connection: Connection, column: Column[Any], values: Sequence[str], *, provider: str | None = None
) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for begin in range(0, len(values), AT_A_TIME):
        asked = select(DELIVERY).where(column.in_(values[begin : begin + AT_A_TIME]))
        asked = asked if provider is None else asked.where(DELIVERY.c.provider == provider, _REFERRED)
        found += connection.execute(asked.order_by(DELIVERY.c.delivery_id).with_for_update()).all()
    return found


def _sender(row: Row[Any]) -> Sender:
    return Sender(row.delivery_id, row.customer_id, row.touch_id, row.channel, State(row.state))


def _one_of(connection: Connection, provider: str, task: str) -> str:
    """One of our deliveries in a task of a provider; empty: the task is somebody else's."""
    within = (DELIVERY.c.reference >= f"{task}/") & (DELIVERY.c.reference < f"{task}0")  # 0 comes right after /
    asked = select(DELIVERY.c.delivery_id).where(DELIVERY.c.provider == provider, _REFERRED, within)
    return connection.scalar(asked.order_by(DELIVERY.c.reference).limit(1)) or ""


def _people(connection: Connection, named: Mapping[str, Report]) -> dict[str, list[tuple[int, str, str]]]:
    """Everybody who can be reached at the address that said no: on every channel, or on the one that was cut off."""
    asking = {name: one for name, one in named.items() if one.kind in WITHDRAWING and one.address}
    addresses = sorted({one.address for one in asking.values()})
    owners: dict[str, set[tuple[int, str]]] = {}
    for begin in range(0, len(addresses), AT_A_TIME):
        mine = RECIPIENT_ADDRESS.c.address.in_(addresses[begin : begin + AT_A_TIME])
        for row in connection.execute(select(RECIPIENT_ADDRESS).where(mine)):
            owners.setdefault(row.address, set()).add((row.customer_id, row.channel))
    found = {
        name: sorted(concerned(one.kind, who, channel) for who, channel in owners.get(one.address, ()))
        for name, one in asking.items()
    }
    return {name: list(dict.fromkeys(people)) for name, people in found.items() if people}


def _tell(
    connection: Connection,
    provider: str,
    told: Sequence[tuple[Report, Sequence[tuple[int, str, str]]]],
    at: datetime,
) -> None:
    """Signals for the plays, withdrawals for whoever asks for consent."""
    each = [(report, *person) for report, people in told for person in people]
    signals = [
        signal_of(provider, report, customer_id=who, touch_id=touch, received=at) for report, who, touch, _ in each
    ]
    insert_missing(connection, SIGNAL, sorted(signals, key=lambda row: row["signal_id"]))
    withdrawn = [
        withdrawal_of(provider, report, customer_id=who, channel=channel, received=at)
        for report, who, _, channel in each
        if report.kind in WITHDRAWING
    ]
    insert_missing(connection, CONSENT_CHANGE, sorted(withdrawn, key=lambda row: row["change_id"]))
