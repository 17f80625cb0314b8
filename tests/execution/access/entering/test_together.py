"""Several at the same doors at once, and every way through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pyotp
import pytest
from tests.execution.access.entering.people import (
    AT,
    MINUTE,
    OTHER,
    PASSWORD,
    RULES,
    another_copy,
    entered,
    made,
)

from cultiva.execution.access.doors import Asks, Doors, Entered, UserChange
from cultiva.execution.access.entering.known import ClaimNames, known
from cultiva.execution.access.roles import Role
from cultiva.execution.audit.service import Audit
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store

T = TypeVar("T")


def together(store: Store, root: Path, acts: Sequence[Callable[[Doors], T]]) -> list[T | CultivaError]:
    """Copies of the console, each with connections of its own, act at the same moment."""
    start = Barrier(len(acts))

    def one(act: Callable[[Doors], T]) -> T | CultivaError:
        opened, doors = another_copy(store, root)
        try:
            start.wait()
            return act(doors)
        except CultivaError as error:
            return error
        finally:
            opened.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def test_two_administrators_who_lock_each_other_at_once_leave_one(store: Store, tmp_path: Path) -> None:
    doors = Doors(store.database, RULES)
    one, two = made(doors, "one", Role.ADMINISTRATOR), made(doors, "two", Role.ADMINISTRATOR)

    def lock(user_id: str) -> Callable[[Doors], object]:
        return lambda mine: mine.change(user_id, UserChange(active=False), by="other", at=AT)

    found = together(store, tmp_path, [lock(one.user_id), lock(two.user_id)])
    assert [type(one) for one in found].count(CultivaError) == 1
    assert [listed.user.active for listed in doors.listed()].count(True) == 1


def test_a_login_made_twice_at_once_is_made_once(store: Store, tmp_path: Path) -> None:
    found = together(store, tmp_path, [lambda mine: made(mine, "Anna")] * 4)
    errors = [one for one in found if isinstance(one, CultivaError)]
    assert [error.kind for error in errors] == [ErrorKind.CONFLICT] * 3


def test_one_way_between_two_doors_leads_in_once(store: Store, tmp_path: Path) -> None:
    doors = Doors(store.database, RULES)
    made(doors, "anna", once=True)
    pending = entered(doors, "anna").pending

    def replaces(number: int) -> Callable[[Doors], Entered]:
        return lambda mine: mine.new_password(pending, f"words of my own {number}", AT)

    found = together(store, tmp_path, [replaces(number) for number in range(4)])
    assert sum(isinstance(one, Entered) for one in found) == 1
    assert {one.code for one in found if isinstance(one, CultivaError)} == {"doors.over"}


def test_somebody_new_who_comes_twice_at_once_is_one_user(store: Store, tmp_path: Path) -> None:
    names = ClaimNames(roles="groups", role_values={"crm": frozenset({Role.ADVISER})})
    somebody = known("https://id.bank", {"sub": "7", "preferred_username": "ann", "groups": ["crm"]}, names)
    together(store, tmp_path, [lambda mine: mine.enter_known(somebody, at=AT, address="10.1.2.3")] * 3)
    doors = Doors(store.database, RULES)
    assert [one.user.login for one in doors.listed()] == ["ann"]
    assert doors.enter_known(somebody, at=AT, address="10.1.2.3").token


def test_coming_going_and_being_changed_at_once_never_stand_in_each_others_way(store: Store, tmp_path: Path) -> None:
    doors, rounds = Doors(store.database, RULES), 6
    user = made(doors, "anna")
    told = Audit(store.database).lines(last=1)[0].number

    def comes(mine: Doors) -> list[str]:
        seen = []
        for _ in range(rounds):
            try:
                token = entered(mine, "anna").token
                token = mine.sure(token, at=AT, password=PASSWORD).token
                mine.leave(token, AT)
                seen.append("in")
            except CultivaError as error:
                seen.append(error.code)
        return seen

    def changes(mine: Doors) -> list[str]:
        for number in range(rounds):
            mine.change(user.user_id, UserChange(region=str(number)), by="chief", at=AT)
            mine.unlock(user.user_id, by="chief", at=AT)
            mine.leave_everywhere(user.user_id, by="chief", at=AT)
        return []

    found = together(store, tmp_path, [comes, comes, comes, changes])
    codes = {code for one in found for code in (one if isinstance(one, list) else [one.code])}
    assert codes <= {"in", "doors.over", "doors.shut"}  # and never that the store cannot be used
    assert Audit(store.database).verify().broken is None
    assert Audit(store.database).lines(last=1)[0].number > told + 3 * rounds


@pytest.mark.parametrize(("enrolled", "once", "must"), [*product([False, True], repeat=3)])
def test_every_way_in_asks_all_that_is_missing_and_the_second_factor_first(
    store: Store, enrolled: bool, once: bool, must: bool
) -> None:
    doors = Doors(store.database, RULES)
    user = made(doors, "anna", Role.APPROVER if must else Role.ADVISER)
    secret, at = "", AT
    if enrolled:
        first = entered(doors, "anna")
        token = first.pending or first.token
        if not must:
            doors.begin_enrolling(token, AT)
        offer = doors.offered(token, AT)
        assert offer is not None
        secret = offer.secret
        doors.confirm(token, pyotp.TOTP(secret).at(AT), AT)
    if once:
        doors.set_password(user.user_id, PASSWORD, by="chief", at=AT)
    asked, at = [], AT + 2 * MINUTE
    came = entered(doors, "anna", at=at)
    while not came.token:
        asked.append(came.asks)
        assert doors.session(came.pending, at) is None
        if came.asks is Asks.SECOND:
            came = doors.second(came.pending, pyotp.TOTP(secret).at(at), at)
        elif came.asks is Asks.PASSWORD:
            came = doors.new_password(came.pending, OTHER, at)
        else:
            offer = doors.offered(came.pending, at)
            assert offer is not None
            came = doors.confirm(came.pending, pyotp.TOTP(offer.secret).at(at), at).entered
    wanted = [Asks.SECOND] * enrolled + [Asks.PASSWORD] * once + [Asks.ENROL] * (must and not enrolled)
    assert asked == wanted
    assert doors.session(came.token, at) is not None
