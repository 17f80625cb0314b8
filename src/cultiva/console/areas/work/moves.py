"""Where a task may go: to a colleague, to another role, into a follow-up; found when somebody wants to move it."""

from __future__ import annotations

from dataclasses import dataclass

from cultiva.console.areas.work.rows import tasks_for
from cultiva.console.desk import ConsoleDesk
from cultiva.console.visitor import Visitor
from cultiva.execution.tasks.records import Task
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.tasks.states import ENDED
from cultiva.kit.words import say

COLLEAGUES_MAX = 300
"""People who are offered by name."""
Choice = tuple[str, str]
"""Value and text of a choice."""


@dataclass(frozen=True)
class Moves:
    """Where a task may go."""

    task: Task
    colleagues: tuple[Choice, ...]
    """Who does the same work, with what they have in hand."""
    roles: tuple[Choice, ...]
    """Other roles of the workbench."""
    kinds: tuple[Choice, ...]
    """Kinds of follow-up."""


def moves_of(desk: ConsoleDesk, who: Visitor, task_id: str) -> Moves:
    """Where a task may go.

    Raises:
        CultivaError: if there is no such task in sight.
    """
    tasks, language = tasks_for(desk, who), who.language
    task, bench = tasks.task(task_id), tasks.workbench
    return Moves(
        task=task,
        colleagues=_colleagues(desk, tasks, task),
        roles=tuple((one.name, say(one.label, language)) for one in bench.roles if one.name != task.role),
        kinds=tuple((one.name, say(one.label, language)) for one in bench.kinds),
    )


def _colleagues(desk: ConsoleDesk, tasks: Tasks, task: Task) -> tuple[Choice, ...]:
    """Who does the same work at the same branch; in the whole bank where the role is the bank's."""
    role = tasks.workbench.role(task.role)
    if role is None or task.standing in ENDED:
        return ()
    branch = None if role.whole_bank else task.branch_id
    found = tasks.people(desk.now(), branch=branch, role=role.name, limit=COLLEAGUES_MAX)
    others = [(one, load) for one, load in found if one.staff_id != task.staff_id]
    return tuple((one.staff_id, f"{one.name} {one.staff_id} ({load.in_hand})".strip()) for one, load in others)
