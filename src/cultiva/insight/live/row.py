"""A customer's live profile as a row: a column is read or computed when somebody asks for it, and then kept."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from cultiva.insight.live.measures import LiveColumn
from cultiva.insight.live.program import DayProgram, Freshness
from cultiva.insight.live.records import Base, Held, Parts, counting, read_base

NOBODY = Base()
"""What is known of whom the night does not know yet."""


class LiveRow(dict[str, Any]):
    """Every column of the profile by name, hidden ones too: bool, int, float (also money), str, date, datetime, list.

    Args:
        customer_id: Whose.
        held: What the hot store keeps.
        program: How columns are made on the day asked for.
    """

    __slots__ = ("__dict__", "held", "notes", "program")

    def __init__(self, customer_id: int | None, held: Held, program: DayProgram) -> None:
        super().__init__(customer_id=customer_id)
        self.held, self.program = held, program
        self.notes: dict[int, Any] = {}
        """What readers have made of the row, by the `id` of the reader: it stands as long as the row does."""

    @cached_property
    def base(self) -> Base:
        """What the night knows."""
        return read_base(self.held.base) or NOBODY

    def know_as(self, before: LiveRow) -> None:
        """Takes over what the night knows from an earlier row of the same record: it is read once."""
        if "base" in before.__dict__:
            self.__dict__["base"] = before.base

    @property
    def known(self) -> bool:
        """Whether the night knows the customer; if not, only what has come in since is there."""
        return self.base is not NOBODY and not self.base.moved

    @property
    def moved(self) -> tuple[int, ...]:
        """Who the customer is now, if this number is not used any more."""
        return self.base.moved

    @cached_property
    def since(self) -> list[tuple[int, Parts]]:
        """Days that count beside the base, up to the row's own."""
        return [(day, parts) for day, parts in counting(self.held) if day <= self.program.number]

    def __missing__(self, column: str) -> Any:
        program = self.program
        moving = program.columns.get(column)
        if moving is not None:
            value = self._event_value(moving)
        elif (stored := program.stored.get(column)) is not None:
            key, read = stored
            value = self.base.values.get(key)
            if value is not None and read is not None:
                value = read(value)
        else:
            value = program.function(column)(self)
        self[column] = value
        return value

    def _event_value(self, column: LiveColumn) -> Any:
        """Parts of the days of the window, the night's and those since, put together."""
        measure = column.measure
        key, together = measure.key, measure.partial.together
        part = None
        for one in self._parts(key, column.days):
            part = one if part is None else together(part, one)
        if part is None:
            return None if column.empty is None else measure.zero(column.empty)
        return measure.partial.result(part)

    def _parts(self, key: str, days: int | None) -> Iterator[Any]:
        last = self.program.number
        first = 0 if days is None else last - days + 1
        if days is None:
            if (ever := self.base.ever.get(key)) is not None:
                yield ever
        else:
            for day, parts in self.base.days.items():
                if first <= day <= last and key in parts:
                    yield parts[key]
        for day, parts in self.since:
            if day >= first and key in parts:
                yield parts[key]

    def freshness(self, column: str) -> Freshness:
        """How far a column is up to date."""
        return self.program.program.freshness[column]

    def in_segment(self, name: str) -> bool:
        """Whether the customer is in a segment now."""
        return self.program.segment(name)(self)
