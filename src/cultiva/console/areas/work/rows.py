"""The list as people read it: in parts, what is urgent first; names and scripts as far as they may be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cultiva.console.desk import ConsoleDesk
from cultiva.console.visitor import Visitor
from cultiva.definitions.workbench import Workbench
from cultiva.execution.tasks.records import Listed, Load, Person, Task
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.tasks.states import Standing
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.masking import mask_name, mask_names, mask_text
from cultiva.kit.words import say
from cultiva.loop.desk import desk as tasks_of
from cultiva.loop.desk_sheets import LIES, STANDINGS

LIST_MAX = 120
"""Tasks on a list that are shown; who is so far down does not come to more today."""
PARTS = ("now", "overdue", "today", "later")
"""Parts of a list, in their order."""


@dataclass(frozen=True)
class Row:
    """A task on a list."""

    task: Task
    part: str
    name: str
    """Of the customer, masked unless it may be seen."""
    kind: str
    reason: str
    due: datetime
    """In the bank's time."""
    promised: datetime | None
    late: bool
    lies: str
    """Where it comes from; empty: the own list."""
    fits: bool
    """Whether the week has room for it."""

    @property
    def accepted(self) -> bool:
        """Whether it is in hand."""
        return self.task.standing is Standing.ACCEPTED


@dataclass(frozen=True)
class WorkList:
    """Somebody's list."""

    rows: tuple[Row, ...]
    person: Person
    load: Load

    @property
    def parts(self) -> list[tuple[str, list[Row]]]:
        """The parts that have tasks."""
        found = [(part, [row for row in self.rows if row.part == part]) for part in PARTS]
        return [(part, rows) for part, rows in found if rows]

    @property
    def late(self) -> int:
        """Tasks past due."""
        return sum(row.late for row in self.rows)

    def after(self, task_id: str) -> str:
        """The task to go on with once one is done: the first of what is not for later; empty if there is none."""
        return next((row.task.task_id for row in self.rows if row.part != "later" and row.task.task_id != task_id), "")


def tasks_for(desk: ConsoleDesk, who: Visitor) -> Tasks:
    """The queue of human work as far as a visitor sees it."""
    return tasks_of(desk.parts, sight=who.sight)


def staff_id_of(who: Visitor) -> str:
    """Whose list it is.

    Raises:
        CultivaError: if the user is nobody of the bank's staff table.
    """
    if who.user.staff_id:
        return who.user.staff_id
    raise CultivaError(
        "your user has no list of tasks",
        code="work.no_staff",
        kind=ErrorKind.NOT_FOUND,
        seen=who.user.login,
        allowed="a user with a staff id",
        hint="ask whoever administers users for your staff id",
    )


def work_list(desk: ConsoleDesk, who: Visitor, tasks: Tasks) -> WorkList:
    """Today's list of a visitor: what is urgent first, then by worth.

    Args:
        desk: Of the console.
        who: Whose.
        tasks: The queue as the visitor sees it, best as it stands at one moment.
    """
    staff_id, at = staff_id_of(who), desk.now()
    person, load = tasks.person(staff_id, at)
    found = tasks.ranked(staff_id, at, limit=LIST_MAX)
    rows = [row_of(desk, who, tasks.workbench, one, at) for one in found]
    return WorkList(tuple(sorted(rows, key=lambda row: PARTS.index(row.part))), person, load)


def row_of(desk: ConsoleDesk, who: Visitor, bench: Workbench, one: Listed, at: datetime) -> Row:
    """A task as its line says it; whose name was unmasked is so on the task's own page."""
    task, personal = one.task, who.sight.personal
    return Row(
        task=task,
        part=part_of(one, at, desk.local(at)),
        name=shown_name(one.customer_name, personal=personal),
        kind=kind_label(who, bench, task.kind),
        reason=shown_text(task.reason, one.customer_name, personal=personal),
        due=desk.local(task.due),
        promised=None if task.promised is None else desk.local(task.promised),
        late=one.late,
        lies="" if one.lies == "own" else say(LIES[one.lies], who.language),
        fits=one.fits_week,
    )


def part_of(one: Listed, at: datetime, local: datetime) -> str:
    """In which part of the list a task stands.

    Args:
        one: The task.
        at: The present moment.
        local: The same in the bank's time.
    """
    task = one.task
    if one.lies == "counter" or one.promised_now:
        return "now"
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    another_day = task.best_from is not None and task.best_from >= midnight and not one.late
    if another_day or (task.promised is not None and task.promised > at):
        return "later"  # tried in vain today, a follow-up of what was agreed, promised
    return "overdue" if one.late else "today"


def shown_name(name: str, *, personal: bool) -> str:
    """A customer's name as somebody may see it."""
    return name if personal else mask_name(name)


def shown_text(text: str, *names: str, personal: bool) -> str:
    """A reason or a script; the customer's names and what looks personal masked for those who may not see it."""
    return text if personal else mask_text(mask_names(text, names))


def kind_label(who: Visitor, bench: Workbench, name: str) -> str:
    """A kind of task as people call it."""
    found = bench.kind(name)
    return say(found.label, who.language) if found is not None else name


def standing_label(who: Visitor, task: Task) -> str:
    """Where a task stands."""
    return say(STANDINGS[task.standing], who.language)


def names_of(tasks: Tasks, staff_ids: Sequence[str]) -> dict[str, str]:
    """Colleagues by id, as they are said; those of a task's history are known with it."""
    return called(tasks.names(set(staff_ids)), staff_ids)


def called(known: Mapping[str, str], staff_ids: Sequence[str]) -> dict[str, str]:
    """What colleagues are called: their names are no customers' data, they are said as they are."""
    return {one: f"{known[one]} ({one})" if one in known else one for one in staff_ids}
