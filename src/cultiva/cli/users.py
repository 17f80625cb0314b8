"""The commands `user ...`: who may use the console. Passwords come from a prompt, stdin or the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from getpass import getpass, getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import ByOption, Commands, JsonOption, SetOption, WorkspaceArgument
from cultiva.kit.display import show_line, show_sheet
from cultiva.kit.errors import CultivaError
from cultiva.kit.sheet import Sheet

if TYPE_CHECKING:
    from cultiva.execution.access.doors import Doors, Listed
    from cultiva.loop.parts import Parts

PASSWORD = "CULTIVA_PASSWORD"  # noqa: S105
"""Environment variable with a password."""
LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="Whose; upper and lower case are the same.")]
RolesOption = Annotated[str, typer.Option(help="Separated by commas: analyst, operator, approver, adviser ...")]
StaffOption = Annotated[str | None, typer.Option("--staff", metavar="ID", help="Who they are in the bank's staff.")]
BranchesOption = Annotated[str | None, typer.Option(help="Branches that are theirs, separated by commas.")]
RegionOption = Annotated[str | None, typer.Option(help="Region code; every branch below it is theirs.")]
users = typer.Typer(
    cls=Commands, name="user", help="Who may use the console.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(users)


@dataclass(frozen=True)
class _Here:
    """The doors of a workspace, opened for one command."""

    parts: Parts
    doors: Doors
    at: datetime


@contextmanager
def _here(workspace: Path, set_: Sequence[str] | None) -> Iterator[_Here]:
    from cultiva.execution.access.doors import Doors
    from cultiva.execution.access.entering.reading import rules_of

    with opened(workspace, set_) as parts:
        rules = rules_of(parts.workspace.settings.console, parts.root)
        yield _Here(parts, Doors(parts.store.database, rules), parts.clock())


@users.command("create")
def create(  # noqa: PLR0913, PLR0917  (what is known of a user; all but the first four have a default)
    workspace: WorkspaceArgument,
    login: Annotated[str, typer.Option(help="By which they log in.")],
    name: Annotated[str, typer.Option(help="What colleagues call them.")],
    roles: RolesOption,
    staff: StaffOption = None,
    branches: BranchesOption = None,
    region: RegionOption = None,
    language: Annotated[str | None, typer.Option(help="zh or en; the workspace's if left out.")] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They enter by the bank's own login only.")
    ] = False,
    by: ByOption = "",
    set_: SetOption = None,
) -> None:
    """Make a user. Their password is asked for; they change it when they first come in."""
    from cultiva.execution.access.doors import NewUser, read_roles

    wanted = read_roles(roles.split(","))
    password = "" if no_password else read_password()
    with _here(workspace, set_) as here:
        speaks = language or here.parts.workspace.settings.language
        new = NewUser(login, name, wanted, staff, _listed(branches) or frozenset(), region or "", speaks)
        user = here.doors.create(new, password, by=by or getuser(), at=here.at)
    show_line(f"user {user.login} is made")


@users.command("list")
def list_(workspace: WorkspaceArgument, set_: SetOption = None, json_: JsonOption = False) -> None:
    """List the users."""
    with _here(workspace, set_) as here:
        rows = [_row(one) for one in here.doors.listed()]
    show_sheet(Sheet("users", COLUMNS, tuple(rows)), as_json=json_)


@users.command("roles")
def change_roles(  # noqa: PLR0913, PLR0917  (what may be changed; all but the first two have a default)
    workspace: WorkspaceArgument,
    login: LoginArgument,
    roles: Annotated[str | None, typer.Option(help="The new ones, separated by commas.")] = None,
    staff: StaffOption = None,
    branches: BranchesOption = None,
    region: RegionOption = None,
    by: ByOption = "",
    set_: SetOption = None,
) -> None:
    """Change what somebody may do and whom they see. Their sessions end."""
    from cultiva.execution.access.doors import UserChange, read_roles

    wanted = None if roles is None else read_roles(roles.split(","))
    change = UserChange(roles=wanted, staff_id=staff, branches=_listed(branches), region=region)
    with _here(workspace, set_) as here:
        user = here.doors.change(here.doors.find(login).user_id, change, by=by or getuser(), at=here.at)
    show_line(f"user {user.login}: {', '.join(sorted(user.roles))}")


@users.command("password")
def password(workspace: WorkspaceArgument, login: LoginArgument, by: ByOption = "", set_: SetOption = None) -> None:
    """Give somebody a password, which they change when they come in. Their sessions end."""
    typed = read_password()
    with _here(workspace, set_) as here:
        here.doors.set_password(here.doors.find(login).user_id, typed, by=by or getuser(), at=here.at)
    show_line(f"user {login} has a new password")


@users.command("lock")
def lock(workspace: WorkspaceArgument, login: LoginArgument, by: ByOption = "", set_: SetOption = None) -> None:
    """Keep somebody out, at once and until they are unlocked."""
    from cultiva.execution.access.doors import UserChange

    with _here(workspace, set_) as here:
        user_id = here.doors.find(login).user_id
        here.doors.change(user_id, UserChange(active=False), by=by or getuser(), at=here.at)
    show_line(f"user {login} is locked")


@users.command("unlock")
def unlock(workspace: WorkspaceArgument, login: LoginArgument, by: ByOption = "", set_: SetOption = None) -> None:
    """Let somebody in again: who was locked, or has failed too often."""
    with _here(workspace, set_) as here:
        here.doors.unlock(here.doors.find(login).user_id, by=by or getuser(), at=here.at)
    show_line(f"user {login} may come in")


@users.command("unlock-address")
def unlock_address(
    workspace: WorkspaceArgument,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Of the network, e.g. 10.1.2.3.")],
    by: ByOption = "",
    set_: SetOption = None,
) -> None:
    """Let people of an address try again, such as a branch from which too many have failed."""
    with _here(workspace, set_) as here:
        here.doors.unlock_address(address, by=by or getuser(), at=here.at)
    show_line(f"address {address} may try again")


@users.command("second-factor")
def second_factor(
    workspace: WorkspaceArgument,
    login: LoginArgument,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away, e.g. with a lost telephone.")] = False,
    by: ByOption = "",
    set_: SetOption = None,
) -> None:
    """Say whether somebody has a second factor, or take it away; they enrol their own when they come in."""
    with _here(workspace, set_) as here:
        user_id = here.doors.find(login).user_id
        if remove:
            here.doors.remove_second(user_id, by=by or getuser(), at=here.at)
        has = here.doors.account(user_id).listed.has_second
    show_line(f"user {login} has {'a' if has else 'no'} second factor")


@users.command("demo")
def demo(
    workspace: WorkspaceArgument,
    i_know: Annotated[bool, typer.Option("--i-know", help="Though no simulation has made this bank.")] = False,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Make one login per role for a demonstration, and print their passwords; $CULTIVA_PASSWORD gives one for all."""
    from cultiva.loop.demo_users import demo_users
    from cultiva.loop.desk import refresh_staff

    with _here(workspace, set_) as here:
        made = demo_users(here.parts, here.doors, os.environ.get(PASSWORD, ""), certain=i_know)
        if here.parts.workspace.workbench is not None:  # whoever does tasks finds a list of their own, not nobody
            refresh_staff(here.parts, here.parts.newest_date(), here.parts.clock())
    rows = tuple((one.login, one.password, one.at) for one in made)
    show_sheet(Sheet("logins for a demonstration", ("login", "password", "sees"), rows), as_json=json_)


def read_password() -> str:
    """A password: of the environment, else of a prompt, else the first line of stdin; never an argument, which every
    process of the machine could read.

    Raises:
        CultivaError: if the prompt was answered in two ways.
    """
    if PASSWORD in os.environ:
        return os.environ[PASSWORD]
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    typed = getpass("Password: ")
    if getpass("The same again: ") != typed:
        raise CultivaError(
            "the two passwords differ",
            code="passwords.differ",
            allowed="the same password twice",
            hint="type it again, twice",
        )
    return typed


COLUMNS = (
    "login", "name", "roles", "staff_id", "branches", "region", "language", "active", "password", "second_factor",
    "entered",
)  # fmt: skip


def _row(one: Listed) -> tuple[object, ...]:
    user = one.user
    return (
        user.login, user.name, " ".join(sorted(user.roles)), user.staff_id, " ".join(sorted(user.branches)),
        user.region, user.language, user.active, one.has_password, one.has_second,
        one.entered and one.entered.isoformat(timespec="seconds"),
    )  # fmt: skip


def _listed(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(one.strip() for one in text.split(",") if one.strip())
