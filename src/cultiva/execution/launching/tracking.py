"""How launches are getting on: where people are, what became of messages and tasks, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, func, select

from cultiva.execution.dispatch.records import State as DeliveryState
from cultiva.execution.tables import DELIVERY, JOURNEY, TASK
from cultiva.execution.tasks.states import State as TaskState
from cultiva.store.database import Database

BROKEN = (DeliveryState.FAILED, DeliveryState.DEAD, DeliveryState.UNKNOWN, DeliveryState.CANCELLED)
"""States with a problem that people should read."""


@dataclass(frozen=True)
class Messages:
    """Deliveries of one step over one channel in one state."""

    step: str
    channel: str
    state: DeliveryState
    count: int


@dataclass(frozen=True)
class Work:
    """Tasks of one step in one state."""

    step: str
    state: TaskState
    count: int


@dataclass(frozen=True)
class Problem:
    """Why messages of a launch did not arrive, and how many."""

    channel: str
    state: DeliveryState
    problem: str
    count: int
    newest: datetime


@dataclass(frozen=True)
class Total:
    """A launch in numbers."""

    people: int = 0
    """On their way in its play."""
    entered: int = 0
    """Ever entered it."""
    sent: int = 0
    """Messages that their provider has, delivered or not."""
    waiting: int = 0
    """Messages queued or leaving."""
    broken: int = 0
    """Messages refused, dead or of unknown fate."""
    tasks_open: int = 0
    tasks_done: int = 0


class Tracking:
    """Reads how launches are getting on.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def messages(self, launch_id: str) -> Sequence[Messages]:
        """Deliveries by step, channel and state."""
        what = (DELIVERY.c.step, DELIVERY.c.channel, DELIVERY.c.state)
        asked = select(*what, func.count()).where(DELIVERY.c.launch_id == launch_id).group_by(*what).order_by(*what)
        with self._database.reading() as connection:
            rows = connection.execute(asked).all()
        return tuple(Messages(step, channel, DeliveryState(state), count) for step, channel, state, count in rows)

    def work(self, launch_id: str) -> Sequence[Work]:
        """Tasks by step and state."""
        what = (TASK.c.step, TASK.c.state)
        asked = select(*what, func.count()).where(TASK.c.launch_id == launch_id).group_by(*what).order_by(*what)
        with self._database.reading() as connection:
            return tuple(Work(step, TaskState(state), count) for step, state, count in connection.execute(asked))

    def problems(self, launch_id: str, *, most: int = 20) -> Sequence[Problem]:
        """What went wrong, the most frequent first."""
        what, count = (DELIVERY.c.channel, DELIVERY.c.state, DELIVERY.c.problem), func.count().label("n")
        asked = (
            select(*what, count, func.max(DELIVERY.c.changed))
            .where(DELIVERY.c.launch_id == launch_id, DELIVERY.c.state.in_(BROKEN))
            .group_by(*what)
            .order_by(count.desc(), *what)
            .limit(most)
        )
        with self._database.reading() as connection:
            rows = connection.execute(asked).all()
        return tuple(Problem(channel, DeliveryState(state), text, n, at) for channel, state, text, n, at in rows)

    def totals(self) -> Mapping[str, Total]:
        """Every launch that has people, messages or tasks -> its numbers."""
        people, sent, tasks = (self._counted(table) for table in (JOURNEY, DELIVERY, TASK))
        ids = {*people, *sent, *tasks}
        return {one: _total(people.get(one, {}), sent.get(one, {}), tasks.get(one, {})) for one in ids if one}

    def _counted(self, table: Table) -> dict[str, dict[str, int]]:
        """Launch -> state -> rows."""
        what = (table.c.launch_id, table.c.state)
        found: dict[str, dict[str, int]] = {}
        with self._database.reading() as connection:
            for launch_id, state, count in connection.execute(select(*what, func.count()).group_by(*what)):
                found.setdefault(launch_id, {})[state] = count
        return found


def _total(people: Mapping[str, int], sent: Mapping[str, int], tasks: Mapping[str, int]) -> Total:
    return Total(
        people=people.get("active", 0),
        entered=sum(people.values()),
        sent=sent.get("sent", 0) + sent.get("delivered", 0),
        waiting=sent.get("queued", 0) + sent.get("sending", 0),
        broken=sum(sent.get(one.value, 0) for one in BROKEN if one is not DeliveryState.CANCELLED),
        tasks_open=tasks.get("open", 0) + tasks.get("accepted", 0),
        tasks_done=tasks.get("done", 0),
    )
