"""Every table of the store that names customers is dealt with: those that there are, and those that will be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Date, DateTime, Float, Integer, Table, insert, select, text

import cultiva.execution.erasure.tables
import cultiva.execution.tables  # noqa: F401 -- its tables belong to the store too
from cultiva.execution.erasure.people import Act, People, merged
from cultiva.execution.erasure.removal import repository as removal
from cultiva.execution.tables import (
    DELIVERY,
    EVENT_WAITING,
    GRANT,
    RECEIPT,
    RECIPIENT,
    REQUEST_KEY,
    TASK_EVENT,
    TOUCH_LOCK,
    VISITOR,
)
from cultiva.store import Store
from cultiva.store.columns import JsonText, UtcDateTime
from cultiva.store.tables import IDENTITY_CHANGE, IDENTITY_CHANGE_MEMBER, METADATA

GONE, STAYS = 71_000_001, 71_000_002
PHONE = "13870000001"
AT = datetime(2026, 11, 23, tzinfo=UTC)
PEOPLE = People(
    customers=(GONE,),
    sources=(("core", "C0071"),),
    visitors=("visitor-71",),
    phones=(PHONE,),
    homes=((GONE, STAYS),),
)
ABOUT_NOBODY = {"launch_id", "step", "channel", "provider", "offer", "strategy"}
"""Columns that say what was done, not to whom."""
WITH_CUSTOMERS = [table for table in METADATA.sorted_tables if "customer_id" in table.c]


def allowed(table: Table, column: Column[Any]) -> str | None:
    """The first value that a check of the table lets a column have."""
    for one in table.constraints:
        found = re.match(rf"{column.name} in \('([^']*)'", str(getattr(one, "sqltext", "")))
        if found:
            return found[1]
    return None


def value(table: Table, column: Column[Any], customer: int, told: str) -> Any:  # noqa: PLR0911  (a kind of column each)
    """Something that fits a column and tells who it is about where it can."""
    kind = column.type
    if column.name in ("customer_id", "household_id"):
        return customer
    if isinstance(kind, JsonText):
        return {"customer_id": customer, "phone": told}
    if isinstance(kind, UtcDateTime | DateTime):
        return AT
    if isinstance(kind, Date):
        return date(2026, 11, 23)
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer | Float):
        return 1
    length = getattr(kind, "length", None) or 200
    said = column.name if column.name in ABOUT_NOBODY else f"{told} {column.name}"
    return allowed(table, column) or said[:length]


def row(table: Table, customer: int, told: str) -> Mapping[str, Any]:
    return {column.name: value(table, column, customer, told) for column in table.columns}


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    """A row about each of two customers in every table that names customers, and in those that hang on them."""
    with store.database.writing() as connection:
        connection.execute(insert(IDENTITY_CHANGE), [change(one) for one in ("gone", "both")])
        for customer, told in ((GONE, PHONE), (STAYS, "13870000002")):
            for table in WITH_CUSTOMERS:
                if table is not IDENTITY_CHANGE_MEMBER:
                    connection.execute(insert(table).values(**row(table, customer, told)))
            delivery = row(DELIVERY, customer, told)["delivery_id"]
            task = row(METADATA.tables["task"], customer, told)["task_id"]
            connection.execute(insert(RECEIPT).values(**{**row(RECEIPT, customer, told), "delivery_id": delivery}))
            connection.execute(insert(TASK_EVENT).values(**{**row(TASK_EVENT, customer, told), "task_id": task}))
            connection.execute(insert(TOUCH_LOCK).values(key_id=customer))
            answer = f'{{"customers": [{{"customer_id": {customer}, "name": "王"}}]}}'
            connection.execute(insert(REQUEST_KEY).values(**{**row(REQUEST_KEY, customer, told), "body": answer}))
        members = [("gone", GONE), ("both", GONE), ("both", STAYS)]
        rows = [{"change_id": name, "side": "from", "customer_id": one} for name, one in members]
        connection.execute(insert(IDENTITY_CHANGE_MEMBER), rows)
        visitor = {"source_system": "core", "at": AT}
        connection.execute(insert(VISITOR).values(anonymous_id="visitor-71", source_id="C0071", **visitor))
        connection.execute(insert(VISITOR).values(anonymous_id="visitor-72", source_id="C0072", **visitor))
        for number, who in enumerate(("user:core:C0071", "visitor:visitor-71", "visitor:visitor-72")):
            waits = {"message_id": f"m{number}", "anonymous_id": who, "received": AT, "body": {}}
            connection.execute(insert(EVENT_WAITING).values(**waits))
        stray = {**row(RECEIPT, GONE, PHONE), "receipt_id": "stray", "delivery_id": "", "body": {"address": PHONE}}
        connection.execute(insert(RECEIPT).values(**stray))
    yield store


def change(name: str) -> dict[str, Any]:
    about = {"run_id": "r", "number": 1, "kind": "merge", "business_date": date(2026, 11, 23), "reason": "same_id"}
    return {"change_id": name, "recorded": AT, **about}


def removed(store: Store) -> dict[tuple[str, Act], int]:
    found = []
    for step in removal.removals().values():
        with store.database.writing() as connection:
            found += step(connection, PEOPLE)
    return {(one.place, one.act): one.rows for one in merged(found)}


def everything(store: Store) -> str:
    """All rows of all tables, as text."""
    with store.database.reading() as connection:
        tables = [connection.execute(text(f'select * from "{one.name}"')).all() for one in METADATA.sorted_tables]
    return repr(tables)


def test_nothing_of_the_person_is_left_anywhere_and_nobody_else_is_touched(filled: Store) -> None:
    with filled.database.reading() as connection:
        before = {table.name: connection.execute(select(table)).all() for table in WITH_CUSTOMERS}
    assert str(GONE) in everything(filled) and PHONE in everything(filled)
    removed(filled)
    left = everything(filled)
    for mark in (str(GONE), PHONE, "C0071", "visitor-71"):
        assert mark not in left, left[left.index(mark) - 300 :][:400]
    with filled.database.reading() as connection:
        assert removal.left(connection, PEOPLE) == {}
        for table in WITH_CUSTOMERS:
            kept = [one for one in connection.execute(select(table)).all() if one.customer_id == STAYS]
            assert kept == [one for one in before[table.name] if one.customer_id == STAYS], table.name


def test_every_table_that_names_customers_is_dealt_with() -> None:
    places = removal.named_places()
    assert {table.name for table in WITH_CUSTOMERS} <= places
    assert {"receipt", "task_event", "visitor", "event_waiting", "request_key", "touch_lock"} <= places


def test_a_second_time_there_is_nothing_left_to_do(filled: Store) -> None:
    first = removed(filled)
    assert first["store/recipient", Act.REMOVED] == 1 and first["store/receipt", Act.REMOVED] == 2
    assert removed(filled) == {}


def test_money_that_was_spent_stays_in_the_accounts_without_a_way_back(filled: Store) -> None:
    with filled.database.writing() as connection:
        sent = {**row(DELIVERY, GONE, PHONE), "delivery_id": "sent", "state": "delivered", "entry": 2}
        connection.execute(insert(DELIVERY).values(**sent))
    found = removed(filled)
    assert found["store/delivery", Act.UNLINKED] == 1 and found["store/delivery", Act.REMOVED] == 1  # one was queued
    assert found["store/benefit_grant", Act.UNLINKED] == 1
    with filled.database.reading() as connection:
        (kept,) = connection.execute(select(DELIVERY).where(DELIVERY.c.customer_id < 0)).all()
        (grant,) = connection.execute(select(GRANT).where(GRANT.c.customer_id < 0)).all()
    assert (kept.state, kept.address, kept.content, kept.touch_id) == ("delivered", "", {}, "")
    assert kept.customer_id != grant.customer_id, "they do not even belong together"
    assert len(kept.delivery_id) == 32 and kept.provider == sent["provider"]


def test_who_lives_with_an_erased_customer_gets_another_name_for_the_household(filled: Store) -> None:
    with filled.database.writing() as connection:
        flatmate = {**row(RECIPIENT, STAYS, "x"), "customer_id": 71_000_003, "household_id": GONE}
        connection.execute(insert(RECIPIENT).values(**flatmate))
    assert removed(filled)["store/recipient", Act.MENDED] == 1
    with filled.database.reading() as connection:
        mine = select(RECIPIENT.c.household_id).where(RECIPIENT.c.customer_id == 71_000_003)
        assert connection.scalar(mine) == STAYS
