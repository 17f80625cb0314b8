"""Somebody whom an OIDC provider knows: what it says of them, and what that makes of them here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cultiva.execution.access.entering.users import LOGIN, NewUser, User, UserChange
from cultiva.execution.access.roles import Role
from cultiva.kit.words import LANGUAGES

SECOND_METHODS = frozenset({"mfa", "otp", "hwk", "swk", "sc", "fpt", "face"})
"""Values of the claim `amr` that tell of more than a password (RFC 8176)."""


@dataclass(frozen=True)
class ClaimNames:
    """Which claims say what; empty: none does."""

    login: str = "preferred_username"
    name: str = "name"
    roles: str = ""
    """Its values become roles by `role_values`; empty: administrators give roles here."""
    staff: str = ""
    branches: str = ""
    region: str = ""
    role_values: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    """Value of the claim -> roles."""
    second_trusted: bool = False
    """Whether the provider always asks for a second factor, whatever `amr` says."""


@dataclass(frozen=True)
class Known:
    """What a provider says of somebody."""

    issuer: str
    subject: str
    login: str
    """Empty: it says none that could be one here."""
    name: str
    roles: frozenset[Role] | None
    """None: the provider does not say."""
    staff_id: str | None = None
    branches: frozenset[str] | None = None
    region: str | None = None
    language: str = ""
    second_done: bool = False
    """Whether it has asked for a second factor."""
    asked_at: datetime | None = None
    """When it has asked them who they are; None: it does not say."""

    @property
    def change(self) -> UserChange:
        """What it says anew of a user; what it does not speak of stays."""
        return UserChange(self.name or None, self.roles, self.staff_id, self.branches, self.region)

    def wanted(self, default_language: str) -> NewUser:
        """The user to make of somebody who comes for the first time."""
        roles, branches = self.roles or frozenset(), self.branches or frozenset()
        language = self.language or default_language
        return NewUser(self.login, self.name or self.login, roles, self.staff_id, branches, self.region or "", language)


def known(issuer: str, claims: Mapping[str, Any], names: ClaimNames) -> Known:
    """Reads the claims of a verified identity token.

    Args:
        issuer: Who says so.
        claims: As verified: signature, issuer, audience, nonce, times.
        names: Which claims say what.

    Examples:
        >>> names = ClaimNames(roles="groups", role_values={"crm-advisers": frozenset({Role.ADVISER})})
        >>> one = known("https://id.bank", {"sub": "7", "groups": ["crm-advisers", "x"], "amr": ["pwd", "otp"]}, names)
        >>> sorted(one.roles), one.second_done
        ([<Role.ADVISER: 'adviser'>], True)
    """
    login = _text(claims, names.login).strip()
    values = _values(claims, names.roles)
    nothing: frozenset[Role] = frozenset()
    roles = nothing.union(*(names.role_values.get(value, nothing) for value in values)) if names.roles else None
    language = _text(claims, "locale")[:2].lower()
    return Known(
        issuer=issuer,
        subject=str(claims["sub"]),
        login=login if LOGIN.fullmatch(login) else "",
        name=_text(claims, names.name).strip()[:200],
        roles=roles,
        staff_id=_text(claims, names.staff)[:63] if names.staff else None,
        branches=frozenset(_values(claims, names.branches)) if names.branches else None,
        region=_text(claims, names.region)[:63] if names.region else None,
        language=language if language in LANGUAGES else "",
        asked_at=_instant(claims.get("auth_time")),
        second_done=names.second_trusted or bool(SECOND_METHODS & set(_values(claims, "amr"))),
    )


def may_be_linked(user: User, *, has_password: bool, issuers: set[str], issuer: str) -> bool:
    """Whether a user who was made here may be the one of a provider that uses their login.

    Not one who has a password of ours: a provider whose logins people may choose would hand over anybody's account.
    """
    return user.active and not has_password and issuer not in issuers


def _instant(seconds: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(seconds), UTC) if isinstance(seconds, int | float) else None
    except (OverflowError, ValueError, OSError):
        return None


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name) if name else None
    return str(found) if isinstance(found, str | int) else ""


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    found = claims.get(name) if name else None
    many = found if isinstance(found, list | tuple) else [] if found is None else [found]
    return [str(value) for value in many]
