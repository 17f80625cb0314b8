"""Moments into what is kept of a customer: each measure of their event gets one more row, on the event's own day.

Late and out-of-order events go where they belong by themselves, since parts are put together in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cultiva.contracts.moments import Moment
from cultiva.engine.partials import EPOCH, MICROSECOND
from cultiva.insight.live.declared import declared
from cultiva.insight.live.measures import Measure, Measures
from cultiva.insight.live.records import Days, Held, Parts
from cultiva.insight.profile.windows import AT, DAY, NAME

NAMES_MAX = 10_000
"""Names of events remembered; a bank has some dozens."""


class Folder:
    """Puts moments where they belong.

    Args:
        measures: What is kept of events.
        zone: The bank's local time.
    """

    def __init__(self, measures: Measures, zone: ZoneInfo) -> None:
        self._measures, self._zone = measures, zone
        self._of_event: dict[str, tuple[tuple[Measure, ...], bool]] = {}

    def fold(self, held: Held, moments: Sequence[Moment], label: str) -> bool:
        """Adds moments that stand behind a mark; whether anything has changed."""
        if label < held.sealed:
            return False
        changed = self._prune(held)
        for moment in moments:
            parts = self.parts(moment)
            if parts:
                add(held.since.setdefault(label, {}), moment.day.toordinal(), parts, self._measures)
                changed = True
        return changed

    def parts(self, moment: Moment) -> Parts:
        """What is kept of a moment."""
        known = self._of_event.get(moment.name)
        measures, timed = self._listening(moment.name) if known is None else known
        local = self.local(moment.at) if timed else None
        time = 0 if local is None else (local - EPOCH) // MICROSECOND
        found: Parts = {}
        for measure in measures:
            row = {} if measure.free else _row(moment, local, measure)
            if measure.free or measure.takes(row):
                part = measure.part(row, time)
                if part is not None:
                    found[measure.key] = part
        return found

    def _listening(self, name: str) -> tuple[tuple[Measure, ...], bool]:
        """The measures that an event of this name may move, and whether one of them looks at the time of day."""
        own = (*self._measures.of_event.get(name, ()), *self._measures.of_any)
        found = own, any({"at", AT} & measure.reads for measure in own)
        if len(self._of_event) < NAMES_MAX:
            self._of_event[name] = found
        return found

    def local(self, at: datetime) -> datetime:
        """An instant in the bank's local time, without zone, as the lake keeps it."""
        return at.astimezone(self._zone).replace(tzinfo=None)

    def day_of(self, at: datetime) -> date:
        """The bank's day of an instant."""
        return at.astimezone(self._zone).date()

    def _prune(self, held: Held) -> bool:
        """Leaves out what is in the base by now."""
        old = [label for label in held.since if label < held.label]
        for label in old:
            later = {day: parts for day, parts in held.since[label].items() if day > held.day}
            if later:
                held.since[label] = later
            else:
                del held.since[label]
        return bool(old)


def add(days: Days, day: int, parts: Mapping[str, Any], measures: Measures) -> None:
    """Adds parts to a day."""
    kept = days.setdefault(day, {})
    for key, part in parts.items():
        before = kept.get(key)
        kept[key] = part if before is None else measures.by_key[key].partial.together(before, part)


def _row(moment: Moment, local: datetime | None, measure: Measure) -> dict[str, Any]:
    """The row that the night has of a moment, in the columns that a measure may read."""
    own = {
        "source_system": moment.source_system or None,
        "source_id": moment.source_id or None,
        "channel": moment.channel or None,
    }
    if measure.properties is None:
        return {"at": local, "name": moment.name, **own}
    given = moment.properties
    typed = {name: declared(given.get(name), kind) for name, kind in measure.properties.items()}
    return {**typed, AT: local, DAY: moment.day, NAME: moment.name, **own}
