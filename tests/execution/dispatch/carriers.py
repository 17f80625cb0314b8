"""A provider in this process that keeps what it carried and does what it is told; and a store with a launch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from cultiva.contracts.delivery import Message, Receipt, Report, Sent
from cultiva.execution.dispatch.records import Checks, Claimed, Filled, Lane, Policy, Stopped, name_of
from cultiva.execution.dispatch.service import Dispatcher
from cultiva.execution.tables import DELIVERY, HALT, LAUNCH
from cultiva.store.database import Database

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Killed(BaseException):
    """kill -9: nothing of ours runs any more."""


@dataclass
class Carrier:
    """Does with each message what `fates` says of its key, by name; ok where it says nothing."""

    repeats_safely: bool = False
    traceable: bool = False
    fates: dict[str, list[str]] = field(default_factory=dict)
    """Key -> what happens at the next attempts; then ok."""
    carried: Counter[str] = field(default_factory=Counter)
    """How often each key was really carried."""
    texts: dict[str, set[str]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    forgets: bool = False
    """Look-ups cannot tell."""
    waiting: list[Report] = field(default_factory=list)

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        self.sizes.append(len(messages))
        return [one for message in messages for one in self._send(message)]

    def _send(self, message: Message) -> list[Receipt]:
        key = message.key
        fate = self.fates[key].pop(0) if self.fates.get(key) else "ok"
        self.texts.setdefault(key, set()).add(message.content.get("text", ""))
        if fate == "die":
            raise Killed
        if fate == "refuse":
            return [Receipt(key, Sent.REFUSED, problem="no such number 13812345678")]
        if fate == "later":
            return [Receipt(key, Sent.LATER, problem="busy", retry_after=90.0)]
        if fate == "lost_before":
            return [Receipt(key, Sent.UNKNOWN, problem="connection lost")]
        self._carry(key)
        if fate == "die_after":
            raise Killed
        if fate == "broken":
            raise RuntimeError("a fault of the channel")
        if fate == "lost_after":
            return [Receipt(key, Sent.UNKNOWN, problem="connection lost")]
        return [] if fate == "mute" else [Receipt(key, Sent.ACCEPTED, reference=f"ref-{key}")]

    def _carry(self, key: str) -> None:
        if not (self.repeats_safely and self.carried[key]):
            self.carried[key] += 1

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        if self.forgets:
            return [Receipt(key, Sent.UNKNOWN, problem="trace is down") for key in keys]
        return [
            Receipt(key, Sent.ACCEPTED, reference=f"ref-{key}") if self.carried[key] else Receipt(key, Sent.ABSENT)
            for key in keys
        ]

    def poll(self) -> Sequence[Report]:
        told, self.waiting = self.waiting, []
        return told

    def close(self) -> None:
        """Nothing to give back."""


@dataclass
class Asked:
    """Whoever has a say before sending, and what was given back."""

    shut: dict[str, datetime] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    unmade: dict[str, str] = field(default_factory=dict)
    capped: set[str] = field(default_factory=set)
    broken: bool = False
    released: list[str] = field(default_factory=list)
    rendered: Counter[str] = field(default_factory=Counter)

    def checks(self) -> Checks:
        return Checks(self._later, self._forbidden, self._render, self._confirm, self._release)

    def _later(self, batch: Sequence[Claimed], at: datetime) -> Mapping[str, datetime]:
        return self.shut

    def _forbidden(self, batch: Sequence[Claimed], at: datetime) -> Mapping[str, str]:
        if self.broken:
            raise RuntimeError("the permission of fang@example.com cannot be read")
        return self.why

    def _render(self, batch: Sequence[Claimed]) -> Mapping[str, Filled | Stopped]:
        self.rendered.update(one.delivery_id for one in batch)
        return {one.delivery_id: self._filled(one) for one in batch}

    def _filled(self, one: Claimed) -> Filled | Stopped:
        if one.delivery_id in self.unmade:
            return Stopped(self.unmade[one.delivery_id])
        return Filled({"text": f"to {one.customer_id}, {self.rendered[one.delivery_id]}"}, {"sender": "s1"})

    def _confirm(self, batch: Sequence[Claimed], at: datetime) -> Collection[str]:
        return {one.touch_id for one in batch} - self.capped

    def _release(self, connection: Connection, touches: Sequence[str], at: datetime) -> None:
        assert connection.in_transaction()
        self.released += touches


QUICK = Policy(
    attempts_max=4,
    backoff_first=10 * SECOND,
    backoff_max=100 * SECOND,
    lease_margin=5 * SECOND,
    grace=20 * SECOND,
    lookups_max=3,
)


class Stage:
    """A database with a launch, a carrier, and a worker that sends."""

    def __init__(self, database: Database, carrier: Carrier, *, policy: Policy = QUICK, **lane: Any) -> None:
        self.database, self.carrier, self.asked = database, carrier, Asked()
        self.lane = Lane(carrier, **{"batch": 10, "timeout_seconds": 1.0, **lane})
        self.policy = policy
        self.elapsed = 0.0
        self.dispatcher = self.another()
        self.launch("L1")

    def another(self) -> Dispatcher:
        """A worker of its own."""
        return Dispatcher(
            self.database,
            {"main": self.lane},
            self.asked.checks(),
            policy=self.policy,
            stopwatch=lambda: self.elapsed,
        )

    def launch(self, launch_id: str, *, state: str = "live", per_minute_max: int | None = None) -> None:
        """Writes a launch."""
        row = dict.fromkeys(("version", "workspace_version", "author"), "x")
        row |= {"launch_id": launch_id, "strategy": f"strategy-{launch_id}", "state": state, "enrols": "once"}
        more = {"business_date": NOON.date(), "cost": 0, "body": {}, "explanation": {}, "created": NOON}
        with self.database.writing() as connection:
            connection.execute(insert(LAUNCH).values(**row, **more, changed=NOON, per_minute_max=per_minute_max))

    def launch_becomes(self, launch_id: str, **how: Any) -> None:
        with self.database.writing() as connection:
            connection.execute(update(LAUNCH).where(LAUNCH.c.launch_id == launch_id).values(**how))

    def halt(self, scope: str) -> None:
        with self.database.writing() as connection:
            connection.execute(insert(HALT).values(scope=scope, reason="r", actor="a", at=NOON))

    def queue(self, count: int, *, first: int = 0, launch: str = "L1", **how: Any) -> list[str]:
        """Puts deliveries into the outbox; their ids."""
        rows = [_row(number, launch) | how for number in range(first, first + count)]
        with self.database.writing() as connection:
            connection.execute(insert(DELIVERY), rows)
        return [row["delivery_id"] for row in rows]

    def row(self, delivery_id: str) -> Row[Any]:
        with self.database.reading() as connection:
            return connection.execute(select(DELIVERY).where(DELIVERY.c.delivery_id == delivery_id)).one()

    def states(self) -> dict[str, str]:
        with self.database.reading() as connection:
            return {row.delivery_id: row.state for row in connection.execute(select(DELIVERY))}

    def all_of(self, table: Any) -> list[Row[Any]]:
        with self.database.reading() as connection:
            return list(connection.execute(select(table)).all())


def _row(number: int, launch: str) -> dict[str, Any]:
    key = name_of("delivery", launch, number)
    empty: dict[str, Any] = {
        "content": {},
        "evidence": [],
        "lease": "",
        "reference": "",
        "problem": "",
        "expires": None,
    }
    whom = {"customer_id": number, "address": f"+861380000{number:04d}", "channel": "sms", "provider": "main"}
    what = {"delivery_id": key, "touch_id": f"t-{key[:8]}", "launch_id": launch, "step": "s1", "entry": 1}
    when = {"due": NOON, "leased_until": None, "created": NOON, "changed": NOON}
    return {**what, **whom, **empty, **when, "state": "queued", "attempts": 0}
