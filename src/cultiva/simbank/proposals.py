"""From what the bank's execution is asked to carry out, in the bank's names, to touches of customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cultiva.kit.errors import CultivaError
from cultiva.simbank.arrays import Flags, Ints
from cultiva.simbank.living import Touches
from cultiva.simbank.tables import APP_FACTOR, APP_RANGE, APP_SHIFT
from cultiva.simbank.weekly import Naming

COLUMNS = ("source_system", "source_id", "strategy", "offer", "channel")
WORKING_DAYS = 5
_APP_INVERSE = pow(APP_FACTOR, -1, APP_RANGE)


def customers_by_id(systems: Any, ids: Any, n: int) -> Ints:
    """Customers by the ids of the core system or the app.

    Args:
        systems: Arrow texts `core` or `app`.
        ids: Arrow texts such as `C00000042` or `A12345678`.
        n: Customers of the bank.

    Raises:
        CultivaError: If an id is none of this bank's.
    """
    texts = [_plain(column) for column in (systems, ids)]
    good = pc.fill_null(pc.match_substring_regex(texts[1], "^[CA][0-9]{8}$"), False)
    digits = pc.if_else(good, pc.utf8_slice_codeunits(texts[1], 1), "0")
    number: Ints = digits.cast(pa.int64()).to_numpy(zero_copy_only=False)
    by_app: Flags = pc.fill_null(pc.equal(texts[0], "app"), False).to_numpy(zero_copy_only=False)
    found = np.where(by_app, (number - APP_SHIFT) * _APP_INVERSE % APP_RANGE, number)
    wrong = ~good.to_numpy(zero_copy_only=False) | (found >= n)
    letter = pc.fill_null(pc.utf8_slice_codeunits(texts[1], 0, 1), "").to_numpy(zero_copy_only=False)
    wrong |= letter != np.where(by_app, "A", "C")
    if bool(wrong.any()):
        raise CultivaError(
            "touches name parties that this bank does not have",
            code="simbank.party",
            seen=f"{int(wrong.sum())} of {wrong.size} rows",
            allowed=f"ids of the systems core and app, of customers 0 to {n - 1}",
            hint="give the ids as the bank's party files have them",
        )
    return found


def _plain(column: Any) -> Any:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.cast(pa.string())


def read_touches(table: Any, naming: Naming, *, n: int, begins: int) -> Touches:
    """Reads a week's touches; the order of the rows does not matter, repeated rows count once.

    Args:
        table: Arrow table, or a polars frame, with the columns COLUMNS.
        naming: What the bank's offers, channels and strategies are called.
        n: Customers of the bank.
        begins: First day of the week.

    Raises:
        CultivaError: If a column is missing or a name is not known.
    """
    arrow = table if isinstance(table, pa.Table) else table.to_arrow()
    _must_have(arrow.column_names)
    customer = customers_by_id(arrow.column("source_system"), arrow.column("source_id"), n)
    strategy = _places(arrow, "strategy", naming.strategies)
    offer = _places(arrow, "offer", [one.name for one in naming.offers])
    channel = _places(arrow, "channel", [one.name for one in naming.channels])
    rows = np.unique(np.stack([customer, strategy, offer, channel], axis=1), axis=0)
    who, on = rows[:, 0], rows[:, 1] * 7 + rows[:, 2]
    day = begins + (who * 31 + on) % WORKING_DAYS
    return Touches(who, rows[:, 1], rows[:, 2], rows[:, 3], day)


def _must_have(names: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise CultivaError(
            "touches lack columns",
            code="simbank.touches",
            seen=", ".join(names) or "no column",
            allowed=", ".join(COLUMNS),
            hint=f"add {', '.join(missing)}",
        )


def _places(arrow: Any, column: str, names: Sequence[str]) -> Ints:
    texts = _plain(arrow.column(column))
    place = pc.index_in(texts, value_set=pa.array(list(names), pa.string()))
    if place.null_count:
        strange = texts.filter(pc.is_null(place))[0].as_py()
        raise CultivaError(
            f"touches name a {column} that this bank was not founded with",
            code=f"simbank.{column}",
            seen=strange,
            allowed=", ".join(names),
            hint=f"found the bank with every {column} of the workspace",
        )
    found: Ints = place.to_numpy(zero_copy_only=False).astype(np.int64)
    return found
