"""The sample bank delivers what a bank would: consistent, the same for the same seed, and a little dirty."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cultiva.contracts.tables import CANONICAL
from cultiva.kit.errors import CultivaError
from cultiva.simbank import history as history_module
from cultiva.simbank.archetypes import EVENTS, KINDS
from cultiva.simbank.sample import write_sample

if TYPE_CHECKING:
    from tests.simbank.conftest import Sample

FILES = {
    "party_core": "party", "party_app": "party", "account": "account", "holder": "holder", "balance": "balance",
    "transaction": "transaction", "event": "event", "product": "product", "branch": "branch", "staff": "staff",
    "contact": "contact", "outcome": "outcome", "relationship": "relationship", "consent": "consent",
    "survey_answer": "survey_answer", "partner": "partner", "merchant": "merchant",
}  # fmt: skip
PARQUET = {"balance", "transaction", "event"}


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_it_writes_exactly_the_files_of_a_delivery(sample: Sample) -> None:
    expected = {f"{name}.{'parquet' if name in PARQUET else 'csv'}" for name in FILES}
    assert {path.name for path in sample.folder.iterdir()} == expected
    assert sample.counts.rows == {
        name: sample.rows(f"SELECT count(*) FROM {{{name}}}")[0][0] for name in sample.counts.rows
    }


@pytest.mark.parametrize(("name", "table"), FILES.items())
def test_columns_are_those_of_the_canonical_table(sample: Sample, name: str, table: str) -> None:
    columns = {row[0] for row in sample.rows(f"DESCRIBE SELECT * FROM {{{name}}}")}
    assert columns == set(CANONICAL[table].names)


def test_equal_seeds_give_equal_files_and_other_seeds_others(tmp_path: Path) -> None:
    for folder, seed in (("first", 7), ("again", 7), ("other", 8)):
        write_sample(tmp_path / folder, customers=300, seed=seed)
    first, again, other = (_digests(tmp_path / folder) for folder in ("first", "again", "other"))
    assert first == again
    assert first["transaction.parquet"] != other["transaction.parquet"]
    assert first["party_core.csv"] != other["party_core.csv"]


def test_balances_are_running_sums_of_the_movements(sample: Sample) -> None:
    wrong = sample.rows("""
        WITH moved AS (SELECT DISTINCT * FROM {transaction}),
        known AS (SELECT account_id FROM {account} WHERE product_id NOT IN ('P_MORTGAGE', 'P_CONSUMER', 'P_CORP_LOAN')),
        ends AS (SELECT account_id, arg_min(balance, date) AS first, min(date) AS since, arg_max(balance, date) AS final
                 FROM {balance} GROUP BY 1)
        SELECT account_id FROM ends SEMI JOIN known USING (account_id) LEFT JOIN moved USING (account_id)
        GROUP BY account_id, first, since, final
        HAVING first + coalesce(sum(amount) FILTER (CAST("at" AS DATE) > since), 0) <> final""")
    nameless = sample.rows("SELECT count(*) FROM {transaction} WHERE account_id IS NULL")[0][0]
    assert len(wrong) <= nameless  # a movement that lost its account is missing from that account's sum


def test_what_is_owed_falls_with_the_payments_and_never_below_zero(sample: Sample) -> None:
    loans = "SELECT account_id FROM {account} WHERE product_id IN ('P_MORTGAGE', 'P_CONSUMER', 'P_CORP_LOAN')"
    lowest, loan_count = sample.rows(
        f"SELECT min(balance), count(DISTINCT account_id) FROM {{balance}} WHERE account_id IN ({loans})"
    )[0]
    assert lowest >= 0
    assert loan_count > 100


def test_deposits_are_never_overdrawn(sample: Sample) -> None:
    overdrawn = sample.rows("""
        SELECT count(*) FROM {balance} JOIN (SELECT DISTINCT account_id, product_id FROM {account}) USING (account_id)
        WHERE balance < 0 AND product_id <> 'P_CREDITCARD'""")
    assert overdrawn == [(0,)]


def test_codes_are_those_of_the_starter_pack(sample: Sample) -> None:
    kinds = {row[0] for row in sample.rows("SELECT DISTINCT kind FROM {transaction}")}
    events = {row[0] for row in sample.rows("SELECT DISTINCT name FROM {event} WHERE name IS NOT NULL")}
    assert kinds == set(KINDS)
    assert events == set(EVENTS)


def test_every_reference_to_an_account_or_a_party_can_be_followed(sample: Sample) -> None:
    for query in (
        "SELECT count(*) FROM {holder} ANTI JOIN {party_core} USING (source_id)",
        "SELECT count(*) FROM {holder} ANTI JOIN {account} USING (account_id)",
        "SELECT count(*) FROM {balance} ANTI JOIN {account} USING (account_id)",
        "SELECT count(*) FROM {transaction} ANTI JOIN {account} USING (account_id) WHERE account_id IS NOT NULL",
        "SELECT count(*) FROM {event} e ANTI JOIN (SELECT source_system, source_id FROM {party_core} UNION ALL "
        "SELECT source_system, source_id FROM {party_app} WHERE source_id IS NOT NULL) USING (source_system, source_id)"
        " WHERE (SELECT count(*) FROM {party_app} WHERE source_id IS NULL) = 0",
        "SELECT count(*) FROM {account} a ANTI JOIN {branch} USING (branch_id)",
        "SELECT count(*) FROM {party_core} p ANTI JOIN {staff} s ON p.adviser_id = s.staff_id"
        " WHERE p.adviser_id IS NOT NULL",
    ):
        assert sample.rows(query) == [(0,)], query


def test_a_few_rows_are_dirty_and_well_under_one_in_a_hundred(sample: Sample) -> None:
    shares = dict(
        sample.rows("""
        SELECT 'party', avg((try_cast(birth_date AS DATE) IS NULL OR gender = 'unknown')::INT) FROM {party_core}
        UNION ALL SELECT 'account', 1 - count(DISTINCT account_id) / count(*) FROM {account}
        UNION ALL SELECT 'transaction', 1 - count(DISTINCT (transaction_id, account_id)) / count(*) FROM {transaction}
        """)
    )
    assert 0 < shares["party"] < 0.005
    assert 0 < shares["account"] < 0.005
    assert 0 < shares["transaction"] < 0.005


def test_the_history_ends_when_it_is_told_and_some_accounts_open_later(tmp_path: Path, sample: Sample) -> None:
    assert sample.rows('SELECT min("at")::DATE, max("at")::DATE FROM {transaction}') == [
        (date(1993, 1, 1), date(1994, 3, 31))
    ]
    later = sample.rows("SELECT count(*) FROM {account} WHERE try_cast(opened_on AS DATE) > DATE '1994-03-31'")[0][0]
    assert later > 5
    write_sample(tmp_path, customers=200, until=date(2025, 6, 30))
    import duckdb

    assert duckdb.sql(f"""SELECT max("at")::DATE FROM '{tmp_path}/transaction.parquet'""").fetchall() == [
        (date(2025, 6, 30),)
    ]


def test_the_average_of_transactions_is_as_asked(tmp_path: Path) -> None:
    counts = write_sample(tmp_path, customers=5_000, transactions_per_customer=12)
    assert 10.5 < counts.rows["transaction"] / 5_000 < 13.5


def test_large_banks_come_in_chunks_as_parquet_with_ids_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "CHUNK_CUSTOMERS", 500)
    told: list[tuple[int, int]] = []
    counts = write_sample(
        tmp_path, customers=2_200, transactions_per_customer=10, parquet=True, progress=lambda *n: told.append(n)
    )
    assert told == [(500, 2200), (1000, 2200), (1500, 2200), (2000, 2200), (2200, 2200)]
    assert {
        path.suffix
        for path in tmp_path.iterdir()
        if path.stem not in {"product", "branch", "staff", "partner", "merchant"}
    } == {".parquet"}
    import duckdb

    parties, different = duckdb.sql(
        f"SELECT count(*), count(DISTINCT source_id) FROM '{tmp_path}/party_core.parquet'"
    ).fetchall()[0]
    assert parties == counts.rows["party_core"]
    assert parties - different <= 5


@pytest.mark.parametrize("customers", [0, 99, 10_000_001])
def test_an_impossible_size_is_refused_with_the_range(tmp_path: Path, customers: int) -> None:
    with pytest.raises(CultivaError, match="number of customers") as caught:
        write_sample(tmp_path, customers=customers)
    assert caught.value.seen == customers
    assert "100 to 10000000" in caught.value.allowed
