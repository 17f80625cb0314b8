"""What records and timers mean: a moment is folded into its customer's record, then triggers hear of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import structlog

from cultiva.contracts.moments import HotRecord, Moment, read_hot, read_moment, write_hot
from cultiva.execution.triggers.effects import Effects
from cultiva.execution.triggers.records import Stepped
from cultiva.execution.triggers.service import Triggers
from cultiva.insight.live.records import Held, read_held, write_held
from cultiva.insight.live.row import LiveRow
from cultiva.insight.live.service import Live
from cultiva.stream.port import Logged, Timer
from cultiva.stream.working import Handled

_LOG = structlog.get_logger("cultiva.live")


class Meaning:
    """The live side's handler.

    Args:
        live: Keeps profiles.
        triggers: Hear events and timers.
        effects: Carry out what triggers want.
    """

    def __init__(self, live: Live, triggers: Triggers, effects: Effects) -> None:
        self._live, self._triggers, self._effects = live, triggers, effects
        self.troubles: Counter[str] = Counter()
        """Trigger -> how often one of its rules could not be judged; "" for records that could not be read."""

    def handle(
        self, batch: Sequence[Logged], states: Mapping[int, bytes | None], *, label: str, at: datetime
    ) -> Handled:
        """Folds moments in the order of the log; triggers hear of each when it is in the profile."""
        turn = _Turn(self._live, states, at)
        for one in batch:
            if one.mark:
                label = one.mark
                continue
            moment = self._read(one)
            if moment is None:
                continue
            turn.fold(one.record.customer_id, moment, label)
            if self._triggers.listens(moment.name):
                row = turn.row(one.record.customer_id)
                state = turn.records[one.record.customer_id].triggers
                self._note(turn.take(one.record.customer_id, self._triggers.step(state, moment, row, at)))
        return turn.handled()

    def ring(self, timers: Sequence[Timer], states: Mapping[int, bytes | None], *, at: datetime) -> Handled:
        """Triggers hear of timers, the earliest first."""
        turn = _Turn(self._live, states, at)
        for timer in timers:
            row, state = turn.row(timer.customer_id), turn.records[timer.customer_id].triggers
            self._note(turn.take(timer.customer_id, self._triggers.ring(state, timer, row, at)))
        return turn.handled()

    def carry_out(self, firings: Sequence[Any], *, at: datetime) -> None:
        """Begins what firings want, and takes back what should not have been; once, however often it is asked."""
        self._effects.carry_out_all(firings, at)

    def _read(self, one: Logged) -> Moment | None:
        """The moment of a record; one that cannot be read is told and left out, or nothing behind it would be read."""
        try:
            return read_moment(one.record.body)
        except msgspec.DecodeError as error:
            self.troubles[""] += 1
            _LOG.error("a record of the log is not a moment", position=one.position, error=str(error))
            return None

    def _note(self, stepped: Stepped) -> None:
        for one in stepped.troubles:
            self.troubles[one.trigger] += 1
            _LOG.warning("a trigger's rule cannot be judged", trigger=one.trigger, problem=one.problem)


class _Turn:
    """One batch: every customer's record is opened once and written once."""

    def __init__(self, live: Live, states: Mapping[int, bytes | None], at: datetime) -> None:
        self._live, self._states = live, states
        self._day: date = live.day_of(at)
        self.records: dict[int, HotRecord] = {customer: read_hot(state) for customer, state in states.items()}
        self._held: dict[int, Held] = {}
        self._folded: set[int] = set()
        self._timers: dict[tuple[int, str], Timer | None] = {}
        self._firings: list[Any] = []

    def fold(self, customer: int, moment: Moment, label: str) -> None:
        """Puts a moment into its customer's profile."""
        if self._live.folder.fold(self._open(customer), [moment], label):
            self._folded.add(customer)

    def row(self, customer: int) -> LiveRow:
        """The profile as it is now; nothing of it is computed before somebody asks."""
        return self._live.row_on(self._open(customer), self._day, customer_id=customer)

    def take(self, customer: int, stepped: Stepped) -> Stepped:
        """Notes what triggers want; of what is said of a timer, the last word counts."""
        self.records[customer].triggers = stepped.state
        self._timers |= dict.fromkeys(stepped.drop_timers)
        self._timers |= {(one.customer_id, one.name): one for one in stepped.set_timers}
        self._firings += [*stepped.firings, *stepped.withdrawals]
        return stepped

    def handled(self) -> Handled:
        """What came of it; states that stayed as they were are not written."""
        for customer in self._folded:
            self.records[customer].profile = write_held(self._held[customer])
        written = {customer: write_hot(record) for customer, record in self.records.items()}
        return Handled(
            states={customer: new for customer, new in written.items() if new != self._states[customer]},
            set_timers=[one for one in self._timers.values() if one is not None],
            drop_timers=[key for key, one in self._timers.items() if one is None],
            firings=self._firings,
        )

    def _open(self, customer: int) -> Held:
        found = self._held.get(customer)
        if found is None:
            found = self._held[customer] = read_held(self.records[customer].profile)
        return found
