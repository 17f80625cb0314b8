"""API keys: what they look like, what they allow, and when they are dead."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cultiva.contracts.sight import EVERYBODY, Sight
from cultiva.kit.errors import CultivaError, did_you_mean

PREFIX = "cultiva"
"""Begins every key, so that a scanner of source code finds one that was leaked."""
PER_MINUTE_DEFAULT = 600
"""Requests a minute of a key that says nothing else."""
_FORM = re.compile(rf"{PREFIX}_[0-9a-f]{{12}}_[A-Za-z0-9_-]{{43}}")


class Scope(StrEnum):
    """What a key may be used for."""

    CUSTOMERS = "customers"
    """Read customers: profile, track, decisions, consent."""
    SEGMENTS = "segments"
    """Read segments and their members; count customers by a rule."""
    STRATEGIES = "strategies"
    """Read strategies and launches."""
    LAUNCHES = "launches"
    """Put launches forward, approve, pause, resume and stop them."""
    TASKS = "tasks"
    """Read tasks, accept them, log their results."""
    OUTCOMES = "outcomes"
    """Report what customers did."""
    CONSENT = "consent"
    """Change consent."""
    EXPORTS = "exports"
    """Take out segments and decisions as files."""
    EVENTS = "events"
    """Send events; see what waits and what was set aside."""
    DECIDE = "decide"
    """Ask what a customer gets now; report what came of it."""
    PERSONAL = "personal"
    """See personal data unmasked, wherever the other scopes show it."""


@dataclass(frozen=True)
class ApiKey:
    """A key as it is kept: all but the key itself."""

    key_id: str
    name: str
    """Whose it is; stands in logs and in the audit."""
    scopes: frozenset[Scope]
    per_minute_max: int
    """Requests a minute."""
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    sight: Sight = EVERYBODY
    """Whom it sees; personal data with the scope `personal` only."""

    def alive(self, at: datetime) -> bool:
        """Whether it opens anything at an instant."""
        return self.revoked is None and (self.expires is None or at < self.expires)


@dataclass(frozen=True)
class NewKey:
    """A key just made; the only moment at which its text is known."""

    text: str
    key: ApiKey


def make_text() -> tuple[str, str]:
    """A new key's id and text: `cultiva_<id>_<256 random bits>`."""
    key_id = secrets.token_hex(6)
    return key_id, f"{PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"


def fingerprint(text: str) -> str:
    """SHA-256 of a key. No salt and no stretching: 256 random bits cannot be guessed."""
    return hashlib.sha256(text.encode()).hexdigest()


def well_formed(text: str) -> bool:
    """Whether a text can be a key at all; others need no look into the store.

    Examples:
        >>> well_formed(make_text()[1]), well_formed("cultiva_1_2")
        (True, False)
    """
    return _FORM.fullmatch(text) is not None


def read_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Scopes by their names.

    Raises:
        CultivaError: if there is no such scope, or none is named.

    Examples:
        >>> sorted(read_scopes(["tasks", "personal"]))
        [<Scope.PERSONAL: 'personal'>, <Scope.TASKS: 'tasks'>]
    """
    asked = [name.strip() for name in names if name.strip()]
    known = {scope.value for scope in Scope}
    wrong = [name for name in asked if name not in known]
    if wrong or not asked:
        raise CultivaError(
            "a key needs scopes that exist",
            code="access.bad_scope",
            seen=", ".join(wrong) or "none",
            allowed=", ".join(scope.value for scope in Scope),
            hint=(did_you_mean(wrong[0], known) if wrong else "") or "name what it is for, separated by commas",
        )
    return frozenset(Scope(name) for name in asked)
