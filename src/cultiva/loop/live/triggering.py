"""Triggers as people see them: which there are, when they fired and why, and what events would bring about."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cultiva.contracts.moments import Moment
from cultiva.contracts.sight import Sight
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.execution.triggers import repository
from cultiva.execution.triggers.records import Cause, Firing, FiringState, Stepped, Withdrawal
from cultiva.execution.triggers.service import NOTHING, Triggers
from cultiva.kit.errors import CultivaError
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import seen
from cultiva.stream.port import Timer

HEADINGS: Mapping[str, Words] = {
    "trigger": Words("触发器", "trigger"),
    "label": Words("名称", "label"),
    "on": Words("事件", "on"),
    "waits": Words("等待", "waits for"),
    "does": Words("动作", "does"),
    "started": Words("已发起", "started"),
    "refused": Words("被拒", "refused"),
    "expired": Words("过期", "expired"),
    "withdrawn": Words("撤回", "withdrawn"),
    "customer": Words("客户", "customer"),
    "event": Words("事件", "event"),
    "at": Words("发生", "happened"),
    "due": Words("应触发", "due"),
    "state": Words("结果", "state"),
    "reason": Words("原因", "reason"),
    "target": Words("对象", "target"),
    "made": Words("产生", "made"),
}
"""Columns as people read them."""
STATES: Mapping[FiringState, Words] = {
    FiringState.STARTED: Words("已发起", "started"),
    FiringState.REFUSED: Words("被拒", "refused"),
    FiringState.EXPIRED: Words("过期", "expired"),
    FiringState.WITHDRAWN: Words("撤回", "withdrawn"),
}
"""What came of a firing, in words."""


class TriedEvent(msgspec.Struct, rename="camel"):
    """One event of a file that is tried: Segment's names, one JSON object per line."""

    event: str
    timestamp: datetime
    customer: int = 1
    message_id: str = ""
    received_at: datetime | None = None
    """When it came in; left out: at once."""
    channel: str = ""
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}


@dataclass
class Tried:
    """What events would bring about."""

    firings: list[Firing] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    waiting: list[Timer] = field(default_factory=list)
    """What would still be waited for."""


def trigger_sheet(workspace: Workspace, counts: Mapping[str, Mapping[str, int]]) -> Sheet:
    """All triggers, with how often they fired."""
    language = workspace.settings.language
    states = [state.value for state in FiringState]
    columns = ("trigger", "label", "on", "waits", "does", *states)
    rows = tuple(
        (
            one.name,
            say(one.label, language) + ("" if one.active else " (–)"),
            ", ".join(one.on),
            waits_for(one),
            doing(one),
            *(counts.get(one.name, {}).get(state, 0) for state in states),
        )
        for one in workspace.triggers.values()
    )
    return Sheet(say(Words("触发器", "triggers"), language), columns, rows, headings=_headings(columns, language))


def waits_for(one: Trigger) -> str:
    """What a trigger waits for, briefly: `30 min without loan_submitted`."""
    parts = []
    if one.then_not is not None:
        parts.append(f"{length(one.then_not.within.total)} without {', '.join(one.then_not.event)}")
    if one.debounce is not None:
        parts.append(f"{length(one.debounce.total)} of quiet")
    return "; ".join(parts)


def doing(one: Trigger) -> str:
    """What a trigger does, briefly: `task remote_call`."""
    does = one.does
    if does.task is not None:
        return f"task {does.task.kind}"
    if does.play is not None:
        return f"play {does.play.strategy}"
    return f"placement {does.placement.placement}" if does.placement is not None else ""


def length(micros: int) -> str:
    """A length of time as people say it.

    Examples:
        >>> length(30 * 60 * 1_000_000), length(36 * 3600 * 1_000_000)
        ('30 min', '1.5 d')
    """
    seconds = micros / 1_000_000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def firing_sheet(parts: Parts, found: Sequence[Mapping[str, Any]]) -> Sheet:
    """Firings, the newest first."""
    language, zone = parts.workspace.settings.language, ZoneInfo(parts.workspace.settings.timezone)
    columns = ("trigger", "customer", "event", "at", "due", "state", "reason", "target", "made")
    rows = tuple(
        (
            one["trigger"], str(one["customer_id"]), one["event"], _clock(one["at"], zone), _clock(one["due"], zone),
            say(STATES[FiringState(one["state"])], language), one["reason"], one["target"], one["made_id"],
        )
        for one in found
    )  # fmt: skip
    return Sheet(say(Words("触发记录", "firings"), language), columns, rows, headings=_headings(columns, language))


def story_lines(one: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """Why a firing came about, line by line."""
    story = one["story"]
    told = ", ".join(f"{name} = {value}" for name, value in story["members"].items() if value is not None)
    lines = [f"{one['trigger']}: customer {one['customer_id']}, {_clock(one['at'], zone)}  {told}"]
    lines += [f"  {line}" for line in story["why"]]
    if "absent" in story:
        lines.append(f"  {length(story['microseconds'])} without {', '.join(story['absent'])}")
    lines += [f"  {line}" for line in story["still"]]
    return lines


def firings_of(
    parts: Parts, *, trigger: str | None, customer_id: int | None, limit: int, sight: Sight
) -> list[dict[str, Any]]:
    """Firings in the store of customers in sight, the newest first.

    Raises:
        CultivaError: if a trigger is named that neither the workspace has nor ever fired.
    """
    with parts.store.database.reading() as connection:
        among = None if sight.whole_bank else seen(parts, sight).__contains__
        found = repository.listed(connection, trigger=trigger, customer_id=customer_id, limit=limit, among=among)
    if not found and trigger is not None and trigger not in parts.workspace.triggers:
        raise CultivaError(
            "there is no such trigger",
            code="triggers.unknown",
            seen=trigger,
            allowed=", ".join(sorted(parts.workspace.triggers)) or "none: the workspace has no triggers.yaml",
            hint="cultiva triggers list WORKSPACE",
        )
    return found


def read_events(path: Path, workspace: Workspace) -> list[Moment]:
    """Events of a file, one JSON object per line.

    Raises:
        CultivaError: if a line cannot be read or names an event that is not declared.
    """
    decoder, zone = msgspec.json.Decoder(TriedEvent), ZoneInfo(workspace.settings.timezone)
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            one = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise _unreadable(path, number, str(error)) from None
        if one.event not in workspace.events:
            raise _unreadable(path, number, f"unknown event '{one.event}'")
        if one.timestamp.tzinfo is None:
            raise _unreadable(path, number, "a timestamp without a zone")
        found.append(_moment(one, number, zone))
    return found


def _moment(one: TriedEvent, number: int, zone: ZoneInfo) -> Moment:
    return Moment(
        message_id=one.message_id or f"line-{number}",
        customer_id=one.customer,
        name=one.event,
        at=one.timestamp.astimezone(UTC),
        day=one.timestamp.astimezone(zone).date(),
        received=(one.received_at or one.timestamp).astimezone(UTC),
        channel=one.channel,
        properties=one.properties,
        context=one.context,
    )


def tried(workspace: Workspace, moments: Iterable[Moment], row: Mapping[str, Any], until: datetime) -> Tried:
    """What events would bring about; nothing is begun and nothing is kept.

    Args:
        workspace: Checked.
        moments: Come in when they were received.
        row: Columns of the profile that everybody has; others are null.
        until: What comes in later is not heard, and timers ring until then.
    """
    triggers, found = Triggers(workspace), Tried()
    profile = _Profile(row)
    states: dict[int, msgspec.Raw] = {}
    timers: dict[tuple[int, str], Timer] = {}

    def keep(customer: int, stepped: Stepped) -> None:
        states[customer] = stepped.state
        for key in stepped.drop_timers:
            timers.pop(key, None)
        timers.update({(one.customer_id, one.name): one for one in stepped.set_timers})
        found.firings += stepped.firings
        found.withdrawals += stepped.withdrawals
        found.troubles += [f"{one.trigger}: {one.problem}" for one in stepped.troubles]

    def ring(now: datetime) -> None:
        while timers and (one := min(timers.values(), key=lambda timer: (timer.due, timer.name))).due <= now:
            keep(one.customer_id, triggers.ring(states.get(one.customer_id, NOTHING), one, profile, one.due))

    waiting = [(one.received, number, one) for number, one in enumerate(moments) if one.received <= until]
    heapq.heapify(waiting)
    while waiting:
        received, _, one = heapq.heappop(waiting)
        ring(received)
        state = states.get(one.customer_id, NOTHING)
        keep(one.customer_id, triggers.step(state, one, profile, received))
    ring(until)
    waited = (timer for customer, state in states.items() for timer in triggers.waiting(state, customer))
    found.waiting = sorted(waited, key=lambda timer: timer.due)
    return found


class _Profile(dict[str, Any]):
    """A profile of which little is known."""

    def __missing__(self, name: str) -> None:
        return None


def tried_lines(found: Tried, zone: ZoneInfo) -> list[str]:
    """What events would bring about, line by line."""
    lines = []
    for one in found.firings:
        gone = next((gone for gone in found.withdrawals if gone.firing_id == one.firing_id), None)
        lines.append(f"{_clock(one.due, zone)}  {one.trigger}  customer {one.customer_id}")
        lines += [f"  {line}" for line in one.story["why"]]
        lines += [f"  {one.reason}"] if one.reason else []
        if gone is not None:
            late = gone.cause is Cause.CONTRADICTED
            lines.append(
                "  withdrawn: what it waited for came in late" if late else "  withdrawn: an earlier one counts"
            )
    lines += [f"{_clock(one.due, zone)}  {one.name}  customer {one.customer_id} is waited for" for one in found.waiting]
    return [*lines, *found.troubles]


def _headings(columns: Sequence[str], language: str) -> Mapping[str, str]:
    return {name: say(HEADINGS[name], language) for name in columns}


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _unreadable(path: Path, number: int, why: str) -> CultivaError:
    return CultivaError(
        "an event cannot be read",
        code="triggers.bad_event",
        seen=f"{path.name}, line {number}: {why}",
        allowed='one per line, e.g. {"event": "loan_started", "timestamp": "2026-11-23T10:03:00+08:00"}',
        hint="events are declared in events.yaml",
    )
