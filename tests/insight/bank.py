"""A small bank for tests: deliveries drawn at random, as plain Python rows and as Parquet, and its workspace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

from cultiva.contracts.tables import EVENT, PARTY, TRANSACTION
from cultiva.contracts.types import Column, DataType
from cultiva.contracts.views import HOLDING_VIEW
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Lookup
from cultiva.engine.types import STORED
from cultiva.insight.profile.inputs import ProfileInputs, ViewRows

ON = date(1994, 3, 30)
Row = dict[str, Any]
ID = Column("customer_id", DataType.INTEGER)


@cache
def smallbank() -> Workspace:
    """The workspace beside this file."""
    return load_workspace(Path(__file__).parent / "smallbank")


@dataclass(frozen=True)
class Deliveries:
    """What the bank knows, row by row."""

    customers: list[Row]
    holdings: list[Row]
    transactions: list[Row]
    events: list[Row]
    ratings: list[Row]

    def of(self, rows: str, customer_id: int) -> list[Row]:
        return [row for row in getattr(self, rows) if row["customer_id"] == customer_id]


def deliveries(customers: int, *, seed: int = 1, on: date = ON) -> Deliveries:
    """Draws a bank."""
    random = Random(seed)
    people = [_person(random, number, on) for number in range(1, customers + 1)]
    holdings = [row for person in people for row in _holdings(random, person, on)]
    moving = [row for row in holdings if row["role"] == "owner"]
    transactions = [row for holding in moving for row in _transactions(random, holding, on)]
    events = [row for person in people for row in _events(random, person, on)]
    ratings = [
        {"customer_id": person["customer_id"], "source_id": person["source_id"], "points": random.choice(POINTS)}
        for person in people[::3]
    ]
    return Deliveries(people, holdings, transactions, events, ratings)


POINTS = ["1.5", "-7", "0", "", None, "n/a", "1e3", "2.50"]


def _person(random: Random, number: int, on: date) -> Row:
    born = on - timedelta(days=random.randint(10 * 365, 90 * 365)) if random.random() < 0.95 else None
    return {
        "customer_id": number,
        "source_system": "core",
        "source_id": f"P{number:05d}",
        "party_type": "person" if random.random() < 0.8 else "organisation",
        "name": random.choice(["Novák", "王芳", "O'Hara", None]),
        "birth_date": born,
        "region_code": random.choice(["north", "south", "南", "", None]),
        "opened_on": on - timedelta(days=random.randint(0, 900)),
    }


def _holdings(random: Random, person: Row, on: date) -> list[Row]:
    return [
        {
            "customer_id": person["customer_id"],
            "account_id": f"A{person['customer_id']:05d}-{number}",
            "product_id": f"product {random.randint(1, 4)}",
            "category": random.choice(["deposit", "deposit", "loan", "fund", None]),
            "asset_class": random.choice(["liquid", "steady", None]),
            "role": "owner" if number == 0 else random.choice(["owner", "joint"]),
            "opened_on": on - timedelta(days=random.choice([0, 5, 89, 90, 91, 400])),
            "is_open": random.random() < 0.85,
            "balance": Decimal(random.randint(-50_000, 6_000_000)) / 100,
        }
        for number in range(random.choice([0, 1, 1, 2, 3]))
    ]


def _transactions(random: Random, holding: Row, on: date) -> list[Row]:
    return [
        {
            "customer_id": holding["customer_id"],
            "account_id": holding["account_id"],
            "product_id": holding["product_id"],
            "category": holding["category"],
            "transaction_id": f"{holding['account_id']}-{number}",
            "at": _moment(random, on, random.choice([0, 1, 28, 29, 30, 200, 364, 365])),
            "amount": Decimal(random.randint(-200_000, 200_000)) / 100,
            "kind": random.choice(["fee", "salary", "card", None]),
        }
        for number in range(random.choice([0, 0, 2, 5]))
    ]


def _events(random: Random, person: Row, on: date) -> list[Row]:
    return [
        {
            "customer_id": person["customer_id"],
            "source_system": "core",
            "source_id": person["source_id"],
            "event_id": f"{person['source_id']}-{number}",
            "at": _moment(random, on, random.choice([0, 6, 7, 29, 30, 60, 100])),
            "name": random.choice(["loan_started", "app_opened", "other"]),
            "channel": random.choice(["app", "web", None]),
            "properties": random.choice(PROPERTIES),
        }
        for number in range(random.choice([0, 1, 3, 6]))
    ]


PROPERTIES = [
    None,
    "",
    "{",
    json.dumps({"amount": 1200.5, "product": "car", "online": True}),
    json.dumps({"amount": 700, "product": "car", "online": False}),
    json.dumps({"amount": "2000", "product": "车", "online": True, "steps": 4}),
    json.dumps({"amount": "many", "product": {"a": 1}, "online": "yes"}),
    json.dumps({"product": "car", "amount": None}),
]


def _moment(random: Random, on: date, days_ago: int) -> datetime:
    day = datetime.combine(on - timedelta(days=days_ago), datetime.min.time())
    return day + timedelta(microseconds=random.choice([0, 1, 86_399_999_999, random.randint(0, 86_399_999_999)]))


def write(
    bank: Deliveries, root: Path, *, previous: Sequence[Path] = (), scores: dict[int, float] | None = None
) -> ProfileInputs:
    """Writes the deliveries as the stages before would leave them in the lake."""
    party = [column for column in PARTY.columns if column.name not in ("source_system", "source_id")]
    _write(root / "customer", bank.customers, [ID, *party])
    _write(root / "holding", bank.holdings, [ID, *HOLDING_VIEW.columns])
    _write(root / "transaction", bank.transactions, list(TRANSACTION.columns))
    _write(root / "event", bank.events, list(EVENT.columns))
    owner = {row["account_id"]: row for row in bank.holdings if row["role"] == "owner"}
    about = [Column(name, DataType.TEXT) for name in ("account_id", "product_id", "category", "asset_class")]
    _write(root / "account_owner", list(owner.values()), [ID, *about])
    names = [Column(name, DataType.TEXT) for name in ("source_system", "source_id")]
    _write(root / "identity_map", bank.customers, [*names, ID])
    _write(root / "rating", bank.ratings, [Column(name, DataType.TEXT) for name in ("source_id", "points")])
    found = []
    if scores is not None:
        rows = [{"customer_id": key, "score": value} for key, value in scores.items()]
        _write(root / "score", rows, [ID, Column("score", DataType.NUMBER)])
        found = [root / "score"]
    return ProfileInputs(
        customer=[root / "customer"],
        views={
            "holding": ViewRows([root / "holding"]),
            "transaction": ViewRows([root / "transaction"], Lookup([root / "account_owner"], ("account_id",))),
            "event": ViewRows([root / "event"], Lookup([root / "identity_map"], ("source_system", "source_id"))),
        },
        externals={"rating": [root / "rating"]},
        scores={"attrition": found},
        identity_map=[root / "identity_map"],
        previous=previous,
    )


def _write(folder: Path, rows: Sequence[Row], columns: Sequence[Column]) -> None:
    arrays = {
        column.name: pa.array([row.get(column.name) for row in rows], type=STORED[column.type].arrow)
        for column in columns
    }
    write_arrow(pa.table(arrays), folder)


def later(bank: Deliveries, days: int) -> Deliveries:
    """The same bank with every date moved into the past, as if nothing had happened since."""
    moved = timedelta(days=days)
    return replace(
        bank,
        transactions=[{**row, "at": row["at"] - moved} for row in bank.transactions],
        events=[{**row, "at": row["at"] - moved} for row in bank.events],
    )
