"""Human work: one queue of tasks, from the moment a play asks for one to what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection

from cultiva.contracts.sight import EVERYBODY, Sight
from cultiva.definitions.workbench import TaskKind, Workbench
from cultiva.execution.tasks import absences, changes, clockwork, moving, repository, rights
from cultiva.execution.tasks.changes import Bench, Change
from cultiva.execution.tasks.drafting import drafted
from cultiva.execution.tasks.hooks import Hooks
from cultiva.execution.tasks.questions import Questions
from cultiva.execution.tasks.records import (
    SYSTEM,
    Absence,
    Draft,
    Escalations,
    Logged,
    Person,
    StaffRow,
    Task,
)
from cultiva.execution.tasks.states import Action, Stage, Standing
from cultiva.execution.tasks.timing import BusinessDays, WorkingTime
from cultiva.kit.clock import Clock, utc_now
from cultiva.store.database import Database


class Tasks(Questions):
    """The queue of human work: what is done, beside all that is asked.

    Args:
        database: Where the rows lie.
        workbench: Roles, kinds of task, results.
        calendar: The bank's working days and time zone.
        hooks: What other rooms do.
        sight: Of whoever asks: tasks out of it are neither shown nor moved, as if they did not exist.
        clock: Says who stands in for whom now, for a sight that is narrower than the bank.
    """

    def __init__(
        self,
        database: Database,
        workbench: Workbench,
        calendar: BusinessDays,
        *,
        hooks: Hooks | None = None,
        sight: Sight = EVERYBODY,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(database, Bench(workbench, WorkingTime(calendar)), sight, clock)
        self._hooks = hooks or Hooks()

    # What plays and the night do ------------------------------------------------------------------------------------

    def create(self, drafts: Sequence[Draft], at: datetime, *, connection: Connection | None = None) -> list[str]:
        """Makes tasks; one that was made before stays as it is.

        Args:
            drafts: What is wanted.
            at: The present moment.
            connection: Of a writing transaction to be part of; None: one of its own.

        Returns:
            The tasks' ids, in the order of the drafts.

        Raises:
            CultivaError: if a kind or role is not in the workbench.
        """
        if connection is None:
            with self._database.writing() as own:
                return self.create(drafts, at, connection=own)
        known = frozenset(row.staff_id for row in repository.staff(connection))
        tasks = [drafted(self._bench, draft, at, known=known) for draft in drafts]
        repository.add(connection, tasks)
        return [task.task_id for task in tasks]

    def cancel(
        self,
        launch_id: str,
        at: datetime,
        *,
        customer_ids: Collection[int] | None = None,
        reason: str = "",
        connection: Connection | None = None,
    ) -> int:
        """Takes back the tasks of a launch that are not at an end; gives their number.

        Their touches are released, unless it is part of a caller's transaction, who then does so.

        Args:
            launch_id: The launch.
            at: The present moment.
            customer_ids: Only about these; None: all.
            reason: For the history, e.g. opted_out.
            connection: Of a writing transaction to be part of; None: one of its own.
        """
        if connection is not None:
            return len(clockwork.cancelled(connection, launch_id, customer_ids, at, reason=reason))
        with self._database.writing() as own:
            found = clockwork.cancelled(own, launch_id, customer_ids, at, reason=reason)
        self._release(found)
        return len(found)

    def staff(self, rows: Sequence[StaffRow], business_date: date, at: datetime) -> int:
        """Takes over the bank's staff table; tasks of people who have left go back to their queues.

        Args:
            rows: Everybody who does tasks; an empty table changes nothing.
            business_date: Of the table.
            at: The present moment.

        Returns:
            How many tasks went back to a queue.
        """
        returned = 0
        with self._database.writing() as connection:
            if not rows or not repository.put_staff(connection, rows, business_date):
                return 0
            while found := repository.locked(connection, repository.orphans(), limit=repository.PIECE):
                repository.save_all(connection, [changes.returned(task, at) for task in found])
                returned += len(found)
        return returned

    def escalate(self, at: datetime, *, batch: int = 500) -> Escalations:
        """Looks at the clock: hand-overs nobody answered, tasks left lying, tasks to be given up.

        Any number of processes may do it at once.

        Args:
            at: The present moment.
            batch: Tasks per transaction.
        """
        return clockwork.tick(self._database, self._bench, self._release, at, batch=batch)

    # What people do -------------------------------------------------------------------------------------------------

    def accept(self, task_id: str, staff_id: str, at: datetime) -> Task:
        """Takes a task up; of two who try at once one gets it. Accepting one's own again changes nothing.

        Raises:
            CultivaError: if somebody else has it, it is not for this person, the week is full, or the customer may not
                be contacted any more.
        """
        with self._database.writing() as connection:
            person = self._person(connection, staff_id, at, lock=True)
            task = self._one(connection, task_id)
            if task.standing is Standing.ACCEPTED and task.staff_id == staff_id:
                return task
            return repository.save(connection, self._taking(connection, task, person, at))

    def log(self, task_id: str, staff_id: str, log: Logged, at: datetime) -> Task:
        """Writes down what came of a task; plays hear of it once, and a contact is confirmed in the budget.

        Raises:
            CultivaError: if the person has not accepted it, or the result does not fit.
        """
        self._write_down(task_id, staff_id, log, at, taking=False)
        return self.task(task_id)

    def report(self, task_id: str, staff_id: str, log: Logged, at: datetime) -> None:
        """Writes down what came of a task; who has not taken it up does so by that, or neither of both happens.

        Raises:
            CultivaError: as of `accept` and `log`.
        """
        self._write_down(task_id, staff_id, log, at, taking=True)

    def call_back(self, task_id: str, staff_id: str, call_at: datetime, at: datetime, *, remark: str = "") -> Task:
        """Promises the customer a call; the first result of the workbench that does so is logged.

        Raises:
            CultivaError: as for `log`, or if the kind has no such result.
        """
        task = self.task(task_id)
        possible = self.workbench.results_of(self._bench.kind(task))
        found = next((one.name for one in possible if one.then == "call_back"), None)
        if found is None:
            raise rights.unknown("result", "a call back", [one.name for one in possible])
        return self.log(task_id, staff_id, Logged(found, remark=remark, call_at=call_at), at)

    def follow_up(self, task_id: str, staff_id: str, following: moving.Following, at: datetime) -> Task:
        """Makes a task that comes of another one; it goes on the person's own list where the role allows.

        Raises:
            CultivaError: if the person does not have the task.
        """
        with self._database.writing() as connection:
            person = self._person(connection, staff_id, at)
            task = self._one(connection, task_id)
            rights.require_holder(person, task)
            rights.require_unchanged(task, following.seen)
            return moving.follow_up(connection, self._bench, task, person, following, at)

    def transfer(self, task_id: str, staff_id: str, to: str, at: datetime, *, remark: str = "") -> Task:
        """Gives a task to somebody else, or with an empty `to` back to the queue.

        Raises:
            CultivaError: if the person may not move it, or the other one does not do such work.
        """
        with self._database.writing() as connection:
            person = self._person(connection, staff_id, at)
            task = self._one(connection, task_id)
            rights.require_living(task, Action.TRANSFERRED)
            rights.require_mover(person, task, self.workbench.role(task.role))
            other = self._person(connection, to, at) if to else None
            change = moving.transfer(self._bench, task, person, other, at)
            return repository.save(connection, changes.remarked(change, remark))

    def assign(self, task_id: str, to: str, at: datetime, *, by: str, remark: str = "") -> Task:
        """Whoever manages branches gives a task of theirs to one of their people, or with an empty `to` to the queue.

        Args:
            task_id: Of a task that lies at a branch in sight, or was handed over from one.
            to: Staff id of somebody in sight; empty: the queue.
            at: The present moment.
            by: Who, as the history names them.
            remark: For the history.

        Raises:
            CultivaError: if the task or the person is at another branch, or the person does not do such work.
        """
        with self._database.writing() as connection:
            task = self._one(connection, task_id)
            rights.require_living(task, Action.TRANSFERRED)
            if not (self._sight.whole_bank or {task.branch_id, task.sender_branch} & self._sight.branches):
                raise rights.unknown("task", task_id, ["a task of your branches"])
            rows = repository.staff(connection, to) if to else []
            if to and not (rows and self._ours(rows[0])):
                raise rights.unknown("person", to, ["somebody of your branches"])
            other = self._person(connection, to, at) if to else None
            manager = Person(by, task.branch_id, frozenset(), manages=True)
            change = moving.transfer(self._bench, task, manager, other, at)
            return repository.save(connection, changes.remarked(change, remark))

    def hand_over(self, task_id: str, staff_id: str, to: moving.Receiver, at: datetime, *, remark: str = "") -> Task:
        """Offers a task to another role or person, who must accept it in time; else it goes to the branch manager,
        and from there back to the sender.

        Raises:
            CultivaError: if the person may not move it, or the receiver does not do such work.
        """
        with self._database.writing() as connection:
            person = self._person(connection, staff_id, at)
            task = self._one(connection, task_id)
            rights.require_living(task, Action.HANDED_OVER)
            rights.require_mover(person, task, self.workbench.role(task.role))
            other = self._person(connection, to.staff_id, at) if to.staff_id else None
            change = moving.hand_over(self._bench, task, person, replace(to, person=other), at)
            return repository.save(connection, changes.remarked(change, remark))

    def decline(self, task_id: str, staff_id: str, at: datetime, *, remark: str = "") -> Task:
        """Sends a hand-over back at once.

        Raises:
            CultivaError: if it was not offered to the person.
        """
        with self._database.writing() as connection:
            person = self._person(connection, staff_id, at)
            task = self._one(connection, task_id)
            rights.require_living(task, Action.DECLINED)
            rights.require_reach(person, task, self.workbench.role(task.role))
            change = changes.sent_back(self._bench, task, Action.DECLINED, by=staff_id, at=at)
            return repository.save(connection, changes.remarked(change, remark))

    def arrive(self, customer_id: int, branch_id: str, at: datetime, *, by: str = SYSTEM) -> list[Task]:
        """A customer came by: what is open goes to the counter at once, and plays hear `arrived`.

        Args:
            customer_id: Who.
            branch_id: Where.
            at: When; a second report within the same minute is the same arrival.
            by: Who noticed it.

        Returns:
            All the customer's tasks that are not at an end, the most valuable first.
        """
        with self._database.writing() as connection:
            if moving.note_arrival(connection, customer_id, branch_id, at):
                for task in repository.of_customer(connection, customer_id, live=True, lock=True):
                    if self._bench.kind(task).at_counter and task.offer_stage is not Stage.COUNTER:
                        repository.save(connection, changes.arrived(self._bench, task, branch_id, by=by, at=at))
            return repository.of_customer(connection, customer_id, self._shown(connection), live=True)

    def absent(self, absence: Absence) -> None:
        """Notes that somebody is away, and who stands in; until then their work lies on the cover's list.

        Raises:
            CultivaError: if the days are in the wrong order or overlap with others, or nobody has one of the ids.
        """
        with self._database.writing() as connection:
            known = {row.staff_id: row for row in repository.staff(connection)}
            self._require_ours(known.get(absence.staff_id), absence.staff_id, known)
            before = repository.absences(connection, staff_id=absence.staff_id)
            absences.require_absence(absence, before, known=set(known))
            repository.put_absence(connection, absence)

    def back(self, staff_id: str, first_day: date) -> bool:
        """Takes an absence back; False if none began on that day."""
        with self._database.writing() as connection:
            rows = repository.staff(connection, staff_id)
            if not (rows and self._ours(rows[0])) and not self._sight.whole_bank:
                return False
            return repository.drop_absence(connection, staff_id, first_day)

    # Within ---------------------------------------------------------------------------------------------------------

    def _write_down(self, task_id: str, staff_id: str, log: Logged, at: datetime, *, taking: bool) -> None:
        with self._database.writing() as connection:
            person = self._person(connection, staff_id, at, lock=taking)
            seen = self._one(connection, task_id, lock=False)
            expected = self._logging(connection, seen, person, log, at, taking=taking)
            if expected and expected[-1].touch == "confirm":
                self._hooks.confirm(connection, seen, at)  # locks customers, which comes before tasks
            made = self._logging(connection, self._one(connection, task_id), person, log, at, taking=taking)
            after = [repository.save(connection, change) for change in made]
            if made and (follow_up := made[-1].follow_up) is not None:
                follow = moving.Following(follow_up.kind, days=follow_up.days)
                moving.follow_up(connection, self._bench, after[-1], person, follow, at)
        self._release(made)

    def _logging(
        self, connection: Connection, task: Task, person: Person, log: Logged, at: datetime, *, taking: bool
    ) -> list[Change]:
        """What the log makes of the task, after it was taken up if need be; nothing if it was written already."""
        if self._logged_before(connection, task, person, log):
            return []
        rights.require_living(task, Action.LOGGED)
        if not taking or (task.standing is Standing.ACCEPTED and task.staff_id == person.staff_id):
            rights.require_holder(person, task)
            return [changes.logged(self._bench, task, person, log, at)]
        taken = self._taking(connection, task, person, at)
        return [taken, changes.logged(self._bench, taken.after, person, log, at)]

    def _taking(self, connection: Connection, task: Task, person: Person, at: datetime) -> Change:
        """What taking a task up makes of it; the person is locked, and the week's load with them."""
        rights.require_living(task, Action.ACCEPTED)
        rights.require_reach(person, task, self.workbench.role(task.role))
        kind, once = self._bench.kind(task), self._asking.once
        load = once(connection, ("load", person.staff_id), lambda: self._load(connection, person, at))
        rights.require_room(person, load, contact=kind.contact)
        asked = ("permission", task.customer_id, task.channel)
        once(connection, asked, lambda: self._require_permission(connection, task, kind))
        return changes.accepted(task, person, at)

    def _release(self, ended: Sequence[Change]) -> None:
        released = [change for change in ended if change.touch == "release"]
        if released:
            self._hooks.release([change.after.touch_id for change in released], released[0].event.at)

    def _ours(self, row: StaffRow) -> bool:
        return self._sight.sees({"branch_id": row.branch_id, "adviser_id": row.staff_id})

    def _require_ours(self, row: StaffRow | None, staff_id: str, known: Collection[str]) -> None:
        """Lets nobody say of people elsewhere that they are away: whoever covers them would see their work."""
        if row is not None and not self._ours(row):
            raise rights.unknown("person", staff_id, sorted(known))

    def _require_permission(self, connection: Connection, task: Task, kind: TaskKind) -> None:
        against = self._hooks.forbidden(connection, task.customer_id, task.channel) if kind.contact else ""
        rights.require_permission(against)

    def _logged_before(self, connection: Connection, task: Task, person: Person, log: Logged) -> bool:
        """Whether this very log was written already: by its key, or as the result of a task that is done."""
        if log.key:
            said = repository.events(connection, task.task_id)
            return any(one.detail.get("key") == log.key and one.actor == person.staff_id for one in said)
        done = task.standing is Standing.DONE
        return done and task.staff_id == person.staff_id and task.result == log.result
