"""The doors of the console: somebody shows a password, a code or a provider's word, and comes in, or does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cultiva.execution.access.entering import repository
from cultiva.execution.access.entering.factors import Offer, new_secret, offer, recovery_codes, recovery_hash
from cultiva.execution.access.entering.known import Known, may_be_linked
from cultiva.execution.access.entering.passwords import compared
from cultiva.execution.access.entering.proofs import Proofs, address_key, over, refused
from cultiva.execution.access.entering.repository import Account
from cultiva.execution.access.entering.roll import Act, DoorRules, changed, differences
from cultiva.execution.access.entering.sessions import Asks, Entered, Limits, Session, csrf_fits, csrf_of, token_hash
from cultiva.execution.access.entering.users import Listed, NewUser, User, UserChange, counted_as, login_key, read_roles
from cultiva.execution.access.entering.visits import Coming

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "Asks", "DoorRules", "Doors", "Enrolled", "Entered", "Limits", "Listed", "NewUser", "Session", "User",
    "UserChange", "csrf_fits", "csrf_of", "read_roles",
]  # fmt: skip


@dataclass(frozen=True)
class Enrolled:
    """A second factor that was just confirmed."""

    entered: Entered
    """The session under its new token."""
    recovery: tuple[str, ...]
    """Codes for a lost telephone; known at this moment only."""


class Doors(Proofs):
    """Who may use the console, who is in, and how they come in.

    Every refusal is a `CultivaError` of kind forbidden: `doors.refused` (wrong), `doors.shut` (too many failures;
    `seen` says for how long), `doors.over` (the login has run out), `doors.prove` (prove again who you are).
    """

    def enter(self, login: str, password: str, *, at: datetime, address: str) -> Entered:
        """Somebody shows a login and a password.

        Args:
            login: As typed.
            password: As typed.
            at: The present instant.
            address: Where they come from, e.g. 10.1.2.3.

        Raises:
            CultivaError: if it is wrong, or was wrong too often; the same for a login that nobody has.
        """
        rules = {
            counted_as("login", login_key(login)): self.rules.login_lock,
            counted_as("address", address_key(address)): self.rules.address_lock,
        }
        charged = self._charge(rules, at)
        with self._database.reading() as connection:
            account = repository.account_by_login(connection, login)
        checked = compared(account.password_hash if account else "", password, self.rules.cost)
        if account is None or not checked.right or not account.user.active:
            self._failed(account, charged, at, address)
            raise refused("login or password is wrong")
        with self._database.writing() as connection:
            self._held(connection, account.user.user_id)  # first the user, then failures: the order of all who do both
            self._give_back(connection, rules, charged)
            if checked.renewed:
                repository.renew_hash(connection, account.user.user_id, account.password_hash, checked.renewed)
            entered = self._go_on(connection, Coming(account, at, address), Asks.NOTHING)
        return self._tidied(entered, at)

    def second(self, pending: str, code: str, at: datetime) -> Entered:
        """Somebody whose password was right shows a code of their second factor, or a recovery code.

        Raises:
            CultivaError: if it is wrong, was used already, or the login has run out.
        """
        account, address = self._asked(pending, Asks.SECOND, at)
        self._prove_code(account, code, at, address)
        with self._database.writing() as connection:
            taken = self._taken(connection, pending, at, Asks.SECOND)
            return self._go_on(connection, Coming(taken.account, at, address), Asks.SECOND)

    def new_password(self, pending: str, password: str, at: datetime) -> Entered:
        """Somebody whose password was made by another gives themselves one.

        Raises:
            CultivaError: if it is not safe or the same one, or the login has run out.
        """
        account, address = self._asked(pending, Asks.PASSWORD, at)
        kept = self._own_password(account, password)
        with self._database.writing() as connection:
            taken = self._taken(connection, pending, at, Asks.PASSWORD)
            self._put_own_password(connection, account.user, kept, at)
            return self._go_on(connection, Coming(taken.account, at, address), Asks.PASSWORD)

    def change_password(self, token: str, password: str, at: datetime) -> Entered:
        """Somebody who is in and sure takes another password; all their other sessions end.

        Raises:
            CultivaError: if they must prove first who they are, or the password is not safe.
        """
        account = self.account(self._sure(token, at).user.user_id)
        kept = self._own_password(account, password)
        with self._database.writing() as connection:
            taken = self._taken(connection, token, at, Asks.NOTHING)
            self._put_own_password(connection, account.user, kept, at)
            return self._renewed(connection, taken, at)

    def sure(self, token: str, *, at: datetime, password: str = "", code: str = "") -> Entered:
        """Somebody who is in proves again who they are: by a code if they have a second factor, else by password.

        Args:
            token: Of their session; the answer has the one that replaces it.
            at: The present instant.
            password: As typed.
            code: As typed.

        Raises:
            CultivaError: if it is wrong, or was wrong too often.
        """
        account, address = self._asked(token, Asks.NOTHING, at)
        if account.second_secret:
            self._prove_code(account, code, at, address)
        else:
            self._prove_password(account, password, at, address)
        with self._database.writing() as connection:
            return self._renewed(connection, self._taken(connection, token, at, Asks.NOTHING), at)

    def enter_known(self, known: Known, *, at: datetime, address: str) -> Entered:
        """Somebody comes from an OIDC provider, whose word was verified.

        What the provider says of roles and sight replaces what is known here; who is new is made a user if it gives
        them a role.

        Raises:
            CultivaError: if the provider gives no role, the user is locked, or the login is somebody else's.
        """
        with self._database.reading() as connection:
            user_id = repository.known_as(connection, known.issuer, known.subject)
        user_id = user_id or self._linked(known, at)
        user = self.account(user_id).user
        if not user.active or known.roles == frozenset():
            raise refused("the provider gives you no role here", hint="ask an administrator for a role")
        if differences(user, changed(user, known.change)):
            self.change(user_id, known.change, by=f"oidc:{known.issuer}"[:100], at=at)
        account = self.account(user_id)
        with self._database.writing() as connection:
            coming = Coming(account, at, address, known.second_done, from_provider=True, vouched_at=known.asked_at)
            return self._go_on(connection, coming, Asks.NOTHING)

    def begin_enrolling(self, token: str, at: datetime) -> None:
        """Somebody who is in and sure wants a second factor, or another one; `offered` then shows it.

        Raises:
            CultivaError: if they must prove first who they are.
        """
        user = self._sure(token, at).user
        with self._database.writing() as connection:
            sealed = self.rules.seal.sealed(new_secret(), user.user_id)
            repository.set_offered(connection, token_hash(token), sealed)

    def offered(self, token: str, at: datetime) -> Offer | None:
        """The second factor that waits to be confirmed in this session; once confirmed it is never shown again."""
        visit = self._visit(token, at)
        if visit is None or not visit.offered:
            return None
        user = visit.account.user
        return offer(self.rules.seal.opened(visit.offered, user.user_id), user.login, self.rules.issuer)

    def confirm(self, token: str, code: str, at: datetime) -> Enrolled:
        """Somebody shows the first code of the second factor offered; from now on it is theirs.

        Raises:
            CultivaError: if none is offered, or the code is wrong.
        """
        visit = self._visit(token, at)
        if visit is None or not visit.offered:
            raise over()
        asked, user = visit.session.asks, visit.account.user
        if not asked:
            self._sure(token, at)
        step, codes = self._first_code(visit.account, visit.offered, code, at), recovery_codes()
        with self._database.writing() as connection:
            taken = self._taken(connection, token, at, asked)
            kept = [recovery_hash(one, user.user_id) for one in codes]
            repository.set_second(connection, user.user_id, taken.offered, step=step, codes=kept)
            repository.end_all(connection, user.user_id)
            self._say(connection, Act(user.login, "user.second_factor_enrolled", user), at)
            coming = Coming(taken.account, at, taken.session.address)
            entered = self._go_on(connection, coming, asked) if asked else self._renewed(connection, taken, at)
        return Enrolled(entered, tuple(codes))

    def _asked(self, token: str, asks: Asks, at: datetime) -> tuple[Account, str]:
        """The account of a session that asks for this, and where it came from."""
        visit = self._visit(token, at)
        if visit is None or visit.session.asks is not asks:
            raise over()
        return visit.account, visit.session.address

    def _sure(self, token: str, at: datetime) -> Session:
        found = self.session(token, at)
        if found is None:
            raise over()
        if not found.sure(at, self.rules.limits):
            raise refused("prove again who you are", code="doors.prove", hint="type your password or code again")
        return found

    def _put_own_password(self, connection: Connection, user: User, kept: str, at: datetime) -> None:
        repository.set_password(connection, user.user_id, kept, once=False)
        repository.end_all(connection, user.user_id)
        self._say(connection, Act(user.login, "user.password_changed", user), at)

    def _linked(self, known: Known, at: datetime) -> str:
        """The user who is known to a provider from now on: one made for it by an administrator, or a new one."""
        by = f"oidc:{known.issuer}"[:100]
        with self._database.reading() as connection:
            found = repository.account_by_login(connection, known.login) if known.login else None
            issuers = repository.issuers_of(connection, found.user.user_id) if found else set()
        if found is None:
            if not known.login or not known.roles:
                raise refused("the provider gives you no role here", hint="ask an administrator for a role")
            user = self.create(known.wanted("zh"), by=by, at=at)
        else:
            user, has_password = found.user, bool(found.password_hash)
            if not may_be_linked(user, has_password=has_password, issuers=issuers, issuer=known.issuer):
                raise refused("this login is somebody else's here", hint="ask an administrator")
        with self._database.writing() as connection:
            if repository.add_identity(connection, known.issuer, known.subject, user_id=user.user_id, at=at):
                self._say(connection, Act(by, "user.linked", user), at)
        return user.user_id
