from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from cultiva.contracts.sight import Sight
from cultiva.execution.access.answered import ABANDONED_AFTER, Answered, Busy, Differs, Mine, RequestName
from cultiva.execution.access.service import Access, KeyRequest
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store, open_store

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
T = TypeVar("T")
NAME = RequestName("key", "order-1", "hash")


def racing(store: Store, root: Path, count: int, ask: Callable[[Access], T]) -> list[T]:
    """Several copies of the API, each with connections of its own, ask at the same moment."""
    start = Barrier(count)

    def one(_: int) -> T:
        mine = open_store(store.database.url.render_as_string(hide_password=False), root)
        try:
            start.wait()
            return ask(Access(mine.database))
        finally:
            mine.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_a_key_opens_until_it_is_revoked_or_has_run_out(store: Store) -> None:
    access = Access(store.database)
    made = access.create(KeyRequest("crm", ["tasks"], lasts=timedelta(days=1)), by="test", at=AT)
    admitted = access.admit(made.text, at=AT)
    assert admitted.key == made.key == access.listed()[0]
    assert access.admit(made.text, at=AT + timedelta(days=1)).key is None
    access.revoke(made.key.key_id, by="test", at=AT)
    access.revoke(made.key.key_id, by="test", at=AT + timedelta(hours=1))
    assert access.admit(made.text, at=AT).key is None
    assert access.listed()[0].revoked == AT


def test_a_key_sees_the_bank_or_what_it_names_and_personal_data_by_its_scope(store: Store) -> None:
    access = Access(store.database)
    whole = access.create(KeyRequest("crm", ["customers", "personal"]), by="test", at=AT)
    narrow = access.create(
        KeyRequest("branch", ["customers"], branches=["B2", "B1"], advisers=["A9"]), by="test", at=AT
    )
    one = access.create(KeyRequest("adviser", ["customers"], advisers=["A9"]), by="test", at=AT)
    for made in (whole, narrow, one):
        assert access.find(made.text, at=AT) == made.key
        assert made.key in access.listed()
    assert whole.key.sight == Sight(whole_bank=True, personal=True)
    assert narrow.key.sight == Sight(branches=frozenset({"B1", "B2"}), advisers=frozenset({"A9"}))
    assert one.key.sight == Sight(advisers=frozenset({"A9"}))


@pytest.mark.parametrize("named", [{"branches": [""]}, {"advisers": ["A1", " "]}, {"branches": ["b" * 64]}])
def test_a_key_for_a_branch_without_a_name_is_not_made(store: Store, named: dict[str, list[str]]) -> None:
    with pytest.raises(CultivaError) as caught:
        Access(store.database).create(KeyRequest("crm", ["customers"], **named), by="test", at=AT)  # type: ignore[arg-type]
    assert caught.value.code == "access.bad_sight"
    assert Access(store.database).listed() == []


def test_the_store_does_not_hold_the_key(store: Store) -> None:
    from sqlalchemy import select

    from cultiva.execution.tables import API_KEY

    made = Access(store.database).create(KeyRequest("crm", ["tasks"]), by="test", at=AT)
    with store.database.reading() as connection:
        kept = str(connection.execute(select(API_KEY)).all())
    assert made.text not in kept
    assert made.text.split("_", 2)[2] not in kept


@pytest.mark.parametrize("text", ["", "cultiva_0_x", "cultiva_" + "0" * 12 + "_" + "A" * 43])
def test_who_has_no_key_is_nobody(store: Store, text: str) -> None:
    assert Access(store.database).admit(text, at=AT).key is None


def test_a_key_that_cannot_be_made_or_revoked_is_refused(store: Store) -> None:
    access = Access(store.database)
    for wanted in (KeyRequest("", ["tasks"]), KeyRequest("a", ["tasks"], per_minute_max=0), KeyRequest("a", [])):
        with pytest.raises(CultivaError):
            access.create(wanted, by="test", at=AT)
    with pytest.raises(CultivaError) as caught:
        access.revoke("none", by="test", at=AT)
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_copies_that_race_share_one_rate(store: Store, tmp_path: Path) -> None:
    made = Access(store.database).create(KeyRequest("crm", ["tasks"], per_minute_max=20), by="test", at=AT)
    waits = racing(store, tmp_path, 16, lambda access: access.admit(made.text, at=AT).wait_seconds)
    assert Counter(wait == 0 for wait in waits) == {True: 5, False: 11}  # a quarter of a minute's at once
    later = AT + timedelta(seconds=3)
    again = racing(store, tmp_path, 4, lambda access: access.admit(made.text, at=later).wait_seconds)
    assert Counter(wait == 0 for wait in again) == {True: 1, False: 3}


def test_of_racing_repeats_one_does_the_work(store: Store, tmp_path: Path) -> None:
    found = racing(store, tmp_path, 12, lambda access: access.begin(NAME, at=AT))
    assert Counter(type(one) for one in found) == {Mine: 1, Busy: 11}
    mine = next(one for one in found if isinstance(one, Mine))
    access = Access(store.database)
    access.finish(NAME, mine, Answered(201, "{}"))
    assert access.begin(NAME, at=AT) == Answered(201, "{}")
    assert access.begin(RequestName("key", "order-1", "other"), at=AT) == Differs()
    assert isinstance(access.begin(RequestName("another", "order-1", "other"), at=AT), Mine)


def test_work_that_died_is_taken_over_and_its_late_answer_counts_for_nothing(store: Store) -> None:
    access = Access(store.database)
    dead = access.begin(NAME, at=AT)
    assert isinstance(dead, Mine)
    heir = access.begin(NAME, at=AT + ABANDONED_AFTER)
    assert isinstance(heir, Mine)
    access.finish(NAME, dead, Answered(200, "late"))
    access.give_up(NAME, dead)
    assert access.begin(NAME, at=AT + ABANDONED_AFTER) == Busy()
    access.finish(NAME, heir, Answered(200, "heir"))
    assert access.begin(NAME, at=AT) == Answered(200, "heir")


def test_what_came_to_nothing_may_be_tried_again_and_old_answers_are_forgotten(store: Store) -> None:
    access = Access(store.database)
    first = access.begin(NAME, at=AT)
    assert isinstance(first, Mine)
    access.give_up(NAME, first)
    second = access.begin(NAME, at=AT)
    assert isinstance(second, Mine)
    access.finish(NAME, second, Answered(200, ""))
    assert access.forget(at=AT + timedelta(days=6)) == 0
    assert access.forget(at=AT + timedelta(days=8)) == 1


def test_old_answers_go_by_themselves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    access, later = Access(store.database), AT + timedelta(days=8)
    access.begin(NAME, at=AT)
    monkeypatch.setattr("cultiva.execution.access.service.TIDIES", "")  # every token begins so
    access.begin(RequestName("key", "order-2", "hash"), at=later)
    assert access.forget(at=later) == 0  # it is gone already
    assert access.begin(RequestName("key", "order-2", "hash"), at=later) == Busy()
