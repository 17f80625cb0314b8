"""Users, sessions, failures and ways to a provider in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, or_, select, update

from cultiva.execution.access.entering.lockout import Failures
from cultiva.execution.access.entering.sessions import Asks, Session
from cultiva.execution.access.entering.tables import (
    CONSOLE_FAILURE,
    CONSOLE_FLOW,
    CONSOLE_IDENTITY,
    CONSOLE_RECOVERY,
    CONSOLE_SESSION,
    CONSOLE_USER,
)
from cultiva.execution.access.entering.users import Listed, User, login_key
from cultiva.execution.access.roles import Role
from cultiva.store.database import insert_missing, insert_new, put


@dataclass(frozen=True)
class Account:
    """A user with what proves that it is them."""

    user: User
    password_hash: str
    password_once: bool
    second_secret: str
    """Sealed; empty: none."""
    second_step: int
    created: datetime
    entered: datetime | None

    @property
    def listed(self) -> Listed:
        """Without what proves anything."""
        return Listed(self.user, bool(self.password_hash), bool(self.second_secret), self.created, self.entered)


@dataclass(frozen=True)
class Visit:
    """A session's row."""

    account: Account
    session: Session
    """Its CSRF token is empty here: it is made from the token."""
    offered: str
    """Sealed secret that is not confirmed."""


@dataclass(frozen=True)
class Flow:
    """A way to an OIDC provider."""

    state: str
    nonce: str
    verifier: str
    target: str
    at: datetime


def add_user(connection: Connection, user: User, *, created: datetime, password_hash: str, once: bool) -> bool:
    """Adds a user; false if the login is taken."""
    row = {
        **_of_user(user),
        "login_key": login_key(user.login),
        "password_hash": password_hash,
        "password_once": once,
        "second_secret": "",
        "second_step": 0,
        "created": created,
        "entered": None,
    }
    return bool(insert_new(connection, CONSOLE_USER, [row]))


def put_user(connection: Connection, user: User) -> None:
    """Writes what has changed of a user."""
    row = _of_user(user)
    connection.execute(update(CONSOLE_USER).where(CONSOLE_USER.c.user_id == user.user_id).values(**row))


def account(connection: Connection, user_id: str, *, held: bool = False) -> Account | None:
    """A user by id; held: nobody else changes it until the transaction ends."""
    asked = select(CONSOLE_USER).where(CONSOLE_USER.c.user_id == user_id)
    row = connection.execute(asked.with_for_update() if held else asked).one_or_none()
    return None if row is None else _account(row)


def account_by_login(connection: Connection, login: str) -> Account | None:
    """A user by login, upper and lower case the same."""
    row = connection.execute(select(CONSOLE_USER).where(CONSOLE_USER.c.login_key == login_key(login))).one_or_none()
    return None if row is None else _account(row)


def all_accounts(connection: Connection, *, held: bool = False) -> list[Account]:
    """Every user by login; held: nobody else changes one until the transaction ends."""
    asked = select(CONSOLE_USER).order_by(CONSOLE_USER.c.login_key)
    return [_account(row) for row in connection.execute(asked.with_for_update() if held else asked)]


def set_password(connection: Connection, user_id: str, password_hash: str, *, once: bool) -> None:
    """Writes a new password's hash."""
    values = {"password_hash": password_hash, "password_once": once}
    connection.execute(update(CONSOLE_USER).where(CONSOLE_USER.c.user_id == user_id).values(**values))


def renew_hash(connection: Connection, user_id: str, before: str, renewed: str) -> None:
    """Writes the same password's hash at another cost, unless the password was changed meanwhile."""
    same = and_(CONSOLE_USER.c.user_id == user_id, CONSOLE_USER.c.password_hash == before)
    connection.execute(update(CONSOLE_USER).where(same).values(password_hash=renewed))


def set_entered(connection: Connection, user_id: str, at: datetime) -> None:
    """Notes that a user has come in."""
    connection.execute(update(CONSOLE_USER).where(CONSOLE_USER.c.user_id == user_id).values(entered=at))


def set_second(connection: Connection, user_id: str, sealed: str, *, step: int, codes: Sequence[str]) -> None:
    """Replaces a user's second factor and recovery codes; empty: they have none any more."""
    values = {"second_secret": sealed, "second_step": step}
    connection.execute(update(CONSOLE_USER).where(CONSOLE_USER.c.user_id == user_id).values(**values))
    connection.execute(delete(CONSOLE_RECOVERY).where(CONSOLE_RECOVERY.c.user_id == user_id))
    insert_missing(connection, CONSOLE_RECOVERY, [{"user_id": user_id, "hash": one} for one in codes])


def take_step(connection: Connection, user_id: str, step: int) -> bool:
    """Uses up a time step; false if it, or a later one, is used up already. Of two who race, one gets it."""
    newer = and_(CONSOLE_USER.c.user_id == user_id, CONSOLE_USER.c.second_step < step)
    return connection.execute(update(CONSOLE_USER).where(newer).values(second_step=step)).rowcount == 1


def take_recovery(connection: Connection, user_id: str, hashed: str) -> bool:
    """Uses up a recovery code; false if there is none such."""
    mine = and_(CONSOLE_RECOVERY.c.user_id == user_id, CONSOLE_RECOVERY.c.hash == hashed)
    return connection.execute(delete(CONSOLE_RECOVERY).where(mine)).rowcount == 1


def recovery_left(connection: Connection, user_id: str) -> int:
    """How many recovery codes there are yet."""
    return len(connection.execute(select(CONSOLE_RECOVERY.c.hash).where(CONSOLE_RECOVERY.c.user_id == user_id)).all())


def known_as(connection: Connection, issuer: str, subject: str) -> str | None:
    """The user that a provider means."""
    known = CONSOLE_IDENTITY.c
    return connection.scalar(select(known.user_id).where(known.issuer == issuer, known.subject == subject))


def issuers_of(connection: Connection, user_id: str) -> set[str]:
    """The providers that know a user."""
    asked = select(CONSOLE_IDENTITY.c.issuer).where(CONSOLE_IDENTITY.c.user_id == user_id)
    return set(connection.scalars(asked))


def add_identity(connection: Connection, issuer: str, subject: str, *, user_id: str, at: datetime) -> bool:
    """Notes whom a provider means; false if it means somebody already."""
    row = {"issuer": issuer, "subject": subject, "user_id": user_id, "at": at}
    return bool(insert_new(connection, CONSOLE_IDENTITY, [row]))


def add_session(connection: Connection, hashed: str, session: Session, offered: str = "") -> None:
    """Keeps a session by its token's hash."""
    row = {
        "token_hash": hashed,
        "session_id": session.session_id,
        "user_id": session.user.user_id,
        "asks": session.asks.value,
        "offered": offered,
        "address": session.address,
        "began": session.began,
        "seen": session.seen,
        "sure_at": session.sure_at,
    }
    insert_missing(connection, CONSOLE_SESSION, [row])


def visit(connection: Connection, hashed: str) -> Visit | None:
    """A session by its token's hash, with its user as they are now."""
    both = CONSOLE_SESSION.join(CONSOLE_USER, CONSOLE_SESSION.c.user_id == CONSOLE_USER.c.user_id)
    mine = [
        CONSOLE_SESSION.c[name] for name in ("session_id", "asks", "offered", "address", "began", "seen", "sure_at")
    ]
    asked = select(*mine, *CONSOLE_USER.columns).select_from(both).where(CONSOLE_SESSION.c.token_hash == hashed)
    row = connection.execute(asked).one_or_none()
    if row is None:
        return None
    found = _account(row)
    return Visit(found, _session(row, found.user), row.offered)


def sessions_of(connection: Connection, user: User) -> list[Session]:
    """A user's open sessions, the newest first."""
    mine = and_(CONSOLE_SESSION.c.user_id == user.user_id, CONSOLE_SESSION.c.asks == Asks.NOTHING.value)
    rows = connection.execute(select(CONSOLE_SESSION).where(mine).order_by(CONSOLE_SESSION.c.began.desc()))
    return [_session(row, user) for row in rows]


def seen(connection: Connection, hashed: str, at: datetime) -> None:
    """Notes that a session was used."""
    connection.execute(update(CONSOLE_SESSION).where(CONSOLE_SESSION.c.token_hash == hashed).values(seen=at))


def set_offered(connection: Connection, hashed: str, sealed: str) -> None:
    """Keeps a second factor that is not confirmed yet."""
    connection.execute(update(CONSOLE_SESSION).where(CONSOLE_SESSION.c.token_hash == hashed).values(offered=sealed))


def end_session(connection: Connection, hashed: str) -> bool:
    """Ends a session; false if there was none. Of two who race, one ends it."""
    return connection.execute(delete(CONSOLE_SESSION).where(CONSOLE_SESSION.c.token_hash == hashed)).rowcount == 1


def end_named(connection: Connection, user_id: str, session_id: str) -> bool:
    """Ends one of a user's sessions by its name."""
    mine = and_(CONSOLE_SESSION.c.user_id == user_id, CONSOLE_SESSION.c.session_id == session_id)
    return connection.execute(delete(CONSOLE_SESSION).where(mine)).rowcount == 1


def end_all(connection: Connection, user_id: str, *, but: str = "") -> int:
    """Ends every session of a user but the one with this hash; gives how many."""
    mine = and_(CONSOLE_SESSION.c.user_id == user_id, CONSOLE_SESSION.c.token_hash != but)
    return connection.execute(delete(CONSOLE_SESSION).where(mine)).rowcount


def failures(connection: Connection, name: str, *, at: datetime) -> Failures:
    """What was counted under a name, held until the transaction ends; made if it is not there."""
    asked = select(CONSOLE_FAILURE).where(CONSOLE_FAILURE.c.name == name).with_for_update()
    row = connection.execute(asked).one_or_none()
    while row is None:  # of two copies that find none the second waits for the first, who may forget it meanwhile
        first = {"name": name, "failures": 0, "locks": 0, "at": at, "until": None}
        insert_missing(connection, CONSOLE_FAILURE, [first])
        row = connection.execute(asked).one_or_none()
    return Failures(row.failures, row.locks, row.at, row.until)


def put_failures(connection: Connection, name: str, found: Failures) -> None:
    """Writes what is counted."""
    row = {"name": name, "failures": found.failures, "locks": found.locks, "at": found.at, "until": found.until}
    put(connection, CONSOLE_FAILURE, row)


def forget_failures(connection: Connection, name: str) -> None:
    """Counts nothing under a name any more."""
    connection.execute(delete(CONSOLE_FAILURE).where(CONSOLE_FAILURE.c.name == name))


def tidy(connection: Connection, *, failed_before: datetime, began_before: datetime, gone_before: datetime) -> None:
    """Drops what opens and shuts nothing any more."""
    shut = or_(CONSOLE_FAILURE.c.until.is_(None), CONSOLE_FAILURE.c.until < failed_before)
    connection.execute(delete(CONSOLE_FAILURE).where(CONSOLE_FAILURE.c.at < failed_before, shut))
    connection.execute(delete(CONSOLE_SESSION).where(CONSOLE_SESSION.c.began < began_before))
    connection.execute(delete(CONSOLE_FLOW).where(CONSOLE_FLOW.c.at < gone_before))


def add_flow(connection: Connection, hashed: str, flow: Flow) -> None:
    """Keeps a way to a provider."""
    row = {"flow_hash": hashed, "state": flow.state, "nonce": flow.nonce, "verifier": flow.verifier}
    insert_missing(connection, CONSOLE_FLOW, [{**row, "target": flow.target, "at": flow.at}])


def take_flow(connection: Connection, hashed: str) -> Flow | None:
    """A way to a provider, which is used up by this."""
    row = connection.execute(select(CONSOLE_FLOW).where(CONSOLE_FLOW.c.flow_hash == hashed)).one_or_none()
    taken = connection.execute(delete(CONSOLE_FLOW).where(CONSOLE_FLOW.c.flow_hash == hashed)).rowcount == 1
    return Flow(row.state, row.nonce, row.verifier, row.target, row.at) if row is not None and taken else None


def _of_user(user: User) -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "login": user.login,
        "name": user.name,
        "roles": sorted(user.roles),
        "staff_id": user.staff_id,
        "branches": sorted(user.branches),
        "region": user.region,
        "language": user.language,
        "active": user.active,
    }


def _account(row: Row[Any]) -> Account:
    user = User(
        user_id=row.user_id,
        login=row.login,
        name=row.name,
        roles=frozenset(Role(name) for name in row.roles),
        staff_id=row.staff_id,
        branches=frozenset(row.branches),
        region=row.region,
        language=row.language,
        active=bool(row.active),
    )
    secret, step = row.second_secret, row.second_step
    return Account(user, row.password_hash, bool(row.password_once), secret, step, row.created, row.entered)


def _session(row: Row[Any], user: User) -> Session:
    asks = Asks(row.asks)
    return Session(user, "", row.began, row.seen, row.sure_at, row.session_id, row.address, asks)
