"""The kill test of the live side: a load of events while workers, the sender, NATS and Redis are killed with -9.

Redis besides loses the end of its file each time, as if its machine had gone. A counting handler stands for what
events mean, so that what should be there in the end is known. Throughput without kills is measured in the same run.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from benchmarks.harness import parse_size, size_name

DESCRIPTION = "events under kill -9 of workers, sender, NATS, Redis; throughput; --size 1m events (default 100k)"
PAUSE_SECONDS = (0.2, 1.5)
"""Between a recovery and the next kill."""
CUSTOMERS_SHARE = 50
"""Events of a customer."""
RATE = 6_000.0
"""Events a second that the sender sends at most, so that the load lasts."""
THROUGHPUT_EVENTS = 100_000
PROOF_EVENTS, PROOF_RATE, PROOF_KILLS = 6_000, 150.0, 8
KINDS = ("embedded", "distributed")


def run(size: str | None) -> dict[str, Any]:
    """Runs the load on both pairs of adapters under kills, proves that faults would be seen, measures throughput."""
    events = parse_size(size or "100k")
    found = {kind: _under_kills(kind, events) for kind in KINDS}
    proof = _under_kills("embedded", PROOF_EVENTS, torn=True)
    totals = {
        name: sum(one[name] for one in found.values()) for name in ("lost", "doubled", "fired_twice", "not_fired")
    }
    kills: dict[str, int] = {}
    for one in found.values():
        kills = {name: kills.get(name, 0) + one["kills"].get(name, 0) for name in {**kills, **one["kills"]}}
    return {
        "title": "Events under kill -9",
        "size": size_name(events),
        "events": events,
        "workers": 3,
        "kills": {**kills, "all": sum(kills.values())},
        **totals,
        "recovery_seconds": {kind: one["recovery_seconds"] for kind, one in found.items()},
        "adapters": found,
        "proof_states_before_positions": {name: proof[name] for name in ("kills", "lost", "doubled", "wrong_totals")},
        "throughput": {kind: _throughput(kind) for kind in KINDS},
    }


def _under_kills(kind: str, events: int, *, torn: bool = False) -> dict[str, Any]:
    """What a load under kills comes to; torn: with workers who do it wrong."""
    from tests.stories.live_counting import Load
    from tests.stories.live_killing import Ground, live_under_kills

    from cultiva.definitions.live import LiveSettings

    settings = LiveSettings(partitions=16, batch=500, lease_seconds=2)
    with _ground(kind, settings) as (folder, servers, placed):
        load, rate = Load(events, max(events // CUSTOMERS_SHARE, 10)), PROOF_RATE if torn else RATE
        ground = Ground(placed, folder, load, rate=rate, torn=torn, sending=10 if torn else 500)
        kills = PROOF_KILLS if torn else None
        outcome = live_under_kills(ground, servers, kills=kills, pause_seconds=PAUSE_SECONDS)
    result = {
        "kills": outcome.kills,
        "cut_off_redis_bytes": outcome.cut_bytes,
        "seconds": outcome.seconds,
        **{name: value for name, value in asdict(outcome.found).items() if name != "examples"},
        "recovery_seconds": _spread(outcome.recoveries),
    }
    print(kind, "torn" if torn else "", result, file=sys.stderr)
    return result


def _spread(recoveries: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Middle and longest recovery: of partitions, so without kills of the sender; and by who was killed."""
    kinds = sorted({kind for kind, _ in recoveries} - {"sender"})
    times = {"": [one for kind, one in recoveries if kind != "sender"]}
    times |= {kind: [one for other, one in recoveries if other == kind] for kind in kinds}
    figures = {
        kind: {"p50": round(statistics.median(found), 2), "max": round(max(found), 2)}
        for kind, found in times.items()
        if found
    }
    return {**figures.pop("", {}), **figures}


def _throughput(kind: str) -> dict[str, float]:
    """Records a second: one process appends, then works; by the clock, and by processor time with the servers'."""
    from tests.stories.live_counting import Counting, Load

    from cultiva.definitions.live import LiveSettings
    from cultiva.kit.clock import utc_now
    from cultiva.stream import open_hot, open_log
    from cultiva.stream.working import PartitionWorker

    load = Load(THROUGHPUT_EVENTS, THROUGHPUT_EVENTS // CUSTOMERS_SHARE)
    with _ground(kind, LiveSettings(partitions=16)) as (folder, servers, placed), ExitStack() as stack:
        log = stack.enter_context(closing(open_log(placed, folder)))
        hot = stack.enter_context(closing(open_hot(placed, folder)))
        handler = stack.enter_context(closing(Counting(folder / "firings.db")))
        worker = PartitionWorker(log, hot, handler, name="one", lease=timedelta(minutes=1))
        batches = [load.records(first, 1_000) for first in range(0, load.messages, 1_000)]

        def append() -> None:
            for batch in batches:
                log.append(batch)

        def process() -> None:
            while not worker.round(utc_now()).idle:
                continue

        pids = [one.pid for one in servers.values()]
        both = {"append": _timed(append, pids), "process": _timed(process, pids)}
    whole = {name: sum(one[name] for one in both.values()) for name in ("wall", "cpu")}
    figures = {f"{what}_per_second": load.messages / one["wall"] for what, one in both.items()}
    figures |= {f"{what}_per_cpu_second": load.messages / one["cpu"] for what, one in both.items()}
    figures |= {
        "both_per_second": load.messages / whole["wall"],
        "both_per_cpu_second": load.messages / whole["cpu"],
    }
    return {name: round(value) for name, value in figures.items()}


def _timed(work: Callable[[], None], servers: Sequence[int]) -> dict[str, float]:
    def used() -> float:
        theirs = [psutil.Process(one).cpu_times() for one in servers]
        return time.process_time() + sum(one.user + one.system for one in theirs)

    wall, cpu = time.perf_counter(), used()
    work()
    return {"wall": time.perf_counter() - wall, "cpu": used() - cpu}


@contextmanager
def _ground(kind: str, settings: Any) -> Iterator[tuple[Path, dict[str, Any], Any]]:
    """A folder, servers of our own if it is distributed, and settings that lead to them; all is gone afterwards."""
    from tests.stories.live_killing import addresses, servers_of_our_own

    folder = Path(tempfile.mkdtemp(prefix=f"cultiva-live-{kind}-"))
    try:
        with ExitStack() as stack:
            servers = stack.enter_context(servers_of_our_own(folder)) if kind == "distributed" else {}
            yield folder, servers, addresses(servers, settings) if servers else settings
    finally:
        shutil.rmtree(folder, ignore_errors=True)
