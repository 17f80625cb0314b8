"""The outbox in the store: claiming, marking, recording, taking over what a lost worker has left.

Two workers never hold the same row: PostgreSQL skips rows that another one has locked, SQLite lets one writer in at a
time. Whatever a provider is told was committed before, so a row that is not `sending` has surely not left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from cultiva.execution.dispatch import bucket
from cultiva.execution.dispatch.fates import evidence_of, honest
from cultiva.execution.dispatch.records import OVER, Claimed, Ready, State, Verdict, name_of
from cultiva.execution.tables import DELIVERY, HALT, LAUNCH, PROVIDER_RATE, SIGNAL
from cultiva.store.database import Database, insert_missing

Release = Callable[[Connection, Sequence[str], datetime], None]
"""Gives touches back to the contact budget."""
AT_A_TIME = 500
"""Rows of one statement with a list of ids."""
_SENDING: ColumnElement[str] = literal_column("'sending'")  # as the index of few rows says it
NO_LAUNCH = ""
"""Launch of deliveries that belong to none."""


@dataclass(frozen=True)
class Hold:
    """A worker's right to some deliveries."""

    token: str
    """In `delivery.lease`."""
    provider: str
    """Name of the lane."""
    at: datetime
    """Now."""
    until: datetime
    """The right ends then."""


class Outbox:
    """The deliveries.

    Args:
        database: Where the rows lie.
        release: Called with the touches of deliveries that end without having been sent, within that transaction.
    """

    def __init__(self, database: Database, release: Release) -> None:
        self._database = database
        self._release = release

    def claim(self, hold: Hold, *, limit: int, rate: bucket.Rate | None, turn: int = 0) -> list[Claimed]:
        """Takes due deliveries of live launches, as many as rates and throttles leave room for.

        Args:
            hold: Who takes them, and how long they are theirs.
            limit: At most so many.
            rate: Of the provider; None: none.
            turn: Launches take turns; another number begins with another one.
        """
        with self._database.writing() as connection:
            level = _level(connection, hold.provider, rate, hold.at)
            room = min(limit, int(level.tokens)) if level else limit
            found: list[Claimed] = []
            for launch_id, per_minute in _launches(connection, turn):
                if len(found) < room:
                    found += _claim(connection, hold, (launch_id, per_minute), limit=room - len(found))
            if level and found:
                _keep_level(connection, hold.provider, bucket.taken(level, len(found)))
        return found

    def mark(self, hold: Hold, ready: Sequence[Ready], *, done: Sequence[Verdict] = ()) -> list[Ready]:
        """Records what is done, and marks further claimed deliveries as leaving now: one transaction, one commit.

        Returns:
            Those that may leave; the others were cancelled, halted or lost to another worker meanwhile.
        """
        with self._database.writing() as connection:
            self._record(connection, hold, done)
            return _mark(connection, hold, ready) if ready else []

    def record(self, hold: Hold, done: Sequence[Verdict]) -> None:
        """Writes down what became of deliveries."""
        if done:
            with self._database.writing() as connection:
                self._record(connection, hold, done)

    def give_back(self, hold: Hold, ids: Sequence[str]) -> None:
        """Lets go of what was claimed and has surely not left."""
        mine = (DELIVERY.c.lease == hold.token) & (DELIVERY.c.state == State.QUEUED)
        free = {"lease": "", "leased_until": None, "changed": hold.at}
        with self._database.writing() as connection:
            for part in _parts(sorted(ids)):
                connection.execute(update(DELIVERY).where(DELIVERY.c.delivery_id.in_(part), mine).values(**free))

    def left_behind(self, provider: str, before: datetime) -> bool:
        """Whether there is anything to take over."""
        with self._database.reading() as connection:
            return connection.execute(_late(provider, before).limit(1)).first() is not None

    def take_over(
        self, hold: Hold, decide: Callable[[Claimed], Verdict], *, before: datetime, limit: int
    ) -> tuple[list[Verdict], list[Claimed]]:
        """Decides on deliveries that are `sending` and whose lease ran out before a moment.

        Returns:
            All verdicts, and the deliveries whose provider has to be asked, which are held now.
        """
        asked = _late(hold.provider, before).limit(limit)
        with self._database.writing() as connection:
            rows = connection.execute(asked.with_for_update(skip_locked=True)).all()
            verdicts = [decide(_claimed(row)) for row in rows]
            open_ones = [verdict for verdict in verdicts if verdict.state is State.SENDING]
            self._settle(connection, hold, [one for one in verdicts if one.state is not State.SENDING])
            return verdicts, _hold_all(connection, hold, open_ones)

    def cancel_over(self, at: datetime, *, limit: int) -> int:
        """Cancels what is queued of launches that are stopped or finished; how many."""
        over = select(LAUNCH.c.launch_id).where(LAUNCH.c.state.in_(("stopped", "finished", "rejected")))
        free = or_(DELIVERY.c.leased_until.is_(None), DELIVERY.c.leased_until <= at)
        asked = select(DELIVERY).where(DELIVERY.c.state == State.QUEUED, DELIVERY.c.launch_id.in_(over), free)
        with self._database.writing() as connection:
            rows = connection.execute(asked.limit(limit).with_for_update(skip_locked=True)).all()
            done = [Verdict(_claimed(row), State.CANCELLED, problem="the launch is over") for row in rows]
            self._settle(connection, Hold("", "", at, at), [honest(one, at) for one in done])
        return len(done)

    def counts(self) -> dict[tuple[str, State], int]:
        """Deliveries per provider and state."""
        with self._database.reading() as connection:
            return counts(connection)

    def _record(self, connection: Connection, hold: Hold, done: Sequence[Verdict]) -> None:
        """What is known to be accepted is so, whoever holds the row by now; all else counts for the holder only."""
        mine = (DELIVERY.c.lease == hold.token) & or_(
            DELIVERY.c.state == State.SENDING, DELIVERY.c.state == State.QUEUED
        )
        accepted = [one for one in done if one.state is State.SENT]
        if accepted:
            connection.execute(_ACCEPTED, [_change(one, hold.at) for one in _ordered(accepted)])
        self._write(connection, hold, [one for one in done if one.state is not State.SENT], where=mine)

    def _settle(self, connection: Connection, hold: Hold, done: Sequence[Verdict]) -> None:
        """Writes verdicts on rows that this transaction has locked."""
        self._write(connection, hold, done, where=literal(True))

    def _write(
        self, connection: Connection, hold: Hold, done: Sequence[Verdict], *, where: ColumnElement[bool]
    ) -> None:
        if not done:
            return
        ending = [one for one in done if one.state in OVER]
        held = _those(connection, [one.claimed.delivery_id for one in ending], where, lock=True)
        connection.execute(_CHANGE.where(where), [_change(one, hold.at) for one in _ordered(done)])
        ended = [one for one in ending if one.claimed.delivery_id in held]
        touches = sorted({one.claimed.touch_id for one in ended} - {""})
        if touches:
            self._release(connection, touches, hold.at)
        failed = [one for one in ended if one.state is not State.CANCELLED]
        insert_missing(connection, SIGNAL, [_failure(one, hold) for one in failed])


_CHANGE = (
    update(DELIVERY)
    .where(DELIVERY.c.delivery_id == bindparam("key"))
    .values(
        state=bindparam("next_state"),
        due=func.coalesce(bindparam("next_due", type_=DELIVERY.c.due.type), DELIVERY.c.due),
        leased_until=bindparam("ask_at", type_=DELIVERY.c.leased_until.type),
        lease="",
        reference=func.coalesce(bindparam("said_reference"), DELIVERY.c.reference),
        problem=bindparam("said_problem"),
        evidence=func.coalesce(bindparam("known", type_=DELIVERY.c.evidence.type), DELIVERY.c.evidence),
        changed=bindparam("now", type_=DELIVERY.c.changed.type),
    )
)

_REPORTED = or_(DELIVERY.c.state == State.DELIVERED, DELIVERY.c.state == State.FAILED)
_ACCEPTED = _CHANGE.values(state=case((_REPORTED, DELIVERY.c.state), else_=bindparam("next_state")))
"""A report may have been quicker than our own record: its state stays, the reference is added."""


def _ordered(done: Sequence[Verdict]) -> list[Verdict]:
    """Rows are locked in the order of their ids, everywhere, so that nobody waits for each other in a ring."""
    return sorted(done, key=lambda one: one.claimed.delivery_id)


def _change(verdict: Verdict, at: datetime) -> dict[str, Any]:
    asks = verdict.state is State.SENDING
    return {
        "key": verdict.claimed.delivery_id,
        "next_state": verdict.state.value,
        "next_due": None if asks else verdict.due,
        "ask_at": verdict.due if asks else None,
        "said_reference": verdict.reference[:200] or None,
        "said_problem": verdict.problem,
        "known": evidence_of(verdict.claimed, verdict.evidence) if verdict.evidence else None,
        "now": at,
    }


def _failure(verdict: Verdict, hold: Hold) -> dict[str, Any]:
    """A play may wait for it as for any answer."""
    one = verdict.claimed
    return {
        "signal_id": name_of("failed", one.delivery_id),
        "customer_id": one.customer_id,
        "name": "failed",
        "at": hold.at,
        "amount": None,
        "touch_id": one.touch_id,
        "source": hold.provider,
        "detail": {"problem": verdict.problem, "step": one.step, "launch": one.launch_id},
        "received": hold.at,
    }


def counts(connection: Connection) -> dict[tuple[str, State], int]:
    """Deliveries per provider and state."""
    both = (DELIVERY.c.state, DELIVERY.c.provider)  # in an index
    rows = connection.execute(select(*both, func.count()).group_by(*both))
    return {(provider, State(state)): count for state, provider, count in rows}


def _late(provider: str, before: datetime) -> Select[Any]:
    late = (DELIVERY.c.state == _SENDING) & (DELIVERY.c.leased_until <= before)
    return select(DELIVERY).where(late, DELIVERY.c.provider == provider)


def _launches(connection: Connection, turn: int) -> list[tuple[str, int | None]]:
    """Launches that may send now, and none, each with its throttle; the `turn`-th first."""
    asked = select(LAUNCH.c.launch_id, LAUNCH.c.per_minute_max).where(_live()).order_by(LAUNCH.c.launch_id)
    found = [(NO_LAUNCH, None), *((row.launch_id, row.per_minute_max) for row in connection.execute(asked))]
    first = turn % len(found)
    return found[first:] + found[:first]


def _live() -> ColumnElement[bool]:
    halted = exists().where(HALT.c.scope == literal("strategy:").concat(LAUNCH.c.strategy))
    return (LAUNCH.c.state == "live") & ~halted


def _may_leave(launch_id: str) -> ColumnElement[bool]:
    """No emergency stop, and the launch is live: part of the very statement that takes rows."""
    halts = HALT.c.scope.in_(("all",)) | (HALT.c.scope == literal("channel:").concat(DELIVERY.c.channel))
    free = ~exists().where(halts)
    return free if launch_id == NO_LAUNCH else free & exists().where(LAUNCH.c.launch_id == launch_id, _live())


def _claim(connection: Connection, hold: Hold, launch: tuple[str, int | None], *, limit: int) -> list[Claimed]:
    launch_id, per_minute = launch
    name = f"launch:{launch_id}"
    level = _level(connection, name, bucket.per_minute(per_minute), hold.at) if per_minute else None
    room = min(limit, int(level.tokens)) if level else limit
    if room <= 0:
        return []
    rows = connection.execute(_due(hold, launch_id, room)).all()
    ids = [row.delivery_id for row in rows]
    held = {"lease": hold.token, "leased_until": hold.until, "changed": hold.at}
    for part in _parts(ids):
        connection.execute(update(DELIVERY).where(DELIVERY.c.delivery_id.in_(part)).values(**held))
    if level and rows:
        _keep_level(connection, name, bucket.taken(level, len(rows)))
    return [_claimed(row) for row in rows]


def _due(hold: Hold, launch_id: str, limit: int) -> Select[Any]:
    return (
        select(DELIVERY)
        .where(
            DELIVERY.c.state == State.QUEUED,
            DELIVERY.c.provider == hold.provider,
            DELIVERY.c.launch_id == launch_id,
            DELIVERY.c.due <= hold.at,
            or_(DELIVERY.c.leased_until.is_(None), DELIVERY.c.leased_until <= hold.at),
            _may_leave(launch_id),
        )
        .order_by(DELIVERY.c.due)
        .limit(limit)
        .with_for_update(skip_locked=True, of=DELIVERY)
    )


def _mark(connection: Connection, hold: Hold, ready: Sequence[Ready]) -> list[Ready]:
    mine = (DELIVERY.c.lease == hold.token) & (DELIVERY.c.state == State.QUEUED)
    by_launch: dict[str, list[str]] = {}
    for one in ready:
        by_launch.setdefault(one.claimed.launch_id, []).append(one.claimed.delivery_id)
    may: set[str] = set()
    for launch_id, ids in by_launch.items():
        may |= _those(connection, ids, mine & _may_leave(launch_id), lock=True)
    going = [one for one in ready if one.claimed.delivery_id in may]
    if going:
        connection.execute(_LEAVE, [_leaving(one, hold) for one in going])
    return going


_LEAVE = (
    update(DELIVERY)
    .where(DELIVERY.c.delivery_id == bindparam("key"))
    .values(
        state=State.SENDING.value,
        content=bindparam("filled", type_=DELIVERY.c.content.type),
        attempts=DELIVERY.c.attempts + 1,
        leased_until=bindparam("end", type_=DELIVERY.c.leased_until.type),
        changed=bindparam("now", type_=DELIVERY.c.changed.type),
    )
)


def _leaving(one: Ready, hold: Hold) -> dict[str, Any]:
    filled = {**one.filled.content, **({"extra": dict(one.filled.extra)} if one.filled.extra else {})}
    return {"key": one.claimed.delivery_id, "filled": filled, "end": hold.until, "now": hold.at}


def _hold_all(connection: Connection, hold: Hold, verdicts: Sequence[Verdict]) -> list[Claimed]:
    """Takes rows that this transaction has locked, with what is known of them by now."""
    found = []
    for verdict in verdicts:
        known = evidence_of(verdict.claimed, verdict.evidence)
        mine = DELIVERY.c.delivery_id == verdict.claimed.delivery_id
        held = {"lease": hold.token, "leased_until": hold.until, "evidence": known, "changed": hold.at}
        row = connection.execute(update(DELIVERY).where(mine).values(**held).returning(DELIVERY)).one()
        found.append(_claimed(row))
    return found


def _those(connection: Connection, ids: Sequence[str], where: ColumnElement[bool], *, lock: bool = False) -> set[str]:
    """Those of the deliveries for which something holds, locked in the order of their ids."""
    found: set[str] = set()
    for part in _parts(sorted(ids)):
        asked = select(DELIVERY.c.delivery_id).where(DELIVERY.c.delivery_id.in_(part), where)
        asked = asked.order_by(DELIVERY.c.delivery_id).with_for_update(of=DELIVERY) if lock else asked
        found |= set(connection.scalars(asked))
    return found


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[begin : begin + AT_A_TIME] for begin in range(0, len(ids), AT_A_TIME)]


def _level(connection: Connection, name: str, rate: bucket.Rate | None, at: datetime) -> bucket.Level | None:
    """The bucket as it is now, locked until the end of the transaction; None: there is no rate."""
    if rate is None:
        return None
    full = bucket.refilled(None, rate, at)
    insert_missing(connection, PROVIDER_RATE, [{"provider": name, "tokens": full.tokens, "at": full.at}])
    asked = select(PROVIDER_RATE).where(PROVIDER_RATE.c.provider == name)
    row = connection.execute(asked.with_for_update()).one()
    return bucket.refilled(bucket.Level(row.tokens, row.at), rate, at)


def _keep_level(connection: Connection, name: str, level: bucket.Level) -> None:
    kept = update(PROVIDER_RATE).where(PROVIDER_RATE.c.provider == name)
    connection.execute(kept.values(tokens=level.tokens, at=level.at))


def _claimed(row: Row[Any]) -> Claimed:
    content: Mapping[str, Any] = row.content or {}
    return Claimed(
        delivery_id=row.delivery_id,
        touch_id=row.touch_id,
        launch_id=row.launch_id,
        step=row.step,
        customer_id=row.customer_id,
        entry=row.entry,
        channel=row.channel,
        address=row.address,
        content=content,
        attempts=row.attempts,
        expires=row.expires,
        lease=row.lease,
        evidence=list(row.evidence or []),
    )
