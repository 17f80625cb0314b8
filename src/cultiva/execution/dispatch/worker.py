"""A worker: rounds of sending without end, with a pause where there is nothing to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from cultiva.execution.dispatch.records import Tally
from cultiva.execution.dispatch.service import Dispatcher
from cultiva.kit.clock import Clock, utc_now
from cultiva.kit.errors import CultivaError, ErrorKind

_T = TypeVar("_T")


@dataclass(frozen=True)
class Rhythm:
    """How often a worker looks."""

    pause_first_seconds: float = 0.05
    """After the first round that found nothing; doubled for every further one."""
    pause_max_seconds: float = 1.0
    """The longest pause."""
    tend_every: int = 50
    """Rounds between tending and polling; a round that found nothing counts for ten."""


def work(
    dispatcher: Dispatcher,
    worker: str,
    *,
    over: Callable[[], bool],
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    rhythm: Rhythm | None = None,
) -> Tally:
    """Works until told to stop; what it is in the middle of is finished first.

    Args:
        dispatcher: Sends.
        worker: Name of this process.
        over: Asked before every round.
        clock: Tells the present.
        sleep: Waits so many seconds.
        rhythm: How often to look.

    Returns:
        What was done, all rounds together.
    """
    beat = rhythm or Rhythm()
    total, idle, since_tended = Tally(), 0, beat.tend_every
    while not over():
        if since_tended >= beat.tend_every:
            _survived(lambda: _tended(dispatcher, clock))
            since_tended = 0
        done = _survived(lambda: dispatcher.work_once(worker, clock())) or Tally()
        total = total.plus(done)
        idle = idle + 1 if done.idle else 0
        since_tended += 10 if done.idle else 1
        if idle:
            sleep(min(beat.pause_first_seconds * 2 ** min(idle - 1, 10), beat.pause_max_seconds))
    return total


def _tended(dispatcher: Dispatcher, clock: Clock) -> None:
    dispatcher.tend(clock())
    dispatcher.poll(clock())


def _survived(part: Callable[[], _T]) -> _T | None:
    """A store that is away for a moment does not end a worker; what it held is taken over like a lost worker's."""
    try:
        return part()
    except CultivaError as error:
        if error.kind is not ErrorKind.UNAVAILABLE:
            raise
        structlog.get_logger().error("dispatch.store_unavailable", message=error.message, seen=str(error.seen))
        return None
