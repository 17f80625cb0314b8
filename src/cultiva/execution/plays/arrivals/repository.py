"""What waves, grants and hand-overs leave behind, in the transaction that moves the people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    FromClause,
    Integer,
    String,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)

from cultiva.execution.plays.expressions import by_zone, digest, instant, json_holds, json_member, row_ids
from cultiva.execution.plays.graph import Graph, Kind, Node
from cultiva.execution.plays.timing import Moment
from cultiva.execution.tables import DELIVERY, GRANT, JOURNEY, RECIPIENT, TASK, TOUCH
from cultiva.execution.tasks.ending import repository as ending
from cultiva.store.columns import JsonText
from cultiva.store.database import hopefully, insert_selected, rows_from

J, R = JOURNEY.c, RECIPIENT.c
Columns = Any
"""Columns of journeys, or of people with what is known of them, by name."""
_KNOWN = (
    J.customer_id, J.entry, J.zone, J.channel, J.offer, J.worth,
    R.household_id, R.branch_id, R.adviser_id, R.email, R.phone, R.handles,
)  # fmt: skip
AT_A_TIME = 500
"""Ids in one statement."""
MAIL, TELEPHONE = "smtp", ("sms_http", "smpp")
"""Kinds of provider that need an e-mail address or a phone number."""


@dataclass(frozen=True)
class Wave:
    """One step that makes rows, in one launch, at one moment."""

    launch_id: str
    graph: Graph
    node: Node
    at: datetime
    goes: Moment
    """When messages may go out."""
    ends: Moment
    """When they are of no use any more."""
    days: tuple[tuple[str, date], ...]
    """Zone -> local day on which the touch counts."""
    due: Moment
    """When tasks should be done."""
    carriers: Mapping[str, tuple[str, str]]
    """Channel -> provider and its kind."""

    def channel(self, of: Columns) -> ColumnElement[str]:
        """The channel of each."""
        return literal(self.node.channel, String) if self.node.channel else of.channel

    def offer(self, of: Columns) -> ColumnElement[str]:
        """The offer of each."""
        return literal(self.node.offer, String) if self.node.offer else of.offer

    def ids(self, of: Columns) -> ColumnElement[str]:
        """The id of the row of each."""
        return row_ids(self.launch_id, self.node.name, of.customer_id, of.entry)

    def exempt(self, of: Columns) -> ColumnElement[bool]:
        """Whether the offer is a service."""
        return self.offer(of).in_(list(self.graph.service))

    def by_people(self, of: Columns) -> ColumnElement[bool]:
        """Whether a person does it."""
        if self.node.kind is not Kind.SEND:
            return literal(True)
        return self.channel(of).in_(sorted(self.graph.human_channels))

    @property
    def only_people(self) -> bool:
        """Whether no machine does it, whoever it is for."""
        return self.node.kind is not Kind.SEND or self.node.channel in self.graph.human_channels

    @property
    def only_machines(self) -> bool:
        """Whether no person does it: no statement, which would look for everybody's recipient in vain."""
        if self.node.kind is not Kind.SEND:
            return False
        return not self.graph.human_channels or (bool(self.node.channel) and not self.only_people)

    def reachable(self) -> ColumnElement[bool]:
        """Whether the customer is known and the channel open; a suppression closes it."""
        return exists(select(literal(1)).where(self.opened()).correlate(JOURNEY))

    def opened(self) -> ColumnElement[bool]:
        """The same over a journey and its recipient."""
        by_consent = and_(json_holds(R.channels, self.channel(J)), R.suppressed_by == "")
        return and_(
            R.customer_id == J.customer_id, or_(self.exempt(J), by_consent) if self.graph.service else by_consent
        )


def asked_for(connection: Connection, wave: Wave, who: ColumnElement[bool]) -> Sequence[Any]:
    """What a budget has to know of everybody of whom a condition holds, the most valuable first."""
    asked = (
        select(
            wave.ids(J).label("touch_id"),
            J.customer_id,
            R.household_id,
            wave.channel(J).label("channel"),
            wave.offer(J).label("offer"),
            J.worth,
            J.zone,
            wave.exempt(J).label("exempt"),
        )
        .select_from(JOURNEY.outerjoin(RECIPIENT, R.customer_id == J.customer_id))
        .where(who)
    )
    return connection.execute(asked.order_by(J.worth.desc(), J.customer_id)).all()


def go(
    connection: Connection, wave: Wave, who: ColumnElement[bool], onwards: Mapping[str, Any], *, reserved: bool
) -> int:
    """Carries a wave out for everybody of whom a condition holds and whom it may reach, and moves them on.

    Where a statement may change several tables it is one: people and what is known of them are looked up once.

    Args:
        connection: A writing transaction.
        wave: Which.
        who: Over journeys.
        onwards: What is written into the journeys.
        reserved: Whether the budget has written the touches; otherwise each gets one.

    Returns:
        How many have moved.
    """
    going, moving = and_(who, wave.opened()), update(JOURNEY).values(dict(onwards))
    if connection.dialect.name == "postgresql":
        moved = moving.where(going).returning(*_KNOWN).cte("moved")

        def write(new: bool) -> int:
            made = _makes(connection, wave, moved, reserved=reserved, all_new=new)
            whole = select(func.count()).select_from(moved)
            return connection.scalar(whole.add_cte(*[one.cte(f"made_{n}") for n, one in enumerate(made)])) or 0

        with _by_key(connection):
            return hopefully(connection, write)
    for one in _makes(connection, wave, select(*_KNOWN).where(going).subquery("going"), reserved=reserved):
        connection.execute(one)
    return connection.execute(moving.where(who, wave.reachable())).rowcount


@contextmanager
def _by_key(connection: Connection) -> Iterator[None]:
    """Has PostgreSQL look recipients up by their key: else it would read through all of them once for each part."""
    ways = ("enable_hashjoin", "enable_mergejoin", "jit")
    connection.execute(select(*[func.set_config(way, "off", True) for way in ways]))
    yield
    connection.execute(select(*[func.set_config(way, "on", True) for way in ways]))


def _makes(
    connection: Connection, wave: Wave, people: FromClause, *, reserved: bool, all_new: bool = False
) -> Iterator[Any]:
    """The statements that write what a wave leaves behind for people."""
    of, insert = people.c, partial(rows_from, connection, source=people, all_new=all_new)
    if not reserved:
        yield insert(TOUCH, values=_touches(wave, of))
    if not wave.only_people:
        machines = None if wave.only_machines else not_(wave.by_people(of))
        yield insert(DELIVERY, values=_deliveries(wave, of), only=machines)
    if not wave.only_machines:
        yield insert(TASK, values=_tasks(wave, of), only=wave.by_people(of))


def _touches(wave: Wave, of: Columns) -> dict[str, Any]:
    """A touch for everybody; for a store without a budget."""
    counts_on: ColumnElement[date] = literal(wave.days[0][1], Date)
    if len({day for _, day in wave.days}) > 1:
        counts_on = case(*[(of.zone == zone, literal(day, Date)) for zone, day in wave.days], else_=counts_on)
    return {
        **_head("touch_id", wave, of), "household_id": of.household_id, "strategy": _text(wave.graph.strategy),
        "worth": of.worth, "counts_on": counts_on, "exempt": wave.exempt(of), "state": _text("reserved"),
        "expires": by_zone(wave.ends, of.zone), "changed": instant(wave.at),
        "channel": wave.channel(of), "offer": wave.offer(of),
    }  # fmt: skip


def _deliveries(wave: Wave, of: Columns) -> dict[str, Any]:
    """A message in the outbox for everybody whom a machine serves; it is worded before it is sent."""
    own = case((cast(of.handles, Text) != "{}", func.coalesce(json_member(of.handles, wave.channel(of)), "")), else_="")
    listed = [(channel, carrier) for channel, carrier in sorted(wave.carriers.items())]
    provider = _by_channel(wave, of, [(channel, _text(name)) for channel, (name, _) in listed], _text(""))
    kinds = [(channel, of.email if kind == MAIL else of.phone) for channel, (_, kind) in listed
             if kind == MAIL or kind in TELEPHONE]  # fmt: skip
    plain = _by_channel(wave, of, kinds, cast(of.customer_id, String))
    return {
        **_head("touch_id", wave, of), "delivery_id": digest(wave.ids(of)), "entry": of.entry,
        "channel": wave.channel(of), "provider": provider, "address": func.coalesce(func.nullif(own, ""), plain, ""),
        "content": literal({}, JsonText), "state": _text("queued"), "attempts": literal(0, Integer),
        "due": by_zone(wave.goes, of.zone), "expires": by_zone(wave.ends, of.zone), "lease": _text(""),
        "reference": _text(""), "problem": _text(""), "evidence": literal({}, JsonText),
        "created": instant(wave.at), "changed": instant(wave.at),
    }  # fmt: skip


def _tasks(wave: Wave, of: Columns) -> dict[str, Any]:
    """A task on the workbench for everybody whom a person serves."""
    node, served = wave.node, wave.graph.people
    if node.kind is Kind.SEND:
        kind = _by_channel(wave, of, [(channel, _text(name)) for channel, name, _ in served], _text(""))
        role = _by_channel(wave, of, [(channel, _text(name)) for channel, _, name in served], _text(""))
        personal: ColumnElement[bool] = wave.channel(of).in_(
            [channel for channel, _, name in served if name in wave.graph.personal]
        )
    else:
        kind, role, personal = _text(node.task_kind), _text(node.role), literal(node.role in wave.graph.personal)
    over = node.kind is Kind.HAND_OVER
    staff = literal("", String) if over else case((personal, func.coalesce(of.adviser_id, "")), else_="")
    return {
        **_head("task_id", wave, of), "kind": kind, "role": role, "branch_id": func.coalesce(of.branch_id, ""),
        "staff_id": staff, "touch_id": _text("") if over else wave.ids(of), "strategy": _text(wave.graph.strategy),
        "offer": wave.offer(of), "channel": _text("") if over else wave.channel(of), "worth": of.worth,
        "reason": literal(node.reason if over and node.reason else wave.graph.reason, Text),
        "script": literal(node.content, Text), "due": by_zone(wave.due, of.zone), "state": _text("open"),
        "result": _text(""), "escalated": literal(0, Integer), "attempts": literal(0, Integer),
        "offer_stage": literal(0, Integer), "changes": literal(0, Integer),
        "sender_id": func.coalesce(of.adviser_id, "") if over else _text(""), "sender_role": _text(""),
        "sender_branch": func.coalesce(of.branch_id, "") if over else _text(""), "parent_id": _text(""),
        "created": instant(wave.at), "changed": instant(wave.at),
    }  # fmt: skip


def hand_over(connection: Connection, wave: Wave, who: ColumnElement[bool]) -> None:
    """Asks for another adviser for everybody."""
    people = _everybody(who)
    insert_selected(connection, TASK, _tasks(wave, people.c), people)


def give(connection: Connection, wave: Wave, who: ColumnElement[bool]) -> None:
    """Grants a benefit to everybody."""
    people = _everybody(who)
    what = {"offer": wave.offer(people.c), "state": _text("granted"), "at": instant(wave.at)}
    insert_selected(connection, GRANT, {**_head("grant_id", wave, people.c), **what}, people)


def call_off(connection: Connection, ids: Sequence[str], *, reason: str, at: datetime) -> None:
    """Calls off what has not gone out yet for those who left: messages, reservations, tasks.

    Args:
        connection: The transaction in which they left.
        ids: Of the rows that waves and hand-overs have made, or would have made, for them.
        reason: Why they left.
        at: Now.
    """
    for some in _chunks(ids):
        waiting = and_(DELIVERY.c.touch_id.in_(some), DELIVERY.c.state == "queued")
        connection.execute(update(DELIVERY).where(waiting).values(state="cancelled", changed=at))
        undone = and_(TASK.c.task_id.in_(some), TASK.c.state.in_(["open", "accepted"]))
        ending.call_off(connection, undone, reason=reason, at=at)
        busy = exists(
            select(literal(1)).where(
                DELIVERY.c.touch_id == TOUCH.c.touch_id, DELIVERY.c.state.in_(["sending", "unknown"])
            )
        )
        held = and_(TOUCH.c.touch_id.in_(some), TOUCH.c.state == "reserved", not_(busy))
        connection.execute(update(TOUCH).where(held).values(state="released", changed=at))


def _head(key: str, wave: Wave, of: Columns) -> dict[str, Any]:
    named = {key: wave.ids(of), "customer_id": of.customer_id, "launch_id": _text(wave.launch_id)}
    return {**named, "step": _text(wave.node.name)}


def _by_channel(wave: Wave, of: Columns, values: Sequence[tuple[str, Any]], otherwise: Any) -> Any:
    if wave.node.channel:
        return dict(values).get(wave.node.channel, otherwise)
    listed = [(wave.channel(of) == channel, value) for channel, value in values]
    return case(*listed, else_=otherwise) if listed else otherwise


def _text(value: str) -> ColumnElement[str]:
    return literal(value, String)


def _everybody(who: ColumnElement[bool]) -> FromClause:
    """People, whether or not anything is known of them."""
    known = JOURNEY.outerjoin(RECIPIENT, R.customer_id == J.customer_id)
    return select(*_KNOWN).select_from(known).where(who).subquery("everybody")


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(ids), AT_A_TIME):
        yield ids[begin : begin + AT_A_TIME]
