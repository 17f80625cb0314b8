"""One's own account: language, password, second factor, where one is in; and leaving."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Request, Response

from cultiva.console.areas.door import STATUS, qr, same_twice, settings_of
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, page
from cultiva.console.proving import prove_first
from cultiva.console.security import SESSION, VIA, cookie_name, drop_cookie, local, put_cookie
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import NAMES, Right
from cultiva.kit.errors import CultivaError

routes = router()
Text = Annotated[str, Form(max_length=500)]
SECOND = "/account/second"


@routes.get("/account", **needs(Right.ENTER))
def account(request: Request, who: Who, desk: Ours) -> Response:
    """Who one is here, and where one is in."""
    return _account_page(request, who, desk)


@routes.post("/account/language", **needs(Right.ENTER))
def change_language(who: Who, desk: Ours, language: Text, next: Text = "/account") -> Response:
    """Lets one read in the other language."""
    desk.doors.set_language(who.user.user_id, language)
    return back(local(next))


@routes.post("/logout", **needs(Right.ENTER))
def leave(request: Request, desk: Ours) -> Response:
    """Ends the session; who came by the bank's own login is sent there to end that too."""
    desk.doors.leave(token_of(request, desk), desk.now())
    came_by_it = request.cookies.get(cookie_name(settings_of(desk), VIA)) and settings_of(desk).oidc is not None
    answer = back("/login/oidc/left" if came_by_it else "/login")
    drop_cookie(answer, settings_of(desk), SESSION)
    return answer


@routes.post("/account/sessions/end", **needs(Right.ENTER))
def leave_elsewhere(request: Request, who: Who, desk: Ours, session_id: Text = "") -> Response:
    """Ends one of one's sessions, or all but this one."""
    user_id, by = who.user.user_id, who.user.login
    if session_id:
        desk.doors.leave_one(user_id, session_id, by=by, at=desk.now())
    else:
        desk.doors.leave_everywhere(user_id, by=by, at=desk.now(), but=token_of(request, desk))
    return back("/account")


@routes.get("/account/prove", **needs(Right.ENTER))
def ask_proof(request: Request, who: Who, desk: Ours) -> Response:
    """Asks again for password or code."""
    return _prove_page(request, who, desk, local(request.query_params.get("next", "/account")))


@routes.post("/account/prove", **needs(Right.ENTER))
def take_proof(request: Request, who: Who, desk: Ours, proof: Text = "", next: Text = "/account") -> Response:
    """Compares it."""
    try:
        entered = desk.doors.sure(token_of(request, desk), at=desk.now(), password=proof, code=proof)
    except CultivaError as error:
        if error.kind not in STATUS:
            raise
        return _prove_page(request, who, desk, local(next), error)
    return _renewed(desk, entered.token, local(next))


@routes.post("/account/password", **needs(Right.ENTER))
def change_password(request: Request, who: Who, desk: Ours, password: Text = "", again: Text = "") -> Response:
    """Takes another password."""
    if (first := prove_first(request, who, desk, "/account")) is not None:
        return first
    try:
        same_twice(password, again)
        entered = desk.doors.change_password(token_of(request, desk), password, desk.now())
    except CultivaError as error:
        if error.kind not in STATUS:
            raise
        return _account_page(request, who, desk, error)
    return _renewed(desk, entered.token, "/account?changed=password")


@routes.post("/account/second/begin", **needs(Right.ENTER))
def begin_enrolling(request: Request, who: Who, desk: Ours) -> Response:
    """Makes a second factor to be confirmed."""
    if (first := prove_first(request, who, desk, "/account")) is not None:
        return first
    desk.doors.begin_enrolling(token_of(request, desk), desk.now())
    return back(SECOND)


@routes.get("/account/second", **needs(Right.ENTER))
def ask_enrolling(request: Request, who: Who, desk: Ours) -> Response:
    """Shows it until it is confirmed."""
    return _enrol_page(request, who, desk)


@routes.post("/account/second", **needs(Right.ENTER))
def take_enrolling(request: Request, who: Who, desk: Ours, code: Text = "") -> Response:
    """Compares its first code; shows the recovery codes, once."""
    if (first := prove_first(request, who, desk, SECOND)) is not None:
        return first
    try:
        done = desk.doors.confirm(token_of(request, desk), code, desk.now())
    except CultivaError as error:
        if error.kind not in STATUS:
            raise
        return _enrol_page(request, who, desk, error)
    renewed = desk.visitor({cookie_name(settings_of(desk), SESSION): done.entered.token}) or who
    answer = page(request, renewed, "account/recovery.html", codes=done.recovery, target="/account")
    put_cookie(answer, settings_of(desk), SESSION, done.entered.token)
    return answer


def token_of(request: Request, desk: ConsoleDesk) -> str:
    """Of the session."""
    return request.cookies.get(cookie_name(settings_of(desk), SESSION), "")


def _account_page(request: Request, who: Visitor, desk: ConsoleDesk, error: CultivaError | None = None) -> Response:
    listed = desk.doors.account(who.user.user_id).listed
    sessions = [
        {
            "session_id": one.session_id,
            "began": desk.local(one.began),
            "seen": desk.local(one.seen),
            "address": one.address,
            "here": one.session_id == who.session.session_id,
        }
        for one in desk.doors.sessions_of(who.user.user_id, desk.now())
    ]
    return page(
        request, who, "account/index.html",
        status=STATUS[error.kind] if error else 200,
        error=error, account=listed, sessions=sessions,
        roles=[who.say(NAMES[role]) for role in sorted(who.user.roles)],
        changed=request.query_params.get("changed", "") == "password",
        must=bool(who.user.roles & desk.doors.rules.second_for),
    )  # fmt: skip


def _prove_page(
    request: Request, who: Visitor, desk: ConsoleDesk, target: str, error: CultivaError | None = None
) -> Response:
    listed = desk.doors.account(who.user.user_id).listed
    status = STATUS[error.kind] if error else 200
    oidc = settings_of(desk).oidc is not None and not listed.has_second and not listed.has_password
    facts = {"by_code": listed.has_second, "by_oidc": oidc, "target": target, "quoted": quote(target, safe="")}
    return page(request, who, "account/prove.html", status=status, error=error, **facts)


def _enrol_page(request: Request, who: Visitor, desk: ConsoleDesk, error: CultivaError | None = None) -> Response:
    offer = desk.doors.offered(token_of(request, desk), desk.now())
    if offer is None:
        return back("/account")
    status = STATUS[error.kind] if error else 200
    return page(request, who, "account/enrol.html", status=status, error=error, offer=offer, qr=qr(offer.uri))


def _renewed(desk: ConsoleDesk, token: str, target: str) -> Response:
    answer = back(target)
    put_cookie(answer, settings_of(desk), SESSION, token)
    return answer
