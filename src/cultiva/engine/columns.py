"""A table with exactly the columns asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cultiva.contracts.types import Column
from cultiva.engine.types import STORED

if TYPE_CHECKING:
    import ibis


def with_columns(table: ibis.Table, columns: Sequence[Column]) -> ibis.Table:
    """The table with these columns in this order and type; one that it lacks is null, others are left out."""
    import ibis

    present = set(table.columns)
    return table.select(
        *[
            (table[column.name] if column.name in present else ibis.null())
            .cast(STORED[column.type].ibis)
            .name(column.name)
            for column in columns
        ]
    )
