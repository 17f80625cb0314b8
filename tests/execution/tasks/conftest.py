from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from sqlalchemy import select
from tests.execution.tasks.bench import BENCH, CALENDAR, DAY, MONDAY, STAFF

from cultiva.execution.tables import SIGNAL
from cultiva.execution.tasks.hooks import Hooks
from cultiva.execution.tasks.service import Tasks
from cultiva.store import Store


@dataclass
class Budget:
    """Writes down what it is asked."""

    confirmed: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)

    def hooks(self) -> Hooks:
        return Hooks(
            confirm=lambda _connection, task, _at: self.confirmed.append(task.touch_id),
            release=lambda ids, _at: self.released.extend(ids),
            forbidden=lambda _connection, customer_id, _channel: "opted out" if customer_id in self.closed else "",
        )


@pytest.fixture
def budget() -> Budget:
    return Budget()


@pytest.fixture
def tasks(store: Store, budget: Budget) -> Tasks:
    """The queue with its people, and nothing in it."""
    made = Tasks(store.database, BENCH, CALENDAR, hooks=budget.hooks())
    made.staff(STAFF, DAY, MONDAY)
    return made


def signals(store: Store) -> list[tuple[int, str]]:
    """Customer and name of everything that plays heard, sorted."""
    with store.database.reading() as connection:
        return sorted((row.customer_id, row.name) for row in connection.execute(select(SIGNAL)))
