"""Two thousand messages over real sockets while the workers are killed: nobody is lost, nobody gets two."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.servers.stores import store, store_url
from tests.stories.dispatching import Ground, dispatch_under_kills

from cultiva.store import Store

__all__ = ["store", "store_url"]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_nobody_is_lost_or_doubled_when_workers_are_killed(store: Store, store_url: str, tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.mkdir()
    ground = Ground(store_url, tmp_path, messages=2_000, batch=10, timeout_seconds=0.5)
    found = dispatch_under_kills(ground, record, kills=10, pause_seconds=(0.1, 0.6))
    assert found.kills == 10
    assert (found.total("lost"), found.total("doubled"), found.total("untrue")) == (0, 0, 0), found
    assert found.total("accepted") + found.total("unknown") - found.total("unknown_arrived") == 2_000
    assert {name for name, one in found.channels.items() if one.unknown} <= {"blind"}
    blind = found.channels["blind"]
    assert blind.unknown == blind.unknown_dropped + blind.unknown_killed
    assert blind.unknown_killed <= found.kills
