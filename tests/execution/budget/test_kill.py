"""A sender killed with -9 between any two statements leaves all of its batch or nothing, and holds nobody up."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.execution.budget.asking import AT, ONE_A_DAY
from tests.execution.budget.test_budget import delivery
from tests.execution.budget.victims import CUSTOMERS, PROCESSES, cheap, confirm_and_die, dear, reserve_and_die

from cultiva.execution.budget.service import Budget
from cultiva.execution.tables import DELIVERY, TOUCH
from cultiva.store import Store

MOST_STATEMENTS = 25
HALF = CUSTOMERS // 2
BEFORE = {"reserved": CUSTOMERS}
DONE: dict[Callable[[str, Path, int], None], dict[str, int]] = {
    reserve_and_die: {"reserved": CUSTOMERS, "outbid": HALF},
    confirm_and_die: {"confirmed": CUSTOMERS},
}


def counted(store: Store, table: Any) -> dict[str, int]:
    with store.database.reading() as connection:
        return dict(Counter(connection.execute(select(table.c.state)).scalars()))


def undo(store: Store) -> None:
    with store.database.writing() as connection:
        connection.execute(TOUCH.delete())
        connection.execute(DELIVERY.delete())
        connection.execute(insert(DELIVERY), [delivery(one.touch_id) for one in cheap()])
    Budget(store.database, [ONE_A_DAY]).reserve(None, cheap(), AT)


@pytest.mark.parametrize("victim", [reserve_and_die, confirm_and_die])
def test_a_kill_between_any_two_statements_leaves_all_or_nothing(
    store: Store, store_url: str, tmp_path: Path, victim: Callable[[str, Path, int], None]
) -> None:
    exits = []
    for statements in range(1, MOST_STATEMENTS):
        undo(store)
        process = PROCESSES.Process(target=victim, args=(store_url, tmp_path, statements))
        process.start()
        process.join(60)
        exits.append(process.exitcode)
        if process.exitcode == 0:
            assert counted(store, TOUCH) == DONE[victim]
            break
        assert counted(store, TOUCH) == BEFORE
        assert counted(store, DELIVERY) == {"queued": CUSTOMERS}
    killed = [code for code in exits if code == -signal.SIGKILL]
    assert exits == [*killed, 0] and len(killed) >= 4


def test_who_comes_after_a_killed_sender_is_not_held_up(store: Store, store_url: str, tmp_path: Path) -> None:
    undo(store)
    process = PROCESSES.Process(target=reserve_and_die, args=(store_url, tmp_path, 7))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    verdicts = Budget(store.database, [ONE_A_DAY]).reserve(None, dear(), AT)
    assert all(one.granted for one in verdicts)
    assert counted(store, TOUCH) == {"reserved": CUSTOMERS, "outbid": HALF}
    assert counted(store, DELIVERY) == {"queued": HALF, "cancelled": HALF}
