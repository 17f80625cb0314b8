"""Lanes run by themselves: one looks often while there is work, and outlives a store that is away; none waits."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

import pytest
from tests.execution.dispatch.carriers import NOON, Carrier, Stage

from cultiva.contracts.delivery import Message, Receipt, Report
from cultiva.execution.dispatch.records import Lane, Tally
from cultiva.execution.dispatch.reports.matching import Taken
from cultiva.execution.dispatch.service import Dispatcher
from cultiva.execution.dispatch.worker import Crew, Done, Rhythm
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store

PATIENCE = 60.0
"""Seconds after which a test gives up on a thread."""


def test_lanes_send_until_closed_and_pause_longer_and_longer(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    keys = stage.queue(25)
    stage.carrier.waiting = [Report("r1", "opened", NOON, key=keys[0])]
    pauses, enough = list[float](), threading.Event()

    def pause(length: float) -> None:
        pauses.append(length)
        if len(pauses) == 6:
            enough.set()

    rhythm = Rhythm(pause_first_seconds=0.1, pause_max_seconds=0.8, poll_every=3)
    crew = Crew(stage.dispatcher, "w1", clock=lambda: NOON, rhythm=rhythm, pause=pause)
    crew.start()
    assert enough.wait(PATIENCE)
    crew.close()
    done = crew.collect()
    assert (done.sent.sent, done.heard.new) == (24, 1)  # one had arrived before it was sent, said its provider
    assert pauses[:6] == [0.1, 0.2, 0.4, 0.8, 0.8, 0.8]
    assert stage.row(keys[0]).state == "delivered"
    assert crew.collect() == Done(), "what was told is not told again"


class Watched(Carrier):
    """A carrier that does something when it has carried enough."""

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        receipts = super().send(messages)
        if sum(self.carried.values()) == 25:
            ENOUGH.set()
        return receipts


class Slow(Carrier):
    """A carrier that does not answer before the other one has carried everything."""

    in_time = False

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        self.in_time = ENOUGH.wait(PATIENCE)
        return super().send(messages)


ENOUGH = threading.Event()


def test_a_slow_provider_holds_up_no_other_lane(store: Store) -> None:
    ENOUGH.clear()
    stage, slow = Stage(store.database, Watched()), Slow()
    stage.queue(3, first=100, provider="slow")
    stage.queue(25)
    lanes = {"slow": Lane(slow, 10, 1.0), "main": stage.lane}
    both = Dispatcher(store.database, lanes, stage.asked.checks(), policy=stage.policy, stopwatch=lambda: 0.0)
    crew = Crew(both, "w1", clock=lambda: NOON)
    assert crew.send().sent == 28
    crew.close()
    assert slow.in_time, "the other lane waited for the slow one"
    assert set(slow.carried.values()) == set(stage.carrier.carried.values()) == {1}


class Away:
    """A dispatcher whose store is away at first."""

    lanes = ("main",)

    def __init__(self, kind: ErrorKind) -> None:
        self.kind = kind
        self.rounds = 0
        self.enough = threading.Event()

    def work_once(self, worker: str, at: datetime, *, provider: str) -> Tally:
        self.rounds += 1
        if self.rounds < 3:
            raise CultivaError("the store cannot be used", code="store.unavailable", kind=self.kind)
        if self.rounds < 5:
            return Tally(claimed=1, sent=1)
        self.enough.set()
        return Tally()

    def poll(self, at: datetime, *, provider: str) -> Taken:
        return Taken()


def test_a_store_that_is_away_is_waited_for() -> None:
    away, pauses = Away(ErrorKind.UNAVAILABLE), list[float]()
    crew = Crew(away, "w1", clock=lambda: NOON, pause=pauses.append)  # type: ignore[arg-type]
    crew.start()
    assert away.enough.wait(PATIENCE)
    crew.close()
    assert crew.collect().sent.sent == 2
    assert pauses[:3] == [0.05, 0.1, 0.05], "twice for the store, then for want of work"


def test_any_other_error_ends_it_and_is_told() -> None:
    crew = Crew(Away(ErrorKind.CONFLICT), "w1", clock=lambda: NOON)  # type: ignore[arg-type]
    crew.start()
    crew.close()
    with pytest.raises(CultivaError):
        crew.collect()
