"""A month lived twice: event by event through the live side, and at night from the lake; every value compared."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness import DATA, parse_size, size_name

DESCRIPTION = "a month of events live and by night, embedded and distributed, all values compared; --size 1k (default)"
FIRST = date(1994, 3, 31)
"""Clocks change in New York three days later."""
DAYS = 31
EVENTS_PER_CUSTOMER = 0.8
"""A day; the bank's own deliveries stand still meanwhile, but for a merge and a split."""
MERGED, SPLIT = FIRST + timedelta(days=9), FIRST + timedelta(days=17)
PARTITIONS = 4


def run(size: str | None) -> dict[str, Any]:
    """Lives the month; differences of the embedded and the distributed adapters, and a proof that faults are found."""
    from tests.stories.live_days import beside, living, small_bank

    customers = parse_size(size or "1k")
    root = DATA / f"parity-{size_name(customers)}" / "bank"
    shutil.rmtree(root.parent, ignore_errors=True)
    root.parent.mkdir(parents=True)
    small_bank(root, customers=customers, timezone="America/New_York")
    with ExitStack() as stack:
        bank = stack.enter_context(living(root))
        other = stack.enter_context(beside(bank, stack.enter_context(_servers(root.parent))))
        return {"title": "Parity of day and night", "size": size_name(customers), **_month([bank, other], root)}


def _month(sides: list[Any], root: Path) -> dict[str, Any]:
    from tests.stories.live_days import merge_two, work

    names, first = ("embedded", "distributed"), sides[0]
    party = root / "data" / "party_core.csv"
    before = party.read_text(encoding="utf-8")
    merge = merge_two(before)
    found = {
        name: {
            "compared": 0,
            "differences": 0,
            "firings": 0,
            "firings_differ": 0,
            "fold_seconds": 0.0,
            "publish_seconds": 0.0,
        }
        for name in names
    }
    events, on, on_peers, merged = 0, FIRST, 0, frozenset[int]()
    for side in sides[1:]:
        side.log.mark(on.isoformat())
    first.night(on)
    for side in sides:
        side.publish(on)
    for _ in range(DAYS):
        on += timedelta(days=1)
        drawn = first.drawn(on, round(EVENTS_PER_CUSTOMER * len(set(first.owners.values()))), "day")
        events += len(drawn)
        for name, side in zip(names, sides, strict=True):
            began = time.perf_counter()
            side.send([*drawn, *drawn[: len(drawn) // 20]])
            work(side, datetime(on.year, on.month, on.day, 6, tzinfo=UTC) + timedelta(days=1))
            found[name]["fold_seconds"] += time.perf_counter() - began
            until = datetime(on.year, on.month, on.day, 6, tzinfo=UTC) + timedelta(days=1)
            fired, wrong = side.firings(until, skip=merged)
            found[name]["firings"], found[name]["firings_differ"] = fired, wrong
        party.write_text(merge if MERGED <= on < SPLIT else before, encoding="utf-8")
        for side in sides[1:]:
            side.log.mark(on.isoformat())
        first.night(on)
        for name, side in zip(names, sides, strict=True):
            work(side)
            one = _compared(side, on)
            found[name]["compared"] += one.compared
            found[name]["differences"] += one.differences
            for shown in one.shown:
                print(f"{name} {on}: {shown}", file=sys.stderr)
            merged |= side.changed(on)
            on_peers += bool(side.changed(on))
            done = side.publish(on)
            found[name]["publish_seconds"] += done.seconds["write"]
    return {
        "customers": len(set(first.owners.values())),
        "days": DAYS,
        "events": events,
        "repeated": first.repeated,
        "nights_with_merge_or_split": on_peers // len(sides),
        "compared": sum(int(one["compared"]) for one in found.values()),
        "differences": sum(int(one["differences"] + one["firings_differ"]) for one in found.values()),
        "adapters": {name: {key: round(value, 2) for key, value in one.items()} for name, one in found.items()},
        "differences_of_a_lost_event": _lost(sides[0], on),
    }


def _compared(side: Any, on: date) -> Any:
    """Everything; after a merge or split, the others over what the day could know."""
    from cultiva.loop.live.parity import parity

    if side.changed(on):
        return parity(side.parts, side.side, now=datetime(on.year, on.month, on.day, 16, tzinfo=UTC), sample=10**9)
    return side.compare(on)


def _lost(bank: Any, on: date) -> int:
    """The proof that a fault is found: differences after one event that only the live side has seen."""
    from cultiva.contracts.moments import read_hot

    day = on + timedelta(days=1)
    bank.night(day)  # reads the log to its end
    moment = bank.drawn(day, 1, "lost")[0]
    (state,) = bank.hot.get([moment.customer_id])
    record = read_hot(state)
    record.profile = bank.live.fold(record.profile, [moment], on.isoformat())
    bank.replace(moment.customer_id, state, record)
    return int(bank.compare(day).differences)


@contextmanager
def _servers(folder: Path) -> Iterator[Any]:
    """NATS and Redis of our own."""
    from tests.servers.nats import nats_program
    from tests.servers.redis import redis_program

    from cultiva.definitions.live import LiveSettings

    with ExitStack() as stack:
        programs = [nats_program(folder / "nats"), redis_program(folder / "redis")]
        for one in programs:
            stack.callback(one.kill)
            one.start()
        nats, redis = (one.port for one in programs)
        yield LiveSettings(log=f"nats://127.0.0.1:{nats}", hot=f"redis://127.0.0.1:{redis}/0", partitions=PARTITIONS)
