from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.insight.delivery import Row, deliver, read
from tests.insight.views.slow_balances import SlowAccount

from cultiva.contracts.types import DataType
from cultiva.contracts.views import HOLDING_VIEW
from cultiva.engine.port import Engine
from cultiva.insight.views.holding import FROM_MOVEMENTS, NO_BALANCES, Worth, write_holdings
from cultiva.insight.views.ownership import Accounts, write_account_owners

TODAY = date(2024, 3, 30)
ACCOUNTS = 40


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def random_accounts(seed: int, *, movements: bool) -> dict[str, SlowAccount]:
    dice = random.Random(seed)

    def amount() -> Decimal:
        return Decimal(dice.randint(-99_999_99, 99_999_99)) / 100

    found = {}
    for number in range(ACCOUNTS):
        days = dice.sample(range(-20, 500), dice.choice([0, 1, 2, 10]))
        facts = [(days_ago(day), amount()) for day in days]
        closed = dice.choice([None, None, days_ago(dice.randint(-5, 400))])
        found[f"A{number:03}"] = (
            SlowAccount(closed, movements=facts) if movements else SlowAccount(closed, balances=facts)
        )
    return found


def account_rows(accounts: dict[str, SlowAccount]) -> list[Row]:
    return [
        {"account_id": name, "product_id": "P1", "opened_on": days_ago(600), "closed_on": one.closed_on}
        for name, one in accounts.items()
    ]


def balance_rows(accounts: dict[str, SlowAccount]) -> list[Row]:
    return [
        {"account_id": name, "date": day, "balance": amount}
        for name, one in accounts.items()
        for day, amount in one.balances
    ]


def movement_rows(accounts: dict[str, SlowAccount]) -> list[Row]:
    return [
        {"transaction_id": f"{name}-{n}", "account_id": name, "amount": amount, "at": datetime.combine(day, time(12))}
        for name, one in accounts.items()
        for n, (day, amount) in enumerate(one.movements)
    ]


def holder(account: str, source_id: str, role: str = "owner") -> Row:
    return {"account_id": account, "source_system": "core", "source_id": source_id, "role": role}


def mapping(engine: Engine, root: Path, ids: dict[str, int]) -> list[Path]:
    import pyarrow as pa

    rows = [{"source_system": "core", "source_id": name, "customer_id": number} for name, number in ids.items()]
    engine.write(engine.load(pa.Table.from_pylist(rows)), root / "mapping")
    return [root / "mapping"]


def held_by_one(engine: Engine, root: Path, accounts: Sequence[Row]) -> Accounts:
    return Accounts(
        account=deliver(root, "account", accounts),
        holder=deliver(root, "holder", [holder(row["account_id"], "s1") for row in accounts]),
        product=deliver(root, "product", [{"product_id": "P1", "category": "deposit", "asset_class": "liquid"}]),
        mapping=mapping(engine, root, {"s1": 1}),
    )


@pytest.mark.parametrize("movements", [False, True])
def test_balances_and_averages_are_those_of_a_count_day_by_day(
    duckdb_engine: Engine, tmp_path: Path, movements: bool
) -> None:
    accounts = random_accounts(7 + movements, movements=movements)
    worth = Worth(
        balance=[] if movements else deliver(tmp_path, "balance", balance_rows(accounts)),
        transaction=deliver(tmp_path, "transaction", movement_rows(accounts)),
    )
    held = held_by_one(duckdb_engine, tmp_path, account_rows(accounts))
    result = write_holdings(duckdb_engine, held, worth, tmp_path / "holding", business_date=TODAY, period_days=28)
    rows = read(tmp_path / "holding")
    assert result.written.rows == len(rows) == ACCOUNTS
    assert result.notes == ((FROM_MOVEMENTS,) if movements else ())
    for row in rows:
        slow = accounts[row["account_id"]]
        assert row["balance"] == slow.on(TODAY)
        assert row["is_open"] == (slow.closed_on is None or slow.closed_on > TODAY)
        for days in (30, 90, 365):
            assert row[f"balance_{days}d_ago"] == slow.on(days_ago(days))
            assert row[f"average_balance_{days}d"] == slow.average(TODAY, days)
        assert row["period_average_balance_28d"] == slow.average(TODAY, 28)


def test_half_a_cent_is_rounded_away_from_zero(duckdb_engine: Engine, tmp_path: Path) -> None:
    # 0.15 on the last of 30 days is half a cent a day.
    accounts = {
        "A1": SlowAccount(None, balances=[(TODAY, Decimal("0.15"))]),
        "A2": SlowAccount(None, balances=[(TODAY, Decimal("-0.15"))]),
    }
    held = held_by_one(duckdb_engine, tmp_path, account_rows(accounts))
    worth = Worth(deliver(tmp_path, "balance", balance_rows(accounts)), [])
    write_holdings(duckdb_engine, held, worth, tmp_path / "holding", business_date=TODAY)
    averages = [row["average_balance_30d"] for row in read(tmp_path / "holding")]
    assert averages == [Decimal("0.01"), Decimal("-0.01")]


def test_very_large_balances_keep_every_cent(duckdb_engine: Engine, tmp_path: Path) -> None:
    huge = Decimal("999999999999.99")
    accounts = {"A1": SlowAccount(None, balances=[(days_ago(400), huge)])}
    held = held_by_one(duckdb_engine, tmp_path, account_rows(accounts))
    worth = Worth(deliver(tmp_path, "balance", balance_rows(accounts)), [])
    write_holdings(duckdb_engine, held, worth, tmp_path / "holding", business_date=TODAY, period_days=30)
    [row] = read(tmp_path / "holding")
    assert [name for name in row if name.startswith("period_")] == []  # the view has the average over 30 days
    assert row["balance"] == row["average_balance_365d"] == row["average_balance_30d"] == huge


def test_the_view_has_the_columns_of_its_contract_and_the_banks_own(duckdb_engine: Engine, tmp_path: Path) -> None:
    accounts = {"A1": SlowAccount(None)}
    held = held_by_one(duckdb_engine, tmp_path, account_rows(accounts))
    result = write_holdings(duckdb_engine, held, Worth([], []), tmp_path / "holding", business_date=TODAY)
    [row] = read(tmp_path / "holding")
    assert result.notes == (NO_BALANCES,)
    assert list(row) == ["customer_id", *HOLDING_VIEW.names]
    assert row["category"] == "deposit"
    money = [column.name for column in HOLDING_VIEW.columns if column.type is DataType.MONEY]
    assert {row[name] for name in money if name != "credit_limit"} == {Decimal(0)}


def test_accounts_of_the_future_are_not_there_yet(duckdb_engine: Engine, tmp_path: Path) -> None:
    accounts = [
        {"account_id": "A1", "product_id": "P1", "opened_on": TODAY},
        {"account_id": "A2", "product_id": "P1", "opened_on": TODAY + timedelta(days=1)},
    ]
    held = held_by_one(duckdb_engine, tmp_path, accounts)
    write_holdings(duckdb_engine, held, Worth([], []), tmp_path / "holding", business_date=TODAY)
    write_account_owners(duckdb_engine, held, tmp_path / "owner", business_date=TODAY)
    assert [row["account_id"] for row in read(tmp_path / "holding")] == ["A1"]
    assert [row["account_id"] for row in read(tmp_path / "owner")] == ["A1"]


def several_holders(engine: Engine, root: Path) -> Accounts:
    """A1: owned by two, one of them under two source ids; A2: nobody's; A3: an authorised person only."""
    rows = [{"account_id": f"A{n}", "product_id": f"P{n}", "opened_on": TODAY} for n in (1, 2, 3)]
    return Accounts(
        account=deliver(root, "account", rows),
        holder=deliver(
            root,
            "holder",
            [
                holder("A1", "s1"), holder("A1", "s2", "joint"), holder("A1", "s3"), holder("A1", "s9"),
                holder("A3", "s3", "authorised"),
            ],
        ),
        product=deliver(root, "product", [{"product_id": "P1", "category": "loan"}]),
        mapping=mapping(engine, root, {"s1": 5, "s2": 5, "s3": 2}),
    )  # fmt: skip


def test_money_belongs_to_one_owner_and_everybody_is_there_once(duckdb_engine: Engine, tmp_path: Path) -> None:
    held = several_holders(duckdb_engine, tmp_path)
    write_holdings(duckdb_engine, held, Worth([], []), tmp_path / "holding", business_date=TODAY)
    rows = [(row["customer_id"], row["account_id"], row["role"]) for row in read(tmp_path / "holding")]
    assert rows == [(2, "A1", "owner"), (2, "A3", "authorised"), (5, "A1", "joint")]


def test_account_owner_carries_the_product(duckdb_engine: Engine, tmp_path: Path) -> None:
    held = several_holders(duckdb_engine, tmp_path)
    write_account_owners(duckdb_engine, held, tmp_path / "owner", business_date=TODAY)
    expected = {"account_id": "A1", "customer_id": 2, "product_id": "P1", "category": "loan", "asset_class": None}
    assert read(tmp_path / "owner") == [expected]


@pytest.mark.spark
def test_both_engines_write_the_same_holdings(duckdb_engine: Engine, spark_engine: Engine, tmp_path: Path) -> None:
    accounts = random_accounts(11, movements=False)
    accounts["H1"] = SlowAccount(None, balances=[(TODAY, Decimal("0.15"))])
    accounts["H2"] = SlowAccount(None, balances=[(TODAY, Decimal("-0.15"))])
    accounts["H3"] = SlowAccount(None, balances=[(days_ago(400), Decimal("999999999999.99"))])
    moved = random_accounts(12, movements=True)
    balance = deliver(tmp_path, "balance", balance_rows(accounts))
    transaction = deliver(tmp_path, "transaction", movement_rows(moved))

    def written(engine: Engine) -> list[Any]:
        folder = tmp_path / engine.name
        held = held_by_one(engine, folder, account_rows(accounts))
        shared = several_holders(engine, folder / "several")
        results = [
            write_holdings(engine, held, Worth(balance, []), folder / "balances", business_date=TODAY).written,
            write_holdings(engine, held, Worth([], transaction), folder / "movements", business_date=TODAY).written,
            write_holdings(engine, shared, Worth([], []), folder / "shared", business_date=TODAY).written,
            write_account_owners(engine, shared, folder / "owner", business_date=TODAY),
        ]
        return [result.fingerprint for result in results]

    assert written(duckdb_engine) == written(spark_engine)
