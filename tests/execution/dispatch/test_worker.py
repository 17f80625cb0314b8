"""A worker looks often while there is work, seldom while there is none, and outlives a store that is away."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.execution.dispatch.carriers import NOON, Carrier, Stage

from cultiva.contracts.delivery import Report
from cultiva.execution.dispatch.records import Tally
from cultiva.execution.dispatch.worker import Rhythm, work
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store


def test_it_works_until_told_to_stop_and_pauses_longer_and_longer(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    keys = stage.queue(25)
    stage.carrier.waiting = [Report("r1", "opened", NOON, key=keys[0])]
    pauses: list[float] = []
    done = work(
        stage.dispatcher,
        "w1",
        over=lambda: len(pauses) == 6,
        clock=lambda: NOON,
        sleep=pauses.append,
        rhythm=Rhythm(pause_first_seconds=0.1, pause_max_seconds=0.8, tend_every=3),
    )
    assert done.sent == 24  # one had arrived before it was sent, said its provider
    assert pauses == [0.1, 0.2, 0.4, 0.8, 0.8, 0.8]
    assert stage.row(keys[0]).state == "delivered"


class Away:
    """A dispatcher whose store is away at first."""

    def __init__(self, kind: ErrorKind) -> None:
        self.kind = kind
        self.rounds = 0

    def work_once(self, worker: str, at: datetime) -> Tally:
        self.rounds += 1
        if self.rounds < 3:
            raise CultivaError("the store cannot be used", code="store.unavailable", kind=self.kind)
        return Tally(claimed=1, sent=1)

    def tend(self, at: datetime) -> int:
        return 0

    def poll(self, at: datetime) -> None:
        return None


def test_a_store_that_is_away_is_waited_for() -> None:
    away, pauses = Away(ErrorKind.UNAVAILABLE), list[float]()
    done = work(away, "w1", over=lambda: away.rounds == 4, clock=lambda: NOON, sleep=pauses.append)  # type: ignore[arg-type]
    assert done.sent == 2
    assert len(pauses) == 2


def test_any_other_error_ends_it() -> None:
    away = Away(ErrorKind.CONFLICT)
    with pytest.raises(CultivaError):
        work(away, "w1", over=lambda: False, clock=lambda: NOON, sleep=lambda _: None)  # type: ignore[arg-type]
