"""Tasks on their way: to somebody else, to another tier, into a follow-up, onto a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from cultiva.execution.tasks import changes, repository, rights
from cultiva.execution.tasks.changes import Bench, Change, Place, changed
from cultiva.execution.tasks.drafting import drafted
from cultiva.execution.tasks.records import NOBODY, Draft, Listed, Load, Person, SignalRow, Task
from cultiva.execution.tasks.states import Action, Stage, Standing
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import content_hash

ARRIVED = "arrived"
"""What plays hear when a customer comes by."""


@dataclass(frozen=True)
class Receiver:
    """Whom a task is handed over to."""

    role: str
    """A role of the workbench."""
    staff_id: str = NOBODY
    """A person of it; empty: the role's queue."""
    branch_id: str = ""
    """Branch of the queue; empty: the person's, else the task's."""
    answer_by: datetime | None = None
    """Until when it must be accepted; None: as the kind says."""
    person: Person | None = None
    """The person, filled in by the service."""


@dataclass(frozen=True)
class Following:
    """A task that comes of another one."""

    kind: str
    """Its kind."""
    days: int | None = None
    """Business days until it is due; None: as the kind says."""
    reason: str = ""
    """Why; empty: the reason of the task before."""
    script: str = ""
    """What to say; empty: the script of the task before."""
    seen: int | None = None
    """Changes of the task when whoever asks looked at it: asked twice, it is made once. None: made in any case."""


def transfer(bench: Bench, task: Task, by: Person, to: Person | None, at: datetime) -> Change:
    """Gives a task to somebody of the same work, or to the queue.

    Raises:
        CultivaError: if the other one does not do such work.
    """
    offered = task.standing is Standing.OFFERED
    home = Place(task.sender_role, task.sender_branch) if offered else Place(task.role, task.branch_id)
    if to is None:
        return changes.transferred(task, home, by=by.staff_id, at=at)
    wanted = dict.fromkeys((task.role, bench.kind(task).role, home.role))
    of_manager = sorted(to.roles) if by.manages else []  # who finds somebody for a hand-over may choose
    role = next((name for name in (*wanted, *of_manager) if name in to.roles), None)
    if role is None:
        raise _unfit(to, tuple(wanted))
    known = bench.workbench.role(role)
    branch = task.branch_id if known is not None and known.whole_bank else to.branch_id
    return changes.transferred(task, Place(role, branch, to.staff_id), by=by.staff_id, at=at)


def hand_over(bench: Bench, task: Task, by: Person, to: Receiver, at: datetime) -> Change:
    """Offers a task to another role or person.

    Raises:
        CultivaError: if the receiver does not do such work, or the deadline is over.
    """
    role = rights.known_role(bench.workbench, to.role)
    if to.person is not None and role.name not in to.person.roles:
        raise _unfit(to.person, (role.name,))
    kind = bench.kind(task)
    answer_by = to.answer_by or bench.time.due(at, kind.answer_days, kind.due_time)
    if answer_by <= at:
        raise CultivaError(
            "the hand-over would be over before it began",
            code="task.past",
            seen=answer_by.isoformat(),
            allowed=f"after {at.isoformat()}",
            hint="give a later deadline, or none",
        )
    branch = to.branch_id or (to.person.branch_id if to.person is not None else task.branch_id)
    where = Place(role.name, branch, to.staff_id)
    return changes.handed_over(bench, task, where, answer_by, by=by.staff_id, at=at)


def follow_up(
    connection: Connection, bench: Bench, task: Task, person: Person, following: Following, at: datetime
) -> Task:
    """Makes the task that comes of another one, and notes it there.

    Raises:
        CultivaError: if the kind is not in the workbench.
    """
    kind = bench.workbench.kind(following.kind)
    if kind is None:
        raise rights.unknown("kind of task", following.kind, [one.name for one in bench.workbench.kinds])
    days = kind.due_days if following.days is None else following.days
    best = bench.time.best(kind.best_hours or bench.workbench.best_hours, at, days=days)
    draft = Draft(
        kind=kind.name,
        customer_id=task.customer_id,
        branch_id=task.branch_id,
        adviser_id=person.staff_id,
        staff_id=person.staff_id if kind.role in person.roles else None,
        launch_id=task.launch_id,
        step=task.step,
        strategy=task.strategy,
        offer=task.offer,
        channel=task.channel,
        worth=task.worth,
        reason=following.reason or task.reason,
        script=following.script or task.script,
        due=bench.time.due(at, days, kind.due_time),
        best_from=best[0],
        best_to=best[1],
        parent_id=task.task_id,
        number=task.changes + 1,  # keeps two follow-ups of one task apart
    )
    made = drafted(bench, draft, at, known={person.staff_id})
    repository.add(connection, [made])
    detail = {"task": made.task_id, "kind": made.kind, "due": made.due.isoformat()}
    noted = changed(task, Action.FOLLOWED_UP, by=person.staff_id, at=at, detail=detail, changed=task.changed)
    repository.save(connection, noted)
    return made


def note_arrival(connection: Connection, customer_id: int, branch_id: str, at: datetime) -> bool:
    """Tells plays that a customer came by; False if that is known already."""
    minute = at.replace(second=0, microsecond=0)
    name = content_hash([ARRIVED, customer_id, branch_id, minute.isoformat()])
    row = SignalRow(name, customer_id, ARRIVED, at, None, "", "counter", {"branch": branch_id})
    return repository.signal(connection, [row], at=at) > 0


def listed(
    bench: Bench, found: list[tuple[Task, str]], at: datetime, *, person: Person | None, load: Load | None
) -> list[Listed]:
    """Tasks as they stand on a list; those accepted already need no room in the week."""
    room = None
    if person is not None and load is not None:
        weeks = [] if person.contacts_max is None else [person.contacts_max - load.contacts]
        room = min(weeks, default=None)
    rows = []
    for place, (task, name) in enumerate(found, start=1):
        mine = task.standing is Standing.ACCEPTED and person is not None and task.staff_id == person.staff_id
        needs = bench.kind(task).contact and not mine
        fits = room is None or not needs or room > 0
        room = room - 1 if room is not None and needs else room
        promised = task.promised is not None and task.promised <= at
        rows.append(Listed(task, place, task.due < at, promised, _lies(task, person), name, fits))
    return rows


def _lies(task: Task, person: Person | None) -> str:
    if task.offer_stage is Stage.COUNTER:
        return "counter"
    if task.standing is Standing.OFFERED:
        return "offered"
    if person is not None and task.staff_id in person.covers:
        return "cover"
    return "own" if person is not None and task.staff_id == person.staff_id else "queue"


def _unfit(person: Person, wanted: tuple[str, ...]) -> CultivaError:
    return CultivaError(
        "this person does not do such work",
        code="task.wrong_role",
        kind=ErrorKind.FORBIDDEN,
        seen=f"{person.staff_id}: {', '.join(sorted(person.roles)) or 'no role of the workbench'}",
        allowed=" or ".join(dict.fromkeys(wanted)),
        hint="hand the task over to another role",
    )
