"""Customers merged or split at night: what came in since the mark goes to whom the new identity map says.

A second mark seals the log: what stands before it is read again, record by record of whom it concerns, under the new
map; a worker that comes to it later leaves it out, since it is in the record already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from cultiva.contracts.moments import Moment, read_moment
from cultiva.insight.live.folding import add
from cultiva.insight.live.records import Days
from cultiva.insight.live.service import Live
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.store import IdentityChange
from cultiva.stream.port import Log, Logged, partition_of

READ = 5_000
"""Records read at a time."""


@dataclass(frozen=True)
class Moves:
    """Whose records are made anew."""

    seal: str = ""
    """The second mark; empty if nobody was merged or split."""
    since: Mapping[int, Days] = field(default_factory=dict)
    """Customer as of now -> what the night does not have yet, up to the seal."""
    now: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Number that is not used any more -> who the customer is now."""


def moves_of(parts: Parts, live: Live, log: Log, on: date) -> Moves:
    """What the identity changes of a night mean for records.

    Args:
        parts: Of the workspace.
        live: Its live profiles.
        log: Gets the second mark, if there are changes.
        on: The business date; whoever takes events knows its identity map by now.
    """
    changes = [one for one in parts.store.identity.changes(upto=on) if one.business_date == on]
    if not changes:
        return Moves()
    seal = f"{on.isoformat()}+identity"
    log.mark(seal)
    concerned = frozenset(number for one in changes for number in (*one.from_ids, *one.to_ids))
    after = frozenset(number for one in changes for number in one.to_ids)
    owners, firsts = _owners(parts, on), _first_records(parts, on, concerned)
    since: dict[int, Days] = {number: {} for number in after}
    for moment in _moments(log, concerned, on, seal):
        named = (moment.source_system, moment.source_id) if moment.source_id else firsts.get(moment.customer_id)
        customer = moment.customer_id if named is None else owners.get(named, moment.customer_id)
        if customer in since and (found := live.folder.parts(moment)):
            add(since[customer], moment.day.toordinal(), found, live.program.measures)
    return Moves(seal, since, _successors(changes))


def _successors(changes: list[IdentityChange]) -> dict[int, tuple[int, ...]]:
    return {old: one.to_ids for one in changes for old in one.from_ids if old not in one.to_ids}


def _owners(parts: Parts, on: date) -> dict[tuple[str, str], int]:
    """(source system, id there) -> customer, of those whom the changes of the night concern."""
    before = scan(parts.lake.files_before("identity_map", on)).select("source_system", "source_id", old="customer_id")
    now = scan(parts.lake.files_current("identity_map", on)).select("source_system", "source_id", "customer_id")
    changed = now.join(before, on=["source_system", "source_id"]).filter(pl.col("old") != pl.col("customer_id"))
    rows = changed.select("source_system", "source_id", "customer_id").collect()
    return {(system, number): customer for system, number, customer in rows.iter_rows()}


def _first_records(parts: Parts, on: date, concerned: frozenset[int]) -> dict[int, tuple[str, str]]:
    """The first party record of customers as the run before knew them: whose is what names no record."""
    before = scan(parts.lake.files_before("identity_map", on)).filter(pl.col("customer_id").is_in(sorted(concerned)))
    rows = before.select("customer_id", "source_system", "source_id").collect().sort(pl.all(), descending=True)
    return {customer: (system, number) for customer, system, number in rows.iter_rows()}


def _moments(log: Log, concerned: frozenset[int], on: date, seal: str) -> Iterator[Moment]:
    """Moments of those customers before the seal that the night does not have."""
    for partition in sorted({partition_of(customer, log.partitions) for customer in concerned}):
        marks = log.marks(partition)
        places = {name: position for position, name in marks}
        start, end = places[on.isoformat()], places[seal]
        begin = max((position for position, name in marks if name < on.isoformat()), default=0)
        for one in _records(log, partition, begin, end):
            if not one.mark and one.record.customer_id in concerned:
                moment = read_moment(one.record.body)
                if one.position > start or moment.day > on:
                    yield moment


def _records(log: Log, partition: int, after: int, end: int) -> Iterator[Logged]:
    while found := log.read(partition, after=after, limit=READ):
        yield from (one for one in found if one.position <= end)
        after = found[-1].position
        if after >= end:
            return
