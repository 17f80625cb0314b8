"""Passwords: which are refused, how they are kept (argon2id), and that a wrong login costs the same time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from cultiva.execution.access.entering.users import login_key
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LENGTH_MIN, LENGTH_MAX = 12, 256
"""Characters; the upper bound keeps hashing cheap for us (NIST SP 800-63B asks for at least 64)."""


@dataclass(frozen=True)
class HashCost:
    """What one guess costs: the second choice of the OWASP password storage cheat sheet, for argon2id."""

    passes: int = 2
    memory_kib: int = 19_456
    lanes: int = 1


@dataclass(frozen=True)
class Checked:
    """What came of comparing a password."""

    right: bool
    renewed: str = ""
    """The hash at today's cost, if the kept one was made at another; empty: keep what there is."""


def check_password(password: str, login: str) -> None:
    """Refuses a password that is too short, too long, common, made of one thing repeated, or made of the login.

    Raises:
        CultivaError: with what was wrong; never with the password.

    Examples:
        >>> check_password("correct horse battery", "wang.fang")
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise _weak(f"{len(password)} characters")
    plain, own = login_key(password), login_key(login)
    if own in plain or own.partition("@")[0] in plain:
        raise _weak("a password with the login in it")
    if plain in common() or any(plain == plain[:size] * (len(plain) // size) for size in divisors(len(plain))):
        raise _weak("a password that is among the first to be guessed")


def divisors(length: int) -> list[int]:
    """Lengths whose multiple a length is, but not its third or more.

    Examples:
        >>> divisors(12)
        [1, 2, 3, 4]
    """
    return [size for size in range(1, length // 3 + 1) if length % size == 0]


@lru_cache(maxsize=1)
def common() -> frozenset[str]:
    """Passwords of twelve characters and more that are tried first, folded."""
    text = resources.files("cultiva.execution.access.entering").joinpath("common.txt").read_text("utf-8")
    return frozenset(login_key(line) for line in text.splitlines() if line and not line.startswith("#"))


def hashed(password: str, cost: HashCost) -> str:
    """A password as it is kept: argon2id with a salt of its own."""
    return _hasher(cost).hash(password)


def compared(kept: str, password: str, cost: HashCost) -> Checked:
    """Compares a password with a kept hash; without one it takes as long, and is wrong.

    Args:
        kept: As `hashed` made it; empty: there is no such user, or none with a password.
        password: As typed; longer than any that is allowed is wrong, and is not hashed at its length.
        cost: Today's.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    hasher = _hasher(cost)
    try:
        hasher.verify(kept or _nobodys(cost), password[: LENGTH_MAX + 1])
    except (VerificationError, InvalidHashError):
        return Checked(False)
    if not kept:
        return Checked(False)
    return Checked(True, hashed(password, cost) if hasher.check_needs_rehash(kept) else "")


@lru_cache(maxsize=8)
def _hasher(cost: HashCost) -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)


@lru_cache(maxsize=8)
def _nobodys(cost: HashCost) -> str:
    return hashed("nobody has this password", cost)


def _weak(seen: str) -> CultivaError:
    return CultivaError(
        "this password is not safe",
        code="passwords.weak",
        seen=seen,
        allowed=f"{LENGTH_MIN} to {LENGTH_MAX} characters, not a common one, without the login in it",
        hint="take four or five words that have nothing to do with each other",
    )
