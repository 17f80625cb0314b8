"""Fifteen months of a bank's history, drawn chunk by chunk and written as one delivery; memory is bounded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from cultiva.simbank.archetypes import PRODUCT_CODE, Life
from cultiva.simbank.arrays import NONE
from cultiva.simbank.delivery import Delivery
from cultiva.simbank.doings import Happenings, make_events
from cultiva.simbank.holdings import Accounts, open_accounts
from cultiva.simbank.movements import Balances, make_movements
from cultiva.simbank.places import place_tables
from cultiva.simbank.population import NEVER, Bank, Population, draw_population
from cultiva.simbank.tables import (
    Columns,
    account_tables,
    balance_table,
    event_table,
    party_facts,
    party_tables,
    transaction_table,
)
from cultiva.simbank.voices import voice_tables

CHUNK_CUSTOMERS = 50_000
"""Customers drawn together; memory depends on it, and so does what is drawn."""
WORKERS_MAX = 4


@dataclass(frozen=True)
class Drawn:
    """What was drawn for one chunk, before it became files."""

    people: Population
    accounts: Accounts
    balances: Balances
    events: Happenings
    columns: Mapping[str, Columns]
    """The chunk's tables as columns, without faults."""
    facts: Columns
    """What there is to know of every customer of the chunk, registered or not."""


@dataclass(frozen=True)
class Chunk:
    """One chunk, ready to be written."""

    drawn: Drawn
    tables: Mapping[str, Any]
    """The tables as they are delivered, faults included."""


@dataclass(frozen=True)
class History:
    """What decides the history of a bank."""

    bank: Bank
    seed: int
    lives_on: bool = False
    """Whether time goes on after the history: what would begin later is then left to come."""

    def write(self, delivery: Delivery) -> Iterator[Drawn]:
        """Writes the bank and its customers; tells after every chunk what was drawn."""
        rng = np.random.default_rng([self.seed, 0])
        for name, columns in place_tables(rng, self.bank).items():
            delivery.append(name, delivery.prepare(name, columns, rng))
        for chunk in self._chunks(delivery):
            delivery.append_all(chunk.tables)
            yield chunk.drawn

    def _chunks(self, delivery: Delivery) -> Iterator[Chunk]:
        """Chunks in order, a few of them drawn ahead by threads; numpy and Arrow release the lock."""
        numbers = iter(range(-(-self.bank.customers // CHUNK_CUSTOMERS)))
        workers = min(WORKERS_MAX, os.cpu_count() or 1)
        with ThreadPoolExecutor(workers) as pool:
            ahead: list[Future[Chunk]] = [
                pool.submit(self._draw_chunk, delivery, number) for number in islice(numbers, workers)
            ]
            while ahead:
                chunk = ahead.pop(0).result()
                ahead += [pool.submit(self._draw_chunk, delivery, number) for number in islice(numbers, 1)]
                yield chunk

    def _draw_chunk(self, delivery: Delivery, number: int) -> Chunk:
        rng = np.random.default_rng([self.seed, number + 1])
        bank, start = self.bank, number * CHUNK_CUSTOMERS
        people = draw_population(rng, bank, start, min(CHUNK_CUSTOMERS, bank.customers - start))
        people = _known_today(people) if self.lives_on else people
        accounts = open_accounts(rng, bank, people)
        accounts = _opened_today(accounts, people, bank.calendar.last) if self.lives_on else accounts
        movements, balances = make_movements(rng, bank, people, accounts)
        facts = party_facts(rng, bank, people, self.seed)
        tables = party_tables(rng, bank, people, facts)
        tables |= account_tables(rng, bank, people, accounts, number)
        tables["balance"] = balance_table(bank, people, accounts, balances, number)
        tables["transaction"] = transaction_table(rng, bank, people, accounts, movements, number)
        events = make_events(rng, bank, people)
        tables["event"] = event_table(bank, people, events, number)
        tables |= voice_tables(rng, bank, people, number)
        prepared = {name: delivery.prepare(name, columns, rng) for name, columns in tables.items()}
        kept = {name: tables[name] for name in ("consent", "contact")} if self.lives_on else {}
        return Chunk(Drawn(people, accounts, balances, events, kept, facts if self.lives_on else {}), prepared)


def _known_today(people: Population) -> Population:
    """Who would open an account after the history is a prospect: at most the app knows them."""
    coming = people.life == Life.FUTURE
    return replace(
        people,
        in_core=people.in_core & ~coming,
        adviser=np.where(coming, NONE, people.adviser),
        opened=np.where(coming | (people.life == Life.VISITOR), NEVER, people.opened),
    )


def _opened_today(accounts: Accounts, people: Population, last: int) -> Accounts:
    """Accounts that would open after the history open as long before its end."""
    late = (accounts.opened > last) & (accounts.opened < NEVER)
    earlier = np.maximum(2 * last - accounts.opened, np.minimum(people.opened[accounts.owner], last))
    current = accounts.of[accounts.owner, PRODUCT_CODE["P_CURRENT"]]
    earlier = np.maximum(earlier, np.minimum(accounts.opened[current], last))
    return replace(accounts, opened=np.where(late, earlier, accounts.opened))
