from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pyotp
import pytest
from sqlalchemy import select
from tests.execution.access.entering.people import (
    AT,
    MINUTE,
    OTHER,
    PASSWORD,
    RULES,
    actions,
    another_copy,
    entered,
    made,
    with_lock,
)

from cultiva.execution.access.doors import Asks, DoorRules, Doors, NewUser, UserChange, csrf_fits
from cultiva.execution.access.entering.factors import Seal
from cultiva.execution.access.entering.passwords import HashCost
from cultiva.execution.access.entering.tables import CONSOLE_FAILURE, CONSOLE_RECOVERY, CONSOLE_SESSION, CONSOLE_USER
from cultiva.execution.access.roles import Role
from cultiva.execution.audit.service import Audit
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store


def refusal(ask: Callable[[], object]) -> str:
    """The code with which it is refused."""
    with pytest.raises(CultivaError) as caught:
        ask()
    assert PASSWORD not in str(caught.value)
    return caught.value.code


def test_a_session_lives_while_it_is_used_and_no_longer_than_a_day_of_work(store: Store) -> None:
    doors = Doors(store.database, RULES)
    user = made(doors, "Anna")
    token = entered(doors, " anna ").token
    session = doors.session(token, AT)
    assert session is not None
    assert session.user == user
    assert csrf_fits(token, session.csrf)
    assert not csrf_fits(token, session.csrf[:-1])
    at = AT
    while at < AT + timedelta(hours=12) - 29 * MINUTE:
        at += 29 * MINUTE
        assert doors.session(token, at) is not None
    assert doors.session(token, AT + timedelta(hours=12)) is None  # though it was in use
    idle = entered(doors, "anna").token
    assert doors.session(idle, AT + 30 * MINUTE) is None  # and is dead then for good: nothing was noted
    assert doors.session(idle, AT + 29 * MINUTE) is not None


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 100_000])
def test_who_has_no_token_is_nobody(store: Store, token: str) -> None:
    doors = Doors(store.database, RULES)
    made(doors, "anna")
    entered(doors, "anna")
    assert doors.session(token, AT) is None
    assert doors.pending(token, AT) is None


def test_leaving_ends_a_session_at_once_and_can_be_done_everywhere(store: Store) -> None:
    doors = Doors(store.database, RULES)
    user = made(doors, "anna")
    tokens = [entered(doors, "anna").token for _ in range(4)]
    doors.leave(tokens[0], AT)
    doors.leave(tokens[0], AT)
    assert doors.session(tokens[0], AT) is None
    second = doors.session(tokens[1], AT)
    assert second is not None
    assert {one.session_id for one in doors.sessions_of(user.user_id, AT)} >= {second.session_id}
    assert doors.leave_one(user.user_id, second.session_id, by="anna", at=AT)
    assert not doors.leave_one(user.user_id, second.session_id, by="anna", at=AT)
    assert doors.leave_everywhere(user.user_id, by="anna", at=AT, but=tokens[3]) == 1
    assert [doors.session(token, AT) is not None for token in tokens] == [False, False, False, True]
    assert doors.sessions_of(user.user_id, AT + timedelta(hours=1)) == []
    assert actions(store, user).count("session.left") == 1


def test_nobody_ends_the_session_of_another(store: Store) -> None:
    doors = Doors(store.database, RULES)
    made(doors, "anna")
    bob = made(doors, "bob")
    token = entered(doors, "anna").token
    session = doors.session(token, AT)
    assert session is not None
    assert not doors.leave_one(bob.user_id, session.session_id, by="bob", at=AT)
    assert doors.session(token, AT) is not None


def test_the_store_holds_neither_passwords_nor_tokens_nor_codes_nor_who_failed(store: Store) -> None:
    doors = Doors(store.database, replace(RULES, seal=Seal("swordfish")))
    made(doors, "anna", Role.APPROVER)
    pending = entered(doors, "anna").pending
    offer = doors.offered(pending, AT)
    assert offer is not None
    done = doors.confirm(pending, pyotp.TOTP(offer.secret).at(AT), AT)
    refusal(lambda: doors.enter("nobody.here", "my secret words", at=AT, address="203.0.113.9"))
    with store.database.reading() as connection:
        tables = (CONSOLE_USER, CONSOLE_SESSION, CONSOLE_RECOVERY, CONSOLE_FAILURE)
        kept = "\n".join(str(connection.execute(select(table)).all()) for table in tables)
    secrets = (PASSWORD, done.entered.token, offer.secret, *done.recovery, "nobody.here", "203.0.113.9")
    assert [secret for secret in secrets if secret in kept] == []
    told = str([line.entry for line in Audit(store.database).lines()])
    assert "nobody.here" not in told  # people type passwords into the wrong field
    assert "my secret words" not in told


def test_a_wrong_login_and_a_wrong_password_are_refused_alike(store: Store) -> None:
    doors = Doors(store.database, with_lock(3))
    user = made(doors, "anna")
    errors = []
    for login in ("anna", "nobody"):
        for _ in range(4):
            with pytest.raises(CultivaError) as caught:
                entered(doors, login, "wrong words here")
            errors.append((caught.value.code, str(caught.value), caught.value.kind))
    assert errors[:4] == errors[4:]
    assert [code for code, _, _ in errors[:4]] == ["doors.refused"] * 3 + ["doors.shut"]
    assert actions(store, user).count("session.refused") == 3


def test_a_shut_login_opens_for_nobody_and_longer_each_time(store: Store) -> None:
    doors = Doors(store.database, with_lock(2))
    user = made(doors, "anna")
    at = AT
    for shut in (15, 30, 60):
        for _ in range(2):
            assert refusal(lambda at=at: entered(doors, "anna", "wrong words here", at)) == "doors.refused"  # type: ignore[misc]
        assert refusal(lambda at=at: entered(doors, "ANNA", PASSWORD, at)) == "doors.shut"  # type: ignore[misc]
        at += shut * MINUTE
    assert entered(doors, "anna", at=at).token
    for _ in range(2):
        refusal(lambda: entered(doors, "anna", "wrong words here", at))
    doors.unlock(user.user_id, by="chief", at=at)
    assert entered(doors, "anna", at=at).token


def test_one_address_that_tries_many_logins_is_shut_and_others_are_not(store: Store) -> None:
    doors = Doors(store.database, with_lock(5, address_max=3))
    made(doors, "anna")
    for number in range(3):
        assert entered(doors, "anna").token  # does not clear what is counted of the address
        refusal(lambda number=number: entered(doors, f"guess{number}", "wrong words here"))  # type: ignore[misc]
    assert refusal(lambda: entered(doors, "anna")) == "doors.shut"
    assert doors.enter("anna", PASSWORD, at=AT, address="10.9.9.9").token
    doors.unlock_address("::ffff:10.1.2.3", by="chief", at=AT)  # the same one, as IPv6 writes it
    assert entered(doors, "anna").token


def test_guesses_that_come_at_once_at_several_copies_are_counted_one_by_one(store: Store, tmp_path: Path) -> None:
    rules, count = with_lock(3), 8
    made(Doors(store.database, rules), "anna")
    start = Barrier(count)

    def guess(_: int) -> str:
        opened, doors = another_copy(store, tmp_path, rules)
        try:
            start.wait()
            return refusal(lambda: entered(doors, "anna", "wrong words here"))
        finally:
            opened.close()

    with ThreadPoolExecutor(count) as pool:
        codes = sorted(pool.map(guess, range(count)))
    assert codes == ["doors.refused"] * 3 + ["doors.shut"] * 5


def test_a_locked_user_is_out_at_once_and_stays_out(store: Store) -> None:
    doors = Doors(store.database, RULES)
    user = made(doors, "anna")
    token = entered(doors, "anna").token
    doors.change(user.user_id, UserChange(active=False), by="chief", at=AT)
    assert doors.session(token, AT) is None
    assert refusal(lambda: entered(doors, "anna")) == "doors.refused"
    doors.change(user.user_id, UserChange(active=True), by="chief", at=AT)
    assert entered(doors, "anna").token


def test_other_roles_end_the_sessions_another_name_does_not(store: Store) -> None:
    doors = Doors(store.database, RULES)
    user = made(doors, "anna")
    token = entered(doors, "anna").token
    doors.change(user.user_id, UserChange(name="Anna B."), by="chief", at=AT)
    doors.set_language(user.user_id, "en")
    kept = doors.session(token, AT)
    assert kept is not None
    assert (kept.user.name, kept.user.language) == ("Anna B.", "en")
    for change in (UserChange(roles=frozenset({Role.ANALYST})), UserChange(branches=frozenset({"b1"})),
                   UserChange(region="33"), UserChange(staff_id="S-9")):  # fmt: skip
        token = entered(doors, "anna").token
        doors.change(user.user_id, change, by="chief", at=AT)
        assert doors.session(token, AT) is None, change
    assert actions(store, user).count("user.changed") == 5


def test_a_password_of_an_administrators_making_is_changed_before_anything_opens(store: Store) -> None:
    doors = Doors(store.database, RULES)
    user = made(doors, "anna", once=True)
    first = entered(doors, "anna")
    assert (first.token, first.asks) == ("", Asks.PASSWORD)
    assert doors.session(first.pending, AT) is None
    assert refusal(lambda: doors.new_password(first.pending, PASSWORD, AT)) == "passwords.same"
    assert refusal(lambda: doors.new_password(first.pending, "short", AT)) == "passwords.weak"
    assert refusal(lambda: doors.new_password(first.pending, OTHER, AT + 11 * MINUTE)) == "doors.over"
    assert refusal(lambda: doors.second(first.pending, "123456", AT)) == "doors.over"
    token = doors.new_password(first.pending, OTHER, AT).token
    assert doors.session(token, AT) is not None
    assert refusal(lambda: doors.new_password(first.pending, "third words of mine", AT)) == "doors.over"
    assert refusal(lambda: entered(doors, "anna")) == "doors.refused"
    doors.set_password(user.user_id, PASSWORD, by="chief", at=AT)
    assert doors.session(token, AT) is None
    assert entered(doors, "anna").asks is Asks.PASSWORD


def test_whoever_changes_their_password_stays_in_alone(store: Store) -> None:
    doors = Doors(store.database, RULES)
    made(doors, "anna")
    mine, elsewhere = entered(doors, "anna").token, entered(doors, "anna").token
    later = AT + 11 * MINUTE
    assert refusal(lambda: doors.change_password(mine, OTHER, later)) == "doors.prove"
    assert refusal(lambda: doors.sure(mine, at=later, password="wrong words here")) == "doors.refused"
    sure = doors.sure(mine, at=later, password=PASSWORD).token
    assert doors.session(mine, later) is None  # it has a new token
    changed = doors.change_password(sure, OTHER, later).token
    assert [doors.session(token, later) is not None for token in (sure, elsewhere, changed)] == [False, False, True]
    assert entered(doors, "anna", OTHER, later).token


def test_a_hash_of_an_older_cost_is_renewed_by_entering(store: Store) -> None:
    user = made(Doors(store.database, RULES), "anna")
    dearer = Doors(store.database, DoorRules(cost=HashCost(passes=2, memory_kib=16, lanes=1)))
    before = dearer.account(user.user_id).password_hash
    assert entered(dearer, "anna").token
    after = dearer.account(user.user_id).password_hash
    assert ("m=16,t=2" in before, "m=16,t=2" in after) == (False, True)
    assert entered(dearer, "anna").token


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (NewUser("a b", "Anna", frozenset({Role.ADVISER})), "users.bad_login"),
        (NewUser("", "Anna", frozenset({Role.ADVISER})), "users.bad_login"),
        (NewUser("x" * 101, "Anna", frozenset({Role.ADVISER})), "users.bad_login"),
        (NewUser("other", " ", frozenset({Role.ADVISER})), "users.bad_name"),
        (NewUser("other", "Anna", frozenset()), "users.bad_roles"),
        (NewUser("other", "Anna", frozenset({Role.ADVISER}), language="fr"), "users.bad_language"),
        (NewUser("other", "Anna", frozenset({Role.ADVISER}), region="3" * 64), "users.bad_region"),
        (NewUser("ＡNNA", "Anna", frozenset({Role.ADVISER})), "users.login_taken"),
    ],
)
def test_who_cannot_be_a_user_is_refused(store: Store, wanted: NewUser, code: str) -> None:
    doors = Doors(store.database, RULES)
    made(doors, "anna")
    assert refusal(lambda: doors.create(wanted, by="chief", at=AT)) == code
    assert [one.user.login for one in doors.listed()] == ["anna"]


def test_there_is_always_somebody_left_who_may_make_users(store: Store) -> None:
    doors = Doors(store.database, RULES)
    one, two = made(doors, "one", Role.ADMINISTRATOR), made(doors, "two", Role.ADMINISTRATOR)
    doors.change(one.user_id, UserChange(active=False), by="two", at=AT)
    for change in (UserChange(active=False), UserChange(roles=frozenset({Role.ANALYST}))):
        with pytest.raises(CultivaError) as caught:
            doors.change(two.user_id, change, by="two", at=AT)
        assert caught.value.kind is ErrorKind.CONFLICT
    assert doors.find("TWO") == two
    with pytest.raises(CultivaError) as caught:
        doors.find("three")
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_old_rows_go_by_themselves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    doors = Doors(store.database, RULES)
    made(doors, "anna")
    entered(doors, "anna")
    refusal(lambda: entered(doors, "nobody", "wrong words here"))
    monkeypatch.setattr("cultiva.execution.access.entering.visits.TIDIES", "")  # every token begins so
    later = AT + timedelta(hours=48)
    doors.enter("anna", PASSWORD, at=later, address="10.9.9.9")
    with store.database.reading() as connection:
        assert len(connection.execute(select(CONSOLE_SESSION)).all()) == 1
        names = {row.name.partition(":")[0] for row in connection.execute(select(CONSOLE_FAILURE))}
    assert names == {"address"}  # of the one who has just entered
