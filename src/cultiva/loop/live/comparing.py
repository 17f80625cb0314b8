"""Live profiles and a night's profiles side by side: every column, segment and stage of every customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from cultiva.contracts.moments import read_hot
from cultiva.insight.live.program import Freshness, Program
from cultiva.insight.live.records import Held, read_held
from cultiva.insight.live.row import LiveRow
from cultiva.insight.live.service import Live
from cultiva.stream.port import HotStore

SHOWN_MAX = 20
"""Differences shown; all are counted."""


@dataclass(frozen=True)
class Difference:
    """One value that is not the same."""

    customer_id: int
    what: str
    """The column, or `segment <name>`."""
    live: str
    """What the live profile says; not shown of personal columns."""
    night: str


@dataclass
class Compared:
    """What a comparison found."""

    on: date
    customers: int = 0
    compared: int = 0
    """Values compared: columns and segments, customer by customer."""
    differences: int = 0
    by_name: Counter[str] = field(default_factory=Counter)
    """Column or segment -> customers for whom it differs."""
    shown: list[Difference] = field(default_factory=list)
    """Some of them."""
    left_out: tuple[str, ...] = ()
    """Columns and segments that move at night only."""
    not_there: int = 0
    """Customers of the night without a live profile; each is a difference."""

    def data(self) -> dict[str, Any]:
        """As JSON-like data, without a customer's values."""
        return {
            "date": self.on.isoformat(),
            "customers": self.customers,
            "compared": self.compared,
            "differences": self.differences,
            "by_name": dict(sorted(self.by_name.items())),
            "left_out": list(self.left_out),
            "not_there": self.not_there,
        }

    def add(self, difference: Difference) -> None:
        """One more."""
        self.differences += 1
        self.by_name[difference.what] += 1
        if len(self.shown) < SHOWN_MAX:
            self.shown.append(difference)


def rows_at_mark(live: Live, hot: HotStore, customers: Sequence[int], on: date) -> dict[int, LiveRow]:
    """Live profiles at the end of a business date: with what stands before that date's mark, whatever came in since."""
    found = {}
    for customer, state in zip(customers, hot.get(customers), strict=True):
        held = before_mark(read_held(read_hot(state).profile), on.isoformat())
        found[customer] = live.row_on(held, on, customer_id=customer)
    return found


def before_mark(held: Held, mark: str) -> Held:
    """A record without what stands behind a mark."""
    since = {label: days for label, days in held.since.items() if label < mark}
    return Held(held.label, held.day, held.base, since, held.sealed)


def compare(
    live: Live,
    rows: Mapping[int, LiveRow],
    night: pl.DataFrame,
    members: Mapping[str, Any],
    *,
    on: date,
    leave_out: Collection[str] = (),
) -> Compared:
    """Compares live rows with what a set-based run says of the same customers.

    Args:
        live: The live profiles.
        rows: Customer -> live row.
        night: Columns of the profile, one row per customer.
        members: Segment -> its members.
        on: The day.
        leave_out: Columns that are not compared.
    """
    program = live.program
    columns = [name for name in _columns(program, leave_out) if name in night.columns]
    segments = [name for name in _segments(program, leave_out) if name in members]
    found = Compared(on, left_out=tuple(sorted(_left_out(program))))
    personal = {column.name for column in program.plan.columns if column.personal}
    for customer, *cells in night.select("customer_id", *columns).iter_rows():
        row = rows.get(customer)
        found.customers += 1
        found.compared += len(columns) + len(segments)
        if row is None or not row.known:
            found.not_there += 1
            found.add(Difference(customer, "profile", "none", "there"))
            continue
        for name, cell in zip(columns, cells, strict=True):
            if (value := row[name]) != plain_value(cell):
                shown = ("...", "...") if name in personal else (repr(value), repr(cell))
                found.add(Difference(customer, name, *shown))
        for name in segments:
            if (inside := row.in_segment(name)) != (customer in members[name]):
                found.add(Difference(customer, f"segment {name}", str(inside), str(not inside)))
    return found


def plain_value(cell: Any) -> Any:
    """A cell of a frame as a live row has it."""
    return float(cell) if isinstance(cell, Decimal) else cell


def _columns(program: Program, leave_out: Collection[str]) -> Iterable[str]:
    fresh = program.freshness
    return [name for name in program.visible if fresh[name] is not Freshness.NIGHTLY and name not in leave_out]


def _segments(program: Program, leave_out: Collection[str]) -> Iterable[str]:
    fresh, rules = program.segment_freshness, program.segment_rules
    return [
        name
        for name in rules
        if fresh[name] is not Freshness.NIGHTLY and not _rests_on(program, rules[name].columns, leave_out)
    ]


def _rests_on(program: Program, columns: Collection[str], others: Collection[str]) -> bool:
    return bool(others) and not set(columns).isdisjoint(others)


def _left_out(program: Program) -> list[str]:
    columns = [name for name in program.visible if program.freshness[name] is Freshness.NIGHTLY]
    segments = [name for name, fresh in program.segment_freshness.items() if fresh is Freshness.NIGHTLY]
    return [*columns, *(f"segment {name}" for name in segments)]
