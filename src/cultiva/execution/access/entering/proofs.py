"""Proofs: passwords and codes are compared, every attempt charged before it is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from cultiva.execution.access.entering import repository
from cultiva.execution.access.entering.factors import recovery_hash, step_of
from cultiva.execution.access.entering.lockout import Charged, LockRule, charge, given_back
from cultiva.execution.access.entering.passwords import check_password, compared, hashed
from cultiva.execution.access.entering.repository import Account
from cultiva.execution.access.entering.roll import Act
from cultiva.execution.access.entering.users import User, counted_as, login_key
from cultiva.execution.access.entering.visits import Visits
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import write
from cultiva.kit.errors import CultivaError, ErrorKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

NOBODY = "nobody"
"""Who fails to enter, for the audit: whoever it was, they did not prove to be the user."""


class Proofs(Visits):
    """Whether somebody is who they say."""

    def unlock_address(self, address: str, *, by: str, at: datetime) -> None:
        """Lets people of an address try again at once, e.g. a branch where many have failed."""
        with self._database.writing() as connection:
            repository.forget_failures(connection, counted_as("address", address_key(address)))
            write(connection, Entry(at, by, "address.unlocked", f"address:{address_key(address)}"[:200]))

    def _charge(self, rules: Mapping[str, LockRule], at: datetime) -> dict[str, Charged]:
        """Charges an attempt to everything that is counted, or refuses it.

        Raises:
            CultivaError: if one of them is shut.
        """
        charged = {}
        with self._database.writing() as connection:
            for name in sorted(rules):  # always in one order: two attempts never wait for each other
                charged[name] = charge(repository.failures(connection, name, at=at), rules[name], at)
            wait = max(one.wait_seconds for one in charged.values())
            if wait == 0:
                for name, one in charged.items():
                    repository.put_failures(connection, name, one.failures)
        if wait > 0:
            raise shut(wait)
        return charged

    def _give_back(self, connection: Connection, rules: Mapping[str, LockRule], charged: Mapping[str, Charged]) -> None:
        """Takes a good attempt off what is counted; a login that was proved is counted from nought."""
        for name in sorted(rules):
            if name.startswith("address:"):  # else a guesser would clear the address by entering as themselves
                found = repository.failures(connection, name, at=charged[name].failures.at)
                repository.put_failures(connection, name, given_back(found, charged[name], rules[name]))
            else:
                repository.forget_failures(connection, name)

    def _failed(self, account: Account | None, charged: Mapping[str, Charged], at: datetime, address: str) -> None:
        """Writes a failure into the audit: whose login it was, if anybody's, never what was typed."""
        subject = f"user:{account.user.user_id}" if account else "user:unknown"
        shuts = sorted(name.partition(":")[0] for name, one in charged.items() if one.fell)
        detail = {"address": address[:64], **({"shut": shuts} if shuts else {})}
        with self._database.writing() as connection:
            write(connection, Entry(at, NOBODY, "session.refused", subject, detail))

    def _prove_password(self, account: Account, password: str, at: datetime, address: str) -> None:
        rules = {counted_as("login", login_key(account.user.login)): self.rules.login_lock}
        charged = self._charge(rules, at)
        if not compared(account.password_hash, password, self.rules.cost).right:
            self._failed(account, charged, at, address)
            raise refused("the password is wrong")
        with self._database.writing() as connection:
            self._give_back(connection, rules, charged)

    def _prove_code(self, account: Account, code: str, at: datetime, address: str) -> None:
        """A code of the second factor or a recovery code, each of them once."""
        user = account.user
        name = counted_as("second", user.user_id)
        charged = self._charge({name: self.rules.second_lock}, at)
        secret = self.rules.seal.opened(account.second_secret, user.user_id)
        step = step_of(secret, code, at, after=account.second_step)
        with self._database.writing() as connection:
            if step is not None:
                right = repository.take_step(connection, user.user_id, step)
            else:
                right = repository.take_recovery(connection, user.user_id, recovery_hash(code, user.user_id))
                if right:
                    left = repository.recovery_left(connection, user.user_id)
                    self._say(connection, Act(user.login, "user.recovery_code_used", user, {"left": left}), at)
            if right:
                repository.forget_failures(connection, name)
        if not right:
            self._failed(account, charged, at, address)
            raise refused("the code is wrong, or was used already")

    def _first_code(self, account: Account, offered: str, code: str, at: datetime) -> int:
        """The time step of the code that confirms a second factor."""
        name = counted_as("second", account.user.user_id)
        self._charge({name: self.rules.second_lock}, at)
        step = step_of(self.rules.seal.opened(offered, account.user.user_id), code, at, after=0)
        if step is None:
            raise refused("the code is wrong")
        with self._database.writing() as connection:
            repository.forget_failures(connection, name)
        return step

    def _own_password(self, account: Account, password: str) -> str:
        """The hash of a password that somebody gives themselves."""
        user: User = account.user
        check_password(password, user.login)
        if account.password_hash and compared(account.password_hash, password, self.rules.cost).right:
            raise CultivaError(
                "this password is not a new one",
                code="passwords.same",
                seen="the password that you have",
                allowed="another one",
                hint="take four or five words that have nothing to do with each other",
            )
        return hashed(password, self.rules.cost)


def address_key(address: str) -> str:
    """What makes two addresses the same guesser: of IPv6 the first 64 bits, which one household has.

    Examples:
        >>> address_key("10.1.2.3"), address_key("2001:db8::1") == address_key("2001:db8::2"), address_key("pipe")
        ('10.1.2.3', True, 'pipe')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
    return str(found)


def refused(message: str, *, code: str = "doors.refused", hint: str = "try again") -> CultivaError:
    """The error of somebody who does not come in; says nothing of what they typed."""
    return CultivaError(message, code=code, kind=ErrorKind.FORBIDDEN, hint=hint)


def over() -> CultivaError:
    """The error of a login that has run out."""
    return refused("this login has run out", code="doors.over", hint="log in again")


def shut(wait_seconds: float) -> CultivaError:
    """The error of a door that is shut for a while."""
    minutes = max(1, -(-int(wait_seconds) // 60))
    return CultivaError(
        "too many failed attempts",
        code="doors.shut",
        kind=ErrorKind.FORBIDDEN,
        seen=f"shut for {minutes} min",
        hint="wait, or ask an administrator to unlock you",
    )
