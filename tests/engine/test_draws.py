from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from cultiva.engine.draws import draws, ibis_draw, ibis_slices, polars_draw
from cultiva.engine.port import Engine
from cultiva.kit.hashing import draw

GOLDEN = {1: 0.5093046687543392, 2: 0.1894214814528823, 3: 0.643205079017207}
"""The draws of the first customers under `holdout:global`; they never change, or holdouts are redrawn."""
IDS = [*range(1, 2000), 2**31, 2**53]


def test_the_golden_draws_hold() -> None:
    assert {customer: draw("holdout:global", customer) for customer in GOLDEN} == GOLDEN


def test_an_engine_draws_what_python_draws(engine: Engine) -> None:
    table = engine.load(pa.table({"customer_id": IDS}))
    drawn = engine.fetch(table.mutate(draw=ibis_draw("strategy:存款'流失", table.customer_id))).to_pylist()
    assert {row["customer_id"]: row["draw"] for row in drawn} == {n: draw("strategy:存款'流失", n) for n in IDS}


def test_slices_follow_one_another_from_nought_and_leave_the_rest(engine: Engine) -> None:
    table = engine.load(pa.table({"customer_id": IDS}))
    part = ibis_slices("health", table.customer_id, (("a", 0.2), ("b", 0.1)), "rest")
    fallen = {row["customer_id"]: row["part"] for row in engine.fetch(table.mutate(part=part)).to_pylist()}
    assert fallen == {n: "a" if (lot := draw("health", n)) < 0.2 else "b" if lot < 0.3 else "rest" for n in IDS}
    everyone = ibis_slices("health", table.customer_id, (), "rest")
    assert {row["part"] for row in engine.fetch(table.mutate(part=everyone)).to_pylist()} == {"rest"}


def test_polars_draws_what_python_draws() -> None:
    frame = pl.LazyFrame({"customer_id": IDS})
    drawn = frame.select(draw=polars_draw("holdout:global", pl.col("customer_id"))).collect(engine="streaming")
    assert drawn["draw"].to_list() == [draw("holdout:global", n) for n in IDS]


def test_arrays_are_drawn_in_their_order() -> None:
    ids = np.array(IDS[::-1])
    assert draws("x", ids).tolist() == [draw("x", n) for n in IDS[::-1]]
    assert draws("x", np.array([], dtype=np.int64)).tolist() == []
