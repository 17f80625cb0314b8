"""The door of triggers: what an event or a timer brings about. Pure: nothing is written here.

An event concerns only the triggers that listen to events of its name, so what it costs does not grow with the others.
What comes in late, twice or in another order leads to the same firings, as long as it is not later than `LATE`: a
firing that should not have been is withdrawn, one that was wanting is added. What a rule says of the profile is judged
once, when the event comes in (`when`) and when the trigger fires (`still`), and stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from cultiva.contracts.moments import Moment
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.workspace import Workspace
from cultiva.execution.triggers.minds import NOTHING, UNJUDGED, Mind, Outlet
from cultiva.execution.triggers.records import Firing, Stepped, Withdrawal
from cultiva.execution.triggers.values import EventReader, Row, Seen, micros
from cultiva.execution.triggers.watching import Watch, watch_of
from cultiva.rules import Closure
from cultiva.stream.port import Timer

__all__ = ["NOTHING", "Mind", "Outlet", "Triggers"]

LATE = timedelta(days=7) // timedelta(microseconds=1)
"""An event that comes in later than so many microseconds after it happened is not heard by triggers that remember."""
DAYS_KEPT = 40
"""Days of events whose compiled rules are kept."""
Rules = Sequence[tuple[Watch, Closure]]
"""Triggers, each with a rule compiled for a day."""


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
        self._rules: dict[tuple[str, date], tuple[Rules, Rules]] = {}

    def listens(self, event: str) -> bool:
        """Whether any trigger listens to events of that name."""
        return event in self._readers

    def opened(self, state: msgspec.Raw, customer_id: int, outlet: Outlet) -> Mind:
        """What triggers remember of a customer, for any number of events and timers; `closed` ends it."""
        return Mind(state, customer_id, self._zone, outlet)

    def hear(self, mind: Mind, moment: Moment, row: Row, now: datetime) -> None:
        """What an event brings about.

        Args:
            mind: What triggers remember of its customer; gets what is to be remembered.
            moment: The event.
            row: The customer's profile, this event included.
            now: The present moment.
        """
        reader = self._readers.get(moment.name)
        if reader is None:
            return
        seen, at, horizon = Seen(reader.read(moment), row), micros(moment.at), micros(moment.received) - LATE
        heard = at >= horizon
        mind.attend(row, micros(now), horizon)
        begins, ends = self._rules.get((moment.name, moment.day)) or self._compiled(moment.name, moment.day)
        for watch, rule in begins:
            if heard or watch.forgetful:
                try:  # `mind.holds`, without a call: this is where most time goes
                    holds = rule(seen)
                except UNJUDGED as error:
                    mind.tell(watch, error)
                    continue
                if holds:
                    mind.begin(watch, moment, seen, at)
        for watch, rule in ends if heard else ():
            if mind.holds(watch, rule, seen):
                mind.end(watch, moment, at)

    def rang(self, mind: Mind, timer: Timer, row: Row, now: datetime) -> None:
        """What a timer brings about that is due; every event that has come in by now has been heard before.

        Args:
            mind: What triggers remember of its customer; gets what is to be remembered.
            timer: The timer.
            row: The customer's profile.
            now: The present moment.
        """
        mind.attend(row, micros(now), micros(now) - LATE)
        mind.ring(timer, self.watches)

    def closed(self, mind: Mind) -> Stepped:
        """What is to be kept of a customer; what happened is in the outlet that the mind was opened with."""
        return mind.closed(self.watches)

    def step(self, state: msgspec.Raw, moment: Moment, row: Row, now: datetime) -> Stepped:
        """What one event brings about, see `hear`."""
        return self._alone(state, moment.customer_id, lambda mind: self.hear(mind, moment, row, now))

    def ring(self, state: msgspec.Raw, timer: Timer, row: Row, now: datetime) -> Stepped:
        """What one timer brings about, see `rang`."""
        return self._alone(state, timer.customer_id, lambda mind: self.rang(mind, timer, row, now))

    def waiting(self, state: msgspec.Raw, customer_id: int) -> list[Timer]:
        """When triggers want to be reminded of a customer, each under its own name."""
        return list(self.opened(state, customer_id, Outlet()).waiting(self.watches))

    def _alone(self, state: msgspec.Raw, customer_id: int, teach: Callable[[Mind], None]) -> Stepped:
        outlet = Outlet()
        mind = self.opened(state, customer_id, outlet)
        teach(mind)
        firings = tuple(one for one in outlet.happened if isinstance(one, Firing))
        gone = tuple(one for one in outlet.happened if isinstance(one, Withdrawal))
        return replace(self.closed(mind), firings=firings, withdrawals=gone, troubles=tuple(outlet.troubles))

    def _compiled(self, event: str, day: date) -> tuple[Rules, Rules]:
        """The triggers that an event begins and ends, with their rules of a day."""
        if len(self._rules) >= DAYS_KEPT * max(len(self._readers), 1):
            self._rules.clear()
        begins = tuple((one, one.when.on(day)) for one in self._begins.get(event, ()))
        ends = tuple((one, one.where.on(day)) for one in self._ends.get(event, ()))
        found = self._rules[event, day] = (begins, ends)
        return found
