"""The draw of `kit.hashing` as an expression of every engine: the same person everywhere.

DuckDB and Spark know it as the function `cultiva_draw`, which an engine defines when it opens. Polars has no
md5, so its form asks DuckDB, batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from cultiva.kit.hashing import DRAW_DIGITS, DRAW_RANGE

if TYPE_CHECKING:
    import ibis

FUNCTION = "cultiva_draw"
ALONE = "customer:"
"""Before the id of a customer who is drawn alone where others are drawn in groups."""
_TEXT = "md5(concat(salt, ':', CAST(unit AS {text})))"

DUCKDB_FUNCTION = f"""
CREATE OR REPLACE TEMPORARY MACRO {FUNCTION}(salt, unit) AS
CAST(CAST('0x' || left({_TEXT.format(text="VARCHAR")}, {DRAW_DIGITS}) AS BIGINT) AS DOUBLE) / {DRAW_RANGE}
"""
"""Defines the draw in DuckDB."""

SPARK_FUNCTION = f"""
CREATE OR REPLACE TEMPORARY FUNCTION {FUNCTION}(salt STRING, unit STRING) RETURNS DOUBLE
RETURN CAST(conv(left({_TEXT.format(text="STRING")}, {DRAW_DIGITS}), 16, 10) AS DOUBLE) / {DRAW_RANGE}D
"""
"""Defines the draw in Spark."""


def ibis_draw(salt: str | ibis.Value, customer_id: ibis.Value) -> ibis.Value:
    """Each customer's draw in [0, 1), on a backend of an engine.

    Args:
        salt: Names what is drawn for, e.g. `"holdout:global"`; may be a text column.
        customer_id: A whole-number column.
    """
    return ibis_unit_draw(salt, customer_id.cast("int64").cast("string"))


def ibis_unit_draw(salt: str | ibis.Value, unit: ibis.Value) -> ibis.Value:
    """The draw in [0, 1) of what is drawn as a whole.

    Args:
        salt: Names what is drawn for.
        unit: A text column, e.g. from `ibis_unit`.
    """
    import ibis

    @ibis.udf.scalar.builtin(name=FUNCTION)
    def cultiva_draw(salt: str, unit: str) -> float:  # type: ignore[empty-body]
        """Defined by the engine."""

    return cultiva_draw(salt, unit)


def ibis_unit(kind: str, holder: ibis.Value, customer_id: ibis.Value) -> ibis.Value:
    """What is drawn as a whole: `adviser:A7`, and for a customer who has none the customer alone: `customer:12`.

    Args:
        kind: Adviser or branch.
        holder: Its id; null where the customer has none.
        customer_id: A whole-number column.
    """
    import ibis

    alone = ibis.literal(ALONE) + customer_id.cast("int64").cast("string")
    return (ibis.literal(f"{kind}:") + holder).fill_null(alone)


def ibis_slices(salt: str, customer_id: ibis.Value, slices: Iterable[tuple[str, float]], rest: str) -> ibis.Value:
    """Into which slice each customer falls: shares of [0, 1) one after another, from 0 on, and the rest.

    Args:
        salt: Names what is drawn for.
        customer_id: A whole-number column.
        slices: Names and shares.
        rest: Name of what is left.
    """
    import ibis

    draw, upto, cases = ibis_draw(salt, customer_id), 0.0, []
    for name, share in slices:
        upto += share
        cases.append((draw < upto, ibis.literal(str(name))))
    return ibis.cases(*cases, else_=rest) if cases else ibis.literal(rest)


def polars_draw(salt: str, customer_id: pl.Expr) -> pl.Expr:
    """Each customer's draw in [0, 1), in Polars."""
    return customer_id.map_batches(
        lambda ids: pl.Series(ids.name, draws(salt, ids.to_numpy())), return_dtype=pl.Float64, is_elementwise=True
    )


def draws(salt: str, customer_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The draws of many customers at once, in their order.

    Examples:
        >>> draws("holdout:global", np.array([1])).round(6)
        array([0.509305])
    """
    import duckdb

    ids: Any = {"customer_id": customer_ids}
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(DUCKDB_FUNCTION)
        connection.register("ids", ids)
        found = connection.execute("SELECT cultiva_draw($1, customer_id) AS draw FROM ids", [salt]).fetchnumpy()
    return np.asarray(found["draw"], dtype=np.float64)
