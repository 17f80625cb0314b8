"""A message of which an attempt may have arrived never ends as not sent."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from tests.execution.dispatch.carriers import NOON, Carrier, Killed, Stage

from cultiva.store import Store

LONG = timedelta(minutes=10)
ARRIVED, LATER = ("lost_after", "mute", "broken", "die_after"), ("refuse", "lost_before", "later")


@pytest.mark.parametrize("kind", ["safe", "traced", "blind"])
@pytest.mark.parametrize("first", ARRIVED)
def test_what_comes_later_says_nothing_of_the_attempt_before(store: Store, kind: str, first: str) -> None:
    carrier = Carrier(repeats_safely=kind == "safe", traceable=kind == "traced")
    stage, at = Stage(store.database, carrier, batch=4), NOON
    keys = stage.queue(2 * len(LATER), first=0, due=NOON)
    for key, then in zip(keys, LATER * 2, strict=True):
        carrier.fates[key] = [first, *[then] * 6]
    for _ in range(12):
        with suppress(Killed):
            stage.another().work_once("w", at)
        at += LONG
        stage.dispatcher.tend(at)
    arrived = {stage.states()[key] for key in keys if carrier.carried[key]}
    assert arrived
    assert arrived <= ({"sent"} if kind == "traced" else {"sent", "unknown"})
    assert all(stage.row(key).evidence for key in keys if stage.states()[key] == "unknown")


def test_a_launch_that_is_stopped_does_not_make_an_attempt_undone(store: Store) -> None:
    carrier = Carrier(repeats_safely=True)
    stage = Stage(store.database, carrier, batch=4)
    doubted, fresh = stage.queue(2, first=0, due=NOON)
    carrier.fates = {doubted: ["lost_after"], fresh: ["later"]}
    stage.another().work_once("w", NOON)
    stage.launch_becomes("L1", state="stopped")
    stage.dispatcher.tend(NOON + LONG)
    assert {key: stage.states()[key] for key in (doubted, fresh)} == {doubted: "unknown", fresh: "cancelled"}
    assert stage.row(doubted).touch_id not in stage.asked.released
