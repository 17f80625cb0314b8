"""Who may do what with a task; every refusal says whose it is and what would be allowed."""

from __future__ import annotations

from cultiva.definitions.workbench import Role, Workbench
from cultiva.execution.tasks.records import NOBODY, Load, Person, StaffRow, Task
from cultiva.execution.tasks.states import ENDED, Action, Standing
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean


def person_of(
    row: StaffRow,
    bench: Workbench,
    *,
    covers: frozenset[str] = frozenset(),
    queued: frozenset[str] = frozenset(),
) -> Person:
    """Somebody of the staff table with what the workbench allows.

    Args:
        row: As the staff table says.
        bench: The workbench.
        covers: Staff ids of those whose work the person does today.
        queued: Staff ids of those whose work lies in the queue today.
    """
    roles = [role for role in bench.roles if row.role in role.staff_roles]
    limits = [role.contacts_per_week_max for role in roles if role.contacts_per_week_max is not None]
    return Person(
        staff_id=row.staff_id,
        branch_id=row.branch_id,
        roles=frozenset(role.name for role in roles),
        manages=any(role.manages for role in roles),
        contacts_max=max(limits) if limits else row.contacts_per_week_max,
        in_hand_max=max((role.in_hand_max for role in roles), default=None),
        covers=covers,
        queued=queued,
        name=row.name,
    )


def stands_for(person: Person, staff_id: str) -> bool:
    """Whether work on somebody's list is the person's today: it is the person's own, or that of someone away."""
    return staff_id == person.staff_id or staff_id in person.covers


def in_reach(person: Person, task: Task, role: Role | None) -> bool:
    """Whether a task lies in a queue that the person serves, or on a list that is the person's today."""
    if stands_for(person, task.staff_id):
        return True
    here = task.branch_id == person.branch_id or (role is not None and role.whole_bank)
    return task.role in person.roles and here and (task.staff_id == NOBODY or task.staff_id in person.queued)


def require_reach(person: Person, task: Task, role: Role | None) -> None:
    """Lets somebody take up a task only from an own list or queue.

    Raises:
        CultivaError: if it is somebody else's.
    """
    if task.standing is Standing.ACCEPTED and task.staff_id != person.staff_id:
        if not (stands_for(person, task.staff_id) or (task.staff_id in person.queued and in_reach(person, task, role))):
            raise _taken(task)
        return
    if not in_reach(person, task, role):
        raise CultivaError(
            "this task is not for you",
            code="task.not_yours",
            kind=ErrorKind.FORBIDDEN,
            seen=f"role {task.role}, branch {task.branch_id}, {task.staff_id or 'in the queue'}",
            allowed=f"roles {', '.join(sorted(person.roles)) or 'none'} at branch {person.branch_id}",
            hint="ask for a transfer",
        )


def require_holder(person: Person, task: Task) -> None:
    """Lets only whoever has accepted a task go on with it.

    Raises:
        CultivaError: if it is somebody else's, or nobody's yet.
    """
    if task.standing in (Standing.QUEUED, Standing.ASSIGNED, Standing.OFFERED):
        raise CultivaError(
            "the task has not been accepted",
            code="task.not_accepted",
            kind=ErrorKind.CONFLICT,
            seen=task.standing.value,
            allowed="a task that you have accepted",
            hint="accept it first",
        )
    if task.staff_id != person.staff_id:
        raise _taken(task)


def require_unchanged(task: Task, seen: int | None) -> None:
    """Lets only whoever has seen the task as it stands go on.

    Args:
        task: As it stands.
        seen: Its changes when it was looked at; None: it does not matter.

    Raises:
        CultivaError: if something has happened to it since.
    """
    if seen not in (None, task.changes):
        raise CultivaError(
            "somebody else has just changed the task",
            code="task.changed",
            kind=ErrorKind.CONFLICT,
            seen=task.standing.value,
            allowed="one change at a time",
            hint="look at it again",
        )


def require_mover(person: Person, task: Task, role: Role | None) -> None:
    """Lets whoever has a task, or could take it up, or manages its branch, give it to somebody else.

    Raises:
        CultivaError: for everybody else.
    """
    managed = person.manages and person.branch_id in (task.branch_id, task.sender_branch)
    if managed or (task.standing is not Standing.ACCEPTED and in_reach(person, task, role)):
        return
    if task.staff_id != person.staff_id:
        raise CultivaError(
            "you may not move this task",
            code="task.not_yours",
            kind=ErrorKind.FORBIDDEN,
            seen=f"{task.staff_id or 'the queue'} of branch {task.branch_id}",
            allowed="your own tasks, those of your queue, and for a manager those of the branch",
            hint="ask the branch manager",
        )


def require_room(person: Person, load: Load, *, contact: bool) -> None:
    """Lets nobody accept more than a week's contacts, or more than can be in hand at once.

    Args:
        person: Who accepts.
        load: What the person has already.
        contact: Whether the task is a contact.

    Raises:
        CultivaError: if the week or the hand is full.
    """
    if contact and person.contacts_max is not None and load.contacts >= person.contacts_max:
        raise CultivaError(
            "the week is full",
            code="task.week_full",
            kind=ErrorKind.CONFLICT,
            seen=f"{load.contacts} contacts of {person.staff_id} this week",
            allowed=f"{person.contacts_max} a week",
            hint="transfer a task, or leave it to somebody else",
        )
    if person.in_hand_max is not None and load.in_hand >= person.in_hand_max:
        raise CultivaError(
            "too much in hand",
            code="task.hands_full",
            kind=ErrorKind.CONFLICT,
            seen=f"{load.in_hand} tasks accepted and not finished",
            allowed=f"{person.in_hand_max} at once",
            hint="log the results of some, or transfer them",
        )


def require_living(task: Task, action: Action) -> None:
    """Lets nothing be done to a task that is at an end.

    Raises:
        CultivaError: if it is.
    """
    if task.standing in ENDED:
        raise CultivaError(
            "the task is at an end",
            code="task.ended",
            kind=ErrorKind.CONFLICT,
            seen=f"{task.standing.value}{f', {task.result}' if task.result else ''}",
            allowed=f"{action.value}: a task that is not at an end",
            hint="take the next one on the list",
        )


def require_permission(against: str) -> None:
    """Lets nobody take up a contact that something stands against.

    Args:
        against: Why the customer may not be reached now; empty: nothing is against it.

    Raises:
        CultivaError: if something is.
    """
    if against:
        raise CultivaError(
            "the customer may not be contacted now",
            code="task.forbidden",
            kind=ErrorKind.FORBIDDEN,
            seen=against,
            allowed="customers with consent, and nothing that stands against it",
            hint="leave it; the play takes it back",
        )


def known_role(bench: Workbench, name: str) -> Role:
    """A role of the workbench.

    Raises:
        CultivaError: if there is none of that name.
    """
    found = bench.role(name)
    if found is None:
        raise unknown("role", name, [one.name for one in bench.roles])
    return found


def unknown(what: str, seen: str, known: list[str]) -> CultivaError:
    """The error for a name that does not exist."""
    return CultivaError(
        f"no such {what}",
        code=f"task.unknown_{what.replace(' ', '_')}",
        kind=ErrorKind.NOT_FOUND,
        seen=seen,
        allowed=", ".join(known[:12]) + (f", and {len(known) - 12} more" if len(known) > 12 else ""),
        hint=did_you_mean(seen, known),
    )


def _taken(task: Task) -> CultivaError:
    return CultivaError(
        "somebody else has the task",
        code="task.taken",
        kind=ErrorKind.CONFLICT,
        seen=f"{task.standing.value}, {task.staff_id}",
        allowed="a task that nobody has accepted, or your own",
        hint="take the next one on the list",
    )
