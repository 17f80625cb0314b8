"""What all pages of one process share: the workspace, the services over its store, and answers kept for a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from threading import Lock
from typing import TypeVar
from zoneinfo import ZoneInfo

from cultiva.console.security import SESSION, cookie_name
from cultiva.console.visitor import Visitor
from cultiva.contracts.sight import Sight
from cultiva.execution.access.doors import Doors, User
from cultiva.execution.access.entering.reading import rules_of
from cultiva.execution.access.roles import Right, rights_of
from cultiva.execution.access.seeing import sight_of
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import Audit
from cultiva.execution.launching.service import Launches
from cultiva.execution.recipients.service import Recipients
from cultiva.kit.clock import seconds
from cultiva.loop.campaigns import launches_of
from cultiva.loop.customers import unmasking_of
from cultiva.loop.following import Followed
from cultiva.loop.parts import Parts
from cultiva.loop.shows import read
from cultiva.loop.turns import Turns

KEPT = 64
"""Answers about a finished run that are kept; the oldest goes first."""

NAMES_SECONDS = 60.0
"""How long the name of a user may be an old one."""

T = TypeVar("T")


class ConsoleDesk:
    """The workspace as the pages use it; by many threads at once.

    Args:
        parts: Of the workspace; they stay open as long as the console lives.
        turns: At the engine.
    """

    def __init__(self, parts: Parts, turns: Turns) -> None:
        self._followed = Followed(parts)
        self._turns = turns
        self._kept: dict[tuple[object, ...], object] = {}
        self._keeping = Lock()
        self._told: dict[str, Parts] = {}
        self._named: dict[str, str] = {}
        self._named_at = seconds()

    @property
    def parts(self) -> Parts:
        """Of the workspace, with its definitions as their files say now."""
        return self._followed.now(self._forget)

    @cached_property
    def doors(self) -> Doors:
        """Users and their sessions."""
        workspace = self.parts.workspace
        return Doors(self.parts.store.database, rules_of(workspace.settings.console, workspace.root))

    @property
    def launches(self) -> Launches:
        """Launches and emergency stops."""
        return launches_of(self.parts)

    @cached_property
    def recipients(self) -> Recipients:
        """Consent."""
        return Recipients(self.parts.store.database)

    @cached_property
    def audit(self) -> Audit:
        """Who did what."""
        return Audit(self.parts.store.database)

    def person(self, login: str) -> str:
        """What somebody is called whom the store knows by login; what is no login is told as it is."""
        if seconds() - self._named_at > NAMES_SECONDS:
            self._named, self._named_at = {}, seconds()
        if login not in self._named:
            self._named[login] = self.doors.name_of(login) or login
        return self._named[login]

    def visitor(self, cookies: Mapping[str, str]) -> Visitor | None:
        """Who comes with these cookies; None if nobody who is known."""
        name = cookie_name(self.parts.workspace.settings.console, SESSION)
        session = self.doors.session(cookies.get(name, ""), self.now())
        return None if session is None else Visitor(session, self.sight(session.user), self._unmasked(session.user))

    def _unmasked(self, user: User) -> Callable[[int], bool]:
        """Whether a user is shown a customer's personal data now; asked only where a single customer is shown."""
        if Right.UNMASK not in rights_of(user.roles):
            return lambda _customer_id: False
        return lambda customer_id: unmasking_of(self.parts).may_see(user.user_id, customer_id, self.now())

    def sight(self, user: User) -> Sight:
        """Whom a user sees; branches and their regions as the newest run knows them."""
        return sight_of(user, self.regions())

    def regions(self) -> Mapping[str, str]:
        """Branch -> its region code, of the newest run."""
        found = self.parts.store.snapshots.latest("profile", None)
        if found is None:
            return {}
        on = found.business_date
        return self.kept(("regions",), on, lambda: _regions(self.parts, on))

    def note(self, who: Visitor, action: str, subject: str, detail: Mapping[str, object]) -> None:
        """Keeps a line of who did what."""
        self.audit.write(Entry(self.now(), who.user.login, action, subject, {**detail, "via": "console"}))

    def told(self, language: str) -> Parts:
        """The parts as if the workspace's language were another: whoever looks reads their own."""
        if language not in self._told:
            settings = self.parts.workspace.settings.model_copy(update={"language": language})
            self._told[language] = replace(self.parts, workspace=replace(self.parts.workspace, settings=settings))
        return self._told[language]

    @contextmanager
    def engine(self) -> Iterator[Parts]:
        """The parts with the engine to oneself.

        Raises:
            CultivaError: if others need it for too long.
        """
        with self._turns.engine():
            yield self.parts

    def kept(self, name: tuple[object, ...], on: date, make: Callable[[], T]) -> T:
        """An answer about a finished run, made once per process; a run of the same date anew makes it anew.

        Args:
            name: What was asked.
            on: Business date of the run.
            make: Finds the answer.
        """
        snapshot = self.parts.store.snapshots.latest("profile", on)
        key = (*name, on, None if snapshot is None else snapshot.run_id)
        with self._keeping:
            if key in self._kept:
                return self._kept[key]  # type: ignore[return-value]
        made = make()
        with self._keeping:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = made
        return made

    def _forget(self) -> None:
        """Lets go of what was made of definitions that have changed."""
        with self._keeping:
            self._kept.clear()
            self._told.clear()

    def day(self, on: date | None = None) -> date:
        """The newest business date, up to `on` if given; a run that ended a moment ago is seen."""
        return self.parts.newest_date(on)

    def now(self) -> datetime:
        """The present instant."""
        return self.parts.clock()

    def local(self, at: datetime) -> datetime:
        """An instant in the bank's time; what has no zone is the bank's time already."""
        zone = ZoneInfo(self.parts.workspace.settings.timezone)
        return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)


def _regions(parts: Parts, on: date) -> Mapping[str, str]:
    return {str(row["branch_id"]): str(row["region_code"] or "") for row in read(parts, "branch", on).to_dicts()}
