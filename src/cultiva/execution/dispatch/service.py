"""Dispatch: what is due leaves once; what is in doubt is asked about, repeated where that is safe, or shown."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from cultiva.contracts.delivery import Receipt, Reminding, Report, Sent
from cultiva.execution.dispatch import bucket, fates, gates
from cultiva.execution.dispatch.letters.repository import Letters
from cultiva.execution.dispatch.records import Checks, Claimed, Lane, Policy, Ready, State, Tally, Verdict
from cultiva.execution.dispatch.reports.matching import Taken
from cultiva.execution.dispatch.reports.repository import Receipts
from cultiva.execution.dispatch.repository import Hold, Outbox, counts
from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.masking import mask_text
from cultiva.store.database import Database

__all__ = ["Dispatcher", "Letters", "cancel_over", "deliveries_counted"]

BATCH_OVER = 1_000
"""Messages of launches that are over, cancelled in one transaction."""
LIMIT_TENDING = 2_000
"""Rows that one round of tending takes on."""
WRITE_AGAIN_SECONDS = (0.1, 0.5, 1.0, 3.0, 10.0)
"""Pauses before a record that the store did not take is written again."""
_T = TypeVar("_T")


class Dispatcher:
    """One worker's way to send; any number of them, in any number of processes, share one store.

    Args:
        database: Where the outbox lies.
        lanes: Providers by name, with how they are to be used. A provider is not shared by threads.
        checks: Who is asked right before sending.
        policy: Patience.
        stopwatch: Counts seconds, to see whether a lease still holds when a batch comes to leave.
    """

    def __init__(
        self,
        database: Database,
        lanes: Mapping[str, Lane],
        checks: Checks,
        *,
        policy: Policy | None = None,
        stopwatch: Callable[[], float] = seconds,
    ) -> None:
        self._lanes = dict(lanes)
        self._checks = checks
        self._policy = policy or Policy()
        self._stopwatch = stopwatch
        self._outbox = Outbox(database, checks.release)
        self._receipts = Receipts(database, checks.release)
        self._turns = dict.fromkeys(self._lanes, 0)
        self._latest: dict[str, tuple[datetime, float]] = {}
        self._untaken: dict[str, Sequence[Report]] = {}

    @property
    def lanes(self) -> list[str]:
        """Names of the lanes; each may be worked by a thread of its own, and by no two at once."""
        return list(self._lanes)

    def work_once(self, worker: str, at: datetime, *, provider: str | None = None) -> Tally:
        """Takes over what lost workers have left, then sends one batch over every lane.

        Args:
            worker: Name of the process, for the evidence.
            at: Now.
            provider: Only this lane; None: all.
        """
        tally = Tally()
        for name in self._named(provider):
            self._turns[name] += 1
            now = self._no_earlier(name, at)
            tally = tally.plus(_Round(self, name, self._lanes[name], worker=worker, at=now).work())
        return tally

    def _named(self, provider: str | None) -> list[str]:
        return self.lanes if provider is None else [provider]

    def _no_earlier(self, name: str, at: datetime) -> datetime:
        """Now, if `at` was read a while ago: a lease that begins in the past ends before its sender does."""
        read = self._stopwatch()
        if name in self._latest:
            before, then = self._latest[name]
            at = max(at, before + timedelta(seconds=read - then))
        self._latest[name] = (at, read)
        return at

    def tend(self, at: datetime) -> int:
        """Cancels what is queued of launches that are over, and matches reports that came too early; how many."""
        cancelled = self._outbox.cancel_over(at, limit=LIMIT_TENDING)
        return cancelled + self._receipts.match_again(at, since=at - self._policy.report_patience, limit=LIMIT_TENDING)

    def poll(self, at: datetime, *, provider: str | None = None) -> Taken:
        """Fetches the reports that wait at the providers and takes them.

        Fetching again tells a provider that what it gave before is kept. So what the store has not taken yet, because
        it was away, is taken first; whoever dies meanwhile has told nothing, and is given it again.

        Args:
            at: Now.
            provider: Only this lane; None: all.
        """
        taken = Taken()
        for name in self._named(provider):
            waiting = self._untaken[name] if name in self._untaken else self._lanes[name].provider.poll()
            self._untaken[name] = waiting
            taken = taken.plus(firmly(partial(self.take, name, waiting, at))) if waiting else taken
            del self._untaken[name]
            self._remind(name, at)
        return taken

    def _remind(self, name: str, at: datetime) -> None:
        """Reminds people of the bank of what they have not confirmed; of several workers one does each."""
        provider = self._lanes[name].provider
        if isinstance(provider, Reminding):
            for one in self._receipts.to_remind(name, provider.overdue(), at):
                provider.remind(f"{one.task}/")

    def take(self, provider: str, reports: Sequence[Report], at: datetime) -> Taken:
        """Takes reports, each once, however often they come and in whatever order.

        Args:
            provider: Name of the lane that they come from.
            reports: As the provider gave them, by webhook or poll.
            at: Now.
        """
        return self._receipts.take(provider, reports, at)

    def counts(self) -> dict[tuple[str, State], int]:
        """Deliveries per provider and state."""
        return self._outbox.counts()


class _Round:
    """One lane's turn of one worker."""

    def __init__(self, parent: Dispatcher, name: str, lane: Lane, *, worker: str, at: datetime) -> None:
        self._outbox, self._checks, self._policy = parent._outbox, parent._checks, parent._policy
        self._name, self._lane, self._turn = name, lane, parent._turns[name]
        self._stopwatch, self._since, self._at = parent._stopwatch, parent._stopwatch(), at
        self._token = f"{worker[:19]}/{uuid.uuid4().hex[:20]}"
        self._ends, self._left = at, 0
        self._log = structlog.get_logger().bind(provider=name, worker=worker)
        self._tally = Tally()

    def work(self) -> Tally:
        """Recovers, claims, sorts, sends, records."""
        self._recover()
        rate = bucket.per_second(self._lane.per_second_max) if self._lane.per_second_max else None
        batch = self._outbox.claim(self._hold(), limit=self._lane.batch, rate=rate, turn=self._turn)
        self._tally.claimed = len(batch)
        if batch:
            self._send_claimed(batch)
        return self._tally

    def _send_claimed(self, batch: Sequence[Claimed]) -> None:
        try:
            found = gates.sort(batch, self._checks, self._now())
        except Exception as error:  # whoever has a say could not be asked: nothing leaves, all is tried again later
            self._log.error("dispatch.not_checked", error=type(error).__name__, message=mask_text(str(error)))
            self._put_off(batch, f"could not be checked: {type(error).__name__}")
            return
        self._tally.add(found.others)
        if self._lane.blind:
            self._one_by_one(found.ready, found.others)
        else:
            self._at_once(found.ready, found.others)
        if self._left < len(found.ready):
            self._outbox.give_back(self._hold(), [one.claimed.delivery_id for one in found.ready])

    def _put_off(self, batch: Sequence[Claimed], problem: str) -> None:
        """Nothing has left and no attempt is counted; the pause grows with the attempts made all the same."""
        now = self._now()
        waits = [now + fates.pause(one.delivery_id, 1 + one.attempts, self._policy) for one in batch]
        late = [Verdict(one, State.QUEUED, due=due, problem=problem) for one, due in zip(batch, waits, strict=True)]
        self._record(late)
        self._tally.add(late)

    def _at_once(self, ready: Sequence[Ready], done: Sequence[Verdict]) -> None:
        """One commit marks the whole batch; a lost worker's part of it can be asked about or repeated."""
        self._record(self._answers(self._marked(ready, done)))

    def _one_by_one(self, ready: Sequence[Ready], done: Sequence[Verdict]) -> None:
        """At most one message at a time is in doubt; recording one and marking the next is one commit."""
        last = list(done)
        for one in ready:
            last = self._answers(self._marked([one], last))
        self._record(last)

    def _marked(self, ready: Sequence[Ready], done: Sequence[Verdict]) -> list[Ready]:
        """Those that may leave; their lease begins anew, long enough for them."""
        going = firmly(partial(self._outbox.mark, self._hold(len(ready)), ready, done=done))
        self._left += len(going)
        return going

    def _answers(self, going: Sequence[Ready]) -> list[Verdict]:
        if not going:
            return []
        receipts = self._sent(going) if self._in_time(len(going)) else self._held_up(going)
        verdicts = fates.answered(going, receipts, self._lane, self._policy, self._now())
        self._tally.add(verdicts)
        return verdicts

    def _in_time(self, count: int) -> bool:
        """Whether everything would have left before the lease ends, even if every message took its longest."""
        return self._now() + timedelta(seconds=count * self._lane.timeout_seconds) <= self._ends

    def _held_up(self, going: Sequence[Ready]) -> list[Receipt]:
        """This process was asleep since it marked: nothing has left, and nothing may any more."""
        self._log.warning("dispatch.lease_over", deliveries=len(going))
        return [Receipt(one.claimed.delivery_id, Sent.LATER, problem="the worker was held up") for one in going]

    def _sent(self, going: Sequence[Ready]) -> Sequence[Receipt]:
        """What the provider says; if it fails in a way it should not, every message of the batch is in doubt."""
        try:
            return self._lane.provider.send([one.message() for one in going])
        except Exception as error:
            self._log.error("dispatch.provider_failed", error=type(error).__name__, message=mask_text(str(error)))
            said = f"the channel failed: {type(error).__name__}"
            return [Receipt(one.claimed.delivery_id, Sent.UNKNOWN, problem=said) for one in going]

    def _recover(self) -> None:
        """Decides on what was left `sending`; providers that can tell are asked after a grace."""
        asks = self._lane.provider.traceable and not self._lane.provider.repeats_safely
        before = self._at - self._policy.grace if asks else self._at
        if not self._outbox.left_behind(self._name, before):
            return
        verdicts, open_ones = self._outbox.take_over(
            self._hold(),
            lambda claimed: fates.lost(claimed, self._lane, self._policy, self._at),
            before=before,
            limit=self._lane.batch,
        )
        self._tally.recovered += len(verdicts)
        self._tally.add([one for one in verdicts if one.state is State.UNKNOWN])
        if open_ones:
            self._ask(open_ones)

    def _ask(self, open_ones: Sequence[Claimed]) -> None:
        try:
            said = {one.key: one for one in self._lane.provider.look_up([one.delivery_id for one in open_ones])}
        except Exception as error:
            self._log.error("dispatch.look_up_failed", error=type(error).__name__, message=mask_text(str(error)))
            said = {}
        found = [fates.looked_up(one, said.get(one.delivery_id), self._policy, self._now()) for one in open_ones]
        self._record(found)
        self._tally.add([one for one in found if one.state is not State.QUEUED])

    def _record(self, done: Sequence[Verdict]) -> None:
        firmly(partial(self._outbox.record, self._hold(), done))

    def _hold(self, count: int | None = None) -> Hold:
        """The right to so many deliveries, a whole batch if not said, from now on."""
        longest = (self._lane.batch if count is None else count) * self._lane.timeout_seconds
        now = self._now()
        self._ends = now + timedelta(seconds=longest) + self._policy.lease_margin
        return Hold(self._token, self._name, now, self._ends)

    def _now(self) -> datetime:
        return self._at + timedelta(seconds=self._stopwatch() - self._since)


def deliveries_counted(database: Database) -> Mapping[tuple[str, State], int]:
    """Deliveries per provider and state."""
    with database.reading() as connection:
        return counts(connection)


def cancel_over(
    database: Database, release: Callable[[Connection, Sequence[str], datetime], None], at: datetime
) -> int:
    """Cancels what is queued of launches that are over and held by no worker, batch by batch; how many.

    Args:
        database: Where the deliveries lie.
        release: Called with the touches of a batch, within its transaction.
        at: Now.
    """
    outbox, total = Outbox(database, release), 0
    while done := outbox.cancel_over(at, limit=BATCH_OVER):
        total += done
    return total


def firmly(write: Callable[[], _T]) -> _T:
    """Repeats a write that the store could not take: what a provider has said is known here and nowhere else."""
    for pause in WRITE_AGAIN_SECONDS:
        try:
            return write()
        except CultivaError as error:
            if error.kind is not ErrorKind.UNAVAILABLE:
                raise
            structlog.get_logger().warning("dispatch.store_busy", message=error.message, again_in_seconds=pause)
            time.sleep(pause)
    return write()
