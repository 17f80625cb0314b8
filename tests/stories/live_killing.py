"""Workers, a sender and servers as processes that are killed with -9 at any moment under a load; then all is counted.

Redis besides comes back younger than it was: some of what it had not forced to disk is cut off its file.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from tests.servers.nats import nats_program
from tests.servers.programs import Program
from tests.servers.redis import redis_program
from tests.stories.live_counting import PATIENCE, Counting, Found, Load, compare

from cultiva.definitions.live import LiveSettings
from cultiva.kit.clock import utc_now
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.stream import Change, HotStore, open_hot, open_log
from cultiva.stream.working import PartitionWorker

T = TypeVar("T")
PAUSE_SECONDS = 0.02
"""Of a worker that found nothing, and between looks at positions."""
FIRINGS, SENT = "firings.db", "sent"
"""Files: what was done outside, how far the sender has come."""


@dataclass(frozen=True)
class Ground:
    """What runs where."""

    settings: LiveSettings
    folder: Path
    load: Load
    workers: int = 3
    sending: int = 500
    """Records that the sender sends at once."""
    rate: float = 1e9
    """Records a second that it sends at most."""
    torn: bool = False
    """Whether workers make states visible first and the position after, which is wrong: proves that kills are felt."""


@dataclass
class Outcome:
    """What happened."""

    kills: dict[str, int] = field(default_factory=dict)
    """Of workers, the sender, servers."""
    cut_bytes: int = 0
    """Taken off what Redis had written."""
    seconds: float = 0.0
    """From the first record to the last one that was taken account of."""
    recoveries: list[tuple[str, float]] = field(default_factory=list)
    """(who was killed, seconds from then until every partition has moved on)."""
    found: Found = field(default_factory=Found)

    @property
    def kill_count(self) -> int:
        """All kills together."""
        return sum(self.kills.values())


def work(ground: Ground, name: str) -> None:
    """A worker's process: it goes on until it is killed, whatever does not answer."""
    with ExitStack() as stack:
        log, hot = _opened(ground, stack)
        hot = Torn(hot) if ground.torn else hot
        handler = stack.enter_context(closing(Counting(ground.folder / FIRINGS)))
        lease = timedelta(seconds=ground.settings.lease_seconds)
        worker = PartitionWorker(log, hot, handler, name=name, lease=lease, batch=ground.settings.batch)
        while _wanted():
            did = _patiently(lambda: worker.round(utc_now()))
            if did.idle:
                time.sleep(PAUSE_SECONDS)


def _wanted() -> bool:
    """Whether the process that hired this one still lives."""
    parent = multiprocessing.parent_process()
    return parent is None or parent.is_alive()


def send(ground: Ground) -> None:
    """The sender's process: it begins where the last one had been told that all was accepted."""
    with ExitStack() as stack:
        log = stack.enter_context(closing(_patiently(lambda: open_log(ground.settings, ground.folder))))
        note = ground.folder / SENT
        done = int(note.read_text()) if note.exists() else 0
        began, start = time.monotonic(), done
        while _wanted() and (records := ground.load.records(done, ground.sending)):
            _patiently(lambda records=records: log.append(records))  # type: ignore[misc]
            done += len(records)
            note.with_suffix(".new").write_text(str(done))
            note.with_suffix(".new").replace(note)
            time.sleep(max(0.0, (done - start) / ground.rate - (time.monotonic() - began)))


class Torn:
    """A hot store whose states and positions do not change together.

    Args:
        hot: The real one.
    """

    def __init__(self, hot: HotStore) -> None:
        self._hot = hot

    def commit(self, change: Change) -> None:
        """States first; whoever is killed before the position follows has them counted twice."""
        self._hot.commit(replace(change, position=change.after or 0))
        time.sleep(PAUSE_SECONDS)
        self._hot.commit(replace(change, states={}, seen={}))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hot, name)


class Cast:
    """The processes on the ground, and the servers if there are any."""

    def __init__(self, ground: Ground, servers: dict[str, Program]) -> None:
        self._ground, self.servers = ground, servers
        self._context = multiprocessing.get_context("forkserver")
        self._hired = 0
        self._workers = [self._hire() for _ in range(ground.workers)]
        self._sender = self._run(send)

    def kinds(self) -> list[str]:
        """Who can be killed now."""
        return ["worker", *(["sender"] if self._sender.is_alive() else []), *self.servers]

    def kill(self, kind: str, draw: random.Random) -> int:
        """Kill -9, and a new one at once; bytes that were cut off its file."""
        if kind in self.servers:
            server = self.servers[kind]
            server.kill()
            cut = _cut(server.folder, draw) if kind == "redis" else 0
            server.start()
            return cut
        if kind == "sender":
            _end(self._sender)
            self._sender = self._run(send)
        else:
            index = draw.randrange(len(self._workers))
            _end(self._workers[index])
            self._workers[index] = self._hire()
        return 0

    def sent(self) -> bool:
        """Whether the sender is through."""
        return not self._sender.is_alive() and self._sender.exitcode == 0

    def check(self) -> None:
        """Raises: RuntimeError: if somebody has died of himself."""
        ended = [one.exitcode for one in self._workers if not one.is_alive()]
        if not self._sender.is_alive() and self._sender.exitcode:
            ended.append(self._sender.exitcode)
        if ended:
            raise RuntimeError(f"processes ended by themselves: {ended}")

    def dismiss(self) -> None:
        """Ends all processes."""
        for one in [*self._workers, self._sender]:
            _end(one)

    def _hire(self) -> BaseProcess:
        self._hired += 1
        return self._run(work, f"w{self._hired}")

    def _run(self, target: Callable[..., None], *arguments: Any) -> BaseProcess:
        one = self._context.Process(target=target, args=(self._ground, *arguments), daemon=True)
        one.start()
        return one


@contextmanager
def servers_of_our_own(folder: Path) -> Iterator[dict[str, Program]]:
    """NATS and Redis, running, to be killed."""
    programs = {"nats": nats_program(folder / "nats"), "redis": redis_program(folder / "redis")}
    try:
        for one in programs.values():
            one.start()
        yield programs
    finally:
        for one in programs.values():
            one.kill()


def addresses(servers: dict[str, Program], settings: LiveSettings) -> LiveSettings:
    """The settings with the servers' addresses."""
    log, hot = f"nats://127.0.0.1:{servers['nats'].port}", f"redis://127.0.0.1:{servers['redis'].port}/0"
    return settings.model_copy(update={"log": log, "hot": hot})


def live_under_kills(
    ground: Ground,
    servers: dict[str, Program],
    *,
    kills: int | None,
    pause_seconds: tuple[float, float],
    seed: int = 1,
    deadline_seconds: float = 3_600,
) -> Outcome:
    """Runs the load and kills at random moments; then rings what is due and counts.

    Args:
        ground: What runs.
        servers: Which may be killed too.
        kills: So many, in turn of kinds; None: until the load is through.
        pause_seconds: Between a recovery and the next kill, at least and at most.
        seed: Of the choice of moments and victims.
        deadline_seconds: After so long it is given up.
    """
    draw, outcome, began = random.Random(seed), Outcome(), time.monotonic()
    cast = Cast(ground, servers)
    try:
        with ExitStack() as stack:
            log, hot = _opened(ground, stack)

            def standing() -> list[tuple[int, int]]:
                return [(hot.position(one), log.end(one)) for one in range(log.partitions)]

            _await_start(standing, cast)
            while outcome.kill_count < (10**9 if kills is None else kills):
                time.sleep(draw.uniform(*pause_seconds))
                if kills is None and cast.sent() and all(at == end for at, end in _patiently(standing)):
                    break
                kind = _victim(cast.kinds(), outcome.kills, draw)
                before, struck = _patiently(standing), time.monotonic()
                outcome.cut_bytes += cast.kill(kind, draw)
                outcome.kills[kind] = outcome.kills.get(kind, 0) + 1
                _await_recovery(standing, before, cast)
                outcome.recoveries.append((kind, time.monotonic() - struck))
            while not (cast.sent() and all(at == end for at, end in _patiently(standing))):
                if time.monotonic() - began > deadline_seconds:
                    raise RuntimeError(f"the load is not through: {standing()}")
                cast.check()
                time.sleep(PAUSE_SECONDS)
            outcome.seconds = round(time.monotonic() - began, 1)
            cast.dismiss()
            _ring(ground, log, hot)
            outcome.found = compare(ground.load, log, hot, ground.folder / FIRINGS)
    finally:
        cast.dismiss()
    return outcome


def _ring(ground: Ground, log: Any, hot: Any) -> None:
    """Another worker, long after."""
    with closing(Counting(ground.folder / FIRINGS)) as handler:
        worker = PartitionWorker(log, hot, handler, name="late", lease=timedelta(hours=1))
        while not worker.round(utc_now() + 2 * PATIENCE).idle:
            continue
        worker.close()


def _await_recovery(standing: Callable[[], list[tuple[int, int]]], before: list[tuple[int, int]], cast: Cast) -> None:
    """Waits until every partition has moved on from where it stood when somebody had died, or all is sent and read."""
    after = _patiently(standing)
    stood = [max(old, new) for (old, _), (new, _) in zip(before, after, strict=True)]
    while True:
        sent, now = cast.sent(), _patiently(standing)
        if all(at > old or (sent and at == end) for (at, end), old in zip(now, stood, strict=True)):
            return
        cast.check()
        time.sleep(PAUSE_SECONDS)


def _await_start(standing: Callable[[], list[tuple[int, int]]], cast: Cast) -> None:
    while not all(at for at, _ in _patiently(standing)):
        cast.check()
        time.sleep(PAUSE_SECONDS)


def _victim(kinds: list[str], killed: dict[str, int], draw: random.Random) -> str:
    """Someone of the kind that has been killed least."""
    least = min(killed.get(kind, 0) for kind in kinds)
    return draw.choice([kind for kind in kinds if killed.get(kind, 0) == least])


def _cut(folder: Path, draw: random.Random) -> int:
    """Cuts the end off Redis's file of changes, as if the machine had lost its last moments."""
    [path] = (folder / "appendonlydir").glob("*.incr.aof")
    size = path.stat().st_size
    cut = draw.randrange(0, max(1, min(size // 10, 2_000_000)))
    os.truncate(path, size - cut)
    return cut


def _opened(ground: Ground, stack: ExitStack) -> tuple[Any, Any]:
    log = stack.enter_context(closing(_patiently(lambda: open_log(ground.settings, ground.folder))))
    hot = stack.enter_context(closing(_patiently(lambda: open_hot(ground.settings, ground.folder))))
    return log, hot


def _patiently(ask: Callable[[], T]) -> T:
    """Asks until there is an answer."""
    while _wanted():
        try:
            return ask()
        except CultivaError as error:
            if error.kind is not ErrorKind.UNAVAILABLE:
                raise
            time.sleep(PAUSE_SECONDS)
    raise SystemExit(0)


def _end(process: BaseProcess) -> None:
    process.kill()
    process.join()
