"""Requests that come at the same time share one write to the log: what has gathered while one write went on is next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import Counter

from cultiva.api.observing import REGISTRY
from cultiva.insight.events.message import Parcel
from cultiva.insight.events.service import Accepted
from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.live.intake import Door

GATHERED_MAX = 2_000
"""Requests that may wait for a write; more are told to come again."""
TOGETHER_MAX = 10_000
"""Messages in one write."""
FOLLOW_SECONDS = 1.0
"""How often it is looked whether a run has published."""
OUTCOMES = ("new", "repeated", "waiting", "quarantined", "linked", "unwanted")
TAKEN = Counter("cultiva_events_total", "Messages by what became of them.", ["outcome"], registry=REGISTRY)
SET_ASIDE = Counter("cultiva_events_quarantined_total", "Messages set aside, by reason.", ["reason"], registry=REGISTRY)


class Taking:
    """Takes parcels in, on a thread of its own.

    Args:
        open_door: Opens the intake; called on that thread when the first parcel comes.
    """

    def __init__(self, open_door: Callable[[], Door]) -> None:
        self._open_door = open_door
        self._thread = ThreadPoolExecutor(1, "events")
        self._gathered: list[tuple[Parcel, asyncio.Future[Accepted]]] = []
        self._working: asyncio.Task[None] | None = None
        self._followed = -FOLLOW_SECONDS

    async def take(self, parcel: Parcel) -> Accepted:
        """What became of a parcel, as soon as it is durable.

        Raises:
            CultivaError: if log or store do not answer, or too many wait.
        """
        if len(self._gathered) >= GATHERED_MAX:
            raise CultivaError(
                "too many events wait to be written",
                code="events.busy",
                kind=ErrorKind.UNAVAILABLE,
                seen=f"{len(self._gathered)} requests",
                allowed=f"{GATHERED_MAX} requests",
                hint="send again in a moment, in larger batches, or serve with more workers",
            )
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Accepted] = loop.create_future()
        self._gathered.append((parcel, told))
        if self._working is None:
            self._working = loop.create_task(self._work())
        return await told

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._gathered:
            group = self._next()
            try:
                found = await loop.run_in_executor(self._thread, self._take, [parcel for parcel, _ in group])
            except Exception as error:  # whoever waits is told; the next ones try for themselves
                for _, told in group:
                    if not told.done():
                        told.set_exception(error)
            else:
                for (_, told), accepted in zip(group, found, strict=True):
                    if not told.done():  # a caller who has gone away does not wait any more
                        told.set_result(accepted)
        self._working = None

    def _next(self) -> list[tuple[Parcel, asyncio.Future[Accepted]]]:
        count = messages = 0
        for parcel, _ in self._gathered:
            messages += len(parcel.messages)
            if count and messages > TOGETHER_MAX:
                break
            count += 1
        group, self._gathered = self._gathered[:count], self._gathered[count:]
        return group

    def _take(self, parcels: list[Parcel]) -> list[Accepted]:
        door = self._open_door()
        if seconds() - self._followed >= FOLLOW_SECONDS:
            door.follow()
            self._followed = seconds()
        found = door.intake.take_all(parcels)
        for one in found:
            for name in OUTCOMES:
                if count := getattr(one, name):
                    TAKEN.labels(name).inc(count)
            for reason, count in one.reasons.items():
                SET_ASIDE.labels(reason).inc(count)
        return found

    def close(self) -> None:
        """Ends the thread; what it has begun is finished."""
        self._thread.shutdown()
