"""What people ask of the queue of tasks: lists, one task with all about it, who does what. Nothing is moved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import date, datetime
from itertools import islice
from typing import Self

from sqlalchemy import Connection

from cultiva.contracts.sight import Sight
from cultiva.definitions.workbench import Workbench
from cultiva.execution.tasks import absences, moving, repository, rights
from cultiva.execution.tasks.asking import Asking
from cultiva.execution.tasks.changes import Bench
from cultiva.execution.tasks.records import NOBODY, Absence, Event, Listed, Load, Opened, Person, StaffRow, Task
from cultiva.execution.tasks.states import State
from cultiva.kit.clock import Clock
from cultiva.kit.errors import CultivaError
from cultiva.store.database import Database

NOTHING = Load(0, 0)
"""Of whoever has no task."""


class Questions:
    """The queue as it is asked.

    Args:
        database: Where the rows lie.
        bench: Roles, kinds of task, results; the bank's working days.
        sight: Of whoever asks: tasks out of it are not shown, as if they did not exist.
        clock: Says who stands in for whom now, for a sight that is narrower than the bank.
    """

    def __init__(self, database: Database, bench: Bench, sight: Sight, clock: Clock) -> None:
        self._database, self._bench = database, bench
        self._sight, self._clock = sight, clock
        self._asking = Asking(database)

    @property
    def workbench(self) -> Workbench:
        """Roles, kinds of task, results."""
        return self._bench.workbench

    @contextmanager
    def looking(self) -> Iterator[Self]:
        """The same queue as it stands at one moment: what is asked of it meanwhile is one reading transaction.

        Only for questions; whoever does something uses the queue itself.
        """
        with self._asking.holding() as asking:
            found = copy(self)
            found._asking = asking
            yield found

    def ranked(self, staff_id: str, at: datetime, *, limit: int = 50) -> list[Listed]:
        """Somebody's list: own tasks, the queues served, and the work of those covered today, best first.

        Raises:
            CultivaError: if nobody has that id.
        """
        with self._asking.reading() as connection:
            person, load = self._at_work(connection, staff_id, at)
            found = repository.ranked(connection, self._reach(person), at, self._shown(connection), limit=limit)
        return moving.listed(self._bench, found, at, person=person, load=load)

    def queue(self, role: str, at: datetime, *, branch: str | None = None, limit: int = 50) -> list[Listed]:
        """A role's queue: what nobody has on a list, best first.

        Raises:
            CultivaError: if there is no such role.
        """
        whole_bank = rights.known_role(self.workbench, role).whole_bank
        with self._asking.reading() as connection:
            queued = [one for one, cover in self._covers(connection, at).items() if cover == NOBODY]
            reach = repository.Reach((), {role: whole_bank}, branch, queued)
            found = repository.ranked(connection, reach, at, self._shown(connection), limit=limit)
        return moving.listed(self._bench, found, at, person=None, load=None)

    def task(self, task_id: str) -> Task:
        """One task.

        Raises:
            CultivaError: if there is none of that id.
        """
        with self._asking.reading() as connection:
            return self._one(connection, task_id, lock=False)

    def opened(self, task_id: str) -> Opened:
        """One task with its history and what else there is about its customer.

        Raises:
            CultivaError: if there is none of that id.
        """
        with self._asking.reading() as connection:
            found = repository.opened(connection, task_id, self._shown(connection))
        if found is None:
            raise _no_task(task_id)
        return found

    def history(self, task_id: str) -> list[Event]:
        """What happened to a task, in order; nothing of one that there is not."""
        with self._asking.reading() as connection:
            shown = repository.one(connection, task_id, self._shown(connection)) is not None
            return repository.events(connection, task_id) if shown else []

    def of_customer(self, customer_id: int, *, live: bool = False) -> list[Task]:
        """Tasks about a customer, the most valuable first; with `live` only those that are not at an end."""
        with self._asking.reading() as connection:
            return repository.of_customer(connection, customer_id, self._shown(connection), live=live)

    def people(
        self,
        at: datetime,
        *,
        branch: str | None = None,
        role: str | None = None,
        after: str = "",
        limit: int | None = None,
    ) -> list[tuple[Person, Load]]:
        """Who does tasks, by staff id, with this week's load.

        Args:
            at: The present moment.
            branch: Only of this branch.
            role: Only in this role of the workbench.
            after: Only those behind this staff id.
            limit: Most people.
        """
        if role is not None:
            rights.known_role(self.workbench, role)
        with self._asking.reading() as connection:
            covers = self._covers(connection, at)
            rows = (row for row in repository.staff(connection) if row.staff_id > after)
            every = (self._with_covers(row, covers) for row in rows if branch is None or row.branch_id == branch)
            found = list(islice((one for one in every if role is None or role in one.roles), limit))
            loads = self._loads(connection, [person.staff_id for person in found], at)
            return [(person, loads.get(person.staff_id, NOTHING)) for person in found]

    def counts(self) -> Mapping[tuple[str, State], int]:
        """Tasks by kind and state."""
        with self._asking.reading() as connection:
            return repository.counts(connection)

    def person(self, staff_id: str, at: datetime) -> tuple[Person, Load]:
        """One of those who do tasks, with this week's load.

        Raises:
            CultivaError: if nobody has that id.
        """
        with self._asking.reading() as connection:
            return self._at_work(connection, staff_id, at)

    def finished(self, staff_ids: Collection[str], since: datetime) -> Mapping[str, Mapping[tuple[str, str], int]]:
        """What people have finished since a moment: by staff id how many tasks by kind and result; in sight only."""
        with self._asking.reading() as connection:
            return repository.finished(connection, staff_ids, since, self._shown(connection))

    def names(self, staff_ids: Collection[str]) -> Mapping[str, str]:
        """Names of people, by id, as far as the bank's staff table has them."""
        with self._asking.reading() as connection:
            return repository.staff_names(connection, staff_ids)

    def absences(self, on: date | None = None) -> list[Absence]:
        """Who is away on a day, or all absences."""
        with self._asking.reading() as connection:
            return repository.absences(connection, on=on)

    def _shown(self, connection: Connection) -> repository.Shown:
        """Which tasks are shown to whoever asks."""
        if self._sight.whole_bank:
            return repository.EVERY_TASK
        return self._asking.once(connection, "shown", lambda: self._in_sight(connection))

    def _in_sight(self, connection: Connection) -> repository.Shown:
        covers = self._covers(connection, self._clock())
        rows = [row for one in sorted(self._sight.advisers) if (row := self._row(connection, one)) is not None]
        return repository.in_sight(self._sight, [self._reach(self._with_covers(row, covers)) for row in rows])

    def _reach(self, person: Person) -> repository.Reach:
        roles = {name: rights.known_role(self.workbench, name).whole_bank for name in sorted(person.roles)}
        return repository.Reach({person.staff_id, *person.covers}, roles, person.branch_id, person.queued)

    def _one(self, connection: Connection, task_id: str, *, lock: bool = True) -> Task:
        found = repository.one(connection, task_id, self._shown(connection), lock=lock)
        if found is None:
            raise _no_task(task_id)
        return found

    def _person(self, connection: Connection, staff_id: str, at: datetime, *, lock: bool = False) -> Person:
        row = self._row(connection, staff_id, lock=lock)
        if row is None:
            raise rights.unknown("person", staff_id, [one.staff_id for one in repository.staff(connection)])
        return self._with_covers(row, self._covers(connection, at))

    def _row(self, connection: Connection, staff_id: str, *, lock: bool = False) -> StaffRow | None:
        """Somebody of the staff table; who locks does so first of all, and reads what nobody changes any more."""
        asked = ("staff", staff_id)
        if lock:
            locked = next(iter(repository.staff(connection, staff_id, lock=True)), None)
            return self._asking.once(connection, asked, lambda: locked)
        return self._asking.once(connection, asked, lambda: next(iter(repository.staff(connection, staff_id)), None))

    def _at_work(self, connection: Connection, staff_id: str, at: datetime) -> tuple[Person, Load]:
        """Somebody with this week's load."""
        kinds, since = self._contact_kinds(), self._bench.time.week_start(at)
        asked = ("at work", staff_id, since)
        found = self._asking.once(connection, asked, lambda: repository.at_work(connection, staff_id, kinds, since))
        row = self._asking.once(connection, ("staff", staff_id), lambda: None if found is None else found[0])
        if found is None or row is None:
            raise rights.unknown("person", staff_id, [one.staff_id for one in repository.staff(connection)])
        return self._with_covers(row, self._covers(connection, at)), found[1]

    def _with_covers(self, row: StaffRow, covers: Mapping[str, str]) -> Person:
        mine = frozenset(away for away, cover in covers.items() if cover == row.staff_id)
        queued = frozenset(away for away, cover in covers.items() if cover == NOBODY)
        return rights.person_of(row, self.workbench, covers=mine, queued=queued)

    def _covers(self, connection: Connection, at: datetime) -> Mapping[str, str]:
        day = self._bench.time.day(at)
        asked = ("covers", day)
        return self._asking.once(connection, asked, lambda: absences.covers_of(repository.absences(connection, on=day)))

    def _load(self, connection: Connection, person: Person, at: datetime) -> Load:
        return self._loads(connection, [person.staff_id], at).get(person.staff_id, NOTHING)

    def _loads(self, connection: Connection, staff_ids: Collection[str], at: datetime) -> Mapping[str, Load]:
        return repository.loads(connection, staff_ids, self._contact_kinds(), self._bench.time.week_start(at))

    def _contact_kinds(self) -> list[str]:
        return [kind.name for kind in self.workbench.kinds if kind.contact]


def _no_task(task_id: str) -> CultivaError:
    return rights.unknown("task", task_id, ["a task of the list: cultiva tasks WORKSPACE"])
