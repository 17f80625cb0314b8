"""Users for a demonstration: one login per role, at a simulated bank only."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from cultiva.execution.access.doors import Doors, NewUser, UserChange
from cultiva.execution.access.entering.users import login_key
from cultiva.execution.access.roles import BY_ADVISER, BY_BRANCH, NAMES, Role
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts
from cultiva.loop.shows import read, scan

WORDS = (
    "amber", "anchor", "basil", "birch", "candle", "canyon", "cedar", "cobalt", "copper", "coral", "cotton", "delta",
    "ember", "falcon", "fern", "garnet", "ginger", "glacier", "harbor", "hazel", "heron", "indigo", "island", "ivory",
    "jasper", "juniper", "kettle", "lagoon", "lantern", "lemon", "lilac", "linen", "maple", "marble", "meadow", "mint",
    "nectar", "nickel", "nutmeg", "oasis", "olive", "onyx", "orchid", "otter", "pebble", "pepper", "pine", "plum",
    "quartz", "quill", "raven", "reef", "river", "saffron", "sage", "sparrow", "summit", "tulip", "umber", "velvet",
    "violet", "walnut", "willow", "zephyr",
)  # fmt: skip
"""64 words: six bits each."""
BY = "demo"
PEOPLE: Mapping[Role, Words] = {
    Role.ANALYST: Words("周敏", "Zhou Min"),
    Role.OPERATOR: Words("许杰", "Xu Jie"),
    Role.APPROVER: Words("林涛", "Lin Tao"),
    Role.BRANCH_MANAGER: Words("赵丽", "Zhao Li"),
    Role.EXPERIENCE_MANAGER: Words("吴静", "Wu Jing"),
    Role.EXECUTIVE: Words("郑海", "Zheng Hai"),
    Role.AUDITOR: Words("何岩", "He Yan"),
    Role.ADMINISTRATOR: Words("沈勇", "Shen Yong"),
}
"""Who has which role: the people of the demonstration's campaigns; the adviser is one of the simulated bank's staff."""
CALLED = Words("{person}（{role}）", "{person} ({role})")
"""How a user is called: both in the top bar and wherever it is told who did what."""


@dataclass(frozen=True)
class DemoUser:
    """A login that was made."""

    login: str
    role: Role
    password: str
    """Known at this moment only."""
    at: str
    """The adviser or branch whose customers they see; empty: none of their own."""


def demo_users(parts: Parts, doors: Doors, password: str = "", *, certain: bool = False) -> Sequence[DemoUser]:
    """Makes one login per role, or gives those that are there new passwords.

    Args:
        parts: Of the workspace.
        doors: Of its console.
        password: For all of them; empty: one each, made here.
        certain: Whether it is wanted though the bank is not a simulated one.

    Raises:
        CultivaError: if the bank is not a simulated one, or was never run.
    """
    if not certain and not is_simulated(parts):
        raise CultivaError(
            "these logins are for a demonstration",
            code="users.not_a_demo",
            kind=ErrorKind.FORBIDDEN,
            seen=f"{parts.root}, which no simulation has made",
            allowed="a workspace of `cultiva simulate` or `make demo`",
            hint="cultiva user create makes real users; --i-know makes these all the same",
        )
    place = busiest(parts)
    return [_made(parts, doors, role, password or passphrase(), place) for role in Role]


def is_simulated(parts: Parts) -> bool:
    """Whether a simulation has made the workspace: the bank lies beside it."""
    return (parts.root.parent / "bank" / "bank.json").is_file()


def busiest(parts: Parts) -> tuple[str, str]:
    """The adviser with the most customers on the newest business date, and their branch."""
    on = parts.newest_date()
    customers = (
        scan(parts.lake.files_current("profile", on))
        .filter(pl.col("adviser_id").is_not_null())
        .group_by("adviser_id")
        .len()
        .rename({"adviser_id": "staff_id"})
        .collect()
    )
    staff = read(parts, "staff", on).join(customers, on="staff_id", how="left")
    first = staff.sort(pl.col("len").fill_null(0), "staff_id", descending=[True, False]).row(0, named=True)
    return str(first["staff_id"]), str(first["branch_id"])


def called(parts: Parts, role: Role, staff_id: str, language: str) -> str:
    """The name of a role's user, with the role; the adviser is called as the bank calls them."""
    if role in BY_ADVISER:
        person = read(parts, "staff", parts.newest_date()).row(by_predicate=pl.col("staff_id") == staff_id, named=True)
        name = str(person["name"] or staff_id)
    else:
        name = say(PEOPLE[role], language)
    return say(CALLED, language).format(person=name, role=say(NAMES[role], language))


def passphrase() -> str:
    """Six words by chance: 36 bits, enough for a console on loopback whose logins are locked after five failures."""
    return "-".join(secrets.choice(WORDS) for _ in range(6))


def _made(parts: Parts, doors: Doors, role: Role, password: str, place: tuple[str, str]) -> DemoUser:
    at, language, login = parts.clock(), parts.workspace.settings.language, role.value.replace("_", ".")
    mine = NewUser(login, called(parts, role, place[0], language), frozenset({role}), language=language)
    if role in BY_ADVISER:
        mine = replace(mine, staff_id=place[0], branches=frozenset({place[1]}))
    elif role in BY_BRANCH:
        mine = replace(mine, branches=frozenset({place[1]}))
    known = {login_key(one.user.login): one.user for one in doors.listed()}
    if login in known:
        user = known[login]
        change = UserChange(
            name=mine.name, roles=mine.roles, staff_id=mine.staff_id or "", branches=mine.branches, active=True
        )
        doors.change(user.user_id, change, by=BY, at=at)
        doors.set_password(user.user_id, password, by=BY, at=at, once=False)
    else:
        doors.create(mine, password, by=BY, at=at, once=False)
    return DemoUser(login, role, password, mine.staff_id or next(iter(mine.branches), ""))
