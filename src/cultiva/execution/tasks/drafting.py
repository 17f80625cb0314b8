"""How a task that a play or a person asks for becomes a row: role, list, deadline, best time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from cultiva.definitions.workbench import TaskKind
from cultiva.execution.tasks import rights
from cultiva.execution.tasks.changes import AT_HOME, Bench, own_role
from cultiva.execution.tasks.records import NOBODY, Draft, Task
from cultiva.execution.tasks.states import Stage, State
from cultiva.kit.hashing import content_hash


def drafted(bench: Bench, draft: Draft, at: datetime, *, known: Collection[str]) -> Task:
    """The task that a draft asks for.

    Args:
        bench: The workbench and the bank's time.
        draft: What is wanted.
        at: The present moment.
        known: Staff ids there are; what would go to anybody else goes to the queue.

    Returns:
        The task; its id is made from what it is about, so that the same draft gives the same task.

    Raises:
        CultivaError: if the kind or role is not in the workbench.
    """
    kind = bench.workbench.kind(draft.kind)
    if kind is None:
        raise rights.unknown("kind of task", draft.kind, [one.name for one in bench.workbench.kinds])
    role = rights.known_role(bench.workbench, draft.role or kind.role)
    own = draft.adviser_id if role.personal else NOBODY
    whose = own if draft.staff_id is None else draft.staff_id
    best_from, best_to = _best(bench, draft, kind, at)
    return Task(
        task_id=task_id(draft),
        kind=kind.name,
        role=role.name,
        branch_id=draft.branch_id,
        staff_id=whose if whose in known else NOBODY,
        customer_id=draft.customer_id,
        launch_id=draft.launch_id,
        step=draft.step,
        touch_id=draft.touch_id,
        strategy=draft.strategy,
        offer=draft.offer,
        channel=draft.channel,
        worth=draft.worth,
        reason=draft.reason,
        script=draft.script,
        best_from=best_from,
        best_to=best_to,
        due=draft.due or bench.time.due_of(kind, at),
        state=State.OPEN,
        result="",
        escalated=0,
        attempts=0,
        promised=None,
        **_offer(bench, draft, kind, at, known),
        parent_id=draft.parent_id,
        changes=1,
        created=at,
        changed=at,
    )


def _offer(bench: Bench, draft: Draft, kind: TaskKind, at: datetime, known: Collection[str]) -> dict[str, Any]:
    """The fields of a hand-over that waits for its receiver, or of a task that is offered to nobody."""
    if not draft.hands_over:
        return dict(AT_HOME)
    return {
        "offer_stage": Stage.RECEIVER,
        "answer_by": bench.time.due(at, kind.answer_days, kind.due_time),
        "sender_id": draft.adviser_id if draft.adviser_id in known else NOBODY,
        "sender_role": own_role(bench, kind),
        "sender_branch": draft.branch_id,
    }


def task_id(draft: Draft) -> str:
    """The id of the task that a draft asks for."""
    about = [draft.kind, draft.customer_id, draft.launch_id, draft.step, draft.entry, draft.parent_id, draft.number]
    return content_hash(["task", *about])


def _best(bench: Bench, draft: Draft, kind: TaskKind, at: datetime) -> tuple[datetime, datetime]:
    if draft.best_from is not None and draft.best_to is not None:
        return draft.best_from, draft.best_to
    return bench.time.best(kind.best_hours or bench.workbench.best_hours, at)
