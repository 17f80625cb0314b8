"""The bank's own login by OpenID Connect: authorization code with PKCE, state and nonce; Authlib has the protocol.

Every copy of the console may take back whom another has sent: what a way needs lies in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import httpx

from cultiva.definitions.console import OidcSettings, check_address
from cultiva.execution.access.doors import Doors, Entered
from cultiva.execution.access.entering.flows import Begun, Flows
from cultiva.execution.access.entering.known import known
from cultiva.execution.access.entering.reading import claims_of
from cultiva.execution.access.entering.repository import Flow
from cultiva.execution.channels.secrets import revealed
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database

SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures that are taken; never `none`, never one whose key the console itself holds."""
FRESH = timedelta(hours=1)
"""What a provider says of itself is asked again after this."""
ASKED_AGAIN = timedelta(minutes=1)
"""An unknown key makes the console ask for keys anew, but not more often."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
"""Of a provider, that the console needs."""
FAREWELL = "end_session_endpoint"
"""Where somebody logs out of a provider that has it."""
LEEWAY_SECONDS = 60
"""Clocks may differ so much."""
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Leaving:
    """Where somebody is sent, and what their browser keeps."""

    address: str
    """Of the provider's login page."""
    token: str
    """For the cookie."""


@dataclass(frozen=True)
class Returned:
    """Somebody who has come back."""

    entered: Entered
    target: str
    """The page they wanted."""


@dataclass(frozen=True)
class _Said:
    """What the provider said of itself."""

    metadata: Mapping[str, Any]
    keys: Any
    """`joserfc.jwk.KeySet`."""
    at: datetime


class Oidc:
    """One provider.

    Args:
        settings: Of the workspace.
        doors: Through which people enter.
        flows: Who has left for the provider.
        root: The workspace; the path of a secret starts there.
        client: Over which it is asked; None: one of its own.
    """

    def __init__(
        self, settings: OidcSettings, doors: Doors, flows: Flows, *, root: Path, client: httpx.Client | None = None
    ) -> None:
        self.settings = settings
        self._doors, self._flows, self._root = doors, flows, root
        self._client = client or httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False)
        self._said: _Said | None = None
        self._saying = Lock()

    @classmethod
    def of(cls, settings: OidcSettings, doors: Doors, database: Database, root: Path) -> Oidc:
        """The provider of a workspace."""
        return cls(settings, doors, Flows(database), root=root)

    def leave(self, redirect: str, target: str, *, at: datetime, anew: bool = False) -> Leaving:
        """Somebody wants to log in at the provider.

        Args:
            redirect: Address of our callback as the browser sees it.
            target: Page of ours to show afterwards.
            at: The present instant.
            anew: Whether the provider must ask them, though it knows them; it then says when it did.

        Raises:
            CultivaError: if the provider does not answer.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        said = self._ask(at)
        begun: Begun = self._flows.begin(target, at=at)
        address = prepare_grant_uri(
            said.metadata["authorization_endpoint"],
            client_id=self.settings.client_id,
            response_type="code",
            redirect_uri=self.settings.redirect_url or redirect,
            scope=" ".join(self.settings.scopes),
            state=begun.flow.state,
            nonce=begun.flow.nonce,
            code_challenge=create_s256_code_challenge(begun.flow.verifier),
            code_challenge_method="S256",
            **({"prompt": "login", "max_age": "0"} if anew else {}),
        )
        return Leaving(address, begun.token)

    def come_back(self, query: Mapping[str, str], token: str, *, redirect: str, at: datetime, address: str) -> Returned:
        """Somebody comes back from the provider.

        Args:
            query: Of the callback's address.
            token: Of the cookie.
            redirect: As given to `leave`.
            at: The present instant.
            address: Where they come from.

        Raises:
            CultivaError: if anything about it is not as it must be.
        """
        flow = self._flows.back(token, query.get("state", ""), at=at)
        if "error" in query or not query.get("code"):
            _refuse(f"the provider: {query.get('error', 'no code')[:60]}")
        if query.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207: another provider's answer
            _refuse("an answer of another provider")
        answered = self._redeem(query["code"], flow, self.settings.redirect_url or redirect, at)
        claims = self._verified(answered, flow, at)
        somebody = known(self.settings.issuer, claims, claims_of(self.settings))
        return Returned(self._doors.enter_known(somebody, at=at, address=address), flow.target)

    def farewell(self, target: str, *, at: datetime) -> str | None:
        """Where somebody logs out at the provider too (OpenID Connect RP-Initiated Logout 1.0, 2).

        No identity token is kept that could be shown as a hint, so a provider may ask whether they mean it.

        Args:
            target: Page of ours, as the browser sees it, to which the provider sends them afterwards.
            at: The present instant.

        Returns:
            An address of the provider; None: it has no such page.

        Raises:
            CultivaError: if the provider does not answer.
        """
        from authlib.common.urls import add_params_to_uri

        endpoint = self._ask(at).metadata.get(FAREWELL)
        if not endpoint:
            return None
        known = self.settings.redirect_url  # where browsers see us, behind a proxy that changes addresses
        back = str(httpx.URL(known).copy_with(path=httpx.URL(target).path, query=None)) if known else target
        told = [("client_id", self.settings.client_id), ("post_logout_redirect_uri", back)]
        return str(add_params_to_uri(str(endpoint), told))

    def _redeem(self, code: str, flow: Flow, redirect: str, at: datetime) -> Mapping[str, Any]:
        """Exchanges the code for tokens."""
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        endpoint = self._ask(at).metadata["token_endpoint"]
        secret = revealed(self.settings.client_secret, root=self._root)
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=redirect, code_verifier=flow.verifier,
            **({} if secret else {"client_id": self.settings.client_id}),
        )  # fmt: skip
        method = "client_secret_basic" if secret else "none"
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        auth = ClientAuth(self.settings.client_id, secret, method)
        uri, headers, body = auth.prepare("POST", endpoint, headers, body)
        answered = self._json("POST", uri, headers=headers, content=body)
        if not isinstance(answered.get("id_token"), str):
            _refuse("no identity token")
        return answered

    def _verified(self, answered: Mapping[str, Any], flow: Flow, at: datetime) -> dict[str, Any]:
        """The claims of an identity token whose signature, issuer, audience, nonce and times hold."""
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        try:
            token = self._decoded(answered["id_token"], at)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {"iss": {"essential": True, "value": self.settings.issuer},
                 "aud": {"essential": True, "value": self.settings.client_id},
                 "nonce": {"essential": True, "value": flow.nonce}},
                {"nonce": flow.nonce, "client_id": self.settings.client_id,
                 "access_token": answered.get("access_token")},
            )  # fmt: skip
            claims.validate(now=int(at.timestamp()), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            raise _fault(f"an identity token that does not hold: {type(error).__name__}") from error
        return dict(token.claims)

    def _decoded(self, text: str, at: datetime) -> Any:
        """The token, its signature checked; keys are asked for anew once if the one it names is not known."""
        from joserfc import jwt
        from joserfc.errors import BadSignatureError, InvalidKeyIdError

        said = self._ask(at)
        try:
            return jwt.decode(text, said.keys, algorithms=list(SIGNED_BY))
        except (InvalidKeyIdError, BadSignatureError, ValueError):
            if at - said.at < ASKED_AGAIN:
                raise
        return jwt.decode(text, self._ask(at, anew=True).keys, algorithms=list(SIGNED_BY))

    def _ask(self, at: datetime, *, anew: bool = False) -> _Said:
        """What the provider says of itself, asked once an hour."""
        with self._saying:
            if self._said is None or anew or at - self._said.at >= FRESH:
                self._said = self._discovered(at)
            return self._said

    def _discovered(self, at: datetime) -> _Said:
        from authlib.oidc.discovery import get_well_known_url
        from joserfc.jwk import KeySet

        metadata = self._json("GET", get_well_known_url(self.settings.issuer, external=True))
        try:
            if metadata.get("issuer") != self.settings.issuer:
                raise ValueError("another issuer than the one configured")
            for name in ENDPOINTS:
                check_address(name, str(metadata[name]))
            if metadata.get(FAREWELL):
                check_address(FAREWELL, str(metadata[FAREWELL]))
            keys = KeySet.import_key_set(self._json("GET", str(metadata["jwks_uri"])))  # type: ignore[arg-type]
        except (ValueError, KeyError) as error:
            raise _down(str(error)[:200]) from error
        return _Said(metadata, keys, at)

    def _json(self, method: str, address: str, **sent: Any) -> dict[str, Any]:
        try:
            answered = self._client.request(method, address, **sent)
            found = answered.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _down(type(error).__name__) from error
        if answered.status_code >= 500:
            raise _down(f"HTTP {answered.status_code}")
        if answered.status_code >= 400 or not isinstance(found, dict):
            error_name = str(found.get("error", "")) if isinstance(found, dict) else ""
            raise _fault(f"the provider: {error_name[:60] or answered.status_code}")
        return found


def _refuse(seen: str) -> NoReturn:
    raise _fault(seen)


def _fault(seen: str) -> CultivaError:
    """Somebody does not come in; what the provider said is told as a word, never with a token."""
    return CultivaError(
        "the provider's answer does not let you in",
        code="oidc.refused",
        kind=ErrorKind.FORBIDDEN,
        seen=seen,
        allowed="a fresh answer of the configured provider to this browser",
        hint="log in again",
    )


def _down(seen: str) -> CultivaError:
    return CultivaError(
        "the login provider cannot be used",
        code="oidc.unavailable",
        kind=ErrorKind.UNAVAILABLE,
        seen=seen,
        allowed="a provider that answers at its issuer's address as OpenID Connect Discovery says",
        hint="see [console.oidc] in cultiva.toml, or try again later",
    )
