"""Whoever has not confirmed is reminded of a task of ours, once for each time, however many workers look."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import update
from tests.execution.dispatch.carriers import NOON, Carrier, Stage

from cultiva.contracts.delivery import Overdue, Receipt, Sent
from cultiva.execution.tables import DELIVERY, RECEIPT
from cultiva.store import Store


class Waiting(Carrier):
    """A carrier whose messages an employee confirms."""

    def __init__(self) -> None:
        super().__init__(traceable=True)
        self.due: list[Overdue] = []
        self.reminded: list[str] = []

    def overdue(self) -> Sequence[Overdue]:
        return self.due

    def remind(self, reference: str) -> Receipt:
        self.reminded.append(reference)
        return Receipt(reference, Sent.ACCEPTED)


@pytest.fixture
def carrier() -> Waiting:
    return Waiting()


@pytest.fixture
def stage(store: Store, carrier: Waiting) -> Stage:
    found = Stage(store.database, carrier)
    for number, key in enumerate(found.queue(3)):
        mine = DELIVERY.c.delivery_id == key
        with store.database.writing() as connection:
            connection.execute(update(DELIVERY).where(mine).values(state="sent", reference=f"m{number}/wm-{number}"))
    return found


def test_a_reminder_of_ours_is_sent_once_by_whoever_comes_first(stage: Stage, carrier: Waiting) -> None:
    carrier.due = [Overdue("m1", 1), Overdue("m2", 1), Overdue("strangers", 1), Overdue("m", 1)]
    stage.dispatcher.poll(NOON)
    stage.another().poll(NOON)
    stage.dispatcher.poll(NOON)
    assert carrier.reminded == ["m1/", "m2/"]
    carrier.due = [Overdue("m1", 2), Overdue("m2", 1)]
    stage.dispatcher.poll(NOON)
    assert carrier.reminded == ["m1/", "m2/", "m1/"]
    assert {(row.kind, row.delivery_id == "") for row in stage.all_of(RECEIPT)} == {("reminded", False)}
    assert stage.dispatcher.tend(NOON) == 0, "it is no report that waits for its delivery"


def test_where_nothing_is_overdue_nobody_is_reminded(stage: Stage, carrier: Waiting) -> None:
    stage.dispatcher.poll(NOON)
    assert carrier.reminded == [] and stage.all_of(RECEIPT) == []
