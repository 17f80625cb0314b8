"""A sample bank of any size: what its systems would deliver, as files, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cultiva.kit.errors import CultivaError
from cultiva.simbank.delivery import Delivery
from cultiva.simbank.history import History
from cultiva.simbank.population import Bank, Calendar

CUSTOMERS_MIN, CUSTOMERS_MAX = 100, 10_000_000
DEFAULT_UNTIL = date(1994, 3, 31)
"""Last day of the default history, which begins on 1993-01-01."""
Progress = Callable[[int, int], None]
"""Told how many customers are written, and of how many."""


@dataclass(frozen=True)
class SampleCounts:
    """What a sample bank has."""

    customers: int
    """Persons and organisations, those who only use the app included."""
    organisations: int
    """Of these, organisations."""
    rows: Mapping[str, int]
    """Rows by file, without the ending."""

    def __str__(self) -> str:
        said = ("account", "transaction", "event")
        return ", ".join(f"{self.rows.get(name, 0):,} {name}s" for name in said)


def write_sample(  # noqa: PLR0913  (the knobs of a bank; all but the folder have a default)
    folder: Path,
    *,
    customers: int = 2_000,
    until: date = DEFAULT_UNTIL,
    seed: int = 1,
    transactions_per_customer: float = 40.0,
    parquet: bool = False,
    progress: Progress | None = None,
) -> SampleCounts:
    """Writes the deliveries of a sample bank: parties, accounts, movements, events, and the bank itself.

    Memory is bounded: customers are drawn and written chunk by chunk. Well under one row in a hundred is faulty,
    as in real deliveries.

    Args:
        folder: Where the files go; files of the same names are replaced.
        customers: 100 to 10 million.
        until: Last day of the fifteen months of history.
        seed: Equal seeds give equal files.
        transactions_per_customer: Average over all customers, counter-entries included.
        parquet: Whether every file about customers is Parquet, for large banks.
        progress: Told after every chunk.

    Raises:
        CultivaError: If the number of customers is out of range.
    """
    check_size(customers)
    history = History(Bank(customers, Calendar(until), transactions_per_customer), seed)
    done = organisations = 0
    with Delivery(folder, parquet=parquet) as delivery:
        for drawn in history.write(delivery):
            done += len(drawn.people)
            organisations += int(drawn.people.organisation.sum())
            if progress is not None:
                progress(done, customers)
    return SampleCounts(customers, organisations, dict(sorted(delivery.rows.items())))


def check_size(customers: int) -> None:
    """Refuses banks of impossible size.

    Raises:
        CultivaError: If the number of customers is out of range.
    """
    if not CUSTOMERS_MIN <= customers <= CUSTOMERS_MAX:
        raise CultivaError(
            "a sample bank cannot have this number of customers",
            code="simbank.customers",
            seen=customers,
            allowed=f"{CUSTOMERS_MIN} to {CUSTOMERS_MAX}",
            hint="choose a number in this range",
        )
