"""Customers that turned out to be one: under which id their enrolments and results go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cultiva.engine.port import Engine

if TYPE_CHECKING:
    import ibis

Mergers = Mapping[int, int]
"""Retired id -> the id that it was merged into."""


def followed(mergers: Mergers) -> dict[int, int]:
    """Every retired id with the last one of its chain.

    Examples:
        >>> followed({3: 2, 2: 1})
        {3: 1, 2: 1}
    """
    found = {}
    for retired in mergers:
        heir, seen = mergers[retired], {retired}
        while heir in mergers and heir not in seen:
            seen.add(heir)
            heir = mergers[heir]
        found[retired] = heir
    return found


def merged(engine: Engine, table: ibis.Table, mergers: Mergers) -> ibis.Table:
    """The table with retired ids replaced; `was_retired` says where."""
    import ibis
    import pyarrow as pa

    if not mergers:
        return table.mutate(was_retired=ibis.literal(False))
    last = followed(mergers)
    heirs = engine.load(pa.table({"retired": pa.array(list(last), pa.int64()), "heir": pa.array(list(last.values()))}))
    joined = table.left_join(heirs, table.customer_id == heirs.retired)
    moved = joined.mutate(
        customer_id=joined.heir.fill_null(joined.customer_id).cast("int64"), was_retired=joined.heir.notnull()
    )
    return moved.select(*table.columns, "was_retired")
