"""A query on a real PostgreSQL: every type of the server arrives exactly."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import psycopg
import pytest
from tests.insight.sources.conftest import TODAY, Bank

pytestmark = pytest.mark.postgres


def test_typed_columns_of_a_server_arrive_exactly(
    transactions: Bank, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "CREATE TABLE moves "
            "(id bigint, account text, time timestamptz, amount numeric(20, 4), kind varchar, day date)"
        )
        rows = [
            (2**60, "A1", "2024-03-28 02:00:00.123456+00", Decimal("-9999999999999.9900"), None, "2024-03-28"),
            (2, " A2 ", "2024-03-29 01:00:00+00", Decimal("0.1"), "银行", TODAY),
            (3, "A2", "2024-03-30 01:00:00+00", Decimal("1"), "x", "2024-03-30"),
        ]
        connection.cursor().executemany("INSERT INTO moves VALUES (%s, %s, %s, %s, %s, %s)", rows)
    monkeypatch.setenv("CORE_URL", postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    query = "SELECT id, account, time, amount, kind FROM moves WHERE day <= :date"
    transactions.inputs[0] = {"name": "moves", "url": "${env:CORE_URL}", "query": query}
    result = transactions.run().tables["transaction"]
    found = [
        (row["transaction_id"], row["account_id"], row["at"], row["amount"], row["kind"])
        for row in transactions.rows(result.snapshot)
    ]
    assert found == [
        (str(2**60), "A1", datetime.fromisoformat("2024-03-28T10:00:00.123456"), Decimal("-9999999999999.99"), None),
        ("2", "A2", datetime.fromisoformat("2024-03-29T09:00:00"), Decimal("0.10"), "银行"),
    ]
