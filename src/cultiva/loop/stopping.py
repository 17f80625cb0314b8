"""Breaking a launch off: what that takes back, told before it is done, and taken back as soon as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from cultiva.execution.budget.service import Budget
from cultiva.execution.dispatch.service import cancel_over
from cultiva.execution.launching.launches import Launch, Person, Waiting
from cultiva.execution.launching.service import Launches
from cultiva.execution.launching.states import Act, moved
from cultiva.execution.tasks.service import Tasks
from cultiva.kit.words import Words, say
from cultiva.loop.campaigns import launches_of
from cultiva.loop.desk import desk
from cultiva.loop.parts import Parts

LOOKED_AFTER = timedelta(hours=1)
"""For so long workers look whether the stop of a launch has left tasks behind, should its process have died."""
STOP_REASON = "launch stopped"
"""In the history of a task that was taken back."""
WOULD, DID = (
    Words(
        "停止后将撤回：待发消息 {deliveries:,} 条、未完成任务 {tasks:,} 个；{people:,} 位客户停在原步骤；"
        "正在发送的 {leaving:,} 条无法撤回",
        "a stop takes back {deliveries:,} queued messages and {tasks:,} open tasks; {people:,} customers go no "
        "further; {leaving:,} messages that are with their provider go out",
    ),
    Words(
        "已撤回：待发消息 {deliveries:,} 条、未完成任务 {tasks:,} 个；{people:,} 位客户停在原步骤；"
        "正在发送的 {leaving:,} 条无法撤回",
        "taken back: {deliveries:,} queued messages and {tasks:,} open tasks; {people:,} customers go no further; "
        "{leaving:,} messages that were with their provider go out",
    ),
)
"""What people read before and after."""


def stop(parts: Parts, name: str, person: Person, at: datetime, *, remark: str = "") -> tuple[Launch, Waiting]:
    """Breaks a launch off for good and takes back what was on its way.

    Args:
        parts: Of the workspace.
        name: The launch, by its id or its beginning.
        person: Who.
        at: The present instant.
        remark: Why.

    Returns:
        The launch, and what was taken back.

    Raises:
        CultivaError: if there is none, or it is over.
    """
    launches = launches_of(parts)
    found = launches.one(name)
    before = launches.waiting(found.launch_id)
    stopped = launches.stop(found.launch_id, person, at, remark=remark)
    take_back(parts, found.launch_id, at)
    return stopped, before


def would_stop(parts: Parts, name: str) -> tuple[Launch, Waiting]:
    """A launch and what its stop would take back now; nothing is changed.

    Raises:
        CultivaError: if there is none, or it is over.
    """
    launches = launches_of(parts)
    found = launches.one(name)
    moved(found.state, Act.STOP, shown=f"{found.launch_id} ({found.strategy})")
    return found, launches.waiting(found.launch_id)


def told(waiting: Waiting, language: str, *, done: bool) -> str:
    """The consequences in one line.

    Examples:
        >>> told(Waiting(1200, 0, 3, 40), "zh", done=False).split("；")[0]
        '停止后将撤回：待发消息 1,200 条、未完成任务 3 个'
    """
    return say(DID if done else WOULD, language).format(**asdict(waiting))


def take_back(parts: Parts, launch_id: str, at: datetime) -> int:
    """Cancels what is queued of launches that are over, and the open tasks of one that was stopped; how many.

    Done again it does nothing. Batch by batch, and passing over what workers hold, which they cancel themselves.
    """
    budget = Budget.of(parts.store.database, parts.workspace.policy)

    def release(connection: Any, touch_ids: Sequence[str], when: datetime) -> None:
        budget.release(touch_ids, when, confirmed=True, connection=connection)

    cancelled = cancel_over(parts.store.database, release, at)
    if parts.workspace.workbench is None:
        return cancelled
    return cancelled + desk(parts).cancel(launch_id, at, reason=STOP_REASON)


def forgotten(launches: Launches, tasks: Tasks, at: datetime) -> int:
    """Takes back tasks of launches stopped a while ago whose process died before it did; how many."""
    return sum(tasks.cancel(one, at, reason=STOP_REASON) for one in launches.stopped_since(at - LOOKED_AFTER))
