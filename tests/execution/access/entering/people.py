"""Doors with cheap hashes, and people at them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cultiva.execution.access.doors import DoorRules, Doors, Entered, NewUser, User
from cultiva.execution.access.entering.lockout import LockRule
from cultiva.execution.access.entering.passwords import HashCost
from cultiva.execution.access.roles import Role
from cultiva.execution.audit.service import Audit
from cultiva.store import Store, open_store

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CHEAP = HashCost(passes=1, memory_kib=8, lanes=1)
RULES = DoorRules(cost=CHEAP)
PASSWORD = "four words of mine"
OTHER = "another four words"
HERE = "10.1.2.3"
MINUTE = timedelta(minutes=1)


def made(doors: Doors, login: str, *roles: Role, password: str = PASSWORD, once: bool = False) -> User:
    """A user who needs not change the password."""
    wanted = NewUser(login, login.title(), frozenset(roles or (Role.ADVISER,)))
    return doors.create(wanted, password, by="test", at=AT, once=once)


def entered(doors: Doors, login: str, password: str = PASSWORD, at: datetime = AT) -> Entered:
    """Somebody shows a password, from here."""
    return doors.enter(login, password, at=at, address=HERE)


def actions(store: Store, user: User) -> list[str]:
    """What the audit knows of a user."""
    return [line.entry.action for line in Audit(store.database).lines(subject=f"user:{user.user_id}")]


def another_copy(store: Store, root: Path, rules: DoorRules = RULES) -> tuple[Store, Doors]:
    """The doors of another process over the same store."""
    opened = open_store(store.database.url.render_as_string(hide_password=False), root)
    return opened, Doors(opened.database, rules)


def with_lock(failures_max: int, address_max: int = 1000) -> DoorRules:
    """Rules under which a login is shut after so many failures."""
    return DoorRules(cost=CHEAP, login_lock=LockRule(failures_max), address_lock=LockRule(address_max))
