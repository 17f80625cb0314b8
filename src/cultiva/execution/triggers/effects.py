"""What triggers begin: plays are entered, tasks made, slots fed, each once, and only as far as the customer allows it.

A firing is known by its id: carrying it out again changes nothing. Everything about it but the entry into a play is one
transaction; entering twice is entering once, so a process that dies between the two leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from cultiva.definitions.triggers import MakeTask
from cultiva.definitions.workspace import Workspace
from cultiva.execution.budget.service import Budget
from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.launching.launches import Launch, State
from cultiva.execution.launching.service import Launches
from cultiva.execution.plays.graph import Graph
from cultiva.execution.plays.service import Plays
from cultiva.execution.plays.world import Enrolment, Running
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks import changes
from cultiva.execution.tasks import repository as task_rows
from cultiva.execution.tasks.records import SYSTEM, Draft
from cultiva.execution.tasks.service import Tasks
from cultiva.execution.tasks.states import Action
from cultiva.execution.tasks.states import State as TaskState
from cultiva.execution.triggers import permission, repository
from cultiva.execution.triggers.permission import Choice, Facts, Permission
from cultiva.execution.triggers.records import Cause, Firing, FiringState, Outcome, Withdrawal
from cultiva.execution.triggers.service import Triggers
from cultiva.execution.triggers.watching import Watch
from cultiva.kit.hashing import content_hash
from cultiva.store.database import Database

KNOWN_DAYS_MAX = 7
"""What is known of a customer may be so many days old; nothing is begun on older knowledge."""
LEAST_DAYS_KEPT = 14
"""Room for a task's contact is kept at least so long."""
Knowing = Callable[[Sequence[int]], object]
"""Puts what the newest night knows of customers where execution finds it."""


NOTHING = Choice()


def _as_known(_customer_ids: Sequence[int]) -> object:
    return None


@dataclass(frozen=True)
class Done:
    """What has been decided on a firing."""

    firing: Firing
    state: FiringState
    reason: str = ""
    choice: Choice = NOTHING
    who: Recipient | None = None
    """The customer, as far as known."""
    made_id: str = ""


class Effects:
    """Carries out what triggers want.

    Args:
        workspace: Checked.
        database: The store.
        triggers: Of the workspace.
        tasks: The queue of human work; None: there is none, and tasks are refused.
        know: Fetches what is known of customers of whom the store knows nothing.
    """

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        triggers: Triggers,
        *,
        tasks: Tasks | None = None,
        know: Knowing = _as_known,
    ) -> None:
        self._workspace, self._database, self._triggers = workspace, database, triggers
        self._tasks, self._know = tasks, know
        self._calendar = Calendar.of(workspace)
        self._budget = Budget.of(database, workspace.policy)
        self._recipients = Recipients(database)
        self._launches = Launches(database, workspace.approval)
        self._plays = Plays(database, self._calendar)

    def carry_out_all(self, found: Sequence[Firing | Withdrawal], at: datetime) -> Outcome:
        """Carries out firings and withdrawals in the order in which they were found."""
        firings = [one for one in found if isinstance(one, Firing)]
        return self.carry_out(firings, [one for one in found if isinstance(one, Withdrawal)], at)

    def carry_out(self, firings: Sequence[Firing], withdrawals: Sequence[Withdrawal], at: datetime) -> Outcome:
        """Begins what firings want, and takes back what should not have been begun.

        Args:
            firings: In the order in which they were found; those that are known already are left as they are.
            withdrawals: Of these firings or of earlier ones.
            at: Now.

        Returns:
            What came of the firings that were not known.
        """
        new = self._unknown(firings)
        done = self._decided(new, at) if new else []
        done = [self._enrolled(one, at) for one in done]
        with self._database.writing() as connection:
            done = self._begun(connection, done, at)
            repository.add(connection, [self._row(one) for one in done])
            for gone in withdrawals:
                self._withdraw(connection, gone, at)
        states = {one.firing.firing_id: one.state for one in done}
        return Outcome(states, {one.firing.firing_id: one.reason for one in done if one.reason})

    def _unknown(self, firings: Sequence[Firing]) -> list[Firing]:
        unique = {one.firing_id: one for one in firings}
        if not unique:
            return []
        with self._database.reading() as connection:
            known = repository.states(connection, list(unique))
        return [one for name, one in unique.items() if known.get(name) in (None, FiringState.WITHDRAWN)]

    def _decided(self, firings: Sequence[Firing], at: datetime) -> list[Done]:
        """What would be begun for each, one after the other: what one begins, the next one sees."""
        judge = Permission(self._workspace, self._facts(firings, at))
        found = []
        for one in firings:
            watch = self._triggers.watches.get(one.trigger)
            if watch is None:
                found.append(Done(one, FiringState.REFUSED, permission.NO_TRIGGER))
            elif one.fired > one.due + timedelta(microseconds=watch.trigger.expires_after.total):
                found.append(Done(one, FiringState.EXPIRED))
            else:
                choice = judge.choice(watch, one)
                state = FiringState.REFUSED if choice.reason else FiringState.STARTED
                found.append(Done(one, state, choice.reason, choice, judge.facts.people.get(one.customer_id)))
                if state is FiringState.STARTED:
                    judge.facts.begun.append((one.trigger, one.customer_id, one.firing_id, one.due))
        return found

    def _facts(self, firings: Sequence[Firing], at: datetime) -> Facts:
        watches = [watch for one in firings if (watch := self._triggers.watches.get(one.trigger)) is not None]
        strategies = {watch.trigger.does.play.strategy for watch in watches if watch.trigger.does.play is not None}
        launches = {name: one for name in sorted(strategies) if (one := self._live(name)) is not None}
        ids = sorted({one.customer_id for one in firings})
        people = self._people(ids, at)
        channels = sorted({
            *(name for one in launches.values() for name in one.channels),
            *(watch.trigger.does.task.channel or "" for watch in watches if watch.trigger.does.task is not None),
        } - {""})  # fmt: skip
        oldest = self._calendar.local_day(at, self._calendar.zone) - timedelta(days=KNOWN_DAYS_MAX)
        closed = self._recipients.closed([(one, name) for one in ids for name in channels], oldest=oldest)
        with self._database.reading() as connection:
            begun = repository.begun(connection, ids)
        return Facts(people, closed, launches, self._launches.halts(), begun)

    def _people(self, ids: Sequence[int], at: datetime) -> Mapping[int, Any]:
        today = self._calendar.local_day(at, self._calendar.zone)
        known = self._recipients.of(ids)
        stale = [one for one in ids if one not in known or known[one].business_date < today - timedelta(days=1)]
        if stale:
            self._know(stale)
            known = self._recipients.of(ids)
        return known

    def _live(self, strategy: str) -> Launch | None:
        found = self._launches.all(states=(State.LIVE,), strategy=strategy)
        return self._launches.one(found[0].launch_id) if found else None

    def _enrolled(self, done: Done, at: datetime) -> Done:
        """A customer enters a play; who is in it already, or may not come again, does not."""
        launch = done.choice.launch
        who = done.who
        if done.state is not FiringState.STARTED or launch is None or who is None:
            return done
        before = self._since(launch, who.customer_id)
        if before is not None and before < done.firing.at:
            return replace(done, state=FiringState.REFUSED, reason=permission.IN_PLAY)
        play = Running(launch.launch_id, Graph.from_json(launch.body["play"]))
        row = Enrolment(who.customer_id, who.zone, done.choice.channel, done.choice.offer, done.firing.worth)
        entered = self._plays.enrol(play, [row], at) > 0
        if not entered and before is None:
            return replace(done, state=FiringState.REFUSED, reason=permission.NOT_BACK)
        return replace(done, made_id=launch.launch_id)

    def _since(self, launch: Launch, customer_id: int) -> datetime | None:
        with self._database.reading() as connection:
            return repository.entered(connection, launch.launch_id, [customer_id]).get(customer_id)

    def _begun(self, connection: Connection, done: Sequence[Done], at: datetime) -> list[Done]:
        """Room is asked of the contact budget for all at once, then tasks are made and slots fed."""
        wanted = {one.firing.firing_id: self._touch(one, at) for one in done if self._is_contact(one)}
        asked = [touch for touch in wanted.values() if touch is not None]
        verdicts = {one.touch_id: one for one in self._budget.reserve(connection, asked, at)} if asked else {}
        found = []
        for one in done:
            touch = wanted.get(one.firing.firing_id)
            verdict = verdicts[touch.touch_id] if touch is not None else None
            if verdict is not None and verdict.refusal is not None:
                found.append(replace(one, state=FiringState.REFUSED, reason=verdict.refusal.value))
            else:
                found.append(self._made(connection, one, touch, at))
        return found

    def _is_contact(self, done: Done) -> bool:
        task = self._watch(done).trigger.does.task if done.state is FiringState.STARTED else None
        return task is not None and not task.service

    def _made(self, connection: Connection, done: Done, touch: TouchRequest | None, at: datetime) -> Done:
        if done.state is not FiringState.STARTED or done.choice.launch is not None:
            return done
        watch = self._watch(done)
        task, slot = watch.trigger.does.task, watch.trigger.does.placement
        if slot is not None:
            repository.feed(connection, [{
                "firing_id": done.firing.firing_id, "customer_id": done.firing.customer_id, "offer": slot.offer or "",
                "placement": slot.placement, "strategy": slot.strategy, "at": at,
                "expires": done.firing.due + timedelta(microseconds=watch.trigger.expires_after.total),
            }])  # fmt: skip
            return replace(done, made_id=done.firing.firing_id)
        if task is None or self._tasks is None:
            return replace(done, state=FiringState.REFUSED, reason="no_workbench")
        draft = self._draft(task, done, touch)
        return replace(done, made_id=self._tasks.create([draft], at, connection=connection)[0])

    def _draft(self, task: MakeTask, done: Done, touch: TouchRequest | None) -> Draft:
        who = done.who
        return Draft(
            kind=task.kind,
            customer_id=done.firing.customer_id,
            branch_id=(who.branch_id if who is not None else None) or "",
            adviser_id=(who.adviser_id if who is not None else None) or "",
            step=done.firing.firing_id,
            touch_id=touch.touch_id if touch is not None else "",
            strategy=task.strategy or "",
            offer=task.offer or "",
            channel=task.channel or "",
            worth=done.firing.worth,
            reason=done.firing.reason,
            script=done.firing.script,
        )

    def _touch(self, done: Done, at: datetime) -> TouchRequest:
        who, task = done.who, self._watch(done).trigger.does.task
        assert task is not None and who is not None, "nobody unknown is contacted"
        kind = self._workspace.workbench.kind(task.kind) if self._workspace.workbench is not None else None
        days = 2 * (kind.due_days + (kind.expires_days or 0)) if kind is not None else 0
        return TouchRequest(
            touch_id=content_hash(["firing", done.firing.firing_id]),
            customer_id=who.customer_id,
            household_id=who.household_id,
            channel=done.choice.channel,
            offer=done.choice.offer,
            strategy=task.strategy or "",
            launch_id="",
            step=done.firing.trigger,
            worth=done.firing.worth,
            counts_on=at.astimezone(ZoneInfo(who.zone)).date(),
            expires=at + timedelta(days=max(days, LEAST_DAYS_KEPT)),
        )

    def _watch(self, done: Done) -> Watch:
        return self._triggers.watches[done.firing.trigger]

    def _row(self, done: Done) -> dict[str, Any]:
        one, watch = done.firing, self._triggers.watches.get(done.firing.trigger)
        does = watch.trigger.does if watch is not None else None
        made = (does.play or does.task or does.placement) if does is not None else None
        target = getattr(made, "kind", "") or getattr(made, "placement", "") or getattr(made, "strategy", "")
        return {
            "firing_id": one.firing_id, "trigger": one.trigger, "customer_id": one.customer_id,
            "version": self._workspace.hashes.get(("trigger", one.trigger), ""), "message_id": one.message_id,
            "event": one.event, "at": one.at, "due": one.due, "fired": one.fired, "target": target,
            "effect": does.kind if does is not None else "task", "state": done.state, "reason": done.reason,
            "made_id": done.made_id, "story": {**one.story, "worth": one.worth},
        }  # fmt: skip

    def _withdraw(self, connection: Connection, gone: Withdrawal, at: datetime) -> None:
        """Takes a firing back. A task that nobody has taken up goes with it; a play that was entered goes on."""
        row = repository.one(connection, gone.firing_id)
        if row is None or row.state == FiringState.WITHDRAWN:
            return
        stays = gone.cause is Cause.REPLACED or (row.effect != "placement" and not self._cancelled(connection, row, at))
        repository.withdraw(connection, gone.firing_id, gone.cause.value, begun=stays and bool(row.made_id))

    def _cancelled(self, connection: Connection, row: Any, at: datetime) -> bool:
        task = task_rows.one(connection, row.made_id, lock=False) if row.effect == "task" and row.made_id else None
        if task is None or task.state is not TaskState.OPEN:
            return False
        if task.touch_id:
            self._budget.release([task.touch_id], at, connection=connection)
        task = task_rows.one(connection, task.task_id, lock=True)
        if task is None or task.state is not TaskState.OPEN:
            return False
        task_rows.save(connection, changes.ended(task, Action.CANCELLED, by=SYSTEM, at=at, reason="withdrawn"))
        return True
