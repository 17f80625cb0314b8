"""The door: login, second factor, first password, the bank's own login. Pages for those whom nobody knows yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours
from cultiva.console.oidc import Oidc
from cultiva.console.pages import back, bank_name, render
from cultiva.console.security import PENDING, SESSION, VIA, WAY, cookie_name, drop_cookie, local, put_cookie
from cultiva.definitions.console import ConsoleSettings
from cultiva.execution.access.doors import Asks, Entered, Session, csrf_fits
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.words import LANGUAGES, say

routes = APIRouter(default_response_class=HTMLResponse)
"""Open to strangers."""
Text = Annotated[str, Form(max_length=500)]
PLACES: Mapping[Asks, tuple[str, str]] = {
    Asks.SECOND: ("/login/second", "account/second.html"),
    Asks.PASSWORD: ("/login/password", "account/password_first.html"),
    Asks.ENROL: ("/login/enrol", "account/enrol_first.html"),
}
"""What is still asked -> where, and the page."""
CALLBACK = "/login/oidc/callback"
FAREWELL = "/login/oidc/logout"
STATUS = {ErrorKind.FORBIDDEN: 403, ErrorKind.INVALID: 422}
"""Errors that are shown above the form that they are about."""


@routes.get("/login", response_model=None)
def login(request: Request, desk: Ours) -> Response:
    """Asks for login and password; whoever is in already goes on."""
    target = local(request.query_params.get("next", "/"))
    if desk.visitor(request.cookies) is not None:
        return back(target)
    return _login_page(request, desk, target)


@routes.post("/login", response_model=None)
def enter(request: Request, desk: Ours, login: Text = "", password: Text = "", next: Text = "/") -> Response:
    """Compares login and password."""
    if not settings_of(desk).local_accounts:
        raise _not_here("there are no passwords here", "log in by the bank's own login")
    try:
        entered = desk.doors.enter(login, password, at=desk.now(), address=address_of(request))
    except CultivaError as error:
        if error.kind not in STATUS:
            raise
        return _login_page(request, desk, local(next), error, login)
    return let_in(request, desk, entered, local(next))


@routes.get("/login/second", response_model=None)
def ask_code(request: Request, desk: Ours) -> Response:
    """Asks for a code of the second factor."""
    return _asking(request, desk, Asks.SECOND)


@routes.post("/login/second", response_model=None)
def take_code(request: Request, desk: Ours, code: Text = "", csrf: Text = "", next: Text = "/") -> Response:
    """Compares it."""
    return _going_on(request, desk, (Asks.SECOND, csrf, next), lambda token: desk.doors.second(token, code, desk.now()))


@routes.get("/login/password", response_model=None)
def ask_password(request: Request, desk: Ours) -> Response:
    """Asks for a password of one's own."""
    return _asking(request, desk, Asks.PASSWORD)


@routes.post("/login/password", response_model=None)
def take_password(
    request: Request, desk: Ours, password: Text = "", again: Text = "", csrf: Text = "", next: Text = "/"
) -> Response:
    """Takes it."""

    def take(token: str) -> Entered:
        same_twice(password, again)
        return desk.doors.new_password(token, password, desk.now())

    return _going_on(request, desk, (Asks.PASSWORD, csrf, next), take)


@routes.get("/login/enrol", response_model=None)
def ask_enrolling(request: Request, desk: Ours) -> Response:
    """Shows the second factor that is to be enrolled."""
    return _asking(request, desk, Asks.ENROL)


@routes.post("/login/enrol", response_model=None)
def take_enrolling(request: Request, desk: Ours, code: Text = "", csrf: Text = "", next: Text = "/") -> Response:
    """Compares its first code; shows the recovery codes, once."""
    recovery: list[str] = []

    def take(token: str) -> Entered:
        done = desk.doors.confirm(token, code, desk.now())
        recovery.extend(done.recovery)
        return done.entered

    session = desk.doors.pending(pending_token(request, desk), desk.now())
    gone = _going_on(request, desk, (Asks.ENROL, csrf, next), take)
    if not recovery or session is None:
        return gone
    facts = {"codes": recovery, "target": local(next)}
    shown = _outside(request, desk, "account/recovery_first.html", session, **facts)
    for name, value in gone.raw_headers:
        if name == b"set-cookie":
            shown.raw_headers.append((name, value))
    return shown


@routes.get("/login/oidc", response_model=None)
def leave(request: Request, desk: Ours) -> Response:
    """Sends somebody to the bank's own login; by a link, since a form may lead to our own pages only."""
    target, anew = local(request.query_params.get("next", "/")), "anew" in request.query_params
    leaving = oidc_of(request, desk).leave(_redirect(request), target, at=desk.now(), anew=anew)
    answer = RedirectResponse(leaving.address, 303)
    put_cookie(answer, settings_of(desk), WAY, leaving.token)
    return answer


@routes.get("/login/oidc/callback", response_model=None)
def come_back(request: Request, desk: Ours) -> Response:
    """Takes somebody back from it."""
    token = request.cookies.get(cookie_name(settings_of(desk), WAY), "")
    try:
        returned = oidc_of(request, desk).come_back(
            request.query_params, token, redirect=_redirect(request), at=desk.now(), address=address_of(request)
        )
    except CultivaError as error:
        if error.kind not in STATUS:
            raise
        answer = _login_page(request, desk, "/", error)
    else:
        answer = let_in(request, desk, returned.entered, local(returned.target))
        put_cookie(answer, settings_of(desk), VIA, "oidc")
    drop_cookie(answer, settings_of(desk), WAY)
    return answer


@routes.get("/login/oidc/left", response_model=None)
def left(request: Request, desk: Ours) -> Response:
    """Says that one is out here, and goes on to the provider by itself: a form may not send a browser elsewhere."""
    answer = _outside(request, desk, "account/left.html", None)
    answer.headers["Refresh"] = f"0; url={FAREWELL}"
    return answer


@routes.get("/login/oidc/logout", response_model=None)
def leave_provider(request: Request, desk: Ours) -> Response:
    """Sends somebody who came by the bank's own login there to log out too, where it has a page for that."""
    settings = settings_of(desk)
    answer = back("/login")
    if request.cookies.get(cookie_name(settings, VIA)):
        here = str(request.url.replace(path="/login", query="", fragment=""))
        with suppress(CultivaError):  # out of here they are, whatever the provider does
            answer = back(oidc_of(request, desk).farewell(here, at=desk.now()) or "/login")
    drop_cookie(answer, settings, VIA)
    return answer


def let_in(request: Request, desk: ConsoleDesk, entered: Entered, target: str) -> Response:
    """Gives the browser its token and goes on: to the page wanted, or to what is still asked."""
    settings = settings_of(desk)
    if entered.token:
        desk.doors.leave(
            request.cookies.get(cookie_name(settings, SESSION), ""), desk.now()
        )  # one browser, one session
        answer: Response = back(target)
        put_cookie(answer, settings, SESSION, entered.token)
        drop_cookie(answer, settings, PENDING)
        return answer
    answer = back(f"{PLACES[entered.asks][0]}?next={quote(target, safe='')}")
    put_cookie(answer, settings, PENDING, entered.pending)
    return answer


def qr(uri: str) -> str:
    """A QR code as SVG without styles."""
    import segno

    return segno.make(uri, error="m").svg_inline(scale=5, border=2, light="#fff", svgclass="qr", lineclass=None)


def same_twice(password: str, again: str) -> None:
    """Refuses a new password that was typed in two ways.

    Raises:
        CultivaError: if it was.
    """
    if password != again:
        raise CultivaError(
            "the two passwords differ",
            code="passwords.differ",
            allowed="the same password twice",
            hint="type it again, twice",
        )


def settings_of(desk: ConsoleDesk) -> ConsoleSettings:
    """`[console]` of the workspace."""
    return desk.parts.workspace.settings.console


def address_of(request: Request) -> str:
    """Where a request comes from; behind a proxy, what the server was told to believe it about that."""
    return request.client.host if request.client else ""


def pending_token(request: Request, desk: ConsoleDesk) -> str:
    """Of the session that still asks for something."""
    return request.cookies.get(cookie_name(settings_of(desk), PENDING), "")


def oidc_of(request: Request, desk: ConsoleDesk) -> Oidc:
    """The bank's own login.

    Raises:
        CultivaError: if it has none.
    """
    settings = settings_of(desk).oidc
    if settings is None:
        raise _not_here("the bank has no login of its own here", "log in with a password")
    known = getattr(request.app.state, "oidc", None)
    if isinstance(known, Oidc):
        return known
    made = Oidc.of(settings, desk.doors, desk.parts.store.database, desk.parts.workspace.root)
    request.app.state.oidc = made
    return made


def language_of(request: Request, desk: ConsoleDesk) -> str:
    """In which language a stranger reads: asked for, else the browser's, else the workspace's."""
    asked = request.query_params.get("language", "")
    if asked in LANGUAGES:
        return asked
    browsers = (one.split(";")[0].strip()[:2].lower() for one in request.headers.get("accept-language", "").split(","))
    return next((one for one in browsers if one in LANGUAGES), desk.parts.workspace.settings.language)


def _asking(request: Request, desk: ConsoleDesk, asks: Asks, error: CultivaError | None = None) -> Response:
    """The page that asks for what is missing; for whom it is not asked, the login."""
    token = pending_token(request, desk)
    session = desk.doors.pending(token, desk.now())
    target = local(request.query_params.get("next", "/"))
    if session is None or session.asks is not asks:
        return back(f"/login?next={quote(target, safe='')}")
    facts: dict[str, Any] = {"target": target}
    if asks is Asks.ENROL:
        offer = desk.doors.offered(token, desk.now())
        assert offer is not None, "a session that asks to enrol has something to enrol"
        facts |= {"offer": offer, "qr": qr(offer.uri)}
    return _outside(request, desk, PLACES[asks][1], session, error=error, **facts)


def _going_on(
    request: Request, desk: ConsoleDesk, form: tuple[Asks, str, str], take: Callable[[str], Entered]
) -> Response:
    """Takes what was asked, and goes on.

    Args:
        request: The form.
        desk: Of the console.
        form: What it answers, its CSRF token, the page wanted in the end.
        take: Compares what was typed, for the session of a token.
    """
    asks, csrf, target = form
    token = pending_token(request, desk)
    session = desk.doors.pending(token, desk.now())
    if session is None or session.asks is not asks or not csrf_fits(token, csrf):
        return back(f"/login?next={quote(local(target), safe='')}")
    try:
        return let_in(request, desk, take(token), local(target))
    except CultivaError as error:
        if error.kind not in STATUS:
            raise
        return _asking(request, desk, asks, error)


def _login_page(
    request: Request, desk: ConsoleDesk, target: str, error: CultivaError | None = None, login: str = ""
) -> Response:
    language, settings = language_of(request, desk), settings_of(desk)
    oidc = settings.oidc
    facts = {
        "target": target,
        "login": login,
        "local_accounts": settings.local_accounts,
        "oidc": say(oidc.label, language) if oidc else "",
        "other": next(one for one in LANGUAGES if one != language),
    }
    return _outside(request, desk, "account/login.html", None, error=error, **facts)


def _outside(request: Request, desk: ConsoleDesk, template: str, session: Session | None, **facts: Any) -> Response:
    """A page for somebody who is not in."""
    error = facts.setdefault("error", None)
    language = session.user.language if session else language_of(request, desk)
    bank = bank_name(desk.parts.workspace, language)
    text = render(request, language, template, who=session, bank=bank, **facts)
    return HTMLResponse(text, STATUS[error.kind] if error else 200)


def _redirect(request: Request) -> str:
    """Our callback as the browser sees it."""
    return str(request.url.replace(path=CALLBACK, query="", fragment=""))


def _not_here(message: str, hint: str) -> CultivaError:
    return CultivaError(message, code="door.not_here", kind=ErrorKind.NOT_FOUND, hint=hint)
