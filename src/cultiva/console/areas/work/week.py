"""The week: call backs that were promised, what is due, who is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.work.rows import Row, names_of, row_of, staff_id_of, tasks_for
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import Right
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.tasks.records import Absence

routes = router("/work")
WEEK = timedelta(days=7)
SHOWN_MAX = 600
"""Tasks of a list that a week looks at."""
DAY_MAX = 8
"""Tasks of one day that are shown by name."""


@dataclass(frozen=True)
class Entry:
    """A task on a day."""

    row: Row
    at: time | None
    """A promised moment; None: any time of the day."""


@dataclass(frozen=True)
class Day:
    """One day of a week."""

    day: date
    is_today: bool
    open: bool
    """Whether the bank works."""
    calls: tuple[Entry, ...]
    """Promised to customers, by time."""
    due: tuple[Entry, ...]
    """Due, the most valuable first."""
    away: tuple[str, ...]
    """Who is away, and who stands in."""

    @property
    def shown(self) -> tuple[Entry, ...]:
        """Those that are shown by name."""
        return self.due[:DAY_MAX]

    @property
    def more(self) -> int:
        """How many are due beyond those."""
        return max(0, len(self.due) - DAY_MAX)


@routes.get("/week", **needs(Right.WORK))
def week(
    request: Request, who: Who, desk: Ours, begin: Annotated[date | None, Query(alias="from")] = None
) -> HTMLResponse:
    """A week of one's own."""
    if not who.user.staff_id:
        return page(request, who, "work/nobody.html")
    today = desk.local(desk.now()).date()
    first = monday(begin or today)
    days = _days(desk, who, first, today)
    around: dict[str, Any] = {"before": first - WEEK, "after": first + WEEK, "this": monday(today), "first": first}
    return page(request, who, "work/week.html", days=days, **around)


def monday(day: date) -> date:
    """The Monday of a day's week.

    Examples:
        >>> monday(date(2026, 11, 25))
        datetime.date(2026, 11, 23)
    """
    return day - timedelta(days=day.weekday())


def _days(desk: ConsoleDesk, who: Visitor, first: date, today: date) -> list[Day]:
    tasks, at, me = tasks_for(desk, who), desk.now(), staff_id_of(who)
    rows = [row_of(desk, who, tasks.workbench, one, at) for one in tasks.ranked(me, at, limit=SHOWN_MAX)]
    absences, calendar = tasks.absences(), Calendar.of(desk.parts.workspace)
    names = names_of(tasks, [name for one in absences for name in (one.staff_id, one.cover_id) if name])
    return [
        Day(
            day=day,
            is_today=day == today,
            open=calendar.is_business_day(day),
            calls=_calls(rows, day),
            due=tuple(Entry(row, None) for row in rows if row.promised is None and _due_day(row, today) == day),
            away=_away(absences, day, me, names),
        )
        for day in (first + timedelta(days=number) for number in range(7))
    ]


def _calls(rows: Sequence[Row], day: date) -> tuple[Entry, ...]:
    promised = [(row.promised, row) for row in rows if row.promised is not None and row.promised.date() == day]
    return tuple(Entry(row, at.time()) for at, row in sorted(promised, key=lambda one: one[0]))


def _due_day(row: Row, today: date) -> date:
    """What is late is to be done today."""
    return max(row.due.date(), today) if row.late else row.due.date()


def _away(absences: Sequence[Absence], day: date, me: str, names: dict[str, str]) -> tuple[str, ...]:
    """Own absences, and those of whom one stands in for."""
    mine = [one for one in absences if one.first_day <= day <= one.last_day and me in (one.staff_id, one.cover_id)]
    return tuple(names[one.staff_id] for one in mine)
