"""Who stands in for whom on a day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from cultiva.execution.tasks.records import NOBODY, Absence
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean


def covers_of(away: Iterable[Absence]) -> Mapping[str, str]:
    """Who does the work of those who are away on a day.

    Args:
        away: The absences of that day, one per person.

    Returns:
        Staff id of whoever is away -> of whoever stands in; empty where it goes to the queue: no cover was named, or
        everyone named is away too.

    Examples:
        >>> from datetime import date
        >>> day = date(2026, 11, 23)
        >>> covers_of([Absence("A", day, day, "B"), Absence("B", day, day, "C"), Absence("D", day, day)])
        {'A': 'C', 'B': 'C', 'D': ''}
    """
    named = {absence.staff_id: absence.cover_id for absence in away}
    return {staff_id: _present(named, staff_id) for staff_id in named}


def _present(named: Mapping[str, str], staff_id: str) -> str:
    """The first cover in the chain who is there; nobody where it ends or runs in a circle."""
    seen = {staff_id}
    found = named[staff_id]
    while found in named:
        if found in seen:
            return NOBODY
        seen.add(found)
        found = named[found]
    return found


def require_absence(absence: Absence, before: Iterable[Absence], *, known: Collection[str]) -> None:
    """Lets only an absence pass that makes sense.

    Args:
        absence: The new one, or one that begins on the same day as another and replaces it.
        before: The same person's absences so far.
        known: Staff ids there are.

    Raises:
        CultivaError: if an id is unknown, the days are in the wrong order, or they overlap with another absence.
    """
    for staff_id in (absence.staff_id, *([absence.cover_id] if absence.cover_id else [])):
        if staff_id not in known:
            hint = did_you_mean(staff_id, known) or "refresh the staff table: cultiva staff WORKSPACE --refresh"
            allowed = f"one of {len(known)} people who do tasks"
            raise CultivaError(
                "no such person",
                code="task.unknown_person",
                kind=ErrorKind.NOT_FOUND,
                seen=staff_id,
                allowed=allowed,
                hint=hint,
            )
    if absence.last_day < absence.first_day or absence.cover_id == absence.staff_id:
        raise CultivaError(
            "not an absence",
            code="task.bad_absence",
            seen=f"{absence.first_day} to {absence.last_day}, cover {absence.cover_id or 'the queue'}",
            allowed="a first and a last day, and a cover who is somebody else",
            hint="exchange the days, or name another cover",
        )
    for other in before:
        apart = absence.last_day < other.first_day or other.last_day < absence.first_day
        if other.first_day != absence.first_day and not apart:
            raise CultivaError(
                "the person is away then already",
                code="task.absence_overlaps",
                kind=ErrorKind.CONFLICT,
                seen=f"{absence.first_day} to {absence.last_day}",
                allowed=f"days beside {other.first_day} to {other.last_day}",
                hint="take the other absence back first",
            )
