"""Security around every page: headers, cookies, how large and how often requests may be, and where forms come from.

Pure ASGI: it sees every answer, those of errors and files too, and costs no task per request.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from threading import Lock

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cultiva.definitions.console import LOOPBACK, ConsoleSettings
from cultiva.execution.access.entering.proofs import address_key
from cultiva.execution.access.entering.sessions import token_hash
from cultiva.execution.access.rates import Bucket, draw_token
from cultiva.kit.clock import Clock

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Nothing from elsewhere, nothing inline, no frame around a page."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""On every answer."""
ALWAYS_TLS = "max-age=31536000; includeSubDomains"
SESSION, PENDING, WAY, VIA = "cultiva", "cultiva-door", "cultiva-way", "cultiva-via"
"""Cookies: of a session, of one that still asks for something, of a way to the bank's own login, of having come so."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
KNOWN_MOST = 20_000
"""Sessions and addresses whose rate a process remembers; the one longest unused goes first."""


def cookie_name(settings: ConsoleSettings, name: str) -> str:
    """A cookie's name; over TLS no other host and no page without TLS can set one of this name (RFC 6265bis, 4.1.3).

    Examples:
        >>> cookie_name(ConsoleSettings(), "cultiva"), cookie_name(ConsoleSettings(cookie_secure=False), "cultiva")
        ('__Host-cultiva', 'cultiva')
    """
    return f"__Host-{name}" if settings.cookie_secure else name


def put_cookie(response: Response, settings: ConsoleSettings, name: str, token: str) -> None:
    """Gives a browser a token until it is closed: no script reads it, no other site's form sends it.

    It is sent along a link from elsewhere (`Lax`): people come from mails and from the bank's own login. That changes
    nothing, since no GET does and every form carries its own token.
    """
    response.set_cookie(
        cookie_name(settings, name), token, path="/", secure=settings.cookie_secure, httponly=True, samesite="lax"
    )


def drop_cookie(response: Response, settings: ConsoleSettings, name: str) -> None:
    """Takes a token back."""
    response.delete_cookie(
        cookie_name(settings, name), path="/", secure=settings.cookie_secure, httponly=True, samesite="lax"
    )


def foreign(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a changing request comes from a page of another site.

    Browsers say so themselves (Fetch Metadata), older ones by `Origin`; who says nothing is no browser.

    Examples:
        >>> foreign("POST", {"sec-fetch-site": "cross-site"}), foreign("GET", {"sec-fetch-site": "cross-site"})
        (True, False)
        >>> foreign("POST", {"origin": "https://evil.example", "host": "console.bank"})
        True
    """
    if method in SAFE:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")


class Meter:
    """Token buckets by name, of one process; the lock against guessing passwords is in the store, for all of them.

    Args:
        known_most: Names remembered.
    """

    def __init__(self, known_most: int = KNOWN_MOST) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._known_most = known_most
        self._lock = Lock()

    def wait(self, name: str, per_minute_max: int, at: datetime) -> float:
        """Takes a token; seconds until there is one, 0 if there was."""
        with self._lock:
            drawn = draw_token(self._buckets.get(name), per_minute_max, at)
            self._buckets[name] = drawn.bucket
            self._buckets.move_to_end(name)
            if len(self._buckets) > self._known_most:
                self._buckets.popitem(last=False)
        return drawn.wait_seconds


class Secured:
    """What stands around the console.

    Args:
        app: The console.
        settings: Of the workspace.
        clock: Gives the present instant.
    """

    def __init__(self, app: ASGIApp, settings: ConsoleSettings, clock: Clock) -> None:
        self._app, self._settings, self._clock = app, settings, clock
        self._meter = Meter()
        tls = {"Strict-Transport-Security": ALWAYS_TLS} if settings.cookie_secure else {}
        self._headers = {**HEADERS, **tls}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        dressed = self._dressing(send)
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, dressed)
            return
        limited = _Limited(scope, receive, dressed, self._settings.body_kib_max * 1024)
        try:
            await self._app(scope, limited.receive, limited.send)
        except Exception:
            if not limited.over:  # else the application was told that the connection is gone, and says so
                raise

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        address = scope["client"][0] if scope.get("client") else ""
        if not self._settings.cookie_secure and not on_loopback(address):
            return _refused(403, "without TLS the console answers on loopback only", "没有 TLS 时控制台只在本机应答")
        if foreign(scope["method"], headers):
            return _refused(403, "this form is not from this site", "表单不是来自本站")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._settings.body_kib_max * 1024:
            return _too_large()
        wait = self._wait(headers, address)
        if wait > 0:
            answer = _refused(429, "too many requests; try again in a moment", "请求太多，请稍后再试")
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        return None

    def _wait(self, headers: Headers, address: str) -> float:
        at, settings = self._clock(), self._settings
        wait = self._meter.wait(f"address {address_key(address)}", settings.requests_per_minute_of_address, at)
        token = cookies_of(headers.get("cookie", "")).get(cookie_name(settings, SESSION), "")
        if wait == 0 and token:
            wait = self._meter.wait(f"session {token_hash(token)}", settings.requests_per_minute, at)
        return wait

    def _dressing(self, send: Send) -> Send:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                if "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        return dressed


class _Limited:
    """Counts what comes in, whatever its length was said to be; says itself that it is too much."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        self._scope, self._receive, self._send, self._left = scope, receive, send, most
        self._begun = False
        self.over = False

    async def receive(self) -> Message:
        """The next part; the end of the connection once it was too much."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left >= 0:
            return message
        if not self.over:
            self.over = True
            if not self._begun:
                await _too_large()(self._scope, self._receive, self._send)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Passes the answer on, unless another was given already."""
        self._begun = True
        if not self.over:
            await self._send(message)


def cookies_of(header: str) -> dict[str, str]:
    """Cookies by name; those of a header that cannot be read are none.

    Examples:
        >>> cookies_of("cultiva=abc; other=1"), cookies_of("(=;")
        ({'cultiva': 'abc', 'other': '1'}, {})
    """
    try:
        return {name: one.value for name, one in SimpleCookie(header).items()}
    except CookieError:
        return {}


def on_loopback(address: str) -> bool:
    """Whether somebody comes from this very machine.

    Examples:
        >>> on_loopback("127.0.0.1"), on_loopback("::1"), on_loopback("10.1.2.3"), on_loopback("")
        (True, True, False, False)
    """
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address in LOOPBACK


def local(target: str) -> str:
    r"""A page of ours to go on to; what would lead elsewhere becomes the first page.

    Examples:
        >>> local("/customers?text=7"), local("//evil.example"), local("/\\evil.example")
        ('/customers?text=7', '/', '/')
    """
    plain = target.startswith("/") and not target.startswith("//")
    fits = plain and len(target) <= 500 and "\\" not in target and target.isprintable()
    return target if fits and not target.startswith(("/login", "/logout")) else "/"


def _too_large() -> Response:
    return _refused(413, "more was sent than is taken", "提交的内容过大")


def _refused(status: int, en: str, zh: str) -> Response:
    return PlainTextResponse(f"{zh}\n{en}\n", status)
