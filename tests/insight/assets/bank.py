"""A workspace with model portfolios, and customers in every situation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from cultiva.definitions.loading import load_workspace
from cultiva.definitions.packs import init_workspace
from cultiva.definitions.portfolios import BUCKETS, Portfolios
from cultiva.definitions.workspace import Workspace

ON = date(1994, 3, 30)
BALANCES = {name: f"{name}_balance" for name in BUCKETS}
Row = dict[str, Any]


@cache
def pack() -> Workspace:
    """The starter pack."""
    folder = Path(mkdtemp()) / "bank"
    init_workspace(folder)
    return load_workspace(folder)


def portfolios() -> Portfolios:
    """Its model portfolios."""
    found = pack().portfolios
    assert found is not None
    return found


def changed(**fields: Any) -> Portfolios:
    """The pack's model portfolios with other fields."""
    return Portfolios.model_validate({**portfolios().model_dump(by_alias=True), **fields})


def customers(count: int, *, seed: int = 1) -> list[Row]:
    """Customers with and without ratings, balances and incomes, of all ages."""
    random = Random(seed)
    return [_customer(random, number) for number in range(1, count + 1)]


def _customer(random: Random, number: int) -> Row:
    def money(most: int) -> Decimal | None:
        return random.choice([None, Decimal(0), Decimal(random.randint(-most, most * 100)) / 100])

    return {
        "customer_id": number,
        "asset__risk_rating": random.choice([None, "C1", "C2", "C3", "C4", "C5", "C9"]),
        "asset__risk_rated_on": random.choice([None, *(ON - timedelta(days=days) for days in (-1, 0, 1, 365, 366))]),
        "asset__birth_date": random.choice(
            [None, *(date(ON.year - age, month, 30) for age in (17, 39, 40, 54, 55, 65, 66, 90) for month in (3, 4))]
        ),
        "party_type": random.choice(["person", "person", "organisation", None]),
        "age": random.choice([None, 17, 18, 50, 80]),
        **{tag: money(3_000_000) for tag in BALANCES.values()},
        "monthly_income": money(40_000),
        "loan_balance": money(900_000),
    }


def age_on(born: date, on: date) -> int:
    """Completed years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def slow_model(row: Mapping[str, Any], used: Portfolios, on: date) -> str | None:
    """The customer's model, said in plain Python: the oracle of `forms.ModelForm`."""
    if row["party_type"] != "person" or row["age"] is None or row["age"] < 18:
        return None
    rating, rated_on, born = (row[f"asset__{name}"] for name in ("risk_rating", "risk_rated_on", "birth_date"))
    known = {model.rating for model in used.models}
    if rating not in known or rated_on is None or born is None:
        return "unrated"
    if not on - timedelta(days=365) <= rated_on <= on or age_on(born, on) > 65:
        return "unrated"
    band = [one.name for one in used.age_bands if age_on(born, on) >= (one.from_age or 0)][-1]
    return f"{rating.lower()}_{band}"
