from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from cultiva.execution.answers.outcome import Outcome
from cultiva.execution.answers.service import AHEAD_MAX, Answers, Taken
from cultiva.execution.tables import SIGNAL
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ONE = Outcome("o-1", 7, "converted", AT - timedelta(hours=1), "crm", 12_345, "touch", {"product": "card"})


def signals(store: Store) -> list[tuple[int, str, int | None]]:
    with store.database.reading() as connection:
        rows = connection.execute(select(SIGNAL).order_by(SIGNAL.c.customer_id)).all()
    return [(row.customer_id, row.name, row.amount) for row in rows]


def test_an_outcome_reported_again_counts_once(store: Store) -> None:
    answers = Answers(store.database)
    two = replace(ONE, outcome_id="o-2", customer_id=8, amount_minor=None)
    assert answers.take([ONE, two, ONE], at=AT) == [Taken.NEW, Taken.NEW, Taken.KNOWN]
    assert answers.take([two], at=AT + timedelta(days=1)) == [Taken.KNOWN]
    assert signals(store) == [(7, "converted", 12_345), (8, "converted", None)]


def test_two_reporters_may_use_the_same_id(store: Store) -> None:
    answers = Answers(store.database)
    assert answers.take([ONE, replace(ONE, source="core")], at=AT) == [Taken.NEW, Taken.NEW]


def test_an_id_used_for_something_else_is_a_conflict_and_nothing_of_the_batch_is_written(store: Store) -> None:
    answers = Answers(store.database)
    answers.take([ONE], at=AT)
    for batch in ([replace(ONE, outcome_id="o-9"), replace(ONE, amount_minor=1)],):
        with pytest.raises(CultivaError) as caught:
            answers.take(batch, at=AT)
        assert caught.value.kind is ErrorKind.CONFLICT
    with pytest.raises(CultivaError):
        answers.take([replace(ONE, outcome_id="n"), replace(ONE, outcome_id="n", name="replied")], at=AT)
    assert signals(store) == [(7, "converted", 12_345)]


def test_an_outcome_that_lies_ahead_is_refused(store: Store) -> None:
    with pytest.raises(CultivaError):
        Answers(store.database).take([replace(ONE, at=AT + AHEAD_MAX + timedelta(seconds=1))], at=AT)


def test_reporters_that_race_write_each_outcome_once(store: Store) -> None:
    batch = [replace(ONE, outcome_id=f"o-{number}", customer_id=number) for number in range(50)]
    start = Barrier(6)

    def report(turn: int) -> list[Taken]:
        start.wait()
        return Answers(store.database).take(batch[turn:] + batch[:turn], at=AT)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(report, range(6)))
    assert Counter(customer for customer, _, _ in signals(store)) == dict.fromkeys(range(50), 1)
