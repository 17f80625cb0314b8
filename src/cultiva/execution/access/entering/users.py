"""Users of the console: who they are, what a login and a language may be."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cultiva.execution.access.roles import Right, Role, rights_of
from cultiva.kit.errors import CultivaError, did_you_mean
from cultiva.kit.words import LANGUAGES

LOGIN = re.compile(r"[\w.@+-]{2,100}")
"""What a login may be: letters of any script, digits and `_ . @ + -`."""


@dataclass(frozen=True)
class User:
    """Somebody who uses the console."""

    user_id: str
    login: str
    """As it was first typed; upper and lower case are the same."""
    name: str
    """What colleagues call them."""
    roles: frozenset[Role]
    staff_id: str | None = None
    """Who they are among the lake's staff; None: nobody there."""
    branches: frozenset[str] = frozenset()
    """Branches that are theirs."""
    region: str = ""
    """Begins the region code of every branch that is theirs; empty: no region."""
    language: str = "zh"
    active: bool = True
    """False: locked by an administrator; enters by no door."""

    @property
    def rights(self) -> frozenset[Right]:
        """Everything that their roles allow."""
        return rights_of(self.roles)


@dataclass(frozen=True)
class NewUser:
    """The user that is wanted."""

    login: str
    name: str
    roles: frozenset[Role]
    staff_id: str | None = None
    branches: frozenset[str] = frozenset()
    region: str = ""
    language: str = "zh"


@dataclass(frozen=True)
class UserChange:
    """What of a user becomes different; None: it stays."""

    name: str | None = None
    roles: frozenset[Role] | None = None
    staff_id: str | None = None
    """Empty: none any more."""
    branches: frozenset[str] | None = None
    region: str | None = None
    language: str | None = None
    active: bool | None = None


@dataclass(frozen=True)
class Listed:
    """A user as administrators see them in the list."""

    user: User
    has_password: bool
    has_second: bool
    """Whether a second factor is enrolled."""
    created: datetime
    entered: datetime | None
    """Last time; None: never."""


def login_key(login: str) -> str:
    """What makes two logins the same one.

    Examples:
        >>> login_key("Wang.Fang") == login_key(" wang.fang")
        True
    """
    key = unicodedata.normalize("NFKC", login)
    for _ in range(2):  # folding may undo what normalising did (Unicode 3.13, D147)
        key = unicodedata.normalize("NFKC", key.casefold()).strip()
    return key


def counted_as(kind: str, whose: str) -> str:
    """The name under which failures are counted: a hash, so that the store gathers no list of addresses and logins.

    Examples:
        >>> counted_as("login", "anna")[:10], len(counted_as("login", "anna"))
        ('login:5557', 70)
    """
    return f"{kind}:{hashlib.sha256(whose.encode()).hexdigest()}"


def read_roles(names: Iterable[str]) -> frozenset[Role]:
    """Roles by their names.

    Raises:
        CultivaError: if there is no such role, or none is named.

    Examples:
        >>> read_roles(["adviser"])
        frozenset({<Role.ADVISER: 'adviser'>})
    """
    asked = [name.strip() for name in names if name.strip()]
    known = {role.value for role in Role}
    wrong = [name for name in asked if name not in known]
    if wrong or not asked:
        raise CultivaError(
            "a user needs roles that exist",
            code="users.bad_role",
            seen=", ".join(wrong) or "none",
            allowed=", ".join(role.value for role in Role),
            hint=(did_you_mean(wrong[0], known) if wrong else "") or "name roles, separated by commas",
        )
    return frozenset(Role(name) for name in asked)


def check_user(wanted: NewUser | User) -> None:
    """Refuses a user who cannot be.

    Raises:
        CultivaError: naming the first thing that does not fit.
    """
    key, name = login_key(wanted.login), wanted.name.strip()
    if not LOGIN.fullmatch(wanted.login.strip()) or len(key) > 100:
        raise _bad("login", wanted.login[:100], "2 to 100 letters, digits and _ . @ + -")
    if not 0 < len(name) <= 200:
        raise _bad("name", f"{len(name)} characters", "1 to 200 characters")
    if not wanted.roles:
        raise _bad("roles", "none", ", ".join(role.value for role in Role))
    if wanted.language not in LANGUAGES:
        raise _bad("language", wanted.language[:20], ", ".join(LANGUAGES))
    if len(wanted.region) > 63 or any(len(one) > 63 for one in (wanted.staff_id or "", *wanted.branches)):
        raise _bad("region, branch or staff id", "more than 63 characters", "at most 63 characters")


def _bad(what: str, seen: str, allowed: str) -> CultivaError:
    return CultivaError(
        f"not a user's {what}",
        code=f"users.bad_{what.split(',', maxsplit=1)[0].split(maxsplit=1)[0]}",
        seen=seen,
        allowed=allowed,
        hint="cultiva user create WORKSPACE --login wang.fang --name 王芳 --roles adviser --staff S-7",
    )
