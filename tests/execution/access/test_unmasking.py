"""Personal data are shown for a reason, for minutes, so many times a day, and never without a line of the audit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from cultiva.execution.access import unmasking
from cultiva.execution.access.unmasking import Opened, Unmasking, UnmaskingRules
from cultiva.execution.audit.service import Audit
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""16:00 in Shanghai."""
WHY = "the customer asks for a new card by post"
MINUTE = timedelta(minutes=1)


def desk(store: Store, *, most: int = 50) -> Unmasking:
    return Unmasking(store.database, UnmaskingRules(minutes=15, per_day_max=most, zone="Asia/Shanghai"))


def test_data_are_shown_to_that_person_of_that_customer_for_a_quarter_of_an_hour(store: Store) -> None:
    found = desk(store)
    assert not found.may_see("u1", 7, AT)
    until = found.open("u1", "Li", 7, WHY, AT)
    assert until == AT + 15 * MINUTE
    assert found.may_see("u1", 7, AT)
    assert found.may_see("u1", 7, until - timedelta(microseconds=1))
    assert not found.may_see("u1", 7, until)
    assert not found.may_see("u1", 7, AT - MINUTE)
    assert not found.may_see("u1", 8, AT)
    assert not found.may_see("u2", 7, AT)


def test_every_time_stands_in_the_audit_with_its_reason(store: Store) -> None:
    desk(store).open("u1", "Li", 7, f"  {WHY}\n", AT)
    (line,) = Audit(store.database).lines(subject="customer:7")
    assert (line.entry.actor, line.entry.action, line.entry.at) == ("Li", "customer.unmasked", AT)
    assert line.entry.detail == {"user": "u1", "reason": WHY, "until": "2026-11-23T08:15:00+00:00"}
    assert Audit(store.database).verify().whole


def test_what_cannot_be_written_down_is_not_shown(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the audit does not take it")

    monkeypatch.setattr(unmasking, "write", broken)
    with pytest.raises(RuntimeError):
        desk(store).open("u1", "Li", 7, WHY, AT)
    assert not desk(store).may_see("u1", 7, AT)
    assert desk(store).left("u1", AT) == 50
    monkeypatch.undo()
    with pytest.raises(CultivaError):
        desk(store).open("u1", " ", 7, WHY, AT)  # the audit wants a name
    assert not desk(store).may_see("u1", 7, AT)


@pytest.mark.parametrize("reason", ["", "because", "x" * 40, "abc" * 9, " a   b ", "y z" * 400])
def test_a_reason_that_says_nothing_opens_nothing(store: Store, reason: str) -> None:
    with pytest.raises(CultivaError) as caught:
        desk(store).open("u1", "Li", 7, reason, AT)
    assert caught.value.code == "access.unmask_reason"
    assert not desk(store).may_see("u1", 7, AT)
    assert Audit(store.database).lines() == ()


def test_asking_again_while_it_is_shown_changes_nothing(store: Store) -> None:
    found = desk(store, most=1)
    until = found.open("u1", "Li", 7, WHY, AT)
    assert found.open("u1", "Li", 7, WHY, AT + 5 * MINUTE) == until
    assert found.left("u1", AT) == 0
    assert len(Audit(store.database).lines()) == 1


def test_a_person_has_so_many_a_day_and_the_day_is_the_bank_s(store: Store) -> None:
    found = desk(store, most=2)
    for customer in (1, 2):
        found.open("u1", "Li", customer, WHY, AT)
    with pytest.raises(CultivaError) as caught:
        found.open("u1", "Li", 3, WHY, AT + MINUTE)
    assert (caught.value.code, caught.value.kind) == ("access.unmask_used_up", ErrorKind.FORBIDDEN)
    assert not found.may_see("u1", 3, AT + MINUTE)
    found.open("u2", "Wu", 3, WHY, AT)
    midnight = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # in Shanghai
    with pytest.raises(CultivaError):
        found.open("u1", "Li", 3, WHY, midnight - MINUTE)
    found.open("u1", "Li", 3, WHY, midnight)
    assert found.left("u1", midnight) == 1


def test_those_who_race_get_no_more_than_there_is(store: Store) -> None:
    found = desk(store, most=5)

    def one(customer: int) -> bool:
        try:
            found.open("u1", "Li", customer, WHY, AT)
        except CultivaError as error:
            assert error.code == "access.unmask_used_up"
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(one, range(12)))
    assert sum(opened) == 5
    assert sum(found.may_see("u1", customer, AT) for customer in range(12)) == 5
    assert len(Audit(store.database).lines()) == 5


def test_the_auditor_sees_who_saw_whom_and_why(store: Store) -> None:
    found = desk(store)
    found.open("u1", "Li", 7, WHY, AT)
    found.open("u2", "Wu", 7, "a complaint about an address", AT + MINUTE)
    found.open("u1", "Li", 8, WHY, AT + 2 * MINUTE)
    newest = found.listed(AT)
    assert [(one.user_id, one.customer_id) for one in newest] == [("u1", 8), ("u2", 7), ("u1", 7)]
    assert newest[2] == Opened("u1", "Li", 7, WHY, AT, AT + 15 * MINUTE)
    assert len(found.listed(AT + MINUTE)) == 2
    assert [one.customer_id for one in found.listed(AT, user_id="u1")] == [8, 7]
    assert [one.user_id for one in found.listed(AT, customer_id=7)] == ["u2", "u1"]
    assert len(found.listed(AT, limit=1)) == 1
