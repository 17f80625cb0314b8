"""What all requests of one process share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from threading import Event, Lock, Thread
from zoneinfo import ZoneInfo

from fastapi import Request

from cultiva.api.counting import Counts
from cultiva.api.taking import Taking
from cultiva.api.wiring import Wiring, wiring_of
from cultiva.contracts.sight import Sight
from cultiva.execution.access.keys import ApiKey
from cultiva.execution.access.service import Access
from cultiva.execution.answers.linked import Linked
from cultiva.execution.answers.service import Answers
from cultiva.execution.audit.chain import Entry
from cultiva.execution.launching.service import Launches
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.service import Tasks
from cultiva.loop.campaigns import launches_of
from cultiva.loop.desk import desk as tasks_of
from cultiva.loop.following import Followed
from cultiva.loop.lineage import Meant, customer_meant
from cultiva.loop.live.deciding import Deciding, open_deciding
from cultiva.loop.live.intake import Door, open_live_log
from cultiva.loop.parts import Parts
from cultiva.loop.turns import Turns

GRACE_SECONDS = 5.0
"""How long a decision may take that was begun by definitions that have changed since."""


@dataclass(frozen=True)
class Desk:
    """Parts of the workspace and services over its store; used by many threads at once."""

    opened: Parts
    """As they were opened: the store, the clock and the settings stay."""
    followed: Followed
    """The same with the definitions as their files say now."""
    given: Wiring | None
    """What other rooms do for the API, where it is not as the workspace says."""
    turns: Turns
    """At the engine; shared with whoever else is served in this process."""
    _opening: Lock = field(default_factory=Lock)
    _live: dict[str, object] = field(default_factory=dict)
    _ended: Event = field(default_factory=Event)
    _renewing: list[Thread] = field(default_factory=list)

    @property
    def parts(self) -> Parts:
        """Of the workspace, with its definitions as their files say now: at times they are read, so never on a loop."""
        return self.followed.now(self._renew)

    @property
    def wiring(self) -> Wiring:
        """What other rooms do for the API, with definitions as their files say now; take it once for a request."""
        return self.given or wiring_of(self.parts)

    @cached_property
    def access(self) -> Access:
        """Keys, rates, answered requests."""
        return Access(self.opened.store.database)

    @cached_property
    def answers(self) -> Answers:
        """Outcomes."""
        return Answers(self.opened.store.database)

    @property
    def launches(self) -> Launches:
        """Launches and emergency stops."""
        return launches_of(self.parts)

    @cached_property
    def counts(self) -> Counts:
        """What lies in the store, for Prometheus."""
        tasks = None if self.parts.workspace.workbench is None else (lambda: tasks_of(self.parts))
        return Counts(self.opened.store.database, tasks)

    def tasks(self, sight: Sight) -> Tasks:
        """The queue of human work, as far as it is in sight.

        Raises:
            CultivaError: if the workspace has none.
        """
        return tasks_of(self.parts, sight=sight)

    @cached_property
    def taking(self) -> Taking:
        """Takes events in."""
        return Taking(lambda: self.door)

    @property
    def door(self) -> Door:
        """The intake of events; opened by who comes first.

        Raises:
            CultivaError: a conflict, if the workspace has no live side.
        """
        parts = self.parts
        with self._opening:
            if "door" not in self._live:
                log = open_live_log(parts)
                self._live["log"], self._live["door"] = log, Door(parts, log)
            found = self._live["door"]
        assert isinstance(found, Door)
        found.define(parts)
        return found

    @property
    def opened_deciding(self) -> Deciding | None:
        """Who decides, if somebody has asked before."""
        found = self._live.get("deciding")
        return found if isinstance(found, Deciding) else None

    @property
    def deciding(self) -> Deciding:
        """Who decides for one customer now; opened by who comes first."""
        parts = self.parts
        with self._opening:
            if "deciding" not in self._live:
                self._live["deciding"] = self._open_deciding(parts)
            found = self._live["deciding"]
        assert isinstance(found, Deciding)
        return found

    def _open_deciding(self, parts: Parts) -> Deciding:
        return open_deciding(parts, follow=lambda: self.parts)

    def _renew(self) -> None:
        """Definitions are others than before: who decides is replaced beside, for whoever noticed it is answering."""
        if self.opened_deciding is not None:
            thread = Thread(target=self._replace_deciding, name="redefining", daemon=True)
            self._renewing.append(thread)
            thread.start()

    def _replace_deciding(self) -> None:
        """Compiles the rules anew; whoever decides by the old ones comes to an end before these are closed."""
        found = self._open_deciding(self.parts)
        with self._opening:
            before, self._live["deciding"] = self.opened_deciding, found
        self._ended.wait(GRACE_SECONDS)
        if before is not None:
            before.close()

    def close(self) -> None:
        """Ends what was opened on the way."""
        self._ended.set()
        for thread in self._renewing:
            thread.join()
        if (deciding := self.opened_deciding) is not None:
            deciding.close()
        if "taking" in self.__dict__:
            self.taking.close()
        log = self._live.get("log")
        if log is not None:
            log.close()  # type: ignore[attr-defined]

    def audit(self, action: str, subject: str, caller: ApiKey, detail: Mapping[str, object]) -> None:
        """Keeps a line of who did what."""
        told = {**detail, "via": f"key {caller.key_id}"}
        self.launches.audit.write(Entry(self.now(), caller.name, action, subject, told))

    def note(self, kind: str, linked: Linked) -> None:
        """A customer followed a link."""
        self.wiring.note(kind, linked, self.now())

    @contextmanager
    def engine(self) -> Iterator[Parts]:
        """The parts with the engine to oneself.

        Raises:
            CultivaError: if others need it for too long.
        """
        with self.turns.engine():
            yield self.parts

    def name_of(self, customer_id: int) -> str:
        """A customer's name as messages are written with it; empty if it is not known."""
        found = Recipients(self.parts.store.database).of([customer_id]).get(customer_id)
        return "" if found is None else found.name

    def now(self) -> datetime:
        """The present instant."""
        return self.opened.clock()

    def local(self, at: datetime) -> datetime:
        """An instant of the lake, which is kept in the bank's local time without a zone, with its zone."""
        return at.replace(tzinfo=ZoneInfo(self.parts.workspace.settings.timezone))

    def day(self, on: date | None) -> date:
        """The newest business date, up to `on` if given; a run that ended a moment ago is seen."""
        return self.parts.newest_date(on)

    def customer(self, name: str, on: date, sight: Sight) -> Meant:
        """The customer who is meant, followed through merges, if in sight."""
        return customer_meant(self.parts, name, on, sight=sight)


def desk_of(request: Request) -> Desk:
    """The desk of the application that answers."""
    found = request.app.state.desk
    assert isinstance(found, Desk)
    return found
