"""What triggers remember of one customer, opened: read once, taught by any number of events and timers, written once.

A customer has one timer, whatever the number of triggers that wait: it rings when the first of them wants to be
reminded. What it was set to is remembered too, under `TIMER`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import inf
from operator import attrgetter
from zoneinfo import ZoneInfo

import msgspec

from cultiva.contracts.moments import Moment, is_nothing
from cultiva.execution.triggers import meaning
from cultiva.execution.triggers.meaning import CROWD, Beginning, Memory
from cultiva.execution.triggers.records import Cause, Firing, Stepped, Trouble, Withdrawal, firing_id
from cultiva.execution.triggers.values import Row, Seen, instant
from cultiva.execution.triggers.watching import Watch
from cultiva.kit.errors import CultivaError
from cultiva.rules import Closure
from cultiva.stream.port import Timer

BEGINNINGS_MAX = 400
"""Most beginnings that one trigger remembers of one customer; of more, the oldest count as settled."""
REMINDER = "triggers"
"""Name of a customer's timer."""
TIMER = ""
"""Whose memory holds what that timer is set to; no trigger has this name."""
NOTHING = msgspec.Raw(b"\xc0")
"""The state of a customer of whom triggers remember nothing."""
UNJUDGED = (CultivaError, ArithmeticError, TypeError, ValueError)
"""What a rule that cannot be judged raises."""
_READER, _WRITER = msgspec.msgpack.Decoder(dict[str, Memory]), msgspec.msgpack.Encoder()
_ORDER = attrgetter("order")


@dataclass(slots=True)
class Outlet:
    """What has come of a batch so far, in the order in which it was found."""

    happened: list[Firing | Withdrawal] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """The memory of one trigger that an event or a timer concerns."""

    watch: Watch
    memory: Memory
    fired: bool
    """Whether one of its beginnings has fired."""
    crowd: int = CROWD
    """From so many beginnings on it is looked what can be let go."""


class Mind:
    """What triggers remember of a customer.

    Args:
        state: As it was kept; empty or nil: nothing.
        customer_id: Whose.
        zone: The bank's.
        outlet: Gets what happens.
    """

    __slots__ = ("_customer", "_drops", "_horizon", "_memories", "_now", "_open", "_outlet", "_row", "_state", "_timer",
                 "_zone")  # fmt: skip

    def __init__(self, state: msgspec.Raw, customer_id: int, zone: ZoneInfo, outlet: Outlet) -> None:
        self._state, self._customer, self._zone, self._outlet = state, customer_id, zone, outlet
        self._memories: dict[str, Memory] = {} if is_nothing(state) else _READER.decode(state)
        known = self._memories.pop(TIMER, None)
        self._timer = None if known is None else known.timer
        self._open: dict[str, _Open] = {}
        self._drops: list[tuple[int, str]] = []
        self._row: Row = None
        self._now = self._horizon = 0

    def attend(self, row: Row, now: int, horizon: int) -> None:
        """Something comes.

        Args:
            row: The customer's profile.
            now: The present instant, in microseconds.
            horizon: Nothing that happened before it is heard any more.
        """
        self._row, self._now, self._horizon = row, now, max(horizon, self._horizon)

    def holds(self, watch: Watch, rule: Closure, seen: Seen) -> bool:
        """Whether a rule holds; one that cannot be judged does not, and is told."""
        try:
            return bool(rule(seen))
        except UNJUDGED as error:
            self.tell(watch, error)
            return False

    def begin(self, watch: Watch, moment: Moment, seen: Seen, at: int) -> None:
        """An event begins a trigger; it happened at so many microseconds."""
        key, name = watch.key(moment) if watch.same else "", moment.message_id
        one = Beginning(at, name, key, False, False, moment.name, watch.keep(seen))
        if watch.forgetful:
            if self._still(watch):
                self._fire(watch, one, seen, moment.day)
            return
        found = self._open.get(watch.name) or self._opened(watch)
        kept = found.memory.seen
        for known in kept:
            if known.message_id == name:
                return
        if not kept or kept[-1].at < at:
            kept.append(one)
        else:
            insort(kept, one, key=_ORDER)
        while watch.at_once and (due := _next(found, inf)) is not None:
            self._decide(found, due, seen if due is one else None)
        if found.fired or len(kept) > found.crowd:
            self._settle(found)

    def end(self, watch: Watch, moment: Moment, at: int) -> None:
        """An event lets beginnings come to nothing, whether they have come in or not."""
        found = self._open.get(watch.name) or self._opened(watch)
        one = at, watch.key(moment), moment.message_id
        ends = found.memory.ends
        place = bisect_left(ends, one)
        if place == len(ends) or ends[place] != one:
            ends.insert(place, one)
        self._settle(found)

    def ring(self, timer: Timer, watches: Mapping[str, Watch]) -> None:
        """What has fallen due by now fires, in order, whichever trigger the timer is of."""
        self._drops.append((self._customer, timer.name))
        if timer.name == REMINDER:
            self._timer = None
        waiting = ((one.timer, name) for name, one in self._memories.items() if one.timer is not None)
        for due, name in sorted(waiting):
            if due > self._now:
                break
            if name in watches:
                found = self._opened(watches[name])
                while (one := _next(found, self._now)) is not None:
                    self._decide(found, one, None)
                found.memory.timer = None
                self._settle(found)

    def waiting(self, watches: Mapping[str, Watch]) -> Iterator[Timer]:
        """When triggers want to be reminded, each under its name."""
        for name, memory in self._memories.items():
            if name in watches and memory.timer is not None:
                yield Timer(self._customer, name, instant(memory.timer))

    def closed(self, watches: Mapping[str, Watch]) -> Stepped:
        """What is to be kept, and the customer's timer; what happened is in the outlet."""
        if not self._open and not self._drops:
            return Stepped(self._state)
        for found in self._open.values():
            _remind(found)
            _let_go(found, self._horizon)
            if _is_empty(found.memory):
                del self._memories[found.watch.name]
        dues = [one.timer for name, one in self._memories.items() if one.timer is not None and name in watches]
        due = min(dues, default=None)
        timers: tuple[Timer, ...] = ()
        if due is None and self._timer is not None:
            self._drops.append((self._customer, REMINDER))
        elif due is not None and due != self._timer:
            timers = (Timer(self._customer, REMINDER, instant(due)),)
        return Stepped(self._written(due), timers, tuple(self._drops))

    def _written(self, due: int | None) -> msgspec.Raw:
        kept = self._memories if due is None else {**self._memories, TIMER: Memory(timer=due)}
        return msgspec.Raw(_WRITER.encode(kept)) if kept else NOTHING

    def _opened(self, watch: Watch) -> _Open:
        """What a trigger remembers; of one whose meaning has changed only when it fired last."""
        found = self._open.get(watch.name)
        if found is None:
            memory = self._memories.get(watch.name)
            if memory is None or memory.meaning != watch.meaning:
                before = (None, None) if memory is None else (_last(memory, watch), memory.timer)
                memory = self._memories[watch.name] = Memory(watch.meaning, *before)
            fired = True in [one.fired for one in memory.seen]
            found = self._open[watch.name] = _Open(watch, memory, fired)
        return found

    def _settle(self, found: _Open) -> None:
        """Takes back what has fired and should not have; lets go of what lies about in a crowd."""
        memory = found.memory
        if found.fired:
            self._withdraw(found)
        if len(memory.seen) > found.crowd or len(memory.ends) > found.crowd:
            _let_go(found, self._horizon)
            found.crowd = max(len(memory.seen), len(memory.ends)) + CROWD

    def _still(self, watch: Watch) -> bool:
        if watch.still.is_trivial:
            return True
        return self.holds(watch, watch.still.on(self._day(self._now)), Seen({}, self._row))

    def _decide(self, found: _Open, one: Beginning, seen: Seen | None) -> None:
        watch = found.watch
        if self._still(watch):
            one.fired = found.fired = True
            self._fire(watch, one, seen or watch.recall(one.kept, self._row), self._day(one.at))
        else:
            one.dropped = True

    def _fire(self, watch: Watch, one: Beginning, seen: Seen, day: date) -> None:
        try:
            firing = watch.fire(one, self._customer, seen, day=day, now=self._now)
        except UNJUDGED as error:
            self.tell(watch, error)
        else:
            self._outlet.happened.append(firing)

    def _withdraw(self, found: _Open) -> None:
        """Takes back what has fired and should not have."""
        watch, memory = found.watch, found.memory
        fired = [one for one in memory.seen if one.fired]
        if not fired:
            return
        until = max(self._now, fired[-1].at + watch.terms.wait)
        chosen = {one.message_id for one in meaning.firing(memory, watch.terms, until)}
        for one in fired:
            if one.message_id not in chosen:
                one.fired = False
                ended = watch.terms.within and meaning.is_ended(one, memory.ends, watch.terms.within)
                cause = Cause.CONTRADICTED if ended else Cause.REPLACED
                name = firing_id(watch.name, self._customer, one.message_id)
                self._outlet.happened.append(Withdrawal(name, self._customer, watch.name, cause))

    def tell(self, watch: Watch, error: Exception) -> None:
        self._outlet.troubles.append(Trouble(watch.name, f"{type(error).__name__}: {error}"[:200]))

    def _day(self, at: int) -> date:
        return instant(at).astimezone(self._zone).date()


def _next(found: _Open, until: float) -> Beginning | None:
    """The first that falls due by then and has not fired."""
    memory, terms = found.memory, found.watch.terms
    if memory.ends or terms.quiet or terms.again:
        return next((one for one in meaning.firing(memory, terms, until) if not one.fired), None)
    for one in memory.seen:  # each stands for itself
        if not (one.fired or one.dropped):
            return one if one.at + terms.wait <= until else None
    return None


def _remind(found: _Open) -> None:
    """Sets the trigger's own timer to when the next one falls due."""
    if not found.watch.at_once:
        coming = _next(found, inf)
        found.memory.timer = None if coming is None else coming.at + found.watch.terms.wait


def _let_go(found: _Open, horizon: int) -> None:
    """Lets go of what nothing can change any more that happened at the horizon or later."""
    memory, terms = found.memory, found.watch.terms
    seen = memory.seen
    if len(seen) <= CROWD and memory.anchor is None and not memory.ends and seen and seen[0].at + terms.wait > horizon:
        return
    meaning.forget(memory, terms, horizon)
    if len(memory.seen) > BEGINNINGS_MAX:
        meaning.forget(memory, terms, memory.seen[-BEGINNINGS_MAX].at)


def _is_empty(memory: Memory) -> bool:
    return not (memory.seen or memory.ends or memory.anchor is not None or memory.timer is not None)


def _last(memory: Memory, watch: Watch) -> int | None:
    """When a trigger fired last before its meaning changed, about."""
    fired: Iterator[int] = (one.at + watch.terms.wait for one in memory.seen if one.fired)
    return max([*fired, *([memory.anchor] if memory.anchor is not None else [])], default=None)
