"""A worker: reads what came in, has it dealt with, and makes what came of it visible, each record once.

Whatever a worker was in the middle of when it died was not visible; who takes its partition over does it again. What
is done outside the hot store is done first, under names that are the same when it is done again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from cultiva.kit.clock import seconds
from cultiva.stream.ownership import fair_share
from cultiva.stream.port import Change, Fenced, HotStore, Log, Logged, Overtaken, Owned, Timer

ATTEMPTS_MAX = 20
"""A batch is made anew so often when others replace states meanwhile; then it waits for the next round."""


@dataclass(frozen=True)
class Handled:
    """What came of records or timers."""

    states: Mapping[int, bytes] = field(default_factory=dict)
    """Customer -> new state; those whose state stays may be missing."""
    set_timers: Sequence[Timer] = ()
    drop_timers: Sequence[tuple[int, str]] = ()
    """(customer, name); timers that rang are dropped anyway, unless they are set again."""
    firings: Sequence[Any] = ()
    """What is to be done outside, under names that depend on nothing but records and timers."""


class Handler(Protocol):
    """What records and timers mean."""

    def handle(
        self, batch: Sequence[Logged], states: Mapping[int, bytes | None], *, label: str, at: datetime
    ) -> Handled:
        """Deals with records of one partition in order.

        Args:
            batch: Records and marks.
            states: Of all customers in the batch.
            label: Name of the last mark before the batch; empty if there is none.
            at: Now.
        """

    def ring(self, timers: Sequence[Timer], states: Mapping[int, bytes | None], *, at: datetime) -> Handled:
        """Deals with timers that are due, the earliest first."""

    def carry_out(self, firings: Sequence[Any], *, at: datetime) -> None:
        """Does outside what is to be done; doing it again changes nothing."""


@dataclass
class Did:
    """What a round did."""

    partitions: int = 0
    """That the worker owned."""
    records: int = 0
    """Taken account of."""
    timers: int = 0
    """That rang."""
    firings: int = 0
    """Carried out."""
    fenced: int = 0
    """Changes refused because somebody else had the partition, or it stood elsewhere."""
    overtaken: int = 0
    """Changes made anew because states had been replaced."""
    hurried: bool = False
    """Whether the round ended before every partition was looked at."""

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.records or self.timers or self.fenced or self.overtaken or self.hurried)

    def data(self) -> dict[str, object]:
        """As JSON-like data."""
        return dict(vars(self))


class PartitionWorker:
    """Owns its fair share of the partitions, as long as it takes rounds.

    Args:
        log: What came in.
        hot: What is known.
        handler: What it means.
        name: Of the worker, unlike any other's.
        lease: How long its partitions stay its own if it takes no more rounds.
        batch: Records and timers at a time.
    """

    def __init__(
        self, log: Log, hot: HotStore, handler: Handler, *, name: str, lease: timedelta, batch: int = 1_000
    ) -> None:
        self._log, self._hot = log, hot
        self.handler = handler
        """May be replaced between two rounds."""
        self._name, self._lease, self._batch = name, lease, batch
        self._owned: list[Owned] = []
        self._renewed: datetime | None = None
        self._labels: dict[int, tuple[int, str]] = {}
        self._next = 0

    def round(self, at: datetime) -> Did:
        """Looks at every partition that the worker owns once: a batch of records, then timers that are due.

        Args:
            at: Now; what was accepted by then is read before timers that are due by then ring.

        Raises:
            CultivaError: if the log or the hot store does not answer; the next round begins anew.
        """
        began = seconds()
        self._renew(at)
        did = Did(partitions=len(self._owned))
        turn = self._owned[self._next :] + self._owned[: self._next]
        for number, owned in enumerate(turn):
            if seconds() - began > self._lease.total_seconds() / 3:
                self._next, did.hurried = (self._next + number) % len(turn), True
                return did
            try:
                self._advance(owned, at, did)
            except Fenced:
                did.fenced += 1
                self._forget()
        self._next = 0
        return did

    def close(self) -> None:
        """Gives the partitions up, so that others need not wait for their time to run out."""
        self._hot.release(self._name)

    def _renew(self, at: datetime) -> None:
        """Says that the worker is there, and takes or gives up partitions as others come and go."""
        if self._renewed is not None and timedelta(0) <= at - self._renewed < self._lease / 3:
            return
        self._renewed = None
        there = self._hot.attend(self._name, at, self._lease)
        wanted = fair_share(there, self._name, self._log.partitions)
        self._owned = self._hot.claim(self._name, at, self._lease, wanted=wanted)
        self._next = min(self._next, max(len(self._owned) - 1, 0))
        self._renewed = at

    def _forget(self) -> None:
        """Nothing that was believed of owners and marks holds any more."""
        self._renewed = None
        self._labels.clear()

    def _advance(self, owned: Owned, at: datetime, did: Did) -> None:
        for _ in range(ATTEMPTS_MAX):
            try:
                after = self._hot.position(owned.partition)
                batch = self._log.read(owned.partition, after=after, limit=self._batch)
                if batch:
                    self._take(owned, batch, after=after, at=at, did=did)
                if len(batch) < self._batch:
                    self._ring(owned, batch[-1].position if batch else after, at=at, did=did)
            except Overtaken:
                did.overtaken += 1
            else:
                return

    def _take(self, owned: Owned, batch: Sequence[Logged], *, after: int, at: datetime, did: Did) -> None:
        states = self._states(owned, [one.record.customer_id for one in batch if not one.mark], after=after)
        label = self._label(owned.partition, after)
        handled = self.handler.handle(batch, states, label=label, at=at)
        position = batch[-1].position
        self._finish(Change(owned.partition, owned.fence, position, after=after), handled, states, at=at, did=did)
        marks = [one.mark for one in batch if one.mark]
        self._labels[owned.partition] = position, marks[-1] if marks else label
        did.records += len(batch) - len(marks)

    def _ring(self, owned: Owned, position: int, *, at: datetime, did: Did) -> None:
        timers = self._hot.due(owned.partition, at, limit=self._batch)
        if not timers:
            return
        states = self._states(owned, [one.customer_id for one in timers], after=position)
        handled = self.handler.ring(timers, states, at=at)
        rang = [(one.customer_id, one.name) for one in timers]
        change = Change(owned.partition, owned.fence, position, drop_timers=rang, after=position)
        self._finish(change, handled, states, at=at, did=did)
        did.timers += len(timers)

    def _finish(
        self, change: Change, handled: Handled, states: Mapping[int, bytes | None], *, at: datetime, did: Did
    ) -> None:
        """First what is done outside, then what becomes visible: so that nothing outside is ever missing."""
        if handled.firings:
            self.handler.carry_out(handled.firings, at=at)
        self._hot.commit(
            Change(
                change.partition,
                change.fence,
                change.position,
                states=handled.states,
                set_timers=handled.set_timers,
                drop_timers=[*change.drop_timers, *handled.drop_timers],
                after=change.after,
                seen=states,
            )
        )
        did.firings += len(handled.firings)

    def _states(self, owned: Owned, customers: Sequence[int], *, after: int) -> dict[int, bytes | None]:
        """States at the position that the batch follows: those of another one would lead to effects that are not so."""
        wanted = list(dict.fromkeys(customers))
        return dict(zip(wanted, self._hot.look(owned, wanted, after=after), strict=True)) if wanted else {}

    def _label(self, partition: int, after: int) -> str:
        """The last mark up to a position; known from the last batch, unless the partition is new to the worker."""
        at, label = self._labels.get(partition, (-1, ""))
        if at != after:
            label = next((name for place, name in reversed(self._log.marks(partition)) if place <= after), "")
        return label
