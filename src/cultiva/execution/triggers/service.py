"""The door of triggers: what an event or a timer brings about. Pure: nothing is written here.

An event concerns only the triggers that listen to events of its name, so what it costs does not grow with the others.
What comes in late, twice or in another order leads to the same firings, as long as it is not later than `LATE`: a
firing that should not have been is withdrawn, one that was wanting is added. What a rule says of the profile is judged
once, when the event comes in (`when`) and when the trigger fires (`still`), and stays so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cultiva.contracts.moments import Moment, is_nothing
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.workspace import Workspace
from cultiva.execution.triggers import meaning
from cultiva.execution.triggers.meaning import Beginning, Memory
from cultiva.execution.triggers.records import Cause, Firing, Stepped, Trouble, Withdrawal, firing_id
from cultiva.execution.triggers.values import EventReader, Seen, instant, micros
from cultiva.execution.triggers.watching import Watch, watch_of
from cultiva.kit.errors import CultivaError
from cultiva.stream.port import Timer

LATE = timedelta(days=7) // timedelta(microseconds=1)
"""An event that comes in later than so many microseconds after it happened is not heard by triggers that remember."""
BEGINNINGS_MAX = 400
"""Most beginnings that one trigger remembers of one customer; of more, the oldest count as settled."""
Row = Mapping[str, Any] | None
"""Column of the profile -> value, as it is now; None: nothing is known of the customer."""
_READER, _WRITER = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]), msgspec.msgpack.Encoder()
_MEMORY = msgspec.msgpack.Decoder(Memory)
NOTHING = msgspec.Raw(b"\xc0")
"""The state of a customer of whom triggers remember nothing."""


class Triggers:
    """All triggers of a workspace.

    Args:
        workspace: Checked.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._zone = ZoneInfo(workspace.settings.timezone)
        profile = profile_scope(workspace)
        active = [one for one in workspace.triggers.values() if one.active]
        self.watches: Mapping[str, Watch] = {one.name: watch_of(workspace, one, profile) for one in active}
        self._begins: dict[str, list[Watch]] = {}
        self._ends: dict[str, list[Watch]] = {}
        for watch in self.watches.values():
            for name in watch.trigger.on:
                self._begins.setdefault(name, []).append(watch)
            for name in watch.trigger.then_not.event if watch.trigger.then_not is not None else ():
                self._ends.setdefault(name, []).append(watch)
        heard = {*self._begins, *self._ends} & set(workspace.events)
        self._readers = {name: EventReader(workspace.events[name], self._zone) for name in heard}

    def listens(self, event: str) -> bool:
        """Whether any trigger listens to events of that name."""
        return event in self._readers

    def step(self, state: msgspec.Raw, moment: Moment, row: Row, now: datetime) -> Stepped:
        """What an event brings about.

        Args:
            state: What triggers remember of its customer; empty or nil: nothing.
            moment: The event.
            row: The customer's profile, this event included.
            now: The present moment.
        """
        reader = self._readers.get(moment.name)
        if reader is None:
            return Stepped(state)
        turn = _Turn(state, moment.customer_id, row, micros(now), self._zone)
        seen, at = Seen(reader.read(moment), row), micros(moment.at)
        heard = at >= micros(moment.received) - LATE
        for watch in self._begins.get(moment.name, ()):
            if (heard or watch.forgetful) and turn.judged(watch, watch.when.on(moment.day), seen):
                turn.begin(watch, moment, seen, at)
        for watch in self._ends.get(moment.name, ()) if heard else ():
            if turn.judged(watch, watch.where.on(moment.day), seen):
                turn.end(watch, moment, at)
        return turn.stepped(micros(moment.received) - LATE)

    def ring(self, state: msgspec.Raw, timer: Timer, row: Row, now: datetime) -> Stepped:
        """What a timer brings about that is due; every event that has come in by now has been stepped before.

        Args:
            state: What triggers remember of its customer.
            timer: The timer.
            row: The customer's profile.
            now: The present moment.
        """
        watch = self.watches.get(timer.name)
        turn = _Turn(state, timer.customer_id, row, micros(now), self._zone)
        if watch is not None:
            turn.ring(watch)
        return turn.stepped(micros(now) - LATE, drop=((timer.customer_id, timer.name),))


class _Turn:
    """One event or timer of one customer."""

    def __init__(self, state: msgspec.Raw, customer_id: int, row: Row, now: int, zone: ZoneInfo) -> None:
        self._state, self._customer, self._row, self._now, self._zone = state, customer_id, row, now, zone
        self._parts: dict[str, msgspec.Raw] = {} if is_nothing(state) else _READER.decode(state)
        self._open: dict[str, tuple[Watch, Memory]] = {}
        self._timers: list[Timer] = []
        self._drops: list[tuple[int, str]] = []
        self._firings: list[Firing] = []
        self._withdrawals: list[Withdrawal] = []
        self._troubles: list[Trouble] = []

    def judged(self, watch: Watch, rule: Any, seen: Seen) -> bool:
        """Whether a rule holds; one that cannot be judged does not, and is told."""
        try:
            return bool(rule(seen))
        except (CultivaError, ArithmeticError, TypeError, ValueError) as error:
            self._troubles.append(Trouble(watch.name, f"{type(error).__name__}: {error}"[:200]))
            return False

    def begin(self, watch: Watch, moment: Moment, seen: Seen, at: int) -> None:
        """An event begins a trigger."""
        key = watch.key(moment)
        one = Beginning(at, moment.message_id, key, event=moment.name, kept=watch.keep(seen))
        if watch.forgetful:
            if self._still(watch, instant(self._now).astimezone(self._zone).date()):
                self._fire(watch, one, seen, moment.day)
            return
        memory = self.memory(watch)
        if any(known.message_id == one.message_id for known in memory.seen):
            return
        memory.seen = sorted([*memory.seen, one], key=lambda known: known.order)
        while watch.at_once and (found := self._next(watch, memory, float("inf"))) is not None:
            self._decide(watch, found, seen if found is one else None)

    def end(self, watch: Watch, moment: Moment, at: int) -> None:
        """An event lets beginnings come to nothing, whether they have come in or not."""
        memory, found = self.memory(watch), (at, watch.key(moment), moment.message_id)
        if found not in memory.ends:
            memory.ends = sorted([*memory.ends, found])

    def ring(self, watch: Watch) -> None:
        """What has fallen due fires."""
        memory = self.memory(watch)
        while (found := self._next(watch, memory, self._now)) is not None:
            self._decide(watch, found, None)
        memory.timer = None

    def memory(self, watch: Watch) -> Memory:
        """What a trigger remembers; of one whose meaning has changed only when it fired last."""
        found = self._open.get(watch.name)
        if found is None:
            kept = self._parts.get(watch.name)
            memory = _MEMORY.decode(kept) if kept is not None else Memory(watch.meaning)
            if memory.meaning != watch.meaning:
                memory = Memory(watch.meaning, _last(memory, watch), memory.timer)
            found = self._open[watch.name] = watch, memory
        return found[1]

    def stepped(self, horizon: int, drop: tuple[tuple[int, str], ...] = ()) -> Stepped:
        """What it has brought about.

        Args:
            horizon: Nothing that happened before it is heard any more.
            drop: Timers that have been dealt with.
        """
        for watch, memory in self._open.values():
            self._withdraw(watch, memory)
            self._remind(watch, memory)
            meaning.forget(memory, watch.terms, horizon)
            if len(memory.seen) > BEGINNINGS_MAX:
                meaning.forget(memory, watch.terms, memory.seen[-BEGINNINGS_MAX].at)
        if not self._open:
            state = self._state
        else:
            written = {watch.name: memory for watch, memory in self._open.values()}
            self._parts.update({name: msgspec.Raw(_WRITER.encode(memory)) for name, memory in written.items()})
            for name, memory in written.items():
                if not (memory.seen or memory.ends or memory.anchor is not None or memory.timer is not None):
                    del self._parts[name]
            state = msgspec.Raw(_WRITER.encode(self._parts)) if self._parts else NOTHING
        drops = (*drop, *self._drops)
        return Stepped(
            state, tuple(self._timers), drops, tuple(self._firings), tuple(self._withdrawals), tuple(self._troubles)
        )

    def _next(self, watch: Watch, memory: Memory, until: float) -> Beginning | None:
        return next((one for one in meaning.firing(memory, watch.terms, until) if not one.fired), None)

    def _still(self, watch: Watch, day: date) -> bool:
        return watch.still.is_trivial or self.judged(watch, watch.still.on(day), Seen({}, self._row))

    def _decide(self, watch: Watch, one: Beginning, seen: Seen | None) -> None:
        day = instant(one.at).astimezone(self._zone).date()
        if self._still(watch, instant(self._now).astimezone(self._zone).date()):
            one.fired = True
            self._fire(watch, one, seen or watch.recall(one.kept, self._row), day)
        else:
            one.dropped = True

    def _fire(self, watch: Watch, one: Beginning, seen: Seen, day: date) -> None:
        try:
            self._firings.append(watch.fire(one, self._customer, seen, day=day, now=self._now))
        except (CultivaError, ArithmeticError, TypeError, ValueError) as error:
            self._troubles.append(Trouble(watch.name, f"{type(error).__name__}: {error}"[:200]))

    def _withdraw(self, watch: Watch, memory: Memory) -> None:
        """Takes back what has fired and should not have."""
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
                self._withdrawals.append(Withdrawal(name, self._customer, watch.name, cause))

    def _remind(self, watch: Watch, memory: Memory) -> None:
        """Sets the timer to when the next one falls due."""
        if watch.at_once:
            return
        coming = self._next(watch, memory, float("inf"))
        due = coming.at + watch.terms.wait if coming is not None else None
        if due == memory.timer:
            return
        if due is not None:
            self._timers.append(Timer(self._customer, watch.name, instant(due)))
        elif memory.timer is not None:
            self._drops.append((self._customer, watch.name))
        memory.timer = due


def _last(memory: Memory, watch: Watch) -> int | None:
    """When a trigger fired last before its meaning changed, about."""
    fired: Iterator[int] = (one.at + watch.terms.wait for one in memory.seen if one.fired)
    return max([*fired, *([memory.anchor] if memory.anchor is not None else [])], default=None)
