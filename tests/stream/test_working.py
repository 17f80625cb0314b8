"""A worker makes of records what they come to, once, and does nothing outside that is not so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.stories.live_counting import Counting, Load, compare

from cultiva.definitions.live import LiveSettings
from cultiva.stream import Change, HotStore, Log, open_hot, open_log, partition_of
from cultiva.stream.working import Did, PartitionWorker

AT = datetime(2026, 11, 23, tzinfo=UTC)
LEASE = timedelta(seconds=30)
LOAD = Load(messages=480, customers=12)


@pytest.fixture
def side(live_settings: LiveSettings, tmp_path: Path) -> Iterator[tuple[Log, HotStore]]:
    with closing(open_log(live_settings, tmp_path)) as log, closing(open_hot(live_settings, tmp_path)) as hot:
        log.append(LOAD.records(0, LOAD.messages))
        yield log, hot


class Disturbed:
    """A hot store in which something happens after a worker has learnt where a partition stands.

    Args:
        hot: The real one.
        meanwhile: What happens, once.
        after: When a worker asks for the so manieth time.
    """

    def __init__(self, hot: HotStore, meanwhile: Callable[[], Any], *, after: int) -> None:
        self._hot, self._meanwhile, self._quiet = hot, meanwhile, after

    def position(self, partition: int) -> int:
        found = self._hot.position(partition)
        self._quiet -= 1
        if self._quiet == 0:
            self._meanwhile()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hot, name)


def rounds(worker: PartitionWorker, at: datetime) -> list[Did]:
    """Rounds until there is nothing to do."""
    found = [worker.round(at)]
    while not found[-1].idle:
        found.append(worker.round(at))
    return found


def worker(log: Log, hot: Any, handler: Counting, name: str = "a", batch: int = 25) -> PartitionWorker:
    return PartitionWorker(log, hot, handler, name=name, lease=LEASE, batch=batch)


def through(log: Log, hot: HotStore, path: Path, workers: Sequence[PartitionWorker], start: datetime = AT) -> None:
    """All rounds, those long after included; then everything is what it should be."""
    for one in workers:
        rounds(one, start)
    for one in workers:
        rounds(one, start + timedelta(days=1))
    found = compare(LOAD, log, hot, path)
    assert found.faults == 0, found


def test_every_record_counts_once_and_every_timer_rings_once(side: tuple[Log, HotStore], tmp_path: Path) -> None:
    log, hot = side
    with closing(Counting(tmp_path / "firings.db")) as handler:
        through(log, hot, tmp_path / "firings.db", [worker(log, hot, handler)])


def test_a_worker_that_lost_its_partitions_while_it_looked_does_nothing_outside(
    side: tuple[Log, HotStore], tmp_path: Path
) -> None:
    """It knows where a partition stood; then it sleeps, its time is over, and another one goes on."""
    log, hot = side
    path = tmp_path / "firings.db"
    with closing(Counting(path)) as handler:
        other = worker(log, hot, handler, "b", batch=15)
        sleeper = worker(log, Disturbed(hot, lambda: other.round(AT + LEASE), after=4), handler)
        assert sum(one.fenced for one in rounds(sleeper, AT)) > 0
        through(log, hot, path, [other, sleeper], AT + LEASE)


def test_a_store_that_comes_back_younger_while_a_worker_looks_does_nothing_outside(
    side: tuple[Log, HotStore], tmp_path: Path
) -> None:
    """States and positions are lost together, right after the worker has been told where its partition stands."""
    log, hot = side
    path, people = tmp_path / "firings.db", range(1, LOAD.customers + 1)
    with closing(Counting(path)) as handler:
        worker(log, hot, handler).round(AT)
        young = dict(zip(people, hot.get(list(people)), strict=True))
        places = {one: hot.position(one) for one in range(log.partitions)}
        assert None not in young.values()

        def lose() -> None:
            for one in hot.claim("a", AT, LEASE, wanted=log.partitions):
                mine = {who: state for who, state in young.items() if state and partition_of(who, 3) == one.partition}
                hot.commit(Change(one.partition, one.fence, places[one.partition], states=mine))

        disturbed = worker(log, Disturbed(hot, lose, after=log.partitions + 1), handler)
        assert sum(one.fenced for one in rounds(disturbed, AT)) == 1
        through(log, hot, path, [disturbed])


def test_it_ends_a_round_early_rather_than_losing_what_it_owns(side: tuple[Log, HotStore], tmp_path: Path) -> None:
    log, hot = side
    with closing(Counting(tmp_path / "firings.db")) as handler:
        hurried = PartitionWorker(log, hot, handler, name="a", lease=timedelta(microseconds=1), batch=10)
        did = hurried.round(AT)
        assert did.hurried and not did.idle and did.records == 0
