"""People who do tasks: who they are, how full their week is, who is away and who stands in."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from cultiva.api.guard import Caller, IdempotencyKey, OurDesk, Seeing, needs, router
from cultiva.api.masked import shown
from cultiva.api.paging import PAGE_DEFAULT, Cursor, Limit, cut, read_cursor
from cultiva.api.shapes import Page, Shape
from cultiva.execution.access.keys import Scope
from cultiva.execution.tasks.records import Absence, Load, Person
from cultiva.execution.tasks.rights import unknown

staff = router("/staff", "tasks")
absences = router("/absences", "tasks")
StaffName = Annotated[str, Path(max_length=63, description="Staff id.", examples=["A0001"])]
FirstDay = Annotated[date, Path(description="First day of the absence.", examples=["2026-12-01"])]


class StaffShape(Shape):
    """Somebody who does tasks, with this week's load."""

    staff_id: str
    name: str
    """Empty: not known; masked unless the key has the scope `personal`."""
    branch_id: str
    roles: list[str]
    """Roles of the workbench."""
    manages: bool
    """Whether all tasks of the branch may be moved."""
    contacts: int
    """Contacts accepted or finished this week."""
    contacts_max: int | None
    """Most contacts a week; null: no limit."""
    in_hand: int
    """Tasks accepted and not finished."""
    in_hand_max: int | None
    covers: list[str]
    """Staff ids of those whose work it is today."""


class AbsenceShape(Shape):
    """Somebody is away."""

    staff_id: str
    first_day: date
    last_day: date
    cover_id: str
    """Who stands in; empty: the role's queue."""


class AbsenceNote(Shape):
    """Note that somebody is away; one that begins on the same day replaces it."""

    staff_id: str = Field(min_length=1, max_length=63, examples=["A0001"])
    first_day: date = Field(examples=["2026-12-01"])
    last_day: date = Field(examples=["2026-12-04"])
    cover_id: str = Field(default="", max_length=63, examples=["A0002"])
    """Who stands in; left out: the role's queue."""


@staff.get("", **needs(Scope.TASKS, 404))
def people(
    desk: OurDesk,
    sight: Seeing,
    branch: Annotated[str | None, Query(max_length=63, description="Only of this branch.")] = None,
    role: Annotated[str | None, Query(max_length=63, description="Only in this role of the workbench.")] = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Page[StaffShape]:
    """Who does tasks, by staff id, with this week's load."""
    query = ["staff", branch, role]
    after = read_cursor(cursor, query, str) or ""
    found = desk.tasks(sight).people(desk.now(), branch=branch, role=role, after=after, limit=limit + 1)
    page, rest = cut(found, limit, query, lambda one: one[0].staff_id)
    return Page[StaffShape](items=[_person(*one, may_see=sight.personal) for one in page], next_cursor=rest)


@absences.get("", **needs(Scope.TASKS, 404))
def away(
    desk: OurDesk, sight: Seeing, on: Annotated[date | None, Query(description="Only who is away on this day.")] = None
) -> list[AbsenceShape]:
    """Who is away, by first day."""
    return [_absence(one) for one in desk.tasks(sight).absences(on)]


@absences.post("", status_code=201, **needs(Scope.TASKS, 404, once=True))
def note_absence(asked: AbsenceNote, desk: OurDesk, caller: Caller, _key: IdempotencyKey) -> AbsenceShape:
    """Note that somebody is away: until then the work lies on the cover's list, or in the queue."""
    one = Absence(asked.staff_id, asked.first_day, asked.last_day, asked.cover_id)
    desk.tasks(caller.sight).absent(one)
    told = {"first_day": str(one.first_day), "last_day": str(one.last_day), "cover": one.cover_id}
    desk.audit("absence.noted", f"staff:{one.staff_id}", caller, told)
    return _absence(one)


@absences.post("/{staff}/{first_day}/take-back", **needs(Scope.TASKS, 404, once=True))
def take_back(
    staff: StaffName, first_day: FirstDay, desk: OurDesk, caller: Caller, _key: IdempotencyKey
) -> list[AbsenceShape]:
    """Take an absence back; gives what the person is still away for."""
    tasks = desk.tasks(caller.sight)
    if not tasks.back(staff, first_day):
        mine = [str(one.first_day) for one in tasks.absences() if one.staff_id == staff]
        raise unknown("absence", f"{staff} from {first_day}", mine)
    desk.audit("absence.taken_back", f"staff:{staff}", caller, {"first_day": str(first_day)})
    return [_absence(one) for one in tasks.absences() if one.staff_id == staff]


def _person(one: Person, load: Load, *, may_see: bool) -> StaffShape:
    return StaffShape(
        staff_id=one.staff_id,
        name=str(shown("name", one.name, personal=True, may_see=may_see)),
        branch_id=one.branch_id,
        roles=sorted(one.roles),
        manages=one.manages,
        contacts=load.contacts,
        contacts_max=one.contacts_max,
        in_hand=load.in_hand,
        in_hand_max=one.in_hand_max,
        covers=sorted(one.covers),
    )


def _absence(one: Absence) -> AbsenceShape:
    return AbsenceShape(**asdict(one))
