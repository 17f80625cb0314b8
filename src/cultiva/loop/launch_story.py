"""A launch as it goes: its play with the people, messages and tasks at each step, and what may be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cultiva.execution.calendar.service import Calendar
from cultiva.execution.dispatch.records import State as DeliveryState
from cultiva.execution.launching.launches import Launch
from cultiva.execution.launching.tracking import Messages, Problem, Tracking, Work
from cultiva.execution.plays.graph import Graph, Node
from cultiva.execution.plays.service import Plays
from cultiva.execution.plays.world import Running
from cultiva.execution.tasks.states import State as TaskState
from cultiva.loop.parts import Parts


@dataclass(frozen=True)
class StepNow:
    """One step of a play with what is happening there."""

    node: Node
    waiting: int = 0
    """People who are there now."""
    ended: Mapping[str, int] = field(default_factory=dict)
    """Reason -> people whose way ended there."""
    messages: Mapping[DeliveryState, int] = field(default_factory=dict)
    tasks: Mapping[TaskState, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """Messages that left."""
        return self.messages.get(DeliveryState.SENT, 0) + self.messages.get(DeliveryState.DELIVERED, 0)

    @property
    def queued(self) -> int:
        """Messages that wait."""
        return self.messages.get(DeliveryState.QUEUED, 0) + self.messages.get(DeliveryState.SENDING, 0)

    @property
    def broken(self) -> int:
        """Messages that did not arrive, or nobody knows."""
        return sum(self.messages.values()) - self.sent - self.queued

    @property
    def open(self) -> int:
        """Tasks that are not at an end."""
        return self.tasks.get(TaskState.OPEN, 0) + self.tasks.get(TaskState.ACCEPTED, 0)

    @property
    def done(self) -> int:
        """Tasks that are done."""
        return self.tasks.get(TaskState.DONE, 0)


@dataclass(frozen=True)
class LaunchStory:
    """A launch as it goes."""

    launch: Launch
    graph: Graph
    steps: tuple[StepNow, ...]
    messages: Sequence[Messages]
    problems: Sequence[Problem]
    people: int
    """On their way now."""
    ended: Mapping[str, int]
    """Reason -> people whose way is over."""

    @property
    def by_channel(self) -> Mapping[str, Mapping[DeliveryState, int]]:
        """Channel -> state -> messages."""
        found: dict[str, dict[DeliveryState, int]] = {}
        for one in self.messages:
            states = found.setdefault(one.channel, {})
            states[one.state] = states.get(one.state, 0) + one.count
        return found

    def in_state(self, *states: DeliveryState) -> int:
        """Messages in some states."""
        return sum(one.count for one in self.messages if one.state in states)


def story_of(parts: Parts, launch: Launch) -> LaunchStory:
    """How a launch is getting on.

    Args:
        parts: Of the workspace.
        launch: With its body.
    """
    database = parts.store.database
    graph, tracking = Graph.from_json(launch.body["play"]), Tracking(database)
    standing = Plays(database, Calendar.of(parts.workspace)).standing(Running(launch.launch_id, graph))
    messages, work = tracking.messages(launch.launch_id), tracking.work(launch.launch_id)
    ended: dict[str, int] = {}
    for _, _, state, reason, count in standing:
        if state != "active":
            ended[reason] = ended.get(reason, 0) + count
    return LaunchStory(
        launch=launch,
        graph=graph,
        steps=tuple(_step(node, standing, messages, work) for node in graph.nodes),
        messages=messages,
        problems=tracking.problems(launch.launch_id),
        people=sum(count for _, _, state, _, count in standing if state == "active"),
        ended=ended,
    )


def _step(
    node: Node, standing: Sequence[tuple[str, str, str, str, int]], messages: Sequence[Messages], work: Sequence[Work]
) -> StepNow:
    here = [(state, reason, count) for _, step, state, reason, count in standing if step == node.name]
    ended: dict[str, int] = {}
    for state, reason, count in here:
        if state != "active":
            ended[reason] = ended.get(reason, 0) + count
    sent: dict[DeliveryState, int] = {}
    for one in messages:
        if one.step == node.name:
            sent[one.state] = sent.get(one.state, 0) + one.count
    return StepNow(
        node=node,
        waiting=sum(count for state, _, count in here if state == "active"),
        ended=ended,
        messages=sent,
        tasks={one.state: one.count for one in work if one.step == node.name},
    )
