"""`[console]` of cultiva.toml: how people enter the console, and for how long."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from cultiva.definitions.base import Label, Model

RoleName = Literal[
    "analyst",
    "operator",
    "approver",
    "adviser",
    "branch_manager",
    "experience_manager",
    "executive",
    "auditor",
    "administrator",
]


def _listed(value: object) -> object:
    return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value


RoleNames = Annotated[tuple[RoleName, ...], BeforeValidator(_listed)]
"""Several; `--set` gives them as one text with commas."""
SECRET = re.compile(r"\$\{(?:env|file):[^}]+\}")
"""A secret is named, never written: `${env:NAME}` or `${file:PATH}`."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OidcSettings(Model):
    """`[console.oidc]`: the provider at which the bank's people log in."""

    issuer: str
    """Its address; `/.well-known/openid-configuration` lies below it."""
    client_id: str = Field(min_length=1)
    """By which it knows the console."""
    client_secret: str = "${env:CULTIVA_OIDC_SECRET}"  # noqa: S105
    """Where the secret is: `${env:NAME}` or `${file:PATH}`; empty: a public client, by PKCE alone."""
    redirect_url: str = ""
    """Address of `/login/oidc/callback` as browsers see it; empty: below the address that they came to."""
    label: Label = Label(zh="统一登录", en="Single sign-on")
    """Of the button."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """Asked for."""
    login_claim: str = "preferred_username"
    """Claim with the login."""
    name_claim: str = "name"
    """Claim with the name."""
    role_claim: str = ""
    """Claim whose values give roles; empty: administrators give roles here."""
    roles: dict[str, tuple[RoleName, ...]] = {}
    """Value of that claim -> roles."""
    staff_claim: str = ""
    """Claim with the staff id; empty: administrators say it here. So too below."""
    branches_claim: str = ""
    """Claim with the branches."""
    region_claim: str = ""
    """Claim with the region code."""
    trust_second_factor: bool = False
    """True: the provider always asks for a second factor; else only where its `amr` says so."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        check_address("issuer", self.issuer)
        if self.redirect_url:
            check_address("redirect_url", self.redirect_url)
        if self.client_secret and not SECRET.fullmatch(self.client_secret):
            raise ValueError(
                "client_secret: a secret is named, not written: ${env:CULTIVA_OIDC_SECRET} or ${file:PATH}"
            )
        if self.roles and not self.role_claim:
            raise ValueError("roles: name the claim whose values they are, as role_claim")
        if "openid" not in self.scopes:
            raise ValueError("scopes: without 'openid' a provider does not say who somebody is")
        return self


class ConsoleSettings(Model):
    """`[console]`: sessions, second factors, cookies, limits."""

    idle_minutes: int = Field(default=30, ge=1, le=480)
    """A session ends so long after its last request."""
    session_hours: int = Field(default=12, ge=1, le=24)
    """A session ends so long after the login, in use or not."""
    sure_minutes: int = Field(default=10, ge=1, le=60)
    """So long after proving who one is one may administer users and see personal data."""
    failures_of_login_max: int = Field(default=5, ge=3, le=20)
    """So many wrong passwords in a row shut a login, for 15 minutes, then for twice as long each time."""
    failures_of_address_max: int = Field(default=100, ge=10)
    """So many shut an address; one is forgotten every ten seconds. More where a large office shares one address."""
    require_second_factor_for: RoleNames = ("operator", "approver", "administrator")
    """Roles that must have a second factor."""
    local_accounts: bool = True
    """False: everybody enters through the provider of `[console.oidc]`."""
    cookie_secure: bool = True
    """False on loopback only, for a demonstration without TLS."""
    second_factor_key: str = ""
    """Where the key is that seals the secrets of second factors: `${env:NAME}` or `${file:PATH}`; empty: none."""
    requests_per_minute: int = Field(default=600, ge=10)
    """Of one session."""
    requests_per_minute_of_address: int = Field(default=6000, ge=10)
    """Of one address; a branch may share one."""
    unmask_minutes: int = Field(default=15, ge=1, le=120)
    """So long personal data of a customer are shown for a reason."""
    unmask_per_day_max: int = Field(default=50, ge=0)
    """Customers whom one person may unmask on one day."""
    export_rows_max: int = Field(default=50_000, ge=1)
    """Longest list that a person may take out."""
    body_kib_max: int = Field(default=1024, ge=16)
    """Largest form or file that is taken."""
    oidc: OidcSettings | None = None
    """The bank's own login; left out: none."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.second_factor_key and not SECRET.fullmatch(self.second_factor_key):
            raise ValueError(
                "second_factor_key: a key is named, not written: ${env:CULTIVA_CONSOLE_KEY} or ${file:PATH}"
            )
        if not self.local_accounts and self.oidc is None:
            raise ValueError("local_accounts: without them and without [console.oidc] nobody could enter")
        return self


def check_address(name: str, address: str) -> None:
    """Refuses an address that others could listen to.

    Raises:
        ValueError: if it is neither https nor on loopback.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"{name}: an address that begins with https://; http:// on loopback only")
