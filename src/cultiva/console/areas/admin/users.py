"""Users and keys: who may do what in the console, and which programs may call the API."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import Form, Request, Response

from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, page
from cultiva.console.proving import prove_first
from cultiva.console.visitor import Visitor
from cultiva.execution.access.doors import NewUser, UserChange, read_roles
from cultiva.execution.access.keys import Scope
from cultiva.execution.access.roles import NAMES, ROLES, Right, Role
from cultiva.execution.access.service import Access, KeyRequest
from cultiva.kit.errors import CultivaError, ErrorKind

routes = router("/admin")
Text = Annotated[str, Form(max_length=500)]
Several = Annotated[Sequence[str], Form()]
FIRST_BYTES = 12
"""Of a first password; whoever gets it must take another one on entering."""


@routes.get("/users", **needs(Right.USERS))
def users(request: Request, who: Who, desk: Ours) -> Response:
    """Every user."""
    found = desk.doors.listed()
    return page(request, who, "admin/users.html", users=found, roles=_roles(who), local=desk.local)


@routes.get("/users/new", **needs(Right.USERS))
def ask_user(request: Request, who: Who, desk: Ours) -> Response:
    """A form for a new user."""
    if (first := prove_first(request, who, desk, "/admin/users/new")) is not None:
        return first
    return _form(request, who, NewUser("", "", frozenset(), language=who.language))


@routes.post("/users/new", **needs(Right.USERS))
def create_user(  # noqa: PLR0913, PLR0917  (what a form says)
    request: Request, who: Who, desk: Ours, login: Text = "", name: Text = "", roles: Several = (),
    staff_id: Text = "", branches: Text = "", region: Text = "", language: Text = "zh",
) -> Response:  # fmt: skip
    """Makes a user; the first password is shown once."""
    if (first := prove_first(request, who, desk, "/admin/users/new")) is not None:
        return first
    password = secrets.token_urlsafe(FIRST_BYTES)
    wanted = NewUser(login, name, frozenset(), staff_id or None, _listed(branches), region, language)
    try:
        chosen = read_roles(roles)
        wanted = NewUser(login, name, chosen, staff_id or None, _listed(branches), region, language)
        made = desk.doors.create(wanted, password, by=who.user.login, at=desk.now())
    except CultivaError as error:
        return _form(request, who, wanted, error)
    return page(request, who, "admin/password.html", login=made.login, name=made.name, password=password)


@routes.get("/users/{user_id}", **needs(Right.USERS))
def user(request: Request, who: Who, desk: Ours, user_id: str) -> Response:
    """One user."""
    return _user_page(request, who, desk, user_id)


@routes.post("/users/{user_id}", **needs(Right.USERS))
def change_user(  # noqa: PLR0913, PLR0917  (what a form says)
    request: Request, who: Who, desk: Ours, user_id: str, name: Text = "", roles: Several = (),
    staff_id: Text = "", branches: Text = "", region: Text = "",
) -> Response:  # fmt: skip
    """Changes what somebody may do and whom they see; their sessions end if that differs."""
    if (first := prove_first(request, who, desk, f"/admin/users/{user_id}")) is not None:
        return first
    try:
        wanted = UserChange(
            name=name, roles=read_roles(roles), staff_id=staff_id, branches=_listed(branches), region=region
        )
        desk.doors.change(user_id, wanted, by=who.user.login, at=desk.now())
    except CultivaError as error:
        return _user_page(request, who, desk, user_id, error)
    return back(f"/admin/users/{user_id}?done=changed")


@routes.post("/users/{user_id}/lock", **needs(Right.USERS))
def lock(request: Request, who: Who, desk: Ours, user_id: str, locked: Text = "") -> Response:
    """Keeps somebody out at once, or lets them in again."""
    if (first := prove_first(request, who, desk, f"/admin/users/{user_id}")) is not None:
        return first
    try:
        if locked:
            desk.doors.change(user_id, UserChange(active=False), by=who.user.login, at=desk.now())
        else:
            desk.doors.unlock(user_id, by=who.user.login, at=desk.now())
    except CultivaError as error:
        return _user_page(request, who, desk, user_id, error)
    return back(f"/admin/users/{user_id}?done=locked" if locked else f"/admin/users/{user_id}?done=unlocked")


@routes.post("/users/{user_id}/password", **needs(Right.USERS))
def give_password(request: Request, who: Who, desk: Ours, user_id: str) -> Response:
    """Gives somebody a new first password, shown once."""
    if (first := prove_first(request, who, desk, f"/admin/users/{user_id}")) is not None:
        return first
    password = secrets.token_urlsafe(FIRST_BYTES)
    desk.doors.set_password(user_id, password, by=who.user.login, at=desk.now())
    found = desk.doors.account(user_id).user
    return page(request, who, "admin/password.html", login=found.login, name=found.name, password=password)


@routes.post("/users/{user_id}/second", **needs(Right.USERS))
def take_second(request: Request, who: Who, desk: Ours, user_id: str) -> Response:
    """Takes somebody's second factor away, e.g. with a lost telephone."""
    if (first := prove_first(request, who, desk, f"/admin/users/{user_id}")) is not None:
        return first
    desk.doors.remove_second(user_id, by=who.user.login, at=desk.now())
    return back(f"/admin/users/{user_id}?done=second")


@routes.get("/keys", **needs(Right.USERS))
def keys(request: Request, who: Who, desk: Ours) -> Response:
    """Every key of the API."""
    return _keys_page(request, who, desk)


@routes.post("/keys", **needs(Right.USERS))
def create_key(  # noqa: PLR0913, PLR0917  (what a form says)
    request: Request, who: Who, desk: Ours, name: Text = "", scopes: Several = (), days: Text = "",
    branches: Text = "", advisers: Text = "",
) -> Response:  # fmt: skip
    """Makes a key; its text is shown once."""
    if (first := prove_first(request, who, desk, "/admin/keys")) is not None:
        return first
    try:
        lasts = timedelta(days=int(days)) if days.isdecimal() else None
        wanted = KeyRequest(name, scopes, lasts, branches=sorted(_listed(branches)), advisers=sorted(_listed(advisers)))
        made = Access(desk.parts.store.database).create(wanted, by=who.user.login, at=desk.now())
    except CultivaError as error:
        return _keys_page(request, who, desk, error)
    return page(request, who, "admin/key.html", key=made)


@routes.post("/keys/{key_id}/revoke", **needs(Right.USERS))
def revoke_key(request: Request, who: Who, desk: Ours, key_id: str) -> Response:
    """Ends a key at once."""
    if (first := prove_first(request, who, desk, "/admin/keys")) is not None:
        return first
    Access(desk.parts.store.database).revoke(key_id, by=who.user.login, at=desk.now())
    return back("/admin/keys")


def _form(request: Request, who: Visitor, wanted: NewUser, error: CultivaError | None = None) -> Response:
    status = 422 if error else 200
    return page(request, who, "admin/user_new.html", status=status, wanted=wanted, roles=_roles(who), error=error)


def _user_page(
    request: Request, who: Visitor, desk: ConsoleDesk, user_id: str, error: CultivaError | None = None
) -> Response:
    found = next((one for one in desk.doors.listed() if one.user.user_id == user_id), None)
    if found is None:
        raise CultivaError(
            "there is no such user",
            code="console.no_user",
            kind=ErrorKind.NOT_FOUND,
            seen=user_id[:100],
            allowed="a user of the list",
            hint="open the list of users",
        )
    sessions = desk.doors.sessions_of(user_id, desk.now())
    lines = desk.audit.lines(subject=f"user:{user_id}", last=20)
    return page(
        request, who, "admin/user.html", status=422 if error else 200,
        one=found, roles=_roles(who), sessions=sessions, lines=lines[::-1], local=desk.local, error=error,
        done=request.query_params.get("done", ""),
    )  # fmt: skip


def _keys_page(request: Request, who: Visitor, desk: ConsoleDesk, error: CultivaError | None = None) -> Response:
    found = Access(desk.parts.store.database).listed()
    scopes = [(scope.value, scope.value) for scope in Scope]
    return page(
        request, who, "admin/keys.html", status=422 if error else 200,
        keys=found, scopes=scopes, now=desk.now(), local=desk.local, error=error,
    )  # fmt: skip


def _roles(who: Visitor) -> list[tuple[Role, str, int]]:
    """(role, its name, how many rights)."""
    return [(role, who.say(NAMES[role]), len(ROLES[role])) for role in Role]


def _listed(text: str) -> frozenset[str]:
    return frozenset(one.strip() for one in text.replace("，", ",").split(",") if one.strip())
