"""A few thousand events while workers, the sender, NATS and Redis are killed: each event counts exactly once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.stories.live_counting import Load
from tests.stories.live_killing import Ground, addresses, live_under_kills, servers_of_our_own

from cultiva.definitions.live import LiveSettings

SETTINGS = LiveSettings(partitions=4, batch=50, lease_seconds=0.5)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["embedded", pytest.param("distributed", marks=pytest.mark.streams)])
def test_each_event_counts_once_whoever_is_killed(kind: str, tmp_path: Path) -> None:
    load = Load(messages=4_000, customers=80)
    with ExitStack() as stack:
        servers = stack.enter_context(servers_of_our_own(tmp_path)) if kind == "distributed" else {}
        settings = addresses(servers, SETTINGS) if servers else SETTINGS
        ground = Ground(settings, tmp_path, load, workers=2, sending=20, rate=2_000)
        kills = 2 + len(servers)
        outcome = live_under_kills(ground, servers, kills=kills, pause_seconds=(0.05, 0.2), deadline_seconds=120)
    assert outcome.kill_count == kills
    assert outcome.kills.get("worker")
    assert outcome.found.faults == 0, outcome.found
    assert outcome.found.firings == 4_000 // 10 + 40
