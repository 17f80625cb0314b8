"""Balances day by day, the obvious slow way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

CENT = Decimal("0.01")


@dataclass(frozen=True)
class SlowAccount:
    """An account with its balances or its movements."""

    closed_on: date | None
    balances: Sequence[tuple[date, Decimal]] = ()
    movements: Sequence[tuple[date, Decimal]] = ()

    @cached_property
    def _by_day(self) -> dict[date, Decimal]:
        return dict(sorted(self.balances))

    def on(self, day: date) -> Decimal:
        """What it was worth at the end of a day."""
        if self.closed_on is not None and day >= self.closed_on:
            return Decimal(0)
        if self.movements:
            return sum((amount for at, amount in self.movements if at <= day), Decimal(0))
        known = [balance for at, balance in self._by_day.items() if at <= day]
        return known[-1] if known else Decimal(0)

    def average(self, today: date, days: int) -> Decimal:
        """Mean over the last days, today included."""
        total = sum((self.on(today - timedelta(days=ago)) for ago in range(days)), Decimal(0))
        return (total / days).quantize(CENT, rounding=ROUND_HALF_UP)
