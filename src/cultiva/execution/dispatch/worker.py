"""A worker's lanes, each run by a thread of its own: a provider that is slow, or away, holds up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from typing import TypeVar

import structlog

from cultiva.execution.dispatch.records import Tally
from cultiva.execution.dispatch.reports.matching import Taken
from cultiva.execution.dispatch.service import Dispatcher
from cultiva.kit.clock import Clock, utc_now
from cultiva.kit.errors import CultivaError, ErrorKind

BATCHES_MAX = 1_000
"""Batches of one lane that are sent before a round is over."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Rhythm:
    """How often a lane looks."""

    pause_first_seconds: float = 0.05
    """After the first look that found nothing; doubled for every further one."""
    pause_max_seconds: float = 1.0
    """The longest pause."""
    poll_every: int = 50
    """Batches between fetching reports; a look that found nothing counts for ten."""


@dataclass(frozen=True)
class Done:
    """What lanes did."""

    sent: Tally = field(default_factory=Tally)
    """Messages."""
    heard: Taken = field(default_factory=Taken)
    """Reports."""

    def plus(self, other: Done) -> Done:
        """Both together."""
        return Done(self.sent.plus(other.sent), self.heard.plus(other.heard))


class Crew:
    """The lanes of one worker.

    Args:
        dispatcher: Sends.
        worker: Name of this process.
        clock: Tells the present.
        rhythm: How often to look.
        pause: Waits so many seconds, or until the lanes are told to stop; for tests.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        worker: str,
        *,
        clock: Clock = utc_now,
        rhythm: Rhythm | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._dispatcher, self._worker, self._clock = dispatcher, worker, clock
        self._rhythm, self._over, self._lock = rhythm or Rhythm(), threading.Event(), threading.Lock()
        self._pause = pause or self._over.wait
        self._threads = ThreadPoolExecutor(max(1, len(dispatcher.lanes)), thread_name_prefix="lane")
        self._lasting: list[Future[None]] = []
        self._done = Done()

    def send(self) -> Tally:
        """Sends over every lane until nothing is due on it; back when all are done."""
        return reduce(Done.plus, self._each(self._sent), Done()).sent

    def poll(self) -> Taken:
        """Fetches the reports of every lane; back when all are taken."""
        return reduce(Done.plus, self._each(self._heard), Done()).heard

    def start(self) -> None:
        """Lets every lane send and fetch until `close`."""
        if not self._lasting:
            self._lasting = [self._threads.submit(self._serve, name) for name in self._dispatcher.lanes]

    @property
    def started(self) -> bool:
        """Whether the lanes run by themselves."""
        return bool(self._lasting)

    def collect(self) -> Done:
        """What the lanes have done since this was asked last.

        Raises:
            Exception: whatever has ended a lane.
        """
        for one in self._lasting:
            if one.done():
                one.result()
        with self._lock:
            done, self._done = self._done, Done()
        return done

    def close(self) -> None:
        """Stops the lanes; what they are in the middle of is finished first."""
        self._over.set()
        self._threads.shutdown(wait=True)

    def _each(self, act: Callable[[str], Done]) -> list[Done]:
        assert not self._lasting, "the lanes run by themselves"
        return [one.result() for one in [self._threads.submit(act, name) for name in self._dispatcher.lanes]]

    def _sent(self, name: str) -> Done:
        total = Tally()
        for _ in range(BATCHES_MAX):
            tally = self._dispatcher.work_once(self._worker, self._clock(), provider=name)
            total = total.plus(tally)
            if tally.idle or self._over.is_set():
                break
        return Done(total)

    def _heard(self, name: str) -> Done:
        return Done(heard=self._dispatcher.poll(self._clock(), provider=name))

    def _serve(self, name: str) -> None:
        idle, since_polled = 0, self._rhythm.poll_every
        while not self._over.is_set():
            if since_polled >= self._rhythm.poll_every:
                self._note(_survived(lambda: self._heard(name)))
                since_polled = 0
            done = _survived(lambda: Done(self._dispatcher.work_once(self._worker, self._clock(), provider=name)))
            self._note(done)
            rests = done is None or done.sent.idle
            idle = idle + 1 if rests else 0
            since_polled += 10 if rests else 1
            if idle:
                pause = self._rhythm.pause_first_seconds * 2 ** min(idle - 1, 10)
                self._pause(min(pause, self._rhythm.pause_max_seconds))

    def _note(self, done: Done | None) -> None:
        if done is not None:
            with self._lock:
                self._done = self._done.plus(done)


def _survived(part: Callable[[], _T]) -> _T | None:
    """A store that is away for a moment does not end a lane; what it held is taken over like a lost worker's."""
    try:
        return part()
    except CultivaError as error:
        if error.kind is not ErrorKind.UNAVAILABLE:
            raise
        structlog.get_logger().error("dispatch.store_unavailable", message=error.message, seen=str(error.seen))
        return None
