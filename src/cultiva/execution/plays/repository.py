"""Journeys in the store: every move is one statement over everybody who is due at a step of a part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from cultiva.execution.plays.draws import PRIME
from cultiva.execution.plays.expressions import among, by_zone, id_prefix, instant, listed, spread
from cultiva.execution.plays.graph import Node
from cultiva.execution.plays.hearing.repository import Ear
from cultiva.execution.plays.timing import Moment
from cultiva.execution.tables import JOURNEY, LAUNCH, PARTITIONS
from cultiva.store.connections import CACHE_KIB, LOG_PAGES
from cultiva.store.database import insert_selected

J = JOURNEY.c
ROOM_KIB, ROOM_PAGES = 128 * 1024, 40_000
"""Memory of SQLite while people are moved, and pages of its log: what changes with every part is folded in once."""


@dataclass(frozen=True)
class Arrival:
    """How somebody is kept who comes to a step."""

    number: int
    due: Moment
    """When they are due there."""
    over: str | None = None
    """Reason where it is an end."""
    answers: tuple[str, ...] = ()
    """Of a wait_for: who has answered the last wave already is due at once."""


@dataclass(frozen=True)
class Place:
    """Where people are: a step of one version, in some parts."""

    launch_id: str
    version: str
    parts: tuple[int, ...]
    node: Node

    def due(self, at: datetime) -> ColumnElement[bool]:
        """Everybody who is due there."""
        return and_(self.here, J.due <= at)

    @property
    def here(self) -> ColumnElement[bool]:
        """Everybody who is there."""
        return and_(
            J.launch_id == self.launch_id,
            J.state == "active",
            J.part.in_(self.parts),
            J.step == self.node.number,
            J.version == self.version,
        )


def is_live(connection: Connection, launch_id: str) -> bool:
    """Whether a launch is live; while this transaction lasts it stays so."""
    asked = select(LAUNCH.c.state).where(LAUNCH.c.launch_id == launch_id).with_for_update(read=True)
    return connection.execute(asked).scalar() == "live"


def make_room(connection: Connection) -> None:
    """Lets SQLite keep more of the file in memory while a transaction lasts: statements go to and fro in it."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size = -{ROOM_KIB}")
        connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {ROOM_PAGES}")


def leave_room(connection: Connection) -> None:
    """Gives SQLite's memory back."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.exec_driver_sql("PRAGMA shrink_memory")


def take_parts(connection: Connection, launch_id: str, parts: Sequence[int]) -> list[int]:
    """Those of the parts whose people this transaction alone moves; SQLite has one writer anyway."""
    if connection.dialect.name != "postgresql" or not parts:
        return list(parts)
    key = listed(connection, "key", [_lock_key(launch_id, part) for part in parts])
    got = connection.execute(select(key, func.pg_try_advisory_xact_lock(key).label("got"))).all()
    taken = {row.key for row in got if row.got}
    return [part for part in parts if _lock_key(launch_id, part) in taken]


def wait_for_part(connection: Connection, launch_id: str, part: int) -> None:
    """Waits until this transaction alone moves people of a part."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock_key(launch_id, part)})


def _lock_key(launch_id: str, part: int) -> int:
    return int(id_prefix(launch_id, "")[:12], 16) * PARTITIONS + part


def due_places(
    connection: Connection, launch_id: str, steps: Iterable[int], parts: Sequence[int], at: datetime
) -> list[tuple[int, int]]:
    """Parts and numbers of steps at which somebody is due; a look into an index for each."""
    part, found = listed(connection, "the_part", parts), list[tuple[int, int]]()
    for number in sorted(set(steps)):
        first = (
            select(literal(1))
            .where(J.launch_id == launch_id, J.state == "active", J.part == part, J.step == number, J.due <= at)
            .limit(1)
        )
        somebody = first.correlate_except(JOURNEY).scalar_subquery()
        rows = connection.execute(select(part.label("part"), somebody.label("somebody")))
        found += [(row.part, number) for row in rows if row.somebody]
    return sorted(found)


def enter(connection: Connection, newcomers: Mapping[str, Sequence[Any]], same: Mapping[str, Any], due: Moment) -> None:
    """Writes newcomers in one statement; who is there already stays as they are.

    Args:
        connection: A writing transaction.
        newcomers: Column of journeys -> values, one per person.
        same: Column -> what all of them have.
        due: When they move on.
    """
    given = spread(connection, {name: (JOURNEY.c[name].type, some) for name, some in newcomers.items()})
    alike = {name: literal(value, JOURNEY.c[name].type) for name, value in same.items()}
    values = {**{name: given.c[name] for name in newcomers}, **alike, "due": by_zone(due, given.c.zone)}
    insert_selected(connection, JOURNEY, values, given)


def last_entries(connection: Connection, launch_id: str, ids: Sequence[int]) -> dict[int, Any]:
    """Customers who have been in a launch -> their last entry, its state and since when."""
    asked = select(J.customer_id, J.entry, J.state, J.since).where(
        J.launch_id == launch_id, among(connection, J.customer_id, ids)
    )
    return {row.customer_id: row for row in connection.execute(asked.order_by(J.entry))}


def move(
    connection: Connection,
    who: ColumnElement[bool],
    fork: Sequence[tuple[ColumnElement[bool] | None, Arrival]],
    ear: Ear,
    *,
    wave: bool = False,
) -> int:
    """Moves everybody of whom a condition holds, in one statement.

    Args:
        connection: A writing transaction.
        who: Over journeys.
        fork: Conditions with where they lead, the first that holds; None holds always and stands last.
        ear: Listens now for the launch.
        wave: Whether a wave has just gone to them.

    Returns:
        How many moved.
    """
    return connection.execute(update(JOURNEY).where(who).values(changes(fork, ear, wave=wave))).rowcount


def changes(
    fork: Sequence[tuple[ColumnElement[bool] | None, Arrival]], ear: Ear, *, wave: bool = False
) -> dict[str, Any]:
    """What `move` writes into the journeys: column -> value."""
    values: dict[str, Any] = {
        "step": _forked(fork, lambda one: literal(one.number)),
        "due": _forked(fork, lambda one: _due(one, ear, wave=wave)),
        "since": ear.at,
    }
    if any(one.over is not None for _, one in fork):
        values["state"] = _forked(fork, lambda one: literal("active" if one.over is None else "done"))
        values["reason"] = _forked(fork, lambda one: literal(one.over or ""))
    if wave:
        values["wave"] = ear.at
    return values


def _forked(fork: Sequence[tuple[ColumnElement[bool] | None, Arrival]], form: Any) -> ColumnElement[Any]:
    made = [(condition, form(one)) for condition, one in fork]
    conditional = [(condition, value) for condition, value in made if condition is not None]
    last = next((value for condition, value in made if condition is None), None)
    if not conditional:
        assert last is not None, "a fork leads somewhere"
        return last
    return case(*conditional, else_=last) if last is not None else case(*conditional)


def _due(one: Arrival, ear: Ear, *, wave: bool) -> ColumnElement[datetime]:
    due = by_zone(one.due, J.zone)
    if one.answers and not wave:
        return case((ear.answered(one.answers), instant(ear.at)), else_=due)
    return due


def split_hash(node: Node) -> ColumnElement[int]:
    """The hash that decides a split; below 2**62 on the way."""
    return (cast(J.draw, BigInteger) * literal(node.factor, BigInteger) + literal(node.summand, BigInteger)) % literal(
        PRIME, BigInteger
    )


def leave(
    connection: Connection,
    who: ColumnElement[bool],
    conditions: Sequence[tuple[ColumnElement[bool], str]],
    at: datetime,
) -> list[tuple[int, int, int, str]]:
    """Ends the journeys of those on whom a condition holds.

    Returns:
        Part, customer, entry and reason of each.
    """
    if not conditions:
        return []
    reason = case(*[(condition, literal(name)) for condition, name in conditions])
    left = (
        update(JOURNEY)
        .where(who, or_(*[condition for condition, _ in conditions]))
        .values(state="exited", reason=reason, since=at, due=at)
        .returning(J.part, J.customer_id, J.entry, J.reason)
    )
    return [(row.part, row.customer_id, row.entry, row.reason) for row in connection.execute(left)]


def postpone(connection: Connection, who: ColumnElement[bool], until: Moment) -> int:
    """Lets people stay where they are and be due again later."""
    return connection.execute(update(JOURNEY).where(who).values(due=by_zone(until, J.zone))).rowcount


def people(connection: Connection, who: ColumnElement[bool]) -> Sequence[Any]:
    """Customer and zone of everybody of whom a condition holds, in order of the customers."""
    return connection.execute(select(J.customer_id, J.zone).where(who).order_by(J.customer_id)).all()


def most_worthy(connection: Connection, who: ColumnElement[bool], most: int) -> list[int]:
    """Customers who come first where a limit may bind: those worth most."""
    asked = select(J.customer_id).where(who).order_by(J.worth.desc(), J.customer_id).limit(most)
    return list(connection.execute(asked).scalars())


def standing(connection: Connection, launch_id: str) -> list[tuple[str, int, str, str, int]]:
    """Version, step, state, reason and number of people of a launch."""
    what = (J.version, J.step, J.state, J.reason)
    asked = select(*what, func.count().label("people")).where(J.launch_id == launch_id).group_by(*what)
    return [(row.version, row.step, row.state, row.reason, row.people) for row in connection.execute(asked)]
