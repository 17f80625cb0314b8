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
from cultiva.execution.triggers.service import Mind, Outlet, Triggers
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
        turn = _Turn(self._live, self._triggers, states, at)
        for one in batch:
            if one.mark:
                label = one.mark
                continue
            moment = self._read(one)
            if moment is None:
                continue
            customer = one.record.customer_id
            turn.fold(customer, moment, label)
            if self._triggers.listens(moment.name):
                self._triggers.hear(turn.mind(customer), moment, turn.row(customer), at)
        return self._handled(turn)

    def ring(self, timers: Sequence[Timer], states: Mapping[int, bytes | None], *, at: datetime) -> Handled:
        """Triggers hear of timers, the earliest first."""
        turn = _Turn(self._live, self._triggers, states, at)
        for timer in timers:
            self._triggers.rang(turn.mind(timer.customer_id), timer, turn.row(timer.customer_id), at)
        return self._handled(turn)

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

    def _handled(self, turn: _Turn) -> Handled:
        for one in turn.outlet.troubles:
            self.troubles[one.trigger] += 1
            _LOG.warning("a trigger's rule cannot be judged", trigger=one.trigger, problem=one.problem)
        return turn.handled()


class _Turn:
    """One batch: every customer's record is opened once and written once."""

    def __init__(self, live: Live, triggers: Triggers, states: Mapping[int, bytes | None], at: datetime) -> None:
        self._live, self._triggers, self._states = live, triggers, states
        self._day: date = live.day_of(at)
        self.outlet = Outlet()
        self._records: dict[int, HotRecord] = {}
        self._held: dict[int, Held] = {}
        self._rows: dict[int, LiveRow] = {}
        self._minds: dict[int, Mind] = {}
        self._folded: set[int] = set()

    def fold(self, customer: int, moment: Moment, label: str) -> None:
        """Puts a moment into its customer's profile."""
        if self._live.folder.fold(self._open(customer), [moment], label):
            self._folded.add(customer)

    def row(self, customer: int) -> LiveRow:
        """The profile as it is now; nothing of it is computed before somebody asks."""
        before = self._rows.get(customer)
        row = self._rows[customer] = self._live.row_on(self._open(customer), self._day, customer_id=customer)
        if before is not None:
            row.know_as(before)
        return row

    def mind(self, customer: int) -> Mind:
        """What triggers remember of the customer."""
        found = self._minds.get(customer)
        if found is None:
            state = self._record(customer).triggers
            found = self._minds[customer] = self._triggers.opened(state, customer, self.outlet)
        return found

    def handled(self) -> Handled:
        """What came of it; states that stayed as they were are not written."""
        for customer in self._folded:
            self._records[customer].profile = write_held(self._held[customer])
        drops: list[tuple[int, str]] = []
        timers: list[Timer] = []
        for customer, mind in self._minds.items():
            stepped = self._triggers.closed(mind)
            self._records[customer].triggers = stepped.state
            drops += stepped.drop_timers
            timers += stepped.set_timers
        written = {customer: write_hot(record) for customer, record in self._records.items()}
        return Handled(
            states={customer: new for customer, new in written.items() if new != self._states[customer]},
            set_timers=timers,
            drop_timers=drops,
            firings=self.outlet.happened,
        )

    def _open(self, customer: int) -> Held:
        found = self._held.get(customer)
        if found is None:
            found = self._held[customer] = read_held(self._record(customer).profile)
        return found

    def _record(self, customer: int) -> HotRecord:
        found = self._records.get(customer)
        if found is None:
            found = self._records[customer] = read_hot(self._states[customer])
        return found
