"""Workers that die in the middle of a campaign: everybody is written to once, whoever may not be is not."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.servers.warm import Begun, Warm
from tests.stories.town import CAMPAIGN, DAY, MORNING, Town, approved, customer_of, town

from cultiva.bootstrap import opened
from cultiva.execution.dispatch.records import State
from cultiva.execution.dispatch.service import Dispatcher
from cultiva.loop import service
from cultiva.loop.work.service import Worker

__all__ = ["town"]

KILLS = 5
PATIENCE_SECONDS = 120


@pytest.fixture
def store_url() -> str:
    return "sqlite:///.cultiva/store.db"


def worker(warm: Warm, town: Town, at: str, *how: str) -> Begun:
    """A worker as an operator starts it; its lanes run by themselves unless it is told to stop when nothing is due."""
    given = [f"--set={name}={value}" for name, value in town.settings().items()]
    return warm.begin("work", town.root, *how, "--at", at, *given)


@pytest.mark.slow
def test_killed_workers_write_to_everybody_once(town: Town, warm: Warm) -> None:
    with opened(town.root, overrides=town.settings()) as parts:
        service.run(parts, DAY)
    approved(town)
    # Slow enough to be killed in the middle, and nothing but the look-up keeps a message from going twice.
    town.sms.misbehave(slow=1.0, slow_seconds=0.3, drop_after=0.05, idempotent=False)
    one = worker(warm, town, MORNING.isoformat())
    for _ in range(10 * PATIENCE_SECONDS):
        if town.written():
            break
        time.sleep(0.1)
    one.send_signal(signal.SIGTERM)
    assert one.wait(timeout=PATIENCE_SECONDS) == 0, "what it was in the middle of is finished"
    draw = random.Random(1)
    for number in range(KILLS):
        one = worker(warm, town, MORNING.isoformat(), *(["--until-idle"] if number % 2 else []))
        time.sleep(draw.uniform(1.0, 6.0))
        one.kill()
        one.wait()
    later = (MORNING + timedelta(hours=3)).isoformat()
    assert worker(warm, town, later, "--until-idle").wait(timeout=PATIENCE_SECONDS) == 0
    with opened(town.root, overrides=town.settings()) as parts:
        written = [customer_of(parts, key) for key in town.written()]
        assert len(written) == len(set(written)) > 100
        counts = Dispatcher(parts.store.database, {}, Worker(parts, "x").gates.checks()).counts()
        states = Counter({state: n for (_, state), n in counts.items() if state is not State.CANCELLED})
        assert states.pop(State.QUEUED) == 1  # to the tester: due by the real clock, which this bank is far behind
        assert set(states) <= {State.SENT, State.DELIVERED} and states.total() == len(written)


@pytest.mark.slow
def test_nobody_is_written_to_on_old_knowledge_and_nobody_enters_by_other_rules(town: Town) -> None:
    with opened(town.root, overrides=town.settings()) as parts:
        service.run(parts, DAY)
    approved(town, "--daily")
    strategies = town.root / "strategies" / "spring.yaml"
    text = strategies.read_text(encoding="utf-8")
    strategies.write_text(text.replace("holdout: 0.3", "holdout: 0.2"), encoding="utf-8")
    with opened(town.root, overrides=town.settings()) as parts:
        did = Worker(replace(parts, clock=lambda: MORNING), "a").round(MORNING)
        assert (did.entered, did.changed) == (0, [CAMPAIGN])
    strategies.write_text(text, encoding="utf-8")
    with opened(town.root, overrides=town.settings()) as parts:
        late = MORNING + timedelta(days=9)
        did = Worker(replace(parts, clock=lambda: late), "b").round(late)
        assert did.entered == did.sent.cancelled > 100
        assert town.written() == []
