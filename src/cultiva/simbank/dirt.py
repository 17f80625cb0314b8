"""Faults that real deliveries have, in a few rows: dates that do not exist, unknown codes, repeated rows, gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

REPEATED = ""
"""As a column: the whole row comes twice."""


@dataclass(frozen=True)
class Spoil:
    """One kind of fault."""

    column: str
    """Where; REPEATED for a row that comes twice."""
    value: str | None = None
    """What stands there instead."""
    share: float = 0.0006
    """Share of the rows that have it."""


SPOILS: dict[str, tuple[Spoil, ...]] = {
    "party_core": (Spoil("birth_date", "1968-02-30"), Spoil("gender", "unknown"), Spoil(REPEATED)),
    "party_app": (Spoil("birth_date", "31/12/1970"), Spoil("source_id", None)),
    "account": (Spoil("opened_on", "0000-00-00", 0.0004), Spoil(REPEATED, share=0.0004)),
    "holder": (Spoil("role", "nominee", 0.0004), Spoil(REPEATED, share=0.0004)),
    "balance": (Spoil(REPEATED, share=0.0001),),
    "transaction": (Spoil("account_id", None, 0.0001), Spoil(REPEATED, share=0.0001)),
    "event": (Spoil("name", None, 0.0002), Spoil(REPEATED, share=0.0002)),
    "consent": (Spoil("granted", "maybe"),),
    "survey_answer": (Spoil("score", "n/a", 0.002),),
}
"""Faults by file."""


def spoil(name: str, table: Any, rng: np.random.Generator, *, typed: bool) -> Any:
    """Puts the file's faults into a few rows.

    Args:
        name: The file's name without ending.
        table: Arrow table; for text files every column is text already.
        rng: Source of chance.
        typed: Whether columns are typed, so that a bad date or number cannot be written at all.
    """
    for fault in SPOILS.get(name, ()):
        rows = _rows(rng, table.num_rows, fault.share)
        if fault.column == REPEATED:
            table = pa.concat_tables([table, table.take(pa.array(rows))])
        elif rows.size and (not typed or pa.types.is_string(table.schema.field(fault.column).type)):
            table = _replaced(table, fault, rows)
    return table


def _rows(rng: np.random.Generator, count: int, share: float) -> np.ndarray[Any, np.dtype[np.int64]]:
    wanted = int(count * share + rng.random())
    return rng.integers(0, max(count, 1), wanted if count else 0)


def _replaced(table: Any, fault: Spoil, rows: np.ndarray[Any, np.dtype[np.int64]]) -> Any:
    hit = np.zeros(table.num_rows, dtype=np.bool_)
    hit[rows] = True
    bad = pa.scalar(fault.value, pa.string())
    column = pc.if_else(pa.array(hit), bad, table.column(fault.column))
    return table.set_column(table.schema.get_field_index(fault.column), fault.column, column)
