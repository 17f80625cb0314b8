"""A real OpenID Connect provider over HTTP on loopback: discovery, login, token, keys; and one that can be told to lie.

Codes are single, bound to client, redirect and PKCE challenge, as RFC 6749, 7636 and OpenID Connect Core ask; tokens
are signed with RS256 by joserfc. Authlib's `create_s256_code_challenge` checks the verifier.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "cultiva-console", "a secret: with % and +"
Changed = Callable[[dict[str, Any]], None]


@dataclass
class Provider:
    """The provider; whoever asks at its login page is `person`, without being asked for a password."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "7", "preferred_username": "ann", "name": "Ann"})
    now: int = 0
    """Its clock, seconds since 1970."""
    lie: Changed = field(default=lambda claims: None)
    """Changes the claims of a token before it is signed."""
    signs: Callable[[dict[str, Any]], str] | None = None
    """Signs in another way than it should."""
    says_goodbye: bool = True
    """Whether it has a page at which one logs out."""
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for."""
    keys: list[RSAKey] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def turn_keys(self) -> None:
        """Signs with a new key from now on; the old ones are not told of any more."""
        number = len(self.asked) + len(self.keys)
        self.keys = [RSAKey.generate_key(2048, {"kid": f"key{number}", "use": "sig", "alg": "RS256"})]

    def discovery(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            **({"end_session_endpoint": f"{self.issuer}/goodbye?from=us"} if self.says_goodbye else {}),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def authorize(self, query: Mapping[str, str]) -> str:
        """Logs the person in; the address to which their browser is sent."""
        assert query["client_id"] == CLIENT and query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256" and "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = dict(query)
        back = {"code": code, "state": query["state"], "iss": self.issuer}
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def token(self, form: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Exchanges a code, once."""
        kind, _, encoded = authorization.partition(" ")
        if kind != "Basic" or base64.b64decode(encoded).decode() != f"{CLIENT}:{SECRET}":
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form.get("code", ""), None)
        fits = (
            asked is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == asked["redirect_uri"]
            and create_s256_code_challenge(form.get("code_verifier", "")) == asked["code_challenge"]
        )
        if asked is None or not fits:
            return 400, {"error": "invalid_grant"}
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": self.now, "exp": self.now + 300, "nonce": asked["nonce"],
            **self.person,
        }  # fmt: skip
        self.lie(claims)
        signed = self.signs or (lambda said: jwt.encode({"alg": "RS256", "kid": self.keys[0].kid}, said, self.keys[0]))
        return 200, {"access_token": secrets.token_urlsafe(8), "token_type": "Bearer", "id_token": signed(claims)}


@contextmanager
def provider(now: int) -> Iterator[Provider]:
    """A provider that answers until the end.

    Args:
        now: Its clock, seconds since 1970.
    """
    found = Provider(now=now)
    found.turn_keys()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            found.asked.append(parts.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/.well-known/openid-configuration":
                self._say(200, found.discovery())
            elif parts.path == "/jwks":
                self._say(200, KeySet(list(found.keys)).as_dict(private=False))
            elif parts.path == "/authorize":
                self.send_response(303)
                self.send_header("Location", found.authorize(query))
                self.end_headers()
            elif parts.path == "/goodbye":
                assert query["client_id"] == CLIENT
                self.send_response(303)
                self.send_header("Location", query["post_logout_redirect_uri"])
                self.end_headers()
            else:
                self._say(404, {"error": "not_found"})

        def do_POST(self) -> None:
            found.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(*found.token(form, self.headers.get("Authorization", "")))

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is written to the tests' output."""

        def _say(self, status: int, what: object) -> None:
            body = json.dumps(what).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
