"""Launches: put forward, judged by others, let go, held, broken off; and emergency stops.

Every change is one transaction with its line in the audit: neither is there without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cultiva.definitions.approval import Approval
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import Audit, write
from cultiva.execution.audit.service import last_of as last_audited
from cultiva.execution.launching import refusals, repository
from cultiva.execution.launching.halting import checked_scope, demand_other_person
from cultiva.execution.launching.judging import Missing, demand_may_judge, missing
from cultiva.execution.launching.launches import (
    RUNNING,
    Halt,
    Judgement,
    Launch,
    Person,
    State,
    Submission,
    Waiting,
    concerned,
)
from cultiva.execution.launching.states import PAST, Act, moved
from cultiva.kit.errors import CultivaError
from cultiva.kit.hashing import content_hash
from cultiva.store.database import Database

Consequence = Callable[[Connection, Launch, datetime], Mapping[str, int]]
"""What else changes in the same transaction, e.g. queued deliveries that are cancelled; returns how many of what."""
NO_CONSEQUENCES: Mapping[Act, Consequence] = {}
SHORTEST = 4
"""Fewest characters by which a launch may be named."""


def counted(connection: Connection, launch: Launch, _at: datetime) -> Mapping[str, int]:
    """The consequence of a stop: how much of what is taken back, counted as the launch is stopped."""
    return asdict(repository.waiting(connection, launch.launch_id))


class Launches:
    """Everything that people do with launches.

    Args:
        database: Where they lie.
        approval: Who may approve what.
        consequences: What else an act changes in its transaction, in other rooms' tables.
    """

    def __init__(
        self,
        database: Database,
        approval: Approval | None = None,
        *,
        consequences: Mapping[Act, Consequence] = NO_CONSEQUENCES,
    ) -> None:
        self._database = database
        self._approval = approval or Approval()
        self._consequences = consequences
        self.audit = Audit(database)

    def submit(self, one: Submission, author: Person, at: datetime) -> Launch:
        """Puts a strategy forward; the same again by the same author is the same launch.

        Raises:
            CultivaError: a conflict, if somebody else has put forward the very same.
        """
        with self._database.writing() as connection:
            launch_id = one.launch_id(repository.attempts_over(connection, one) + 1)
            added = repository.add(connection, one, launch_id, author.name.strip(), at)
            launch = _held(connection, launch_id)
            if not author.is_same(launch.author):
                raise refusals.submitted_by_other(launch)
            if added:
                detail = {
                    "strategy": one.strategy,
                    "version": one.version,
                    "business_date": str(one.business_date),
                    "enrols": one.enrols,
                    "cost": one.cost,
                    "customers": launch.customers,
                    "explanation": content_hash(dict(one.explanation)),
                    "state": State.SUBMITTED,
                }
                _note(connection, author, at, "launch.submitted", launch.subject, detail)
        return launch

    def approve(
        self, launch_id: str, person: Person, role: str, at: datetime, *, remark: str = "", version: str | None = None
    ) -> Launch:
        """Says yes in a role. The launch is approved once everybody needed has said so.

        Args:
            launch_id: Which.
            person: Who; never its author.
            role: In which role of approval.yaml.
            at: The present instant.
            remark: What they have to say.
            version: Of the strategy as it stands now; None: not looked at.

        Raises:
            CultivaError: if they may not, it is not waiting for it, or the strategy has changed since.
        """
        with self._database.writing() as connection:
            launch = self._judged(connection, launch_id, person, role, at, remark=remark, act=Act.APPROVE)
            _demand_version(launch, version)
            left = missing(launch, repository.judgements(connection, launch.launch_id), self._approval)
            said = {"role": role, "remark": remark, "version": launch.version, "cost": launch.cost}
            if not left.nothing:
                return _noted(connection, launch, person, at, "launch.seconded", {**said, "missing": left.approvals})
            return self._move(connection, launch, Act.APPROVE, person, at, said)

    def reject(self, launch_id: str, person: Person, role: str, at: datetime, *, remark: str = "") -> Launch:
        """Says no in a role; one no is enough.

        Raises:
            CultivaError: if they may not, or it is not waiting for it.
        """
        with self._database.writing() as connection:
            launch = self._judged(connection, launch_id, person, role, at, remark=remark, act=Act.REJECT)
            said = {"role": role, "remark": remark, "version": launch.version}
            return self._move(connection, launch, Act.REJECT, person, at, said)

    def _judged(  # noqa: PLR0913  (what a judgement is)
        self, connection: Connection, launch_id: str, person: Person, role: str, at: datetime, *, remark: str, act: Act
    ) -> Launch:
        launch = _held(connection, launch_id)
        moved(launch.state, act, shown=_shown(launch))
        said = repository.judgements(connection, launch.launch_id)
        demand_may_judge(launch, person, role, self._approval, said=said)
        approved = act is Act.APPROVE
        judged = Judgement(launch.launch_id, person.name.strip(), launch.version, role, approved, remark, at)
        repository.add_judgement(connection, judged)
        return launch

    def go_live(self, launch_id: str, person: Person, at: datetime, *, version: str | None = None) -> Launch:
        """Lets an approved launch go out.

        Args:
            launch_id: Which.
            person: Who; the author may.
            at: The present instant.
            version: Of the strategy as it stands now; None: not looked at.

        Raises:
            CultivaError: if it is not approved or halted, if the strategy has changed since, or if another launch would
                reach the same people.
        """
        with self._database.writing() as connection:
            others = repository.hold_strategy(connection, launch_id)
            launch = self._free(connection, launch_id, Act.LAUNCH)
            _demand_version(launch, version)
            for other in others:
                same = other.business_date == launch.business_date or "daily" in (other.enrols, launch.enrols)
                if other.launch_id != launch.launch_id and other.state in RUNNING and same:
                    raise refusals.runs_already(launch, other)
            return self._move(connection, launch, Act.LAUNCH, person, at, {"version": launch.version})

    def pause(self, launch_id: str, person: Person, at: datetime, *, remark: str = "") -> Launch:
        """Holds a live launch; people keep their place in it."""
        return self._plain(launch_id, Act.PAUSE, person, at, remark)

    def resume(self, launch_id: str, person: Person, at: datetime, *, remark: str = "") -> Launch:
        """Goes on after a pause.

        Raises:
            CultivaError: if it is not paused or halted, or if that takes another person than who paused it.
        """
        with self._database.writing() as connection:
            launch = self._free(connection, launch_id, Act.RESUME)
            before = last_audited(connection, launch.subject, "launch.paused")
            if before is not None and "resume" in self._approval.second_person:
                demand_other_person("resume", person, before.actor)
            return self._move(connection, launch, Act.RESUME, person, at, {"remark": remark})

    def stop(self, launch_id: str, person: Person, at: datetime, *, remark: str = "") -> Launch:
        """Breaks a launch off for good, or takes it back before it has gone out."""
        return self._plain(launch_id, Act.STOP, person, at, remark)

    def finish(self, launch_id: str, person: Person, at: datetime, *, remark: str = "") -> Launch:
        """Says that a launch is done."""
        return self._plain(launch_id, Act.FINISH, person, at, remark)

    def throttle(self, launch_id: str, per_minute_max: int | None, person: Person, at: datetime) -> Launch:
        """Sends at most so many messages a minute, over all channels; None: as many as providers take.

        Raises:
            CultivaError: if it is over, or the number is none.
        """
        with self._database.writing() as connection:
            launch = _held(connection, launch_id)
            refusals.demand_throttle(launch, per_minute_max)
            repository.set_throttle(connection, launch.launch_id, per_minute_max, at)
            detail = {"per_minute_max": per_minute_max, "before": launch.per_minute_max}
            _note(connection, person, at, "launch.throttled", launch.subject, detail)
        return replace(launch, per_minute_max=per_minute_max, changed=at)

    def halt(self, scope: str, reason: str, person: Person, at: datetime) -> Halt:
        """Stops everything within a scope at once. A second halt of the same scope changes nothing and is noted.

        Args:
            scope: `all`, `channel:<name>` or `strategy:<name>`.
            reason: Why; not empty.
            person: Who; anybody may.
            at: The present instant.

        Raises:
            CultivaError: if the scope is none, or no reason is given.
        """
        scope = checked_scope(scope, reason)
        with self._database.writing() as connection:
            asked = Halt(scope, reason.strip(), person.name.strip(), at)
            found = repository.set_halt(connection, asked)
            action = "halt.set" if found == asked else "halt.repeated"
            _note(connection, person, at, action, f"halt:{scope}", {"reason": reason.strip()})
        return found

    def lift(self, scope: str, person: Person, at: datetime, *, reason: str = "") -> Halt:
        """Lifts an emergency stop; usually takes another person than who set it.

        Raises:
            CultivaError: if there is none of that scope, or the same person set it.
        """
        with self._database.writing() as connection:
            found = repository.hold_halt(connection, scope)
            if found is None:
                raise refusals.not_halted(scope, repository.halts(connection))
            if "lift" in self._approval.second_person:
                demand_other_person("lift", person, found.actor)
            repository.remove_halt(connection, scope)
            detail = {"reason": reason, "set_by": found.actor, "was": found.reason}
            _note(connection, person, at, "halt.lifted", f"halt:{scope}", detail)
        return found

    def one(self, name: str) -> Launch:
        """The launch of that id, or of the only id that begins so.

        Raises:
            CultivaError: if there is none, or several.
        """
        with self._database.reading() as connection:
            found = repository.get(connection, name)
            if found is None:
                like = repository.ids_like(connection, name, 5) if len(name) >= SHORTEST else []
                if len(like) != 1:
                    raise refusals.no_launch(name, like)
                found = repository.get(connection, like[0])
        assert found is not None, "launches are never removed"
        return found

    def all(self, *, states: Collection[State] = (), strategy: str | None = None) -> Sequence[Launch]:
        """Launches without explanation, the newest first."""
        with self._database.reading() as connection:
            return tuple(repository.listed(connection, states=states, strategy=strategy))

    def judgements(self, launch_id: str) -> Sequence[Judgement]:
        """What was said of a launch, the oldest first."""
        with self._database.reading() as connection:
            return tuple(repository.judgements(connection, launch_id))

    def missing(self, launch: Launch) -> Missing:
        """What is missing before a launch is approved."""
        return missing(launch, self.judgements(launch.launch_id), self._approval)

    def roles_for(self, launch: Launch, person: Person) -> Mapping[str, CultivaError | None]:
        """Every role of approval.yaml -> what keeps somebody from judging a launch in it; None: nothing."""
        said = self.judgements(launch.launch_id)
        found: dict[str, CultivaError | None] = {}
        for role in self._approval.roles:
            try:
                moved(launch.state, Act.APPROVE, shown=_shown(launch))
                demand_may_judge(launch, person, role.name, self._approval, said=said)
                found[role.name] = None
            except CultivaError as error:
                found[role.name] = error
        return found

    def halts(self) -> Mapping[str, Halt]:
        """Emergency stops in force, by scope."""
        with self._database.reading() as connection:
            return repository.halts(connection)

    def people_in(self, launch_id: str) -> tuple[Sequence[int], Sequence[str]]:
        """Customers on their way through a launch, and the offer decided for each, side by side."""
        with self._database.reading() as connection:
            return repository.people_in(connection, launch_id)

    def waiting(self, launch_id: str) -> Waiting:
        """What of a launch is on its way, and would be taken back if it were stopped now."""
        with self._database.reading() as connection:
            return repository.waiting(connection, launch_id)

    def counts(self) -> Mapping[State, int]:
        """Launches by state."""
        with self._database.reading() as connection:
            return repository.counts(connection)

    def stopped_since(self, moment: datetime) -> Sequence[str]:
        """Ids of launches that were broken off at or after a moment."""
        with self._database.reading() as connection:
            return repository.stopped_since(connection, moment)

    def unaudited(self) -> Mapping[str, tuple[str, State]]:
        """Launches whose state is not what the audit says: id -> (as the audit says, as it is). Empty: none."""
        said = self.audit.last_details("launch", "state")
        with self._database.reading() as connection:
            found = repository.states(connection)
        every = {name.removeprefix("launch:"): str(state) for name, state in said.items()}
        return {
            name: (every.get(name, ""), state) for name, state in found.items() if every.get(name, "") != str(state)
        }

    def _plain(self, launch_id: str, act: Act, person: Person, at: datetime, remark: str) -> Launch:
        with self._database.writing() as connection:
            launch = _held(connection, launch_id)
            return self._move(connection, launch, act, person, at, {"remark": remark})

    def _free(self, connection: Connection, launch_id: str, act: Act) -> Launch:
        """The launch, if an act that lets something out is possible."""
        launch = _held(connection, launch_id)
        moved(launch.state, act, shown=_shown(launch))
        halt = concerned(repository.halts(connection), launch.strategy, launch.channels)
        if halt is not None:
            raise refusals.halted(launch, act, halt)
        return launch

    def _move(
        self, connection: Connection, launch: Launch, act: Act, person: Person, at: datetime, detail: Mapping[str, Any]
    ) -> Launch:
        """Changes the state, with its consequences and its line in the audit."""
        state = moved(launch.state, act, shown=_shown(launch))
        changed = repository.set_state(connection, launch, state, at)
        assert changed, "the row is held since it was read"
        after = replace(launch, state=state, changed=at)
        consequence = self._consequences.get(act)
        more = {} if consequence is None else {"consequences": dict(consequence(connection, after, at))}
        told = {**detail, **more, "state": state, "before": launch.state}
        return _noted(connection, after, person, at, f"launch.{PAST[act]}", told)


def _held(connection: Connection, launch_id: str) -> Launch:
    found = repository.get(connection, launch_id, for_change=True)
    if found is None:
        raise refusals.no_launch(launch_id, [])
    return found


def _shown(launch: Launch) -> str:
    return f"{launch.launch_id} ({launch.strategy})"


def _demand_version(launch: Launch, version: str | None) -> None:
    if content_hash(dict(launch.body)) != launch.version:
        raise refusals.tampered(launch)
    if version is not None and version != launch.version:
        raise refusals.changed(launch, version)


def _noted(
    connection: Connection, launch: Launch, person: Person, at: datetime, action: str, detail: Mapping[str, Any]
) -> Launch:
    _note(connection, person, at, action, launch.subject, detail)
    return launch


def _note(
    connection: Connection, person: Person, at: datetime, action: str, subject: str, detail: Mapping[str, Any]
) -> None:
    via = {"via": person.via} if person.via else {}
    write(connection, Entry(at, person.name.strip(), action, subject, {**detail, **via}))
