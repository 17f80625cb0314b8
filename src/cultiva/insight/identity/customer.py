"""The resolved customer: one row per customer, every column from the most trusted party record that has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.engine.port import Engine, Files, Written
from cultiva.insight.identity.keys import PARTY_KEY

if TYPE_CHECKING:
    import ibis

EARLIEST = "opened_on"
"""The one column that does not come from the most trusted record: the relationship began when the first did."""


def write_customers(
    engine: Engine, party: Files, mapping: Files, folder: Path, *, source_order: Sequence[str]
) -> Written:
    """Writes `customer`: customer_id and the columns of party, sorted by customer_id.

    A column's value is that of the first record that has one: of the most trusted source system, then the most
    recently opened, then the smallest (source_system, source_id). `opened_on` is the earliest.

    Args:
        engine: Where sets are computed.
        party: Party records.
        mapping: The identity map; records that it does not know are left out.
        folder: New lake folder.
        source_order: Source systems, most trusted first; others come after them, in the order of their names.
    """
    records = engine.scan(party)
    with ranked(records, engine.scan(mapping), source_order).cache() as ranks:
        return engine.write(resolved(records, ranks), folder, sort_by=["customer_id"])


def ranked(party: ibis.Table, mapping: ibis.Table, source_order: Sequence[str]) -> ibis.Table:
    """(source_system, source_id, customer_id, rank): rank 0 is the most trusted record of its customer."""
    import ibis

    narrow = party.select(*PARTY_KEY, EARLIEST).join(mapping, list(PARTY_KEY))
    trust = ibis.cases(
        *[(narrow.source_system == system, position) for position, system in enumerate(source_order)],
        (narrow.source_system.notnull(), len(source_order)),
        else_=len(source_order),
    )
    order = [trust, narrow[EARLIEST].desc(nulls_first=False), *PARTY_KEY]
    window = ibis.window(group_by="customer_id", order_by=order)
    return narrow.select(*PARTY_KEY, "customer_id", rank=ibis.row_number().over(window))


def resolved(party: ibis.Table, ranks: ibis.Table) -> ibis.Table:
    """One row per customer: the most trusted record, its gaps filled from the others."""
    import ibis

    names = [name for name in party.columns if name not in PARTY_KEY]
    records = party.join(ranks, list(PARTY_KEY))
    best = records.filter(records["rank"] == 0)
    others = records.filter(records["rank"] > 0)
    # Most customers have one record; only what the others add goes through an aggregate.
    filler = others.group_by("customer_id").aggregate(**{f"other_{name}": _first(others, name) for name in names})
    joined = best.left_join(filler, "customer_id")
    filled = {name: ibis.coalesce(joined[name], joined[f"other_{name}"]) for name in names if name != EARLIEST}
    earliest = ibis.least(joined[EARLIEST], joined[f"other_{EARLIEST}"])
    known = ibis.coalesce(earliest, joined[EARLIEST], joined[f"other_{EARLIEST}"])
    values = {**filled, EARLIEST: known}
    return joined.select("customer_id", **{name: values[name] for name in names})


def _first(records: ibis.Table, name: str) -> ibis.Value:
    if name == EARLIEST:
        return records[name].min()
    return records[name].argmin(records["rank"], where=records[name].notnull())
