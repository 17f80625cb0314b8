"""Tables that the engine's tests read."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from cultiva.contracts.types import Column, DataType
from cultiva.engine.parquet import write_arrow
from cultiva.engine.types import arrow_schema

MOVEMENTS = [
    Column("customer_id", DataType.INTEGER),
    Column("at", DataType.TIMESTAMP),
    Column("amount", DataType.MONEY),
    Column("kind", DataType.TEXT),
    Column("score", DataType.NUMBER),
    Column("days", DataType.INTEGER),
    Column("booked_on", DataType.DATE),
    Column("flag", DataType.BOOLEAN),
]


def movement(customer: int | None, day: int, amount: str | None, kind: str | None, **more: object) -> dict[str, object]:
    return {
        "customer_id": customer,
        "at": datetime.fromisoformat(f"1994-03-{day:02d}T23:59:59.999999"),
        "amount": None if amount is None else Decimal(amount),
        "kind": kind,
        "score": None,
        "days": None,
        "booked_on": date(1994, 3, day),
        "flag": None,
        **more,
    }


ROWS = [
    movement(1, 1, "0.10", "工资", score=0.1, days=3, flag=True),
    movement(1, 2, "0.20", "工资", score=0.2, days=-3, flag=False),
    movement(1, 3, "-10000000000000.99", "消费", score=-0.0),
    movement(1, 3, "5.00", "消费", score=1e300, days=2**53),
    movement(2, 9, None, None),
    movement(2, 8, "1.00", "fee", score=0.3, flag=True),
    movement(2, 7, "1.00", "Fee", score=0.0),
    movement(2, 7, "1.01", "𠮷野家", score=-0.0, days=7),
    movement(5, 30, "-0.01", "fee", score=-1.5, booked_on=None),
    movement(5, 30, "-0.02", "", score=-1.25, booked_on=date(1582, 1, 1)),
    movement(None, 30, "99.00", "fee", score=9.0),
]


@pytest.fixture(scope="session")
def movements(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A small table with nulls, ties, extremes and Chinese text, in two folders."""
    root = tmp_path_factory.mktemp("movements")
    schema = arrow_schema(MOVEMENTS)
    for number, rows in enumerate((ROWS[::2], ROWS[1::2])):
        write_arrow(pa.Table.from_pylist(rows, schema=schema), root / str(number))
    return [root / "0", root / "1"]
