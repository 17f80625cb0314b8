"""Visits: sessions are opened, found again by their token, gone on with, and ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cultiva.execution.access.entering import repository
from cultiva.execution.access.entering.factors import new_secret
from cultiva.execution.access.entering.lockout import FORGOTTEN_AFTER
from cultiva.execution.access.entering.repository import Account, Visit
from cultiva.execution.access.entering.roll import Act, Roll
from cultiva.execution.access.entering.sessions import Asks, Entered, Session, csrf_of, new_token, token_hash
from cultiva.kit.errors import CultivaError, ErrorKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

SEEN_EVERY = timedelta(minutes=1)
"""A session in use is noted so often: the idle limit may come that much early, and most requests write nothing."""
TIDIES = "AA"
"""One login in 4096, by its random token, clears old rows away; no process is needed for it."""


@dataclass(frozen=True)
class Coming:
    """Somebody on their way in."""

    account: Account
    at: datetime
    address: str
    second_done: bool = False
    """Whether somebody we trust has asked for a second factor."""
    from_provider: bool = False
    """Whether a provider vouches for them."""
    vouched_at: datetime | None = None
    """When the provider says that it asked them; None: it does not say, it may have been this morning."""

    @property
    def sure_at(self) -> datetime | None:
        """When they last proved who they are."""
        if not self.from_provider:
            return self.at
        return None if self.vouched_at is None else min(self.vouched_at, self.at)


class Visits(Roll):
    """Who is in."""

    def session(self, token: str, at: datetime) -> Session | None:
        """The open session of a token, if it is alive and its user active; notes that it was used."""
        found = self._visit(token, at)
        if found is None or found.session.asks:
            return None
        if at - found.session.seen >= SEEN_EVERY:
            with self._database.writing() as connection:
                repository.seen(connection, token_hash(token), at)
        return replace(found.session, csrf=csrf_of(token))

    def pending(self, token: str, at: datetime) -> Session | None:
        """The session that asks for more before it opens, if it is alive."""
        found = self._visit(token, at)
        return replace(found.session, csrf=csrf_of(token)) if found is not None and found.session.asks else None

    def sessions_of(self, user: str, at: datetime) -> list[Session]:
        """Where a user is in, the newest first."""
        account = self.account(user)
        with self._database.reading() as connection:
            found = repository.sessions_of(connection, account.user)
        return [one for one in found if one.alive(at, self.rules.limits)]

    def leave(self, token: str, at: datetime) -> None:
        """Ends a session; one that has ended already stays so."""
        with self._database.writing() as connection:
            found = repository.visit(connection, token_hash(token))
            if found is not None and repository.end_session(connection, token_hash(token)):
                user = found.account.user
                self._say(connection, Act(user.login, "session.left", user, {"session": found.session.session_id}), at)

    def leave_one(self, user_id: str, session_id: str, *, by: str, at: datetime) -> bool:
        """Ends one of a user's sessions by the name in their list; false if it is no more."""
        with self._database.writing() as connection:
            user = self._held(connection, user_id).user
            ended = repository.end_named(connection, user_id, session_id)
            if ended:
                self._say(connection, Act(by, "session.ended", user, {"session": session_id}), at)
        return ended

    def leave_everywhere(self, user_id: str, *, by: str, at: datetime, but: str = "") -> int:
        """Ends all sessions of a user, but the one whose token is given; gives how many."""
        with self._database.writing() as connection:
            user = self._held(connection, user_id).user
            ended = repository.end_all(connection, user_id, but=token_hash(but) if but else "")
            self._say(connection, Act(by, "session.ended_everywhere", user, {"sessions": ended}), at)
        return ended

    def _visit(self, token: str, at: datetime) -> Visit | None:
        if not 0 < len(token) <= 100:
            return None
        with self._database.reading() as connection:
            found = repository.visit(connection, token_hash(token))
        alive = found is not None and found.account.user.active and found.session.alive(at, self.rules.limits)
        return found if alive else None

    def _taken(self, connection: Connection, token: str, at: datetime, asks: Asks | None = None) -> Visit:
        """A session that is gone on with: it ends here, and whoever holds its token otherwise is out.

        Args:
            connection: Of the writing transaction.
            token: Its token.
            at: The present instant.
            asks: What it must ask for; None: anything.
        """
        found = repository.visit(connection, token_hash(token))
        if found is not None:
            self._held(connection, found.account.user.user_id)  # first the user, then sessions: the order of all
            found = repository.visit(connection, token_hash(token))
        fits = found is not None and (asks is None or found.session.asks is asks)
        alive = fits and found is not None and found.account.user.active and found.session.alive(at, self.rules.limits)
        if found is None or not alive or not repository.end_session(connection, token_hash(token)):
            raise CultivaError(
                "this login has run out",
                code="doors.over",
                kind=ErrorKind.FORBIDDEN,
                allowed=f"{self.rules.limits.pending.total_seconds() / 60:.0f} minutes for one login",
                hint="log in again",
            )
        return found

    def _go_on(self, connection: Connection, coming: Coming, after: Asks) -> Entered:
        """Opens a session, or one that asks for what is still missing."""
        account, token = coming.account, new_token()
        asks = self._next(account, after, second_done=coming.second_done)
        offered = self.rules.seal.sealed(new_secret(), account.user.user_id) if asks is Asks.ENROL else ""
        opened = not asks
        session = Session(account.user, "", coming.at, coming.at, coming.sure_at if opened else None,
                          f"s{secrets.token_hex(8)}", coming.address[:64], asks)  # fmt: skip
        repository.add_session(connection, token_hash(token), session, offered)
        if not opened:
            return Entered(pending=token, asks=asks)
        repository.set_entered(connection, account.user.user_id, coming.at)
        detail = {"session": session.session_id, "address": session.address}
        self._say(connection, Act(account.user.login, "session.entered", account.user, detail), coming.at)
        return Entered(token=token)

    def _renewed(self, connection: Connection, found: Visit, at: datetime) -> Entered:
        """The same session under a new token, by somebody who has just proved who they are."""
        token = new_token()
        session = replace(found.session, seen=at, sure_at=at)
        repository.add_session(connection, token_hash(token), session)
        return Entered(token=token)

    def _next(self, account: Account, after: Asks, *, second_done: bool) -> Asks:
        """What is asked next; whoever has a second factor shows it before they may change a password."""
        enrolled = bool(account.second_secret)
        must = bool(account.user.roles & self.rules.second_for) and not second_done
        wanted = {
            Asks.SECOND: enrolled and not second_done,
            Asks.PASSWORD: account.password_once,
            Asks.ENROL: must and not enrolled,
        }
        order = list(wanted)
        rest = order[order.index(after) + 1 :] if after else order
        return next((asks for asks in rest if wanted[asks]), Asks.NOTHING)

    def _tidied(self, entered: Entered, at: datetime) -> Entered:
        """Now and then clears old rows away, in a transaction of its own."""
        if (entered.token or entered.pending).startswith(TIDIES):
            limits, failed = self.rules.limits, at - FORGOTTEN_AFTER
            began, gone = at - limits.absolute, at - limits.pending
            with self._database.writing() as connection:
                repository.tidy(connection, failed_before=failed, began_before=began, gone_before=gone)
        return entered
