"""Pauses, stops, emergency stops, throttles, and rates that all workers share."""

from __future__ import annotations

import threading

import pytest
from tests.execution.dispatch.carriers import NOON, SECOND, Carrier, Stage

from cultiva.store import Store


@pytest.mark.parametrize("state", ["paused", "submitted", "approved", "stopped", "finished", "rejected"])
def test_only_a_live_launch_sends(store: Store, state: str) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    stage.queue(3)
    stage.launch_becomes("L1", state=state)
    assert stage.dispatcher.work_once("w1", NOON).idle
    stage.launch_becomes("L1", state="live")
    assert stage.dispatcher.work_once("w1", NOON).sent == 3


@pytest.mark.parametrize("scope", ["all", "channel:sms", "strategy:strategy-L1"])
def test_an_emergency_stop_holds_everything_within_its_scope(store: Store, scope: str) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    stage.launch("L2")
    mine, other = stage.queue(1) + stage.queue(1, launch="L2", channel="email")
    stage.halt(scope)
    stage.dispatcher.work_once("w1", NOON)
    assert stage.states() == {mine: "queued", other: "queued" if scope == "all" else "sent"}


def test_a_stop_that_comes_while_a_batch_is_checked_holds_it(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    (key,) = stage.queue(1)
    whole = stage.asked._filled

    def stop(one: object) -> object:
        stage.launch_becomes("L1", state="paused")
        return whole(one)  # type: ignore[arg-type]

    stage.asked._filled = stop  # type: ignore[method-assign,assignment]
    assert stage.dispatcher.work_once("w1", NOON).sent == 0
    assert stage.row(key).state == "queued"
    assert stage.carrier.carried == {}


def test_what_belongs_to_no_launch_is_sent_and_halted_alike(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    stage.queue(1, launch="")
    assert stage.dispatcher.work_once("w1", NOON).sent == 1
    stage.queue(1, first=1, launch="")
    stage.halt("channel:sms")
    assert stage.dispatcher.work_once("w1", NOON).idle


def test_tending_cancels_what_is_queued_of_launches_that_are_over(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    stage.launch("L2")
    stage.queue(3)
    stage.queue(2, launch="L2")
    stage.launch_becomes("L1", state="stopped")
    assert stage.dispatcher.tend(NOON) == 3
    assert sorted(stage.states().values()) == ["cancelled"] * 3 + ["queued"] * 2
    assert len(stage.asked.released) == 3
    assert stage.dispatcher.tend(NOON) == 0


def test_a_launch_is_throttled_without_holding_up_another(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    stage.launch_becomes("L1", per_minute_max=12)  # two at once, one every five seconds
    stage.launch("L2")
    stage.queue(10)
    stage.queue(4, launch="L2")
    assert stage.dispatcher.work_once("w1", NOON).sent == 2 + 4
    assert stage.dispatcher.work_once("w1", NOON + 4 * SECOND).sent == 0
    assert stage.dispatcher.work_once("w1", NOON + 5 * SECOND).sent == 1
    assert stage.dispatcher.work_once("w1", NOON + 65 * SECOND).sent == 2


def test_a_providers_rate_holds_over_workers_that_race(store: Store) -> None:
    """In any t seconds at most burst + rate x t leave, however many workers there are."""
    stage = Stage(store.database, Carrier(traceable=True), per_second_max=20.0)
    stage.queue(200)
    sent: list[int] = []

    def race(at: int) -> None:
        sent.append(stage.another().work_once("w", NOON + at * SECOND).sent)

    for at in range(3):
        workers = [threading.Thread(target=race, args=(at,)) for _ in range(4)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
    assert sum(sent) == 20 + 20 * 2
    assert max(stage.carrier.carried.values()) == 1


def test_workers_that_race_never_send_one_twice(store: Store) -> None:
    stage = Stage(store.database, Carrier(traceable=True))
    keys = stage.queue(150)

    def race(name: str) -> None:
        mine = stage.another()
        while not mine.work_once(name, NOON).idle:
            pass

    workers = [threading.Thread(target=race, args=(f"w{number}",)) for number in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    while not stage.dispatcher.work_once("last", NOON).idle:
        pass
    assert stage.carrier.carried == dict.fromkeys(keys, 1)
    assert set(stage.states().values()) == {"sent"}
