"""What waves, grants and hand-overs leave behind, in the transaction that moves the people: one statement per table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Integer,
    String,
    Table,
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

J, R = JOURNEY.c, RECIPIENT.c
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

    @property
    def channel(self) -> ColumnElement[str]:
        """The channel of each."""
        return literal(self.node.channel, String) if self.node.channel else J.channel

    @property
    def offer(self) -> ColumnElement[str]:
        """The offer of each."""
        return literal(self.node.offer, String) if self.node.offer else J.offer

    @property
    def ids(self) -> ColumnElement[str]:
        """The id of the row of each."""
        return row_ids(self.launch_id, self.node.name, J.customer_id, J.entry)

    @property
    def exempt(self) -> ColumnElement[bool]:
        """Whether the offer is a service."""
        return self.offer.in_(list(self.graph.service))

    @property
    def by_people(self) -> ColumnElement[bool]:
        """Whether a person does it."""
        if self.node.kind is not Kind.SEND:
            return literal(True)
        return self.channel.in_(sorted(self.graph.human_channels))

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
        known = R.customer_id == J.customer_id
        open_by_consent = and_(json_holds(R.channels, self.channel), R.suppressed_by == "")
        return exists(select(literal(1)).where(known, or_(self.exempt, open_by_consent)).correlate(JOURNEY))


def asked_for(connection: Connection, wave: Wave, who: ColumnElement[bool]) -> Sequence[Any]:
    """What a budget has to know of everybody of whom a condition holds, the most valuable first."""
    asked = (
        select(
            wave.ids.label("touch_id"),
            J.customer_id,
            R.household_id,
            wave.channel.label("channel"),
            wave.offer.label("offer"),
            J.worth,
            J.zone,
            wave.exempt.label("exempt"),
        )
        .select_from(JOURNEY.outerjoin(RECIPIENT, R.customer_id == J.customer_id))
        .where(who)
    )
    return connection.execute(asked.order_by(J.worth.desc(), J.customer_id)).all()


def reserve_all(connection: Connection, wave: Wave, who: ColumnElement[bool]) -> None:
    """Writes a touch for everybody; for a store without a budget."""
    counts_on: ColumnElement[date] = literal(wave.days[0][1], Date)
    if len({day for _, day in wave.days}) > 1:
        counts_on = case(*[(J.zone == zone, literal(day, Date)) for zone, day in wave.days], else_=counts_on)
    _fill(connection, TOUCH, who, {
        **_head("touch_id", wave), "household_id": R.household_id, "strategy": _text(wave.graph.strategy),
        "worth": J.worth, "counts_on": counts_on, "exempt": wave.exempt, "state": _text("reserved"),
        "expires": by_zone(wave.ends, J.zone), "changed": instant(wave.at),
        "channel": wave.channel, "offer": wave.offer,
    })  # fmt: skip


def deliver(connection: Connection, wave: Wave, who: ColumnElement[bool]) -> None:
    """Puts a message into the outbox for everybody whom a machine serves; it is worded before it is sent."""
    own = func.coalesce(json_member(R.handles, wave.channel), "")
    listed = [(channel, carrier) for channel, carrier in sorted(wave.carriers.items())]
    provider = _by_channel(wave, [(channel, _text(name)) for channel, (name, _) in listed], _text(""))
    kinds = [(channel, R.email if kind == MAIL else R.phone) for channel, (_, kind) in listed
             if kind == MAIL or kind in TELEPHONE]  # fmt: skip
    plain = _by_channel(wave, kinds, cast(J.customer_id, String))
    _fill(connection, DELIVERY, and_(who, not_(wave.by_people)), {
        **_head("touch_id", wave), "delivery_id": digest(wave.ids), "entry": J.entry, "channel": wave.channel,
        "provider": provider, "address": func.coalesce(func.nullif(own, ""), plain, ""),
        "content": literal({}, JsonText), "state": _text("queued"), "attempts": literal(0, Integer),
        "due": by_zone(wave.goes, J.zone), "expires": by_zone(wave.ends, J.zone), "lease": _text(""),
        "reference": _text(""), "problem": _text(""), "evidence": literal({}, JsonText),
        "created": instant(wave.at), "changed": instant(wave.at),
    })  # fmt: skip


def assign(connection: Connection, wave: Wave, who: ColumnElement[bool]) -> None:
    """Puts a task on the workbench for everybody whom a person serves."""
    node, served = wave.node, wave.graph.people
    if node.kind is Kind.SEND:
        kind = _by_channel(wave, [(channel, _text(name)) for channel, name, _ in served], _text(""))
        role = _by_channel(wave, [(channel, _text(name)) for channel, _, name in served], _text(""))
        personal: ColumnElement[bool] = wave.channel.in_(
            [channel for channel, _, name in served if name in wave.graph.personal]
        )
    else:
        kind, role, personal = _text(node.task_kind), _text(node.role), literal(node.role in wave.graph.personal)
    over = node.kind is Kind.HAND_OVER
    staff = literal("", String) if over else case((personal, func.coalesce(R.adviser_id, "")), else_="")
    _fill(connection, TASK, and_(who, wave.by_people), {
        **_head("task_id", wave), "kind": kind, "role": role, "branch_id": func.coalesce(R.branch_id, ""),
        "staff_id": staff, "touch_id": _text("") if over else wave.ids, "strategy": _text(wave.graph.strategy),
        "offer": wave.offer, "channel": _text("") if over else wave.channel, "worth": J.worth,
        "reason": literal(node.reason if over and node.reason else wave.graph.reason, Text),
        "script": literal(node.content, Text), "due": by_zone(wave.due, J.zone), "state": _text("open"),
        "result": _text(""), "escalated": literal(0, Integer), "attempts": literal(0, Integer),
        "offer_stage": literal(0, Integer), "changes": literal(0, Integer),
        "sender_id": func.coalesce(R.adviser_id, "") if over else _text(""), "sender_role": _text(""),
        "sender_branch": func.coalesce(R.branch_id, "") if over else _text(""), "parent_id": _text(""),
        "created": instant(wave.at), "changed": instant(wave.at),
    })  # fmt: skip


def give(connection: Connection, wave: Wave, who: ColumnElement[bool]) -> None:
    """Grants a benefit to everybody."""
    _fill(connection, GRANT, who, {
        **_head("grant_id", wave), "offer": wave.offer, "state": _text("granted"), "at": instant(wave.at),
    })  # fmt: skip


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


def _head(key: str, wave: Wave) -> dict[str, Any]:
    named = {key: wave.ids, "customer_id": J.customer_id, "launch_id": _text(wave.launch_id)}
    return {**named, "step": _text(wave.node.name)}


def _by_channel(wave: Wave, values: Sequence[tuple[str, Any]], otherwise: Any) -> Any:
    if wave.node.channel:
        return dict(values).get(wave.node.channel, otherwise)
    return (
        case(*[(wave.channel == channel, value) for channel, value in values], else_=otherwise) if values else otherwise
    )


def _text(value: str) -> ColumnElement[str]:
    return literal(value, String)


def _fill(connection: Connection, table: Table, who: ColumnElement[bool], columns: Mapping[str, Any]) -> None:
    """Inserts a row for everybody of whom a condition holds; a row that is there stays as it is."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    source = select(*columns.values()).select_from(JOURNEY.outerjoin(RECIPIENT, R.customer_id == J.customer_id))
    made = insert(table).from_select(list(columns), source.where(who), include_defaults=False)
    connection.execute(made.on_conflict_do_nothing())


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(ids), AT_A_TIME):
        yield ids[begin : begin + AT_A_TIME]
