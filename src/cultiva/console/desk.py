"""What all pages of one process share: the workspace, the services over its store, and answers kept for a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
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
        self._names = _Names()
        self._seen: Parts | None = None

    def at_one_moment(self) -> ConsoleDesk:
        """The desk for one request that shows something: definitions and published snapshots are those of one moment.

        Its answers are kept with those of all requests. Whoever publishes snapshots needs the desk itself.
        """
        if self._seen is not None:
            return self
        self.doors, self.recipients, self.audit  # noqa: B018  (made once per process)
        found = copy(self)
        found._seen, found._told = self.parts.at_one_moment(), {}
        return found

    @property
    def parts(self) -> Parts:
        """Of the workspace, with its definitions as their files say now."""
        return self._followed.now(self._forget) if self._seen is None else self._seen

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
        return self._names.of(login, lambda: self.doors.name_of(login) or login)

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
        """An answer about a finished run, made once per process; what is published anew for its date makes it anew.

        A run publishes a table after the other, and an answer may be made between two of them: it is kept under all
        that was published for the date when it was made, and not at all if that has changed meanwhile.

        Args:
            name: What was asked.
            on: Business date of the run.
            make: Finds the answer.
        """
        published = self._published(on)
        key = (*name, on, published)
        with self._keeping:
            if key in self._kept:
                return self._kept[key]  # type: ignore[return-value]
        made = make()
        if self._published(on) == published:
            self._keep(key, made)
        return made

    def _keep(self, key: tuple[object, ...], made: object) -> None:
        with self._keeping:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = made

    def _published(self, on: date) -> frozenset[str]:
        """Names of all that is published for a date: a folder of the lake is written once."""
        return frozenset(one.path for one in self.parts.store.snapshots.of_day(on).values())

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


class _Names:
    """Names of users, known for a while."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._since = seconds()

    def of(self, login: str, find: Callable[[], str]) -> str:
        """The name of a login."""
        if seconds() - self._since > NAMES_SECONDS:
            self._known, self._since = {}, seconds()
        if login not in self._known:
            self._known[login] = find()
        return self._known[login]


def _regions(parts: Parts, on: date) -> Mapping[str, str]:
    return {str(row["branch_id"]): str(row["region_code"] or "") for row in read(parts, "branch", on).to_dicts()}
