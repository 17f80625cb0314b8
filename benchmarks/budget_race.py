"""The race test of the contact budget: many senders want the same customers at once, and no cap may be broken.

Every sender is a process. It goes through all customers in an order of its own, batch after batch: it reserves, it
confirms what was granted, and it writes down what it would now have sent. What counts is what the senders have written
down, beside what the table says.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from benchmarks.harness import parse_size, size_name
from benchmarks.stores import STORES, empty_store

DESCRIPTION = "50 senders race for customers under a cap of 2, SQLite and PostgreSQL; --size 10k customers (default)"
SENDERS = 50
CAP = 2
BATCH = 1000
PATIENCE = 5
LONGEST = 600
AT = datetime(2026, 6, 1, 1, tzinfo=UTC)
DAY = date(2026, 6, 1)
OVER_CAP = (
    "select count(*) from (select customer_id from touch where state in ('reserved', 'confirmed') "
    "group by customer_id having count(*) > {cap}) as over_cap"
)
DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


@dataclass(frozen=True)
class Field:
    """What is raced for, and where."""

    url: str
    """Address of the store."""
    folder: Path
    """That it belongs to."""
    customers: int
    """How many customers there are."""
    batch: int
    """How many are asked for at once."""


def run(size: str | None) -> dict[str, Any]:
    """Races on both stores."""
    customers = parse_size(size or "10k")
    found = {}
    for name in STORES:
        with empty_store(name) as (url, folder):
            found[name] = race(url, folder, senders=SENDERS, customers=customers)
        print(name, found[name], file=sys.stderr)
    breaches = sum(one["breaches"] for one in found.values())
    return {"size": size_name(customers), "senders": SENDERS, "cap": CAP, "breaches": breaches, **found}


def race(url: str, folder: Path, *, senders: int, customers: int, batch: int = BATCH) -> dict[str, Any]:
    """Lets senders race on an empty store and counts what came of it.

    Returns:
        breaches: customers sent more than the cap, by the senders' own notes or by the table. short: customers who got
        less although room was left. requested, granted: touches. deadlocks: transactions that PostgreSQL broke off.
    """
    from cultiva.store import open_store

    open_store(url, folder).close()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.budget_race", "cultiva.execution.budget.service", "psycopg"])
    together, notes = context.Barrier(senders + 1), context.Queue()
    field = Field(url, folder, customers, batch)
    racers = [context.Process(target=send, args=(number, field, together, notes)) for number in range(senders)]
    for racer in racers:
        racer.start()
    together.wait()
    began = time.perf_counter()
    sent: Counter[int] = Counter()
    for _ in racers:
        sent.update(notes.get(timeout=LONGEST))
    seconds = time.perf_counter() - began
    for racer in racers:
        racer.join()
    assert [racer.exitcode for racer in racers] == [0] * senders
    noted = sum(1 for times in sent.values() if times > CAP)
    short = sum(1 for customer in range(customers) if sent[customer] < min(CAP, senders))
    requested = senders * customers
    return {
        "breaches": max(noted, _ask(url, folder, OVER_CAP.format(cap=CAP))),
        "short": short,
        "requested": requested,
        "granted": sum(sent.values()),
        "deadlocks": _ask(url, folder, DEADLOCKS) if url.startswith("postgres") else 0,
        "seconds": round(seconds, 2),
        "requests_per_second": round(requested / seconds),
    }


def send(number: int, field: Field, together: Barrier, notes: Any) -> None:
    """One sender: reserves, confirms, and notes whom it has sent something."""
    from cultiva.definitions.policy import Cap
    from cultiva.execution.budget.service import Budget
    from cultiva.store.database import Database

    database = Database(field.url, field.folder)
    budget = Budget(database, [Cap(scope="customer", days=7, contacts_max=CAP)])
    chance = random.Random(number)
    order = chance.sample(range(field.customers), field.customers)
    sent: list[int] = []
    together.wait()
    for begin in range(0, field.customers, field.batch):
        mine = order[begin : begin + field.batch]
        asked = _requests(number, mine, chance)
        granted = [one.touch_id for one in _patiently(budget.reserve, None, asked, AT) if one.granted]
        confirmed = {one.touch_id for one in _patiently(budget.confirm, granted, AT) if one.granted}
        sent += [one.customer_id for one in asked if one.touch_id in confirmed]
    database.close()
    notes.put(sent)


def _patiently(act: Callable[..., Sequence[Any]], *given: Any) -> Sequence[Any]:
    """Does something again if the store was busy for a minute, as a worker would."""
    from cultiva.kit.errors import CultivaError, ErrorKind

    for _ in range(PATIENCE):
        try:
            return act(*given)
        except CultivaError as error:
            if error.kind is not ErrorKind.UNAVAILABLE:
                raise
    return act(*given)


def _requests(number: int, customers: Sequence[int], chance: random.Random) -> list[Any]:
    from cultiva.execution.budget.touches import TouchRequest

    return [
        TouchRequest(
            touch_id=f"{number}-{customer}",
            customer_id=customer,
            household_id=None,
            channel="sms",
            offer=f"offer{number}",
            strategy=f"strategy{number}",
            launch_id=f"launch{number}",
            step="one",
            worth=chance.random(),
            counts_on=DAY,
        )
        for customer in customers
    ]


def _ask(url: str, folder: Path, statement: str) -> int:
    from sqlalchemy import text

    from cultiva.store.database import Database

    database = Database(url, folder)
    with database.reading() as connection:
        found = int(connection.execute(text(statement)).scalar_one())
    database.close()
    return found
