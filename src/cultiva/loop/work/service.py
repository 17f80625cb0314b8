"""A worker: lets who was chosen enter plays, moves them on, sends what is due, and takes in what comes back.

Any number of workers share the work; one that dies leaves nothing half done that another would not take up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from threading import Lock

from cultiva.definitions.content import Content
from cultiva.execution.budget.service import Budget
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.channels.service import open_providers
from cultiva.execution.content.links import KEY_VARIABLE
from cultiva.execution.content.service import Renderer
from cultiva.execution.dispatch.records import Claimed, Filled, Lane, Stopped, Tally
from cultiva.execution.dispatch.service import Dispatcher
from cultiva.execution.dispatch.worker import Crew
from cultiva.execution.launching.launches import RUNNING, Launch, State
from cultiva.execution.launching.service import Launches
from cultiva.execution.outgoing.service import Outgoing
from cultiva.execution.plays.service import Plays
from cultiva.execution.plays.world import Moves, Running, World
from cultiva.execution.recipients.service import Recipients
from cultiva.loop.campaigns import current_version
from cultiva.loop.desk import desk, refresh_staff
from cultiva.loop.parts import Parts
from cultiva.loop.previews import renderer
from cultiva.loop.recipients import refresh
from cultiva.loop.stopping import forgotten
from cultiva.loop.work.enrolling import dates_due, enrol, running
from cultiva.loop.work.gates import Gates, days_for
from cultiva.loop.work.knowledge import Knowledge
from cultiva.loop.work.wording import Script, Wording

TASKS_AT_A_TIME = 500
"""Tasks worded at once."""


@dataclass
class Round:
    """What one round did."""

    entered: int = 0
    """Customers who entered plays."""
    moves: Moves = field(default_factory=Moves)
    """How people moved."""
    sent: Tally = field(default_factory=Tally)
    """What became of messages."""
    tasks: int = 0
    """Tasks that are ready to be read."""
    heard: int = 0
    """Reports taken in."""
    escalated: int = 0
    """Tasks that the clock moved: escalated, passed on, sent back, given up; taken back with their launch."""
    expired: int = 0
    """Reservations that ran out."""
    changed: list[str] = field(default_factory=list)
    """Strategies whose definitions have changed since their launch was approved: nobody new enters."""

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.entered or self.moves.transitions or self.tasks or self.heard) and self.sent.idle

    def data(self) -> dict[str, object]:
        """As JSON-like data."""
        return {
            "entered": self.entered,
            "steps": dict(sorted(self.moves.steps.items())),
            "exits": dict(sorted(self.moves.exits.items())),
            "waves": dict(sorted(self.moves.waves.items())),
            "refused": dict(sorted(self.moves.refused.items())),
            "closed": dict(sorted(self.moves.closed.items())),
            "messages": {name: value for name, value in vars(self.sent).items() if value},
            "tasks": self.tasks,
            "heard": self.heard,
            "escalated": self.escalated,
            "expired": self.expired,
            "changed": self.changed,
        }


class Worker:
    """One process that carries out launches.

    Args:
        parts: Of the workspace.
        name: Of the process, for the evidence.
    """

    def __init__(self, parts: Parts, name: str) -> None:
        self._parts, self._name = parts, name
        database, workspace = parts.store.database, parts.workspace
        self.calendar = Calendar.of(workspace)
        self.budget = Budget.of(database, workspace.policy)
        self.recipients, self.outgoing = Recipients(database), Outgoing(database)
        self.launches = Launches(database, workspace.approval)
        self.plays = Plays(database, self.calendar)
        self.gates = Gates(workspace, self.calendar, self.budget, self.recipients, self.outgoing, self._messages)
        self.tasks = desk(parts) if workspace.workbench is not None else None
        self._known: Knowledge | None = None
        self._swept: dict[str, object] = {}
        self._current: dict[str, bool] = {}
        self._closing: list[Callable[[], None]] = []
        self._wordings = Lock()
        self._scripts: dict[str, tuple[Running, Script]] = {}

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """Sends; its connections are opened when they are needed."""
        settings = self._parts.workspace.providers
        used = {one.provider for one in self._parts.workspace.policy.channels if one.provider is not None}
        opened = {name: settings[name] for name in sorted(used)}
        providers = open_providers(opened, root=self._parts.root, clock=self._parts.clock)
        self._closing = [one.close for one in providers.values()]
        lanes = {
            name: Lane(provider, settings[name].batch, settings[name].timeout_seconds, settings[name].per_second_max)
            for name, provider in providers.items()
        }
        return Dispatcher(self._parts.store.database, lanes, self.gates.checks())

    @cached_property
    def crew(self) -> Crew:
        """The lanes, each with a thread of its own."""
        return Crew(self.dispatcher, self._name, clock=self._parts.clock)

    def start(self) -> None:
        """Lets the lanes send and fetch by themselves from now on, however long a round takes."""
        if self._parts.workspace.providers:
            self._renew_knowledge(self._parts.clock())  # by which messages are worded
            self.crew.start()

    @cached_property
    def renderer(self) -> Renderer:
        """Words content; its links are signed with the keys of the environment."""
        return renderer(self._parts, os.environ.get(KEY_VARIABLE, ""))

    def round(self, at: datetime) -> Round:
        """Does everything that is due.

        Args:
            at: Now.
        """
        done = Round(expired=self.budget.expire(at))
        self._renew_knowledge(at)
        if self._parts.workspace.providers:
            self.dispatcher.tend(at)
            self._hear(done)
        for launch in self.launches.all(states=RUNNING):
            if launch.state is State.LIVE:
                self._carry_out(launch, at, done)
        done.tasks = self._word_tasks()
        if self._parts.workspace.providers:
            self._send(done)
        if self.tasks is not None:
            done.escalated = sum(vars(self.tasks.escalate(at)).values()) + forgotten(self.launches, self.tasks, at)
        return done

    def close(self) -> None:
        """Lets the lanes finish what they are at, and gives the connections to providers back."""
        if "crew" in self.__dict__:
            self.crew.close()
        for close in self._closing:
            close()
        self._closing.clear()

    def _carry_out(self, launch: Launch, at: datetime, done: Round) -> None:
        play, _ = self._approved(launch)
        current = self._is_current(launch)
        if not current:
            done.changed.append(launch.strategy)
        for on in dates_due(self._parts, launch) if current else ():
            done.entered += enrol(self._parts, self.plays, launch, play, on=on, at=at)
        world = self._world(launch)
        if self._known is not None and self._swept.get(launch.launch_id) != self._known.on:
            _merge(done.moves, self.plays.sweep(play, at, world=world))
            self._swept[launch.launch_id] = self._known.on
        _merge(done.moves, self.plays.advance(play, at, world=world))

    def _approved(self, launch: Launch) -> tuple[Running, Script]:
        """The play and the words of a launch as they were approved, which never change; listed launches lack them."""
        if launch.launch_id not in self._scripts:
            whole = self.launches.one(launch.launch_id)
            play = running(whole)
            contents = {name: Content.model_validate(body) for name, body in whole.body.get("contents", {}).items()}
            steps = {node.name: node.content for node in play.graph.nodes if node.content}
            self._scripts[launch.launch_id] = play, Script(contents, steps)
        return self._scripts[launch.launch_id]

    def _is_current(self, launch: Launch) -> bool:
        """Whether the definitions by which a daily plan chooses people are still those that were approved."""
        if launch.enrols == "once":
            return True  # its people were chosen before it was approved
        if launch.launch_id not in self._current:
            self._current[launch.launch_id] = current_version(self._parts, launch.strategy) == launch.version
        return self._current[launch.launch_id]

    def _hear(self, done: Round) -> None:
        """Reports come before people move, so that an answer counts at once; lanes by themselves have them already."""
        if self.crew.started:
            told = self.crew.collect()
            done.heard, done.sent = told.heard.new, told.sent
        else:
            done.heard = self.crew.poll().new

    def _send(self, done: Round) -> None:
        if not self.crew.started:
            done.sent = self.crew.send()

    def _word_tasks(self) -> int:
        """Fills the facts of new tasks in."""
        total = 0
        while plain := self.outgoing.plain_tasks(TASKS_AT_A_TIME):
            with self._wordings:
                worded = self._wording().tasks(plain)
            self.outgoing.word_tasks(worded)
            total += len(plain)
        return total

    def _world(self, launch: Launch) -> World:
        days = days_for(self._parts.workspace, launch.offers)
        known, quiet = self._known, self.gates.quiet
        carriers = {
            one.name: (one.provider, self._parts.workspace.providers[one.provider].kind)
            for one in self._parts.workspace.policy.channels
            if one.provider is not None
        }
        answers = {} if known is None else {"holds": known.holds, "dates": known.dates}
        return World(
            horizon=lambda zone, at: self.calendar.next_open(at, zone, quiet, days=days),
            reserve=lambda connection, asked, at: [
                one.touch_id for one in self.budget.reserve(connection, asked, at) if one.granted
            ],
            carriers=carriers,
            **answers,
        )

    def _renew_knowledge(self, at: datetime) -> None:
        """Takes up a new night's profile: what it says of everybody in a play, and who does tasks."""
        newest = self._parts.store.snapshots.latest("decisions", None)
        if newest is None or (self._known is not None and self._known.on == newest.business_date):
            return
        refresh(self._parts, self.recipients.in_flight(), newest.business_date)
        refresh_staff(self._parts, newest.business_date, at)
        self._known = Knowledge(self._parts, newest.business_date)

    def _messages(self, batch: Sequence[Claimed]) -> Mapping[str, Filled | Stopped]:
        """Words are made by one thread at a time."""
        with self._wordings:
            return self._wording().messages(batch)

    def _wording(self) -> Wording:
        known = self._known or Knowledge(self._parts, self._parts.newest_date())
        scripts = {one.launch_id: self._approved(one)[1] for one in self.launches.all(states=RUNNING)}
        return Wording(known, self.renderer, self.recipients, self.outgoing, scripts)


def _merge(one: Moves, other: Moves) -> None:
    for name in ("steps", "exits", "waves", "refused", "closed"):
        for key, count in getattr(other, name).items():
            one.add(getattr(one, name), key, count)
