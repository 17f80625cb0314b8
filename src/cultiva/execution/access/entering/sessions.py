"""Sessions: a random token in the browser, its hash in the store, and how long it opens anything."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cultiva.execution.access.entering.users import User


class Asks(StrEnum):
    """What is still asked of somebody whose password was right."""

    NOTHING = ""
    """They are in."""
    PASSWORD = "password"  # noqa: S105
    """A password of their own: the one they have was made by somebody else."""
    SECOND = "second"
    """A code of their second factor."""
    ENROL = "enrol"
    """To enrol a second factor, which their role must have."""


@dataclass(frozen=True)
class Limits:
    """How long a session opens anything."""

    idle: timedelta = timedelta(minutes=30)
    """Without a request."""
    absolute: timedelta = timedelta(hours=12)
    """Since the login."""
    pending: timedelta = timedelta(minutes=10)
    """Between password and second factor."""
    sure: timedelta = timedelta(minutes=10)
    """After somebody proved who they are, they may do what needs that proof."""


@dataclass(frozen=True)
class Session:
    """Somebody's visit."""

    user: User
    csrf: str
    """What every changing request must carry."""
    began: datetime
    seen: datetime
    sure_at: datetime | None
    """When they last proved who they are."""
    session_id: str = ""
    """Names it where sessions are listed; opens nothing."""
    address: str = ""
    """Where it came from."""
    asks: Asks = Asks.NOTHING
    """What is still asked; anything but nothing opens no page but those of entering."""

    def sure(self, at: datetime, limits: Limits) -> bool:
        """Whether the proof of who they are is recent."""
        return self.sure_at is not None and at - self.sure_at <= limits.sure

    def alive(self, at: datetime, limits: Limits) -> bool:
        """Whether it still opens anything."""
        if self.asks:
            return at - self.began < limits.pending
        return at - self.seen < limits.idle and at - self.began < limits.absolute


@dataclass(frozen=True)
class Entered:
    """What came of trying to enter: a session's token, or that of one which asks for more."""

    token: str = ""
    """Opens the console; goes into a cookie and nowhere else."""
    pending: str = ""
    """Opens only the page that asks for the rest."""
    asks: Asks = Asks.NOTHING
    """What that is."""


def new_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256 of a token. No salt and no stretching: 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """The CSRF token of a session: made from its token, so that it changes with it and need not be kept.

    Examples:
        >>> csrf_of("a") == csrf_of("a") != csrf_of("b")
        True
    """
    return hmac.new(token.encode(), b"cultiva csrf", hashlib.sha256).hexdigest()


def csrf_fits(token: str, given: str) -> bool:
    """Whether a request carries the CSRF token of its session; takes the same time whatever was given."""
    return hmac.compare_digest(csrf_of(token).encode(), given.encode())
