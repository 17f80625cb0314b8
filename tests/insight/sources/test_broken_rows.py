"""Rows that break a contract: each goes to the quarantine with its place, key, rule and value; the others are kept."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.insight.sources.conftest import HEADER, TODAY, Bank, transaction_lines

from cultiva.contracts.types import INTEGER_MAX
from cultiva.insight.sources import delivery

GOOD = 300
"""Good rows around a bad one, so that it stays below the tolerated share."""


def quarantined(bank: Bank, line: str, *, header: str = HEADER) -> dict[str, Any]:
    """What the quarantine says of one line among good ones."""
    bank.deliver("transactions.csv", header + transaction_lines(GOOD) + line)
    result = bank.run()
    counts = result.tables["transaction"].counts
    assert (counts.read, counts.kept, counts.quarantined) == (GOOD + 1, GOOD, 1)
    (row,) = bank.rows(result.quarantine)
    assert (row["table"], row["mapping"], row["file"]) == ("transaction", "moves", "transactions.csv")
    assert row["record"] == GOOD + 1
    return row


@pytest.mark.parametrize(
    ("line", "rule", "column", "value"),
    [
        ("T0,A1,30.02.2024,5.00,card\n", "timestamp", "at", "30.02.2024"),
        ("T0,A1,2024-02-30,5.00,card\n", "timestamp", "at", "2024-02-30"),
        ("T0,A1,0024-02-28 10:00:00,5.00,card\n", "year", "at", "0024-02-28 10:00:00"),
        ("T0,A1,2924-02-28 10:00:00,5.00,card\n", "year", "at", "2924-02-28 10:00:00"),
        ("T0,A1,2024-02-28,five,card\n", "money", "amount", "five"),
        ("T0,A1,2024-02-28,0x10,card\n", "money", "amount", "0x10"),
        ("T0,A1,2024-02-28,1e3,card\n", "money", "amount", "1e3"),
        ("T0,A1,2024-02-28,nan,card\n", "money", "amount", "nan"),
        ("T0,A1,2024-02-28,5.001,card\n", "digits", "amount", "5.001"),
        ("T0,A1,2024-02-28,12345678901234567.00,card\n", "range", "amount", "12345678901234567.00"),
        ("T0,A1,2024-02-28,,card\n", "required", "amount", None),
        (",A1,2024-02-28,5.00,card\n", "required", "transaction_id", None),
        ("T0,  ,2024-02-28,5.00,card\n", "required", "account_id", None),
        ("T0,A\x001,2024-02-28,5.00,card\n", "nul", "account_id", "A\x001"),
    ],
)
def test_a_bad_value_is_quarantined_with_its_rule_and_value(
    transactions: Bank, line: str, rule: str, column: str, value: str | None
) -> None:
    row = quarantined(transactions, line)
    assert (row["rule"], row["column"], row["value"]) == (rule, column, value)


@pytest.mark.parametrize("line", ["T0,A1,2024-02-28\n", "T0,A1,2024-02-28,5.00,card,extra\n"])
def test_a_ragged_record_is_quarantined(transactions: Bank, line: str) -> None:
    row = quarantined(transactions, line)
    assert (row["rule"], row["key"]) == ("fields", None)
    assert "Expected Number of Columns: 5" in row["reason"]


def test_places_count_ragged_records_and_line_breaks_within_quotes(transactions: Bank) -> None:
    transactions.tables[0]["bad_rows_max"] = 1
    good = 'T{},A1,2024-02-28,5.00,"two\nlines"\n'
    lines = [
        good.format(1),
        "ragged\n",
        "ragged\n",
        "T4,A1,bad,5.00,card\n",
        good.format(5),
        "r,a\n",
        "T7,A1,bad,5,c\n",
    ]
    transactions.deliver("transactions.csv", HEADER + "".join(lines))
    result = transactions.run()
    assert [(row["record"], row["rule"]) for row in transactions.rows(result.quarantine)] == [
        (2, "fields"),
        (3, "fields"),
        (4, "timestamp"),
        (6, "fields"),
        (7, "timestamp"),
    ]
    assert [row["kind"] for row in transactions.rows(result.tables["transaction"].snapshot)] == ["two\nlines"] * 2


def test_all_contracts_that_a_row_breaks_are_named(transactions: Bank) -> None:
    row = quarantined(transactions, "T0,,bad,5.001,card\n")
    assert (row["rule"], row["column"]) == ("required", "account_id")
    assert row["also"] == "timestamp at; digits amount"


def test_ten_percent_nulls_in_a_key_stop_the_run_with_counts_and_examples(transactions: Bank) -> None:
    nulls = "".join(f",A1,2024-03-28,{n}.00,card\n" for n in range(20))
    transactions.deliver("transactions.csv", HEADER + transaction_lines(180) + nulls)
    fault = transactions.fault()
    assert fault.code == "sources.too_many_bad_rows"
    assert fault.message.startswith("20 of 200 rows (10.00%) of mapping moves to table transaction are bad")
    assert fault.seen.startswith("required transaction_id: 20 rows, e.g. record 181 of transactions.csv")
    assert "bad_rows_max 1.00%" in fault.allowed


def test_bad_rows_up_to_the_tolerated_share_do_not_stop_the_run(transactions: Bank) -> None:
    transactions.tables[0]["bad_rows_max"] = 0.1
    nulls = "".join(f",A1,2024-03-28,{n}.00,card\n" for n in range(20))
    transactions.deliver("transactions.csv", HEADER + transaction_lines(180) + nulls)
    assert transactions.run().tables["transaction"].counts.quarantined == 20


def test_a_few_bad_rows_of_a_small_delivery_do_not_stop_the_run(transactions: Bank) -> None:
    transactions.tables[0]["bad_rows_few"] = 2
    nulls = "".join(f",A1,2024-03-28,{n}.00,card\n" for n in range(2))
    transactions.deliver("transactions.csv", HEADER + transaction_lines(10) + nulls)
    assert transactions.run().tables["transaction"].counts.quarantined == 2
    transactions.deliver("transactions.csv", HEADER + transaction_lines(10) + nulls + ",A1,2024-03-28,9.00,card\n")
    assert "bad_rows_max 1.00% of the rows, or 2" in transactions.fault().allowed


def test_a_negative_balance_is_quarantined_where_a_rule_forbids_it(bank: Bank) -> None:
    bank.deliver("balances.csv", "account,day,balance\nA1,2024-03-28,-0.01\nA2,2024-03-28,0\nA3,2024-03-28,\n")
    bank.inputs = [{"name": "balances", "file": "balances.csv"}]
    bank.tables = [
        {
            "table": "balance",
            "name": "balances",
            "from": "balances",
            "columns": {"account_id": "account", "date": "day", "balance": "balance"},
            "rules": [{"name": "not_overdrawn", "rule": "balance >= 0"}],
            "bad_rows_max": 1,
        }
    ]
    result = bank.run()
    found = [(row["key"], row["rule"], row["column"], row["value"]) for row in bank.rows(result.quarantine)]
    assert found == [
        ("A1/2024-03-28", "not_overdrawn", "balance", "-0.01"),
        ("A3/2024-03-28", "required", "balance", None),
    ]


def test_a_rule_that_is_null_for_a_row_lets_it_pass(parties: Bank) -> None:
    parties.tables[0]["rules"] = [{"name": "adult", "rule": "days_between(birth_date, today) > 6570"}]
    parties.deliver("customers.csv", "id,type,name,phone,born\n1,P,A,,\n2,P,B,,2020-01-01\n3,P,C,,1980-01-01\n")
    result = parties.run()
    assert [row["source_id"] for row in parties.rows(result.tables["party"].snapshot)] == ["1", "3"]
    (row,) = parties.rows(result.quarantine)
    assert (row["rule"], row["value"]) == ("adult", "2***")


def test_a_rule_over_several_columns_shows_them_all_the_personal_ones_masked(parties: Bank) -> None:
    parties.tables[0]["rules"] = [{"name": "named", "rule": "name <> 'NN' or source_id = '1'"}]
    parties.deliver("customers.csv", "id,type,name,phone,born\n1,P,NN,,\n2,P,NN,,\n")
    (row,) = parties.rows(parties.run().quarantine)
    assert (row["rule"], row["column"], row["value"]) == ("named", "name, source_id", "name=N***, source_id=2")
    assert row["reason"] == "must hold: name <> 'NN' or source_id = '1'"


def test_personal_values_are_masked(parties: Bank) -> None:
    parties.deliver(
        "customers.csv",
        "id,type,name,phone,born\n1,P,张三,1380\x000138000,1970-01-01\n2,P,李四,1,1970-99-01\n3,P,,,\n4,P,,,\n",
    )
    result = parties.run()
    values = [(row["column"], row["value"]) for row in parties.rows(result.quarantine)]
    assert values == [("phone", "1***"), ("birth_date", "1***")]


def test_a_birth_in_the_future_is_quarantined(parties: Bank) -> None:
    parties.deliver("customers.csv", "id,type,name,phone,born\n1,P,A,,2024-03-30\n2,P,B,,2024-03-29\n")
    result = parties.run()
    (row,) = parties.rows(result.quarantine)
    assert (row["key"], row["rule"], row["reason"]) == ("core/1", "future", "a day up to 2024-03-29")


def test_a_code_outside_of_the_map_is_quarantined(parties: Bank) -> None:
    parties.deliver("customers.csv", "id,type,name,phone,born\n1,X,A,,\n2,C,B,,\n3,,B,,\n4,P,B,,\n")
    result = parties.run()
    found = [(row["key"], row["rule"], row["column"], row["value"]) for row in parties.rows(result.quarantine)]
    assert found == [("core/1", "code", "party_type", "X"), ("core/3", "required", "party_type", None)]


def test_a_canonical_code_that_does_not_exist_is_quarantined(bank: Bank) -> None:
    bank.deliver("products.csv", "id,category\nP1,deposit\nP2,savings\n")
    bank.inputs = [{"name": "products", "file": "products.csv"}]
    columns = {"product_id": "id", "category": "category"}
    bank.tables = [
        {"table": "product", "name": "products", "from": "products", "columns": columns, "bad_rows_max": 0.5}
    ]
    (row,) = bank.rows(bank.run().quarantine)
    assert (row["rule"], row["value"]) == ("code", "savings")
    assert row["reason"].startswith("one of deposit, loan, card")


def test_a_value_below_the_minimum_is_quarantined(bank: Bank) -> None:
    bank.deliver("staff.csv", "id,branch,role,calls\nS1,B1,adviser,-1\nS2,B1,adviser,40\nS3,B1,adviser,4.5\n")
    bank.inputs = [{"name": "staff", "file": "staff.csv"}]
    columns = {"staff_id": "id", "branch_id": "branch", "role": "role", "contacts_per_week_max": "calls"}
    bank.tables = [{"table": "staff", "name": "staff", "from": "staff", "columns": columns, "bad_rows_max": 1}]
    found = [(row["key"], row["rule"], row["value"]) for row in bank.rows(bank.run().quarantine)]
    assert found == [("S1", "minimum", "-1"), ("S3", "integer", "4.5")]


def test_facts_after_the_business_date_are_not_yet(transactions: Bank) -> None:
    transactions.deliver(
        "transactions.csv", HEADER + "T1,A1,2024-03-30,5,c\nT2,A1,2029-03-29,5,c\nT3,A1,2024-03-29 23:59:59,5,c\n"
    )
    counts = transactions.run().tables["transaction"].counts
    assert (counts.kept, counts.not_yet, counts.quarantined) == (1, 2, 0)


def test_an_account_opened_after_the_business_date_does_not_exist_yet(bank: Bank) -> None:
    bank.deliver("accounts.csv", "id,product,opened\nA1,P1,2024-03-29\nA2,P1,2024-03-30\n")
    bank.inputs = [{"name": "accounts", "file": "accounts.csv"}]
    columns = {"account_id": "id", "product_id": "product", "opened_on": "opened"}
    bank.tables = [{"table": "account", "name": "accounts", "from": "accounts", "columns": columns}]
    result = bank.run()
    assert [row["account_id"] for row in bank.rows(result.tables["account"].snapshot)] == ["A1"]
    assert result.tables["account"].counts.not_yet == 1


def test_a_fact_years_after_the_date_of_its_file_is_a_fault(transactions: Bank) -> None:
    transactions.inputs[0]["file"] = "moves-{date}.csv"
    transactions.tables[0]["bad_rows_max"] = 1
    transactions.deliver(f"moves-{TODAY}.csv", HEADER + "T1,A1,2042-03-28,5,c\nT2,A1,2024-03-30,5,c\n")
    result = transactions.run()
    assert result.tables["transaction"].counts.not_yet == 1
    (row,) = transactions.rows(result.quarantine)
    assert (row["key"], row["rule"], row["column"]) == ("T1", "future", "at")


def test_the_same_row_twice_is_kept_once(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + transaction_lines(3) + transaction_lines(2))
    counts = transactions.run().tables["transaction"].counts
    assert (counts.read, counts.kept, counts.duplicate, counts.quarantined) == (5, 3, 2, 0)


def test_of_facts_with_one_key_the_first_is_kept(transactions: Bank) -> None:
    transactions.tables[0]["bad_rows_max"] = 1
    transactions.deliver(
        "transactions.csv", HEADER + "T1,A1,2024-03-28,9,c\nT1,A1,2024-03-28,5,c\nT1,A1,2024-03-28,9,c\n"
    )
    result = transactions.run()
    counts = result.tables["transaction"].counts
    assert (counts.kept, counts.duplicate, counts.quarantined) == (1, 1, 1)
    assert [row["amount"] for row in transactions.rows(result.tables["transaction"].snapshot)] == [Decimal("9.00")]
    (row,) = transactions.rows(result.quarantine)
    assert (row["record"], row["key"], row["rule"], row["column"]) == (2, "T1", "key_conflict", "transaction_id")


@pytest.mark.parametrize("key_hash", ["hash(transaction_id)", "hash(transaction_id) % 2", "hash(0)"])
def test_keys_that_share_a_hash_are_told_apart(
    transactions: Bank, monkeypatch: pytest.MonkeyPatch, key_hash: str
) -> None:
    monkeypatch.setattr(delivery, "key_hash", lambda schema: key_hash)
    amounts = {"T1": ["5", "5"], "T2": ["5", "6"], "T3": ["x", "7"], "T4": ["8"], "T5": ["x"], "T6": ["9"]}
    lines = [f"{key},A1,2024-03-28,{amount},card\n" for key, values in amounts.items() for amount in values]
    transactions.deliver("transactions.csv", HEADER + "".join(lines) + "T7,A1,2024-04-05,1,card\n")
    transactions.tables[0]["bad_rows_max"] = 1
    result = transactions.run()
    table = result.tables["transaction"]
    kept = {row["transaction_id"]: row["amount"] for row in transactions.rows(table.snapshot)}
    assert kept == {"T1": 5, "T2": 5, "T3": 7, "T4": 8, "T6": 9}
    assert sorted(row["key"] for row in transactions.rows(result.quarantine)) == ["T2", "T3", "T5"]
    assert (table.counts.read, table.counts.duplicate, table.counts.not_yet) == (10, 1, 1)
    assert table.counts.balanced


def test_of_master_rows_with_one_key_the_last_is_kept(parties: Bank) -> None:
    parties.deliver("customers.csv", "id,type,name,phone,born\n1,P,old,,\n1,P,new,,\n2,P,B,,\n2,P,B,,\n")
    result = parties.run()
    assert [row["name"] for row in parties.rows(result.tables["party"].snapshot)] == ["new", "B"]
    (row,) = parties.rows(result.quarantine)
    assert (row["record"], row["key"], row["rule"]) == (1, "core/1", "key_conflict")


def test_without_an_order_the_content_decides_which_row_is_kept(transactions: Bank) -> None:
    select = "SELECT id AS transaction_id, account AS account_id, time AS at, amount FROM moves"
    transactions.tables[0] = {"table": "transaction", "name": "moves", "select": select, "bad_rows_max": 1}
    kept = []
    for lines in ("T1,A1,2024-03-28,9,c\nT1,A1,2024-03-28,5,c\n", "T1,A1,2024-03-28,5,c\nT1,A1,2024-03-28,9,c\n"):
        transactions.deliver("transactions.csv", HEADER + lines)
        result = transactions.run(publish=False)
        kept += [row["amount"] for row in transactions.rows(result.tables["transaction"].snapshot)]
    assert kept == [Decimal("5.00"), Decimal("5.00")]


def test_quotes_and_line_breaks_within_fields_are_kept(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + 'T1,A1,2024-03-28,5,"say ""hi"",\nthen go"\n')
    (row,) = transactions.rows(transactions.run().tables["transaction"].snapshot)
    assert row["kind"] == 'say "hi",\nthen go'


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "mixed"])
def test_every_kind_of_line_end_is_read(transactions: Bank, ends: str) -> None:
    lines = (HEADER + transaction_lines(50)).splitlines()
    if ends == "mixed":
        text = "".join(line + ("\n", "\r\n", "\r")[number % 3] for number, line in enumerate(lines))
    else:
        text = "".join(line + ends for line in lines)
    transactions.deliver("transactions.csv", text)
    rows = transactions.rows(transactions.run().tables["transaction"].snapshot)
    assert sorted(row["transaction_id"] for row in rows) == sorted(f"T{n}" for n in range(1, 51))
    assert {row["kind"] for row in rows} == {"card"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "latin-1"])
def test_every_encoding_is_read_with_or_without_a_byte_order_mark(transactions: Bank, encoding: str) -> None:
    kind = "café" if encoding == "latin-1" else "转账𠮷"
    transactions.inputs[0]["format"] = {"encoding": "utf-8" if encoding == "utf-8-sig" else encoding}
    transactions.deliver("transactions.csv", (HEADER + f"T1,A1,2024-03-28,5,{kind}\n").encode(encoding))
    (row,) = transactions.rows(transactions.run().tables["transaction"].snapshot)
    assert row["kind"] == kind


def test_a_last_line_without_a_line_end_is_read(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", (HEADER + transaction_lines(2)).rstrip("\n"))
    assert transactions.run().tables["transaction"].counts.kept == 2


def test_columns_that_no_mapping_reads_are_ignored_and_reported(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", "id,account,time,amount,kind,memo,teller\nT1,A1,2024-03-28,5,c,x,y\n")
    result = transactions.run().tables["transaction"]
    assert result.counts.kept == 1
    assert result.notes == ("moves: columns that no mapping reads: memo, teller",)


def _parquet(bank: Bank, **columns: pa.Array) -> None:
    count = len(next(iter(columns.values())))
    base = {
        "id": pa.array([f"T{n}" for n in range(count)]),
        "account": pa.array(["A1"] * count),
        "time": pa.array([datetime.fromisoformat("2024-03-28T00:00:00")] * count),
        "amount": pa.array([1.0] * count),
        "kind": pa.array(["card"] * count),
    }
    pq.write_table(pa.table({**base, **columns}), bank.root / "moves.parquet")
    bank.inputs = [{"name": "moves", "file": "moves.parquet", "format": {"kind": "parquet"}}]
    bank.tables[0]["bad_rows_max"] = 1


def test_nan_in_parquet_is_null_and_infinity_a_fault(transactions: Bank) -> None:
    _parquet(transactions, amount=pa.array([1.25, float("nan"), float("inf"), -0.0]))
    result = transactions.run()
    kept = [(row["transaction_id"], row["amount"]) for row in transactions.rows(result.tables["transaction"].snapshot)]
    assert kept == [("T0", Decimal("1.25")), ("T3", Decimal("0.00"))]
    found = [(row["record"], row["key"], row["rule"], row["value"]) for row in transactions.rows(result.quarantine)]
    assert found == [(2, "T1", "required", None), (3, "T2", "range", "inf")]


def test_doubles_with_more_than_two_digits_are_no_money(transactions: Bank) -> None:
    _parquet(transactions, amount=pa.array([0.1 + 0.2, 1.005, 8033.0, 1e15]))
    result = transactions.run()
    assert result.tables["transaction"].counts.kept == 1
    assert [row["rule"] for row in transactions.rows(result.quarantine)] == ["digits", "digits", "range"]


def test_decimals_with_further_zeros_are_money(transactions: Bank) -> None:
    values = [Decimal("1.2300"), Decimal("1.2301"), None]
    _parquet(transactions, amount=pa.array(values, pa.decimal128(20, 4)))
    result = transactions.run()
    assert [row["amount"] for row in transactions.rows(result.tables["transaction"].snapshot)] == [Decimal("1.23")]
    assert [row["rule"] for row in transactions.rows(result.quarantine)] == ["digits", "required"]


def test_whole_numbers_beyond_what_all_engines_hold_are_quarantined(bank: Bank) -> None:
    quotas = pa.array([INTEGER_MAX, INTEGER_MAX + 1, 2**63 - 1, None], pa.int64())
    pq.write_table(pa.table({"id": pa.array(["a", "b", "c", "d"]), "quota": quotas}), bank.root / "partners.parquet")
    bank.inputs = [{"name": "partners", "file": "partners.parquet", "format": {"kind": "parquet"}}]
    columns = {"partner_id": "id", "quota": "quota"}
    bank.tables = [{"table": "partner", "name": "p", "from": "partners", "columns": columns, "bad_rows_max": 1}]
    result = bank.run()
    assert [row["quota"] for row in bank.rows(result.tables["partner"].snapshot)] == [INTEGER_MAX, None]
    assert [(row["key"], row["rule"]) for row in bank.rows(result.quarantine)] == [("b", "range"), ("c", "range")]


def test_ids_that_became_doubles_are_whole_again(transactions: Bank) -> None:
    _parquet(transactions, account=pa.array([123456789012.0, None]))
    result = transactions.run()
    assert [row["account_id"] for row in transactions.rows(result.tables["transaction"].snapshot)] == ["123456789012"]
    assert [row["rule"] for row in transactions.rows(result.quarantine)] == ["required"]


def test_files_whose_types_differ_are_read_as_the_wider_one(transactions: Bank) -> None:
    _parquet(transactions, account=pa.array([1, 2], pa.int32()))
    table = pq.read_table(transactions.root / "moves.parquet")
    other = table.set_column(1, "account", pa.array([3.0, 4.0])).set_column(0, "id", pa.array(["T8", "T9"]))
    pq.write_table(other, transactions.root / "moves2.parquet")
    transactions.inputs[0]["file"] = "moves*.parquet"
    rows = transactions.rows(transactions.run().tables["transaction"].snapshot)
    assert [row["account_id"] for row in rows] == ["1", "2", "3", "4"]


def test_a_quiet_day_has_an_empty_quarantine(transactions: Bank) -> None:
    transactions.deliver("transactions.csv", HEADER + transaction_lines(3))
    result = transactions.run(date(2024, 3, 28))
    assert result.quarantine.rows == 0
    assert transactions.rows(result.quarantine) == []
