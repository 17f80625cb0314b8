from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pyotp
import pytest
from tests.execution.access.entering.people import (
    AT,
    CHEAP,
    MINUTE,
    PASSWORD,
    RULES,
    actions,
    another_copy,
    entered,
    made,
)

from cultiva.execution.access.doors import Asks, DoorRules, Doors, User
from cultiva.execution.access.entering.lockout import LockRule
from cultiva.execution.access.entering.roll import SECOND_FOR
from cultiva.execution.access.roles import Role
from cultiva.kit.errors import CultivaError
from cultiva.store import Store


def enrolled(doors: Doors) -> tuple[User, str, tuple[str, ...]]:
    """An approver with a second factor: who, its secret, the recovery codes."""
    user = made(doors, "anna", Role.APPROVER)
    pending = entered(doors, "anna").pending
    offer = doors.offered(pending, AT)
    assert offer is not None
    done = doors.confirm(pending, code(offer.secret), AT)
    return user, offer.secret, done.recovery


def code(secret: str, minutes: int = 0) -> str:
    return pyotp.TOTP(secret).at(AT + minutes * MINUTE)


def refused(doors: Doors, pending: str, typed: str, minutes: int = 0) -> str:
    with pytest.raises(CultivaError) as caught:
        doors.second(pending, typed, AT + minutes * MINUTE)
    return caught.value.code


def test_roles_that_approve_halt_or_administer_must_have_one() -> None:
    assert {Role.OPERATOR, Role.APPROVER, Role.ADMINISTRATOR} == SECOND_FOR


def test_who_must_have_one_enrols_before_anything_opens(store: Store) -> None:
    doors = Doors(store.database, RULES)
    user = made(doors, "anna", Role.APPROVER)
    first = entered(doors, "anna")
    assert (first.token, first.asks) == ("", Asks.ENROL)
    assert doors.session(first.pending, AT) is None
    offer = doors.offered(first.pending, AT)
    assert offer is not None
    assert offer == doors.offered(first.pending, AT)
    with pytest.raises(CultivaError):
        doors.confirm(first.pending, "000000" if code(offer.secret) != "000000" else "000001", AT)
    done = doors.confirm(first.pending, code(offer.secret), AT)
    assert doors.session(done.entered.token, AT) is not None
    assert doors.offered(done.entered.token, AT) is None  # it is never shown again
    assert doors.offered(first.pending, AT) is None
    assert actions(store, user)[-2:] == ["user.second_factor_enrolled", "session.entered"]
    assert [one.has_second for one in doors.listed()] == [True]


def test_settings_may_let_everybody_in_without(store: Store) -> None:
    doors = Doors(store.database, DoorRules(cost=CHEAP, second_for=frozenset()))
    made(doors, "anna", Role.APPROVER)
    assert entered(doors, "anna").token


def test_a_code_opens_once_and_never_again(store: Store) -> None:
    doors = Doors(store.database, RULES)
    _, secret, _ = enrolled(doors)
    first = entered(doors, "anna").pending
    assert refused(doors, first, code(secret)) == "doors.refused"  # it was used to enrol
    later = entered(doors, "anna", at=AT + 2 * MINUTE).pending
    assert doors.second(later, code(secret, 2), AT + 2 * MINUTE).token
    again = entered(doors, "anna", at=AT + 2 * MINUTE).pending
    assert refused(doors, again, code(secret, 2), 2) == "doors.refused"
    assert refused(doors, later, code(secret, 3), 3) == "doors.over"  # the way in was used up


def test_a_recovery_code_opens_once(store: Store) -> None:
    doors = Doors(store.database, RULES)
    user, _, recovery = enrolled(doors)
    assert doors.second(entered(doors, "anna").pending, recovery[0].upper(), AT).token
    assert refused(doors, entered(doors, "anna").pending, recovery[0]) == "doors.refused"
    assert doors.second(entered(doors, "anna").pending, recovery[1], AT).token
    assert actions(store, user).count("user.recovery_code_used") == 2


def test_wrong_codes_shut_the_second_door_whatever_the_password(store: Store) -> None:
    doors = Doors(store.database, DoorRules(cost=CHEAP, second_lock=LockRule(2)))
    user, secret, recovery = enrolled(doors)
    for _ in range(2):
        assert refused(doors, entered(doors, "anna").pending, "not a code") == "doors.refused"
    pending = entered(doors, "anna").pending  # the password opens the first door, and clears nothing of the second
    assert refused(doors, pending, recovery[0]) == "doors.shut"
    assert refused(doors, pending, code(secret)) == "doors.shut"
    doors.unlock(user.user_id, by="chief", at=AT)
    assert doors.second(pending, recovery[0], AT).token


def test_of_copies_that_show_the_same_code_at_once_one_gets_in(store: Store, tmp_path: Path) -> None:
    doors, count = Doors(store.database, RULES), 4
    _, secret, _ = enrolled(doors)
    at = AT + 2 * MINUTE
    pendings = [entered(doors, "anna", at=at).pending for _ in range(count)]
    start = Barrier(count)

    def show(pending: str) -> bool:
        opened, mine = another_copy(store, tmp_path)
        try:
            start.wait()
            return bool(mine.second(pending, code(secret, 2), at).token)
        except CultivaError as error:
            assert error.code == "doors.refused"
            return False
        finally:
            opened.close()

    with ThreadPoolExecutor(count) as pool:
        assert sorted(pool.map(show, pendings)) == [False] * (count - 1) + [True]


def test_who_has_one_proves_themselves_by_it_and_not_by_the_password(store: Store) -> None:
    doors = Doors(store.database, RULES)
    user, secret, recovery = enrolled(doors)
    token = doors.second(entered(doors, "anna").pending, recovery[0], AT).token
    later = AT + 15 * MINUTE
    with pytest.raises(CultivaError):
        doors.sure(token, at=later, password=PASSWORD)
    session = doors.session(token, later)
    assert session is not None
    assert not session.sure(later, doors.rules.limits)
    sure = doors.session(doors.sure(token, at=later, code=code(secret, 15)).token, later)
    assert sure is not None
    assert sure.sure(later, doors.rules.limits)
    assert (sure.session_id, sure.began) == (session.session_id, session.began)  # only the token is another
    doors.remove_second(user.user_id, by="chief", at=later)
    assert entered(doors, "anna", at=later).asks is Asks.ENROL


def test_anybody_may_enrol_one_and_change_it_when_sure(store: Store) -> None:
    doors = Doors(store.database, RULES)
    made(doors, "anna", Role.ADVISER)
    elsewhere, token = entered(doors, "anna").token, entered(doors, "anna").token
    with pytest.raises(CultivaError) as caught:
        doors.begin_enrolling(token, AT + 11 * MINUTE)
    assert caught.value.code == "doors.prove"
    doors.begin_enrolling(token, AT)
    offer = doors.offered(token, AT)
    assert offer is not None
    assert entered(doors, "anna").token  # not confirmed: nothing is asked yet
    done = doors.confirm(token, code(offer.secret), AT)
    assert [doors.session(one, AT) is not None for one in (elsewhere, token, done.entered.token)] == [
        False,
        False,
        True,
    ]
    assert entered(doors, "anna").asks is Asks.SECOND
