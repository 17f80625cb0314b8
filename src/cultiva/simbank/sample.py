"""A sample bank of any size: what its systems would deliver, as files, the same for the same seed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from cultiva.kit.errors import CultivaError
from cultiva.simbank.delivery import Delivery
from cultiva.simbank.doings import make_events
from cultiva.simbank.holdings import open_accounts
from cultiva.simbank.movements import make_movements
from cultiva.simbank.places import place_tables
from cultiva.simbank.population import Bank, Calendar, draw_population
from cultiva.simbank.tables import account_tables, balance_table, event_table, party_tables, transaction_table
from cultiva.simbank.voices import voice_tables

CUSTOMERS_MIN, CUSTOMERS_MAX = 100, 10_000_000
DEFAULT_UNTIL = date(1994, 3, 31)
"""Last day of the default history, which begins on 1993-01-01."""
CHUNK_CUSTOMERS = 50_000
"""Customers drawn together; memory depends on it, and so does what is drawn."""
WORKERS_MAX = 4
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


@dataclass(frozen=True)
class _Chunk:
    customers: int
    organisations: int
    tables: Mapping[str, Any]


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
    if not CUSTOMERS_MIN <= customers <= CUSTOMERS_MAX:
        raise CultivaError(
            "a sample bank cannot have this number of customers",
            code="simbank.customers",
            seen=customers,
            allowed=f"{CUSTOMERS_MIN} to {CUSTOMERS_MAX}",
            hint="choose a number in this range",
        )
    bank = Bank(customers, Calendar(until), transactions_per_customer)
    done = organisations = 0
    with Delivery(folder, parquet=parquet) as delivery:
        rng = np.random.default_rng([seed, 0])
        for name, columns in place_tables(rng, bank).items():
            delivery.append(name, delivery.prepare(name, columns, rng))
        for chunk in _chunks(bank, delivery, seed):
            delivery.append_all(chunk.tables)
            done += chunk.customers
            organisations += chunk.organisations
            if progress is not None:
                progress(done, customers)
    return SampleCounts(customers, organisations, dict(sorted(delivery.rows.items())))


def _chunks(bank: Bank, delivery: Delivery, seed: int) -> Iterator[_Chunk]:
    """Chunks in order, a few of them drawn ahead by threads; numpy and Arrow release the lock."""
    numbers = iter(range(-(-bank.customers // CHUNK_CUSTOMERS)))
    workers = min(WORKERS_MAX, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        ahead: list[Future[_Chunk]] = [
            pool.submit(_draw_chunk, bank, delivery, seed, number) for number in islice(numbers, workers)
        ]
        while ahead:
            chunk = ahead.pop(0).result()
            ahead += [pool.submit(_draw_chunk, bank, delivery, seed, number) for number in islice(numbers, 1)]
            yield chunk


def _draw_chunk(bank: Bank, delivery: Delivery, seed: int, number: int) -> _Chunk:
    rng = np.random.default_rng([seed, number + 1])
    start = number * CHUNK_CUSTOMERS
    people = draw_population(rng, bank, start, min(CHUNK_CUSTOMERS, bank.customers - start))
    accounts = open_accounts(rng, bank, people)
    movements, balances = make_movements(rng, bank, people, accounts)
    tables = party_tables(rng, bank, people, seed=seed)
    tables |= account_tables(rng, bank, people, accounts, number)
    tables["balance"] = balance_table(bank, people, accounts, balances, number)
    tables["transaction"] = transaction_table(rng, bank, people, accounts, movements, number)
    tables["event"] = event_table(bank, people, make_events(rng, bank, people), number)
    tables |= voice_tables(rng, bank, people, number)
    prepared = {name: delivery.prepare(name, columns, rng) for name, columns in tables.items()}
    return _Chunk(len(people), int(people.organisation.sum()), prepared)
