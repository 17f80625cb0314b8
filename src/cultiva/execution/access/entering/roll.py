"""The roll: users are made, changed, locked and listed; every act stands in the audit, in the same transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from cultiva.execution.access.entering import repository
from cultiva.execution.access.entering.factors import Seal
from cultiva.execution.access.entering.lockout import LockRule
from cultiva.execution.access.entering.passwords import HashCost, check_password, hashed
from cultiva.execution.access.entering.repository import Account
from cultiva.execution.access.entering.sessions import Limits
from cultiva.execution.access.entering.users import (
    Listed,
    NewUser,
    User,
    UserChange,
    check_user,
    counted_as,
    login_key,
)
from cultiva.execution.access.roles import ROLES, Right, Role
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import write
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database

SECOND_FOR = frozenset(role for role, rights in ROLES.items() if rights & {Right.APPROVE, Right.HALT, Right.USERS})
"""Roles that approve, halt or administer."""


@dataclass(frozen=True)
class DoorRules:
    """How people enter."""

    limits: Limits = field(default_factory=Limits)
    login_lock: LockRule = field(default_factory=lambda: LockRule(5))
    """Wrong passwords for one login."""
    address_lock: LockRule = field(default_factory=lambda: LockRule(100, forgiven_each=timedelta(seconds=10)))
    """Wrong passwords from one address; a head office may share one, where somebody mistypes every minute."""
    second_lock: LockRule = field(default_factory=lambda: LockRule(5))
    """Wrong codes of one user."""
    cost: HashCost = field(default_factory=HashCost)
    second_for: frozenset[Role] = SECOND_FOR
    """Roles that must have a second factor."""
    issuer: str = "Cultiva"
    """How telephones name us."""
    seal: Seal = field(default_factory=Seal)
    """Seals the secrets of second factors."""


class Roll:
    """Who may use the console.

    Args:
        database: Where the rows lie.
        rules: How people enter.
    """

    def __init__(self, database: Database, rules: DoorRules | None = None) -> None:
        self._database = database
        self.rules = rules or DoorRules()

    def name_of(self, login: str) -> str:
        """What a user is called; empty if nobody has the login."""
        with self._database.reading() as connection:
            found = repository.account_by_login(connection, login)
        return "" if found is None else found.user.name

    def create(self, wanted: NewUser, password: str = "", *, by: str, at: datetime, once: bool = True) -> User:
        """Makes a user.

        Args:
            wanted: Who.
            password: Empty: none, they enter by OIDC only.
            by: Login of who does it.
            at: When.
            once: Whether the password must be changed on entering: who does it knows it.

        Raises:
            CultivaError: if the user or the password is not one, or the login is taken.
        """
        check_user(wanted)
        if password:
            check_password(password, wanted.login)
        kept = hashed(password, self.rules.cost) if password else ""
        user = User(f"u{secrets.token_hex(8)}", wanted.login.strip(), wanted.name.strip(), wanted.roles,
                    wanted.staff_id or None, wanted.branches, wanted.region, wanted.language)  # fmt: skip
        with self._database.writing() as connection:
            if not repository.add_user(connection, user, created=at, password_hash=kept, once=once and bool(password)):
                raise _taken(wanted.login)
            self._say(connection, Act(by, "user.created", user, {"roles": sorted(user.roles)}), at)
        return user

    def change(self, user_id: str, wanted: UserChange, *, by: str, at: datetime) -> User:
        """Changes a user; other roles, another sight or a lock end all of their sessions.

        Raises:
            CultivaError: if there is no such user, or nobody would be left who may make users.
        """
        with self._database.writing() as connection:
            if wanted.roles is not None or wanted.active is False:
                self._another_administrator(connection, user_id, wanted)
            before = self._held(connection, user_id).user
            after = changed(before, wanted)
            check_user(after)
            repository.put_user(connection, after)
            if (after.roles, after.active, _sight(after)) != (before.roles, before.active, _sight(before)):
                repository.end_all(connection, user_id)
            if after.active and not before.active:
                self._forget_failures(connection, after)
            self._say(connection, Act(by, "user.changed", after, differences(before, after)), at)
        return after

    def unlock(self, user_id: str, *, by: str, at: datetime) -> User:
        """Lets a user try again at once, and makes them active."""
        with self._database.writing() as connection:
            after = replace(self._held(connection, user_id).user, active=True)
            repository.put_user(connection, after)
            self._forget_failures(connection, after)
            self._say(connection, Act(by, "user.unlocked", after), at)
        return after

    def set_password(self, user_id: str, password: str, *, by: str, at: datetime, once: bool = True) -> None:
        """Gives a user a password, which they must change on entering unless `once` is false; ends their sessions.

        Raises:
            CultivaError: if there is no such user, or the password is not safe.
        """
        login = self.account(user_id).user.login
        check_password(password, login)
        kept = hashed(password, self.rules.cost)
        with self._database.writing() as connection:
            user = self._held(connection, user_id).user
            repository.set_password(connection, user_id, kept, once=once)
            repository.end_all(connection, user_id)
            self._forget_failures(connection, user)
            self._say(connection, Act(by, "user.password_set", user), at)

    def remove_second(self, user_id: str, *, by: str, at: datetime) -> None:
        """Takes a user's second factor away, e.g. with a lost telephone; ends their sessions."""
        with self._database.writing() as connection:
            user = self._held(connection, user_id).user
            repository.set_second(connection, user_id, "", step=0, codes=())
            repository.end_all(connection, user_id)
            repository.forget_failures(connection, counted_as("second", user_id))
            self._say(connection, Act(by, "user.second_factor_removed", user), at)

    def set_language(self, user_id: str, language: str) -> User:
        """Lets a user read in another language; nothing that an audit asks after."""
        with self._database.writing() as connection:
            after = replace(self._held(connection, user_id).user, language=language)
            check_user(after)
            repository.put_user(connection, after)
        return after

    def listed(self) -> list[Listed]:
        """Every user by login."""
        with self._database.reading() as connection:
            return [one.listed for one in repository.all_accounts(connection)]

    def find(self, login: str) -> User:
        """The user of a login.

        Raises:
            CultivaError: if there is none.
        """
        with self._database.reading() as connection:
            found = repository.account_by_login(connection, login)
        if found is None:
            raise _no_user(login[:100])
        return found.user

    def account(self, user_id: str) -> Account:
        """A user with what proves that it is them.

        Raises:
            CultivaError: if there is none.
        """
        with self._database.reading() as connection:
            found = repository.account(connection, user_id)
        if found is None:
            raise _no_user(user_id)
        return found

    def _held(self, connection: Connection, user_id: str) -> Account:
        found = repository.account(connection, user_id, held=True)
        if found is None:
            raise _no_user(user_id)
        return found

    def _say(self, connection: Connection, act: Act, at: datetime) -> None:
        write(connection, Entry(at, act.by, act.action, f"user:{act.user.user_id}", act.detail))

    def _forget_failures(self, connection: Connection, user: User) -> None:
        repository.forget_failures(connection, counted_as("login", login_key(user.login)))
        repository.forget_failures(connection, counted_as("second", user.user_id))

    def _another_administrator(self, connection: Connection, user_id: str, wanted: UserChange) -> None:
        """Holds every user, so that two administrators cannot take the role off each other at the same moment."""
        users = [one.user for one in repository.all_accounts(connection, held=True)]
        after = [changed(user, wanted) if user.user_id == user_id else user for user in users]
        if any(map(may_administer, users)) and not any(map(may_administer, after)):
            raise CultivaError(
                "nobody would be left who may make users",
                code="users.last_administrator",
                kind=ErrorKind.CONFLICT,
                seen="the last active user with that role",
                allowed="at least one active user with the role administrator",
                hint="make another administrator first",
            )


@dataclass(frozen=True)
class Act:
    """Something done to a user, for the audit."""

    by: str
    action: str
    user: User
    detail: Mapping[str, Any] = field(default_factory=dict)


def may_administer(user: User) -> bool:
    """Whether a user may make users."""
    return user.active and Right.USERS in user.rights


def changed(user: User, wanted: UserChange) -> User:
    """A user as wanted.

    Examples:
        >>> anna = User("u1", "anna", "Anna", frozenset({Role.ADVISER}), "S-7")
        >>> changed(anna, UserChange(staff_id="")).staff_id is None, changed(anna, UserChange()) == anna
        (True, True)
    """
    given = {name: value for name, value in vars(wanted).items() if value is not None}
    if "staff_id" in given:
        given["staff_id"] = given["staff_id"] or None
    return replace(user, **given)


def differences(before: User, after: User) -> dict[str, Any]:
    """What became different, as the audit keeps it: field -> new value."""
    fields = ("name", "roles", "staff_id", "branches", "region", "language", "active")
    pairs = {name: getattr(after, name) for name in fields if getattr(after, name) != getattr(before, name)}
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in pairs.items()}


def _sight(user: User) -> tuple[object, ...]:
    return user.staff_id, user.branches, user.region


def _taken(login: str) -> CultivaError:
    return CultivaError(
        "this login is taken",
        code="users.login_taken",
        kind=ErrorKind.CONFLICT,
        seen=login[:100],
        allowed="a login that nobody has; upper and lower case are the same",
        hint="choose another, or change the user who has it",
    )


def _no_user(seen: str) -> CultivaError:
    return CultivaError(
        "there is no such user",
        code="users.none",
        kind=ErrorKind.NOT_FOUND,
        seen=seen,
        allowed="a login of the list of users",
        hint="cultiva user list WORKSPACE",
    )
